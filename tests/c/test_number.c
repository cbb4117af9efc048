/*
 * test_number.c: decimal text to doubles, bit for bit, and to integers.
 */
#include "check.h"

#include <inttypes.h>
#include <stdlib.h>

#include "number.h"

/* Parses a copy of just its size, so that a sanitizer sees any step beyond. */
static ml_number_status parse(const char *text, size_t n, double *out) {
    char *copy = malloc(n ? n : 1);
    memcpy(copy, text, n);
    ml_number_status status = ml_parse_double(copy, n, out);
    free(copy);
    return status;
}

static void check_bits(const char *text, uint64_t expected) {
    double value = 0;
    uint64_t bits;
    ml_number_status status = parse(text, strlen(text), &value);
    memcpy(&bits, &value, sizeof bits);
    CHECK_MSG(status == ML_NUMBER_OK && bits == expected, "%.60s: status %d, bits %016" PRIX64, text, (int)status,
              bits);
}

static void test_values(void) {
    static const struct {
        const char *text;
        uint64_t bits;
    } cases[] = {
        {"0", 0x0000000000000000},
        {"-0", 0x8000000000000000},
        {"0e99999999999999999999", 0x0000000000000000},
        {"1", 0x3FF0000000000000},
        {"-1.5", 0xBFF8000000000000},
        {"+2.25", 0x4002000000000000},
        {".5", 0x3FE0000000000000},
        {"5.", 0x4014000000000000},
        {"5.e0", 0x4014000000000000},
        {"0.1", 0x3FB999999999999A},
        {"4.35", 0x4011666666666666},
        {"0.000001", 0x3EB0C6F7A0B5ED8D},
        {"8388608.5E-3", 0x40C0624DE353F7CF},
        {"3.141592653589793", 0x400921FB54442D18},
        {"000000000000000000000000000000001", 0x3FF0000000000000},
        {"0.00000000000000000000000000000001e32", 0x3FF0000000000000},
        {"100000000000000000000000000000000e-32", 0x3FF0000000000000},
        {"123456789012345678901234567890", 0x45F8EE90FF6C373E},
        /* about the border of what one operation on doubles can round */
        {"1e22", 0x4480F0CF064DD592},
        {"1e23", 0x44B52D02C7E14AF6},
        {"1e-22", 0x3B5E392010175EE6},
        {"9007199254740993", 0x4340000000000000},
        {"9007199254740995", 0x4340000000000002},
        {"6.9294956446009195e15", 0x43389E56EE5E7A58},
        {"3.7455744005952583e15", 0x432A9D28FF412A75},
        /* halfway, a little less, a little more */
        {"9007199254740993.0", 0x4340000000000000},
        {"9007199254740992.99999999999999999999", 0x4340000000000000},
        {"9007199254740993.00000000000000000001", 0x4340000000000001},
        {"1.00000000000000011102230246251565404236316680908203125", 0x3FF0000000000000},
        {"1.00000000000000011102230246251565404236316680908203124", 0x3FF0000000000000},
        {"1.00000000000000011102230246251565404236316680908203126", 0x3FF0000000000001},
        /* subnormal, and the ends */
        {"5e-324", 0x0000000000000001},
        {"2.4703282292062327e-324", 0x0000000000000000},
        {"2.4703282292062328e-324", 0x0000000000000001},
        {"2.2250738585072011e-308", 0x000FFFFFFFFFFFFF},
        {"2.2250738585072014e-308", 0x0010000000000000},
        {"8.98846567431158e307", 0x7FE0000000000000},
        {"1.7976931348623157e308", 0x7FEFFFFFFFFFFFFF},
        {"1.7976931348623158e308", 0x7FEFFFFFFFFFFFFF},
        {"1.7976931348623159e308", 0x7FF0000000000000},
        {"1e-400", 0x0000000000000000},
        {"1e400", 0x7FF0000000000000},
        {"-1e400", 0xFFF0000000000000},
        {"1e-99999999999999999999", 0x0000000000000000},
        {"1e99999999999999999999", 0x7FF0000000000000},
        /* not finite */
        {"NaN", 0x7FF8000000000000},
        {"nan", 0x7FF8000000000000},
        {"1.#QNAN", 0x7FF8000000000000},
        {"-1.#IND", 0xFFF8000000000000},
        {"-nan(ind)", 0xFFF8000000000000},
        {"inf", 0x7FF0000000000000},
        {"+INF", 0x7FF0000000000000},
        {"Infinity", 0x7FF0000000000000},
        {"-Infinity", 0xFFF0000000000000},
        {"1.#INF", 0x7FF0000000000000},
        {"-1.#INF00", 0xFFF0000000000000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) check_bits(cases[i].text, cases[i].bits);
}

static void test_surroundings(void) {
    static const char *const good[] = {"  7 ", "7", "+7.0 ", " 70e-1", "0.7E+1  "};
    double value;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        CHECK_MSG(parse(good[i], strlen(good[i]), &value) == ML_NUMBER_OK && value == 7, "\"%s\"", good[i]);
    CHECK(parse("7\0", 2, &value) == ML_NUMBER_OK && value == 7);
    CHECK(parse("\0 7 \0\0", 6, &value) == ML_NUMBER_OK && value == 7);

    static const char *const bad[] = {"",      " ",     ".",   "-",    "+",    "e5",     "1e",  "1e+",
                                      "1e5.0", "1.2.3", "1,5", "1 2",  "--1",  "+-1",    "- 1", "0x1",
                                      "1e 5",  "1e5x",  "na",  "nanx", "in",   "infi",   "1.#", "1.#INFx",
                                      "1_0",   "1\n2",  "1d5", "1f",   "None", "12:30 ", "1.#0"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CHECK_MSG(parse(bad[i], strlen(bad[i]), &value) == ML_NUMBER_BAD, "\"%s\"", bad[i]);
    CHECK(parse("1\0002", 3, &value) == ML_NUMBER_BAD);
}

/* A decimal integer as text: the midpoints between doubles are too long to write down. */

static void multiply_text(char *digits, int factor) {
    size_t n = strlen(digits);
    int carry = 0;
    for (size_t i = n; i-- > 0;) {
        carry += (digits[i] - '0') * factor;
        digits[i] = (char)('0' + carry % 10);
        carry /= 10;
    }
    if (carry != 0) {
        memmove(digits + 1, digits, n + 1);
        digits[0] = (char)('0' + carry);
    }
}

/* A midpoint rounds to the even neighbour; the next smaller integer, and anything behind it, tell. */
static void check_midpoint(const char *digits, int exponent, uint64_t below) {
    char text[4096];
    snprintf(text, sizeof text, "%se%d", digits, exponent);
    check_bits(text, below + (below & 1));
    snprintf(text, sizeof text, "%s.%0100de%d", digits, 0, exponent);
    check_bits(text, below + (below & 1));
    snprintf(text, sizeof text, "%s.%01000d1e%d", digits, 0, exponent);
    check_bits(text, below + 1);
    snprintf(text, sizeof text, "0.%010d%s%0300de%d", 0, digits, 1, exponent + 10 + (int)strlen(digits));
    check_bits(text, below + 1);
    int last = snprintf(text, sizeof text, "%s", digits) - 1;
    text[last]--; /* no midpoint used here ends with a zero */
    snprintf(text + last + 1, sizeof text - (size_t)last - 1, "%01000de%d", 0, exponent - 1000);
    check_bits(text, below);
}

static void test_midpoints(void) {
    static char digits[2048];

    /* (2^k + 1/2) * 2^-1074 for some subnormals and the least normals, down to half of the least double. */
    const uint64_t twice[] = {1, 3, 5, 2 * 1234567 + 1, ((uint64_t)1 << 53) - 1, ((uint64_t)1 << 53) + 1};
    for (size_t i = 0; i < sizeof twice / sizeof twice[0]; i++) {
        snprintf(digits, sizeof digits, "%" PRIu64, twice[i]);
        for (int k = 0; k < 1075; k++) multiply_text(digits, 5);
        check_midpoint(digits, -1075, twice[i] / 2);
    }

    /* Between the greatest double and what would be the next. */
    snprintf(digits, sizeof digits, "%" PRIu64, ((uint64_t)1 << 54) - 1);
    for (int k = 0; k < 970; k++) multiply_text(digits, 2);
    check_midpoint(digits, 0, 0x7FEFFFFFFFFFFFFF);

    /* One that takes the most digits of all normal ones: (2^54 - 1) * 2^-1075. */
    snprintf(digits, sizeof digits, "%" PRIu64, ((uint64_t)1 << 54) - 1);
    for (int k = 0; k < 1075; k++) multiply_text(digits, 5);
    check_midpoint(digits, -1075, 0x001FFFFFFFFFFFFF);
}

static void test_long_texts(void) {
    enum { LENGTH = 100000 };
    char *text = malloc(LENGTH + 16);
    memset(text, '0', LENGTH);
    text[0] = '1';
    memcpy(text + LENGTH, "e-99999", 8);
    check_bits(text, 0x3FF0000000000000);
    text[0] = '.';
    text[LENGTH - 1] = '1';
    memcpy(text + LENGTH, "e99999", 7);
    check_bits(text, 0x3FF0000000000000);
    memset(text, '9', LENGTH);
    text[1] = '.';
    text[LENGTH] = '\0';
    check_bits(text, 0x4024000000000000);
    free(text);
}

/* 17 digits name a double: text and back gives the same bits. */
static void test_round_trip(void) {
    uint64_t state = 1;
    char text[40];
    for (int i = 0; i < 200000; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        uint64_t bits = state ^ state >> 29;
        if (i % 4 == 0) bits &= ~(uint64_t)0 >> 12; /* subnormal */
        if ((bits >> 52 & 0x7FF) == 0x7FF) continue;
        double value;
        memcpy(&value, &bits, sizeof value);
        snprintf(text, sizeof text, "%.17g", value);
        check_bits(text, bits);
    }
}

static void check_int(const char *text, ml_number_status expected, int64_t number) {
    int64_t value = number;
    ml_number_status status = ml_parse_int64(text, strlen(text), &value);
    CHECK_MSG(status == expected && value == number, "\"%s\": status %d, %" PRId64, text, (int)status, value);
}

static void test_integers(void) {
    check_int("0", ML_NUMBER_OK, 0);
    check_int("-0", ML_NUMBER_OK, 0);
    check_int(" +512 ", ML_NUMBER_OK, 512);
    check_int("-1", ML_NUMBER_OK, -1);
    check_int("2.0", ML_NUMBER_OK, 2);
    check_int("2.", ML_NUMBER_OK, 2);
    check_int(".0", ML_NUMBER_OK, 0);
    check_int("2e1", ML_NUMBER_OK, 20);
    check_int("2.5e1", ML_NUMBER_OK, 25);
    check_int("2500e-2", ML_NUMBER_OK, 25);
    check_int("0e-99999999999999999999", ML_NUMBER_OK, 0);
    check_int("0.00000000000000000000000000000007e32", ML_NUMBER_OK, 7);
    check_int("70000000000000000000000000000000e-31", ML_NUMBER_OK, 7);
    check_int("00000000000000000000000000000007.000000", ML_NUMBER_OK, 7);
    check_int("9007199254740993", ML_NUMBER_OK, 9007199254740993);
    check_int("9223372036854775807", ML_NUMBER_OK, INT64_MAX);
    check_int("9223372036854775807.000", ML_NUMBER_OK, INT64_MAX);
    check_int("-9223372036854775808", ML_NUMBER_OK, INT64_MIN);

    check_int("9223372036854775808", ML_NUMBER_RANGE, 1);
    check_int("-9223372036854775809", ML_NUMBER_RANGE, 1);
    check_int("18446744073709551615", ML_NUMBER_RANGE, 1);
    check_int("18446744073709551616", ML_NUMBER_RANGE, 1);
    check_int("99999999999999999999999999", ML_NUMBER_RANGE, 1);
    check_int("99999999999999999999999999.0", ML_NUMBER_RANGE, 1);
    check_int("1e400", ML_NUMBER_RANGE, 1);
    check_int("1e99999999999999999999", ML_NUMBER_RANGE, 1);

    check_int("2.5", ML_NUMBER_FRACTION, 1);
    check_int("1e-1", ML_NUMBER_FRACTION, 1);
    check_int("1e-99999999999999999999", ML_NUMBER_FRACTION, 1);
    check_int("99999999999999999999999999.5", ML_NUMBER_FRACTION, 1);
    check_int("0.99999999999999999999999999", ML_NUMBER_FRACTION, 1);
    check_int("NaN", ML_NUMBER_FRACTION, 1);
    check_int("-inf", ML_NUMBER_FRACTION, 1);

    check_int("", ML_NUMBER_BAD, 1);
    check_int("-", ML_NUMBER_BAD, 1);
    check_int("1 2", ML_NUMBER_BAD, 1);
    check_int("1a", ML_NUMBER_BAD, 1);
    check_int("0x10", ML_NUMBER_BAD, 1);
}

int main(void) {
    test_values();
    test_surroundings();
    test_midpoints();
    test_long_texts();
    test_round_trip();
    test_integers();
    return ml_check_report();
}
