/*
 * test_image_id.c: the frames of image ids, and ids of one series after the other.
 */
#include "check.h"

#include <stdlib.h>

#include "image_id.h"

/* From memory of just the size, so that a sanitizer sees any step beyond. */
static ptrdiff_t base_of(const char *text, uint32_t *frame) {
    size_t n = strlen(text);
    char *copy = malloc(n ? n : 1);
    memcpy(copy, text, n);
    ptrdiff_t base = ml_image_id_base(copy, n, frame);
    free(copy);
    return base;
}

static void check_frame(const char *base, const char *end, uint32_t frame) {
    char text[300];
    uint32_t got = 0;
    snprintf(text, sizeof text, "%s%s", base, end);
    CHECK_MSG(base_of(text, &got) == (ptrdiff_t)strlen(base) && got == frame, "%s: %u", text, got);
}

static void check_none(const char *text) {
    uint32_t frame;
    CHECK_MSG(base_of(text, &frame) == -1, "%s", text);
}

#define INSTANCE "wadors:https://host/studies/1.2/series/1.2.3/instances/1.2.3.4"

static void test_frames(void) {
    check_frame(INSTANCE, "/frames/1", 1);
    check_frame(INSTANCE, "/frames/999999999", 999999999);
    check_frame("wadors:/studies/1/series/2/instances/3", "/frames/20", 20);
    check_frame("wadouri:https://host/a", "?frame=3", 3);
    check_frame("wadouri:https://host/a?objectUID=1.2", "&frame=3", 3);
    check_frame("dicomfile:/data/a", "?frame=7", 7);
    check_frame("https://host/a", "?frame=10", 10);
    check_none("");
    check_none("1");
    check_none(INSTANCE);
    check_none(INSTANCE "/frames/");
    check_none(INSTANCE "/frames/0");
    check_none(INSTANCE "/frames/01");
    check_none(INSTANCE "/frames/1234567890");
    check_none(INSTANCE "/frames/1,2");
    check_none(INSTANCE "/frames/1/rendered");
    check_none(INSTANCE "?a=b/frames/1");
    check_none("wadors:/instances/1/frames/1");
    check_none("wadors:https://host/studies/1/studies/1/series/2/instances/3/frames/1");
    check_none("wadors:https://host\n/studies/1/series/2/instances/3/frames/1");
    check_none("wadouri:https://host/frames/2?frame=3");
    check_none("wadouri:https://host/a?Frame=2&frame=3");
    check_none("wadouri:https://host/a?b=1#c&frame=3");
    check_none("wadouri:?frame=3");
    check_none("https:///a?frame=3");
    check_none("web:https://host/a?frame=3");
}

static void test_names(void) {
    static const char *const with[] = {"frame", "a/frames/1", "ffframe", "web:fram?frame"};
    static const char *const without[] = {"", "fram", "Frame", "f", "fffff", "framXe"};
    for (size_t i = 0; i < 4; i++) CHECK_MSG(ml_image_id_names_frame(with[i], strlen(with[i])), "%s", with[i]);
    for (size_t i = 0; i < 6; i++)
        CHECK_MSG(!ml_image_id_names_frame(without[i], strlen(without[i])), "%s", without[i]);
}

/* Whether an id is of the series of another one; its UID and frame go into a text. */
static const char *follow(const char *first, const char *text) {
    static char told[200];
    ml_series_ids series;
    size_t length = 0, n = strlen(text);
    uint32_t frame = 0;
    char *copy = malloc(n ? n : 1);
    memcpy(copy, text, n);
    ml_series_ids_learn(&series, first, strlen(first));
    if (ml_series_ids_match(&series, copy, n, &length, &frame))
        snprintf(told, sizeof told, "%.*s frame %u", (int)length, copy + series.length, frame);
    else
        strcpy(told, "other");
    free(copy);
    return told;
}

#define SERIES "wadors:https://host/studies/1.2/series/1.2.3/instances/"

static void test_series(void) {
    CHECK_TEXT(follow(INSTANCE "/frames/1", SERIES "1.2.5/frames/12"), "1.2.5 frame 12");
    CHECK_TEXT(follow(INSTANCE "/frames/1", SERIES "1.2.5"), "1.2.5 frame 0");
    CHECK_TEXT(follow(INSTANCE, SERIES "1.2.840.113619.2.55.3.604688119.969.1268071029.320/frames/1"),
               "1.2.840.113619.2.55.3.604688119.969.1268071029.320 frame 1");
    CHECK_TEXT(follow(INSTANCE, SERIES "0"), "0 frame 0");
    static const char *const others[] = {"",
                                         "w",
                                         SERIES,
                                         SERIES "/frames/1",
                                         SERIES "1.2a",
                                         SERIES "1.2.3.4.5.6.7:",
                                         SERIES "1.2.3.4.5/6",
                                         SERIES "1.2 ",
                                         SERIES "1.2/frames",
                                         SERIES "1.2/frames/",
                                         SERIES "1.2/frames/0",
                                         SERIES "1.2/frames/1,2",
                                         SERIES "1.2/Frames/1",
                                         SERIES "1.2/frames/1/frames/2",
                                         SERIES "1.2?frame=1",
                                         SERIES "1.2\xC3",
                                         SERIES "1.2/rendered",
                                         "wadors:https://host/studies/1.2/series/1.2.9/instances/1.2.5/frames/12"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        CHECK_MSG(strcmp(follow(INSTANCE "/frames/1", others[i]), "other") == 0, "%s", others[i]);
    /* of what nothing is learnt, and of a host whose name says frame */
    CHECK_TEXT(follow("wadouri:https://host/a?objectUID=1&frame=1", "wadouri:https://host/a?objectUID=1&frame=1"),
               "other");
    CHECK_TEXT(follow("wadors:/instances/1", "wadors:/instances/1"), "other");
    CHECK_TEXT(follow("", ""), "other");
    CHECK_TEXT(follow("wadors:https://frames/studies/1/series/2/instances/3",
                      "wadors:https://frames/studies/1/series/2/instances/3"),
               "other");
    CHECK_TEXT(follow("wadors:https://frames/studies/1/series/2/instances/3",
                      "wadors:https://frames/studies/1/series/2/instances/4/frames/2"),
               "4 frame 2");
}

static void test_long(void) {
    char text[2000] = "wadors:https://";
    ml_series_ids series;
    memset(text + 15, 'a', 1000);
    strcpy(text + 1015, "/studies/1/series/2/instances/3");
    ml_series_ids_learn(&series, text, strlen(text));
    CHECK(series.length == 0);
}

static int may_be(const char *text) {
    size_t n = strlen(text);
    char *copy = malloc(n ? n : 1);
    memcpy(copy, text, n);
    int found = ml_image_id_may_be_of(copy, n, "1.2", 3, "1.2.3", 5);
    free(copy);
    return found;
}

static void test_series_of_ids(void) {
    CHECK(may_be(INSTANCE) == 1);
    CHECK(may_be(INSTANCE "/frames/7") == 1);
    CHECK(may_be("wadors:https://h/studies/1.2/series/1.2.30/instances/1.2.3") == 0);
    CHECK(may_be("wadors:https://h/studies/1.2/series/1.2/instances/1.2.3/frames/1") == 0);
    CHECK(may_be("wadors:https://h/studies/1.9/series/1.2.3/instances/1.2.3") == 0);
    CHECK(may_be("wadors:https://h/studies/1.2/series/1%2E2.3/instances/1.2.3") == -1);
    CHECK(may_be("wadors:https://h/studies/1.2/series/1.2.3/instances/1?a=/series/2") == -1);
    CHECK(may_be("wadors:https://h/a.dcm") == -1);
    CHECK(may_be("wadouri:https://h/wado?studyUID=1.2&seriesUID=1.2.4&objectUID=5&frame=3") == 0);
    CHECK(may_be("wadouri:https://h/wado?studyUID=1.2&seriesUID=1.2.3&objectUID=5") == -1);
    CHECK(may_be("wadouri:https://h/wado?studyUID=1.2&seriesUID=&objectUID=5") == -1);
    CHECK(may_be("wadouri:https://h/wado?studyUID=1.2") == -1);
    CHECK(may_be("wadouri:https://h/wado?SERIESUID=1.2.4") == -1);
    CHECK(may_be("wadouri:https://h/myseriesUID=1.2.4") == -1);
    CHECK(may_be("wadouri:https://h/Studies/1/x?seriesUID=1.2.4") == -1);
    CHECK(may_be("wadouri:https://h/a.dcm#seriesUID=1.2.4") == -1);
    CHECK(may_be("wadouri:https://h/a.dcm?frame=3") == 1);
    CHECK(may_be("dicomfile:/data/series/1") == 1);
    CHECK(may_be("web:a.png") == 1);
    CHECK(may_be("") == 1);
}

int main(void) {
    test_frames();
    test_series_of_ids();
    test_names();
    test_series();
    test_long();
    return ml_check_report();
}
