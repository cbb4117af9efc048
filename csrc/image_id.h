/*
 * image_id.h: the frame at the end of an image id, for the ids that servers and this package make.
 */
#ifndef ML_IMAGE_ID_H
#define ML_IMAGE_ID_H

#include "base.h"

/* How long an id is without the frame that it ends with, and *frame, of 1 to 9 digits; -1 when it ends with none, or is
 * of another kind than those that are plain to read (image_ids.PLAIN). The text is ASCII. */
ptrdiff_t ml_image_id_base(const char *text, size_t n, uint32_t *frame);

/* What plain "wadors:" ids of one series have in common: everything before the UID of the instance. */
enum { ML_SERIES_ROOM = 488 };
typedef struct ml_series_ids {
    uint32_t length;      /* 0: nothing is known */
    uint32_t names_frame; /* the text itself has a "frame" in it, such as a host's name */
    char text[ML_SERIES_ROOM];
} ml_series_ids;

/* Learns it from an id, if that is one of these; otherwise nothing is known. */
void ml_series_ids_learn(ml_series_ids *series, const char *text, size_t n);

/* Whether an id is of that series, with a UID of digits and dots that begins after what they have in common; *frame is
 * 0 where it names none. Says of it what ml_image_id_base and ml_image_id_names_frame say, at a tenth of their time. */
int ml_series_ids_match(const ml_series_ids *series, const char *text, size_t n, size_t *uid_length, uint32_t *frame);

/* Whether an image id may stand for an image of a series: 1 when it names that one or none, 0 when it names another, -1
 * where it takes image_ids to tell. The texts are ASCII. */
int ml_image_id_may_be_of(const char *text, size_t n, const char *study, size_t study_n, const char *series,
                          size_t series_n);

/* Whether "frame" stands in a text: one without names no frame. */
int ml_image_id_names_frame(const char *text, size_t n);

#endif
