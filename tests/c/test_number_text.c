/*
 * test_number_text.c: doubles and integers to decimal text.
 *
 * What makes a text right is checked without knowing how it was found: it reads back as the same double, no text with
 * fewer digits does, none with as many is nearer (as far as printf can tell, which rounds correctly), and it is laid
 * out as Python's repr.
 */
#include "check.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>

#include "number.h"
#include "number_text.h"

static uint64_t random_state = 1;

static uint64_t random_bits(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state * 2685821657736338717u;
}

static double from_bits(uint64_t bits) {
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint64_t to_bits(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static bool reads_as(const char *text, size_t n, double value) {
    double back;
    return ml_parse_double(text, n, &back) == ML_NUMBER_OK && to_bits(back) == to_bits(value);
}

/* In a block of just the room promised, so that a sanitizer sees any step beyond. */
static char *room;

static size_t write(double value) {
    memset(room, '#', ML_DOUBLE_ROOM);
    return ml_write_double(value, room);
}

/* digits * 10^exponent, without a zero at the end */
typedef struct decimal {
    uint64_t digits;
    int count;
    int exponent;
} decimal;

static decimal split(const char *text, size_t n) {
    decimal d = {0, 0, 0};
    size_t i = text[0] == '-';
    bool point = false;
    for (; i < n && text[i] != 'e'; i++) {
        if (text[i] == '.') {
            point = true;
            continue;
        }
        d.digits = d.digits * 10 + (uint64_t)(text[i] - '0');
        d.exponent -= point;
    }
    if (i < n) {
        char exponent[8] = "";
        memcpy(exponent, text + i + 1, n - i - 1);
        d.exponent += atoi(exponent);
    }
    while (d.digits != 0 && d.digits % 10 == 0) {
        d.digits /= 10;
        d.exponent++;
    }
    for (uint64_t rest = d.digits; rest != 0; rest /= 10) d.count++;
    return d;
}

/* Whether digits * 10^exponent reads as a positive double; the text is put together without printf, for speed. */
static bool decimal_reads_as(uint64_t digits, int exponent, double value) {
    char text[32];
    size_t n = ml_write_uint64(digits, text);
    text[n++] = 'e';
    n += ml_write_int64(exponent, text + n);
    return reads_as(text, n, value);
}

/* Reads back, and nothing shorter does. A shorter decimal in the interval would be next to the one in the text. */
static bool is_shortest(double value) {
    size_t n = write(value);
    if (n > 24 || !reads_as(room, n, value)) return false;
    decimal d = split(room, n);
    if (d.count < 2) return d.count == 1 || value == 0;
    if (value < 0) value = -value;
    return !decimal_reads_as(d.digits / 10, d.exponent + 1, value) &&
           !decimal_reads_as(d.digits / 10 + 1, d.exponent + 1, value);
}

static void check_shortest(double value) {
    CHECK_MSG(is_shortest(value), "%.17g: %.*s", value, (int)write(value), room);
}

/* Python's layout, in the plainest way. */
static void lay_out(const char *digits, int count, int point, char *text) {
    if (point > 16 || point < -3) {
        sprintf(text, "%c%s%.*se%s%02d", digits[0], count > 1 ? "." : "", count - 1, digits + 1,
                point - 1 < 0 ? "-" : "+", abs(point - 1));
    } else if (point <= 0) {
        sprintf(text, "0.%.*s%.*s", -point, "000", count, digits);
    } else if (point < count) {
        sprintf(text, "%.*s.%.*s", point, digits, count - point, digits + point);
    } else {
        sprintf(text, "%.*s%.*s.0", count, digits, point - count, "0000000000000000");
    }
}

/* Of so many digits the nearest, unless that one does not read back; and the layout. */
static void check_nearest(double value) {
    char rounded[40], expected[40], digits[24];
    size_t n = write(value);
    decimal d = split(room, n);
    if (value < 0) value = -value;
    if (value == 0) return;
    sprintf(rounded, "%.*e", d.count - 1, value);
    decimal nearest = split(rounded, strlen(rounded));
    if (reads_as(rounded, strlen(rounded), value))
        CHECK_MSG(nearest.digits == d.digits && nearest.exponent == d.exponent, "%.*s, nearer: %s", (int)n, room,
                  rounded);
    sprintf(digits, "%" PRIu64, d.digits);
    lay_out(digits, d.count, d.count + d.exponent, expected);
    size_t sign = room[0] == '-';
    CHECK_MSG(n == sign + strlen(expected) && memcmp(room + sign, expected, n - sign) == 0, "%.*s, expected %s", (int)n,
              room, expected);
}

static void check_double(double value) {
    check_shortest(value);
    check_nearest(value);
}

/* With its neighbours, and all negative; not for zero and the greatest. */
static void check_around(double value) {
    for (int step = -1; step <= 1; step++) {
        double near = from_bits(to_bits(value) + (uint64_t)step);
        check_double(near);
        check_double(-near);
    }
}

static void test_texts(void) {
    static const struct {
        uint64_t bits;
        const char *text;
    } cases[] = {
        {0x0000000000000000, "0.0"},
        {0x8000000000000000, "-0.0"},
        {0x3FF0000000000000, "1.0"},
        {0xBFF0000000000000, "-1.0"},
        {0x3FB999999999999A, "0.1"},
        {0xC029000000000000, "-12.5"},
        {0x4059000000000000, "100.0"},
        {0x3FD3333333333334, "0.30000000000000004"},
        {0x400921FB54442D18, "3.141592653589793"},
        {0x3FD5555555555555, "0.3333333333333333"},
        {0x3FEFFFFFFFFFFFFF, "0.9999999999999999"},
        {0x3FF0000000000001, "1.0000000000000002"},
        {0x40FE240C9FBE76C9, "123456.789"},
        /* where the exponent begins */
        {0x3F1A36E2EB1C432D, "0.0001"},
        {0x3F1A36E2EB1C432C, "9.999999999999999e-05"},
        {0x3F202E85BE180B74, "0.00012345678901234567"},
        {0x3EE4F8B588E368F1, "1e-05"},
        {0x3E7AD7F29ABCAF48, "1e-07"},
        {0x433FFFFFFFFFFFFF, "9007199254740991.0"},
        {0x4340000000000000, "9007199254740992.0"},
        {0x4340000000000001, "9007199254740994.0"},
        {0x4341C37937E07FFF, "9999999999999998.0"},
        {0x4341C37937E08000, "1e+16"},
        {0x4341C37937E08001, "1.0000000000000002e+16"},
        {0x43E0000000000000, "9.223372036854776e+18"},
        {0x4480F0CF064DD592, "1e+22"},
        {0x44B52D02C7E14AF6, "1e+23"},
        {0x44B52D02C7E14AF7, "1.0000000000000001e+23"},
        {0x2B2BFF2EE48E0530, "1e-100"},
        {0x54B249AD2594C37D, "1e+100"},
        /* halfway between two texts */
        {0x4310000000000001, "1125899906842624.2"},
        {0x4310000000000003, "1125899906842624.8"},
        /* above halfway by less than 2^-60 of the distance */
        {0x0FC22CEA327FA99D, "9.146153763407015e-233"},
        {0x7C82240C80BDA7BF, "5.657214278064575e+291"},
        /* powers of two: nearer to the double below */
        {0x3D30000000000000, "5.684341886080802e-14"},
        {0x0060000000000000, "7.120236347223045e-307"},
        {0x7FE0000000000000, "8.98846567431158e+307"},
        /* subnormal, and the ends */
        {0x0000000000000001, "5e-324"},
        {0x0000000000000002, "1e-323"},
        {0x0000000000000003, "1.5e-323"},
        {0x0000000000000014, "1e-322"},
        {0x000FFFFFFFFFFFFF, "2.225073858507201e-308"},
        {0x0010000000000000, "2.2250738585072014e-308"},
        {0x7FEFFFFFFFFFFFFF, "1.7976931348623157e+308"},
        {0xFFEFFFFFFFFFFFFF, "-1.7976931348623157e+308"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double value = from_bits(cases[i].bits);
        size_t n = write(value);
        CHECK_MSG(n == strlen(cases[i].text) && memcmp(room, cases[i].text, n) == 0, "%.*s, expected %s", (int)n, room,
                  cases[i].text);
        check_double(value);
    }
}

static void test_powers(void) {
    for (int exponent = 0; exponent < 52; exponent++) check_around(from_bits((uint64_t)1 << exponent));
    for (uint64_t bits = 1; bits < 2000; bits++) check_double(from_bits(bits));
    for (uint64_t biased = 1; biased < 2047; biased++) check_around(from_bits(biased << 52));
    for (int exponent = -323; exponent <= 308; exponent++) {
        for (int digit = 1; digit < 10; digit++) {
            char text[16];
            double value;
            int n = sprintf(text, "%de%d", digit, exponent);
            if (ml_parse_double(text, (size_t)n, &value) == ML_NUMBER_OK && value - value == 0) check_around(value);
        }
    }
}

static void test_whole_numbers(void) {
    const double border = 9007199254740992;
    for (int i = 0; i < 2000; i++) {
        check_double(i);
        check_double(border + i);
        check_double(border - i);
        check_double(-border / 2 - i * 0.5);
        check_double(border / 8 + i * 0.25); /* half of these lie midway between two texts */
        check_double((double)(random_bits() >> (random_bits() & 63)));
    }
}

/* What measurements are: a few decimals, and single precision. */
static void test_usual_numbers(void) {
    for (int i = 0; i < 20000; i++) {
        double tens = 1;
        for (int places = i % 7; places > 0; places--) tens *= 10;
        check_double((double)(random_bits() % 2000000) / tens - 1000);
        uint32_t bits = (uint32_t)random_bits();
        float single;
        memcpy(&single, &bits, sizeof single);
        if (single - single == 0) check_double(single);
    }
}

static void test_random_bits(int count) {
    int wrong = 0;
    for (int i = 0; i < count; i++) {
        uint64_t bits = random_bits();
        if (i % 8 == 0) bits &= (~(uint64_t)0 >> 12) >> (bits >> 59); /* subnormal */
        if ((bits >> 52 & 0x7FF) == 0x7FF) continue;
        double value = from_bits(bits);
        if (!is_shortest(value)) {
            wrong++;
            check_shortest(value);
        }
        if (i % 64 == 0) check_nearest(value);
    }
    CHECK(wrong == 0);
}

static void check_integer(const char *kind, const char *out, size_t n, const char *expected) {
    CHECK_MSG(n == strlen(expected) && memcmp(out, expected, n) == 0, "%s: %.*s, expected %s", kind, (int)n, out,
              expected);
}

static void check_integers(uint64_t value) {
    char *out = malloc(ML_INTEGER_ROOM);
    char expected[32];
    int64_t as_signed;
    memcpy(&as_signed, &value, sizeof as_signed);
    sprintf(expected, "%" PRIu64, value);
    check_integer("uint64", out, ml_write_uint64(value, out), expected);
    sprintf(expected, "%" PRId64, as_signed);
    check_integer("int64", out, ml_write_int64(as_signed, out), expected);
    free(out);
}

static void test_integers(void) {
    uint64_t power = 1;
    for (int count = 1; count <= 20; count++, power *= 10) {
        for (int step = -1; step <= 1; step++) {
            check_integers(power + (uint64_t)step);
            check_integers(0 - power + (uint64_t)step);
            check_integers(power * (random_bits() % 9 + 1));
        }
    }
    for (int bit = 0; bit < 64; bit++) {
        check_integers((uint64_t)1 << bit);
        check_integers(((uint64_t)1 << bit) - 1);
    }
    for (int i = 0; i < 20000; i++) check_integers(random_bits() >> (i & 63));
}

int main(void) {
    room = malloc(ML_DOUBLE_ROOM);
    test_texts();
    test_powers();
    test_whole_numbers();
    test_usual_numbers();
    test_random_bits(3000000);
    test_integers();
    free(room);
    return ml_check_report();
}
