/*
 * js_names.h: the attributes of a shape under the names and in the order that the JavaScript packages give them; for
 * write_dcmjs.c and write_cornerstone.c.
 */
#ifndef ML_JS_NAMES_H
#define ML_JS_NAMES_H

#include "write.h"

/*
 * Plans a shape as JavaScript walks its attributes: keys that look like integers first, ascending, then the others as
 * they came; on the way out, names that look like integers first, then (vr_map) dcmjs' _vrMap, then the others. The
 * plan is odd when two attributes share a name or one is called _vrMap. 0 without memory.
 */
int ml_plan_js(ml_plan *plan, int vr_map);

#endif
