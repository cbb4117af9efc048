/*
 * vr.h: value representations (PS3.5 section 6.2) as small integers.
 *
 * The two letters of a VR are looked up once, when an element is scanned; from then on everything that depends on the
 * VR is a table indexed by ml_vr. The pseudo VRs at the end exist only in the dictionary, where PS3.6 leaves the choice
 * to other attributes ("US or SS").
 */
#ifndef ML_VR_H
#define ML_VR_H

#include <stdint.h>

typedef enum ml_vr {
    ML_VR_NONE = 0, /* absent, or not one of PS3.5's */
    ML_VR_AE,
    ML_VR_AS,
    ML_VR_AT,
    ML_VR_CS,
    ML_VR_DA,
    ML_VR_DS,
    ML_VR_DT,
    ML_VR_FD,
    ML_VR_FL,
    ML_VR_IS,
    ML_VR_LO,
    ML_VR_LT,
    ML_VR_OB,
    ML_VR_OD,
    ML_VR_OF,
    ML_VR_OL,
    ML_VR_OV,
    ML_VR_OW,
    ML_VR_PN,
    ML_VR_SH,
    ML_VR_SL,
    ML_VR_SQ,
    ML_VR_SS,
    ML_VR_ST,
    ML_VR_SV,
    ML_VR_TM,
    ML_VR_UC,
    ML_VR_UI,
    ML_VR_UL,
    ML_VR_UN,
    ML_VR_UR,
    ML_VR_US,
    ML_VR_UT,
    ML_VR_UV,
    ML_VR_COUNT,
    /* only in the dictionary */
    ML_VR_US_SS = ML_VR_COUNT,
    ML_VR_OB_OW,
    ML_VR_US_OW,
    ML_VR_US_SS_OW,
    ML_VR_DICT_COUNT
} ml_vr;

/* The VR of two letters, ML_VR_NONE when there is none of that name. */
ml_vr ml_vr_of(const char letters[2]);

/* "US", or "US or SS" for a pseudo VR; "" for ML_VR_NONE. Static storage. */
const char *ml_vr_name(ml_vr vr);

/* What the values of a VR are once they are typed. */
typedef enum ml_vr_class {
    ML_CLASS_TEXT = 0, /* also AT, DA, TM, DT, UI */
    ML_CLASS_INT,      /* IS and the binary integers */
    ML_CLASS_FLOAT,    /* DS, FL, FD */
    ML_CLASS_NAME,     /* PN */
    ML_CLASS_BINARY,   /* OB OD OF OL OV OW UN */
    ML_CLASS_SEQUENCE  /* SQ */
} ml_vr_class;

ml_vr_class ml_class_of(ml_vr vr);

#endif
