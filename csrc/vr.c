/*
 * vr.c: the names and classes of the value representations.
 *
 * The scanner asks for the VR of every element it did not predict, so two letters become an ml_vr by one load from a
 * 26 x 26 table of bytes (676 bytes, a few cache lines of which are ever touched) and not by comparing strings. The
 * letters are checked first, the input being untrusted. All three tables grow out of the one list below, so a VR cannot
 * have a name but no class.
 */
#include "vr.h"

/* Every VR of PS3.5, its two letters, and what its values are. */
#define ML_VR_LIST(X)                                                                                                  \
    X(AE, 'A', 'E', TEXT)                                                                                              \
    X(AS, 'A', 'S', TEXT)                                                                                              \
    X(AT, 'A', 'T', TEXT)                                                                                              \
    X(CS, 'C', 'S', TEXT)                                                                                              \
    X(DA, 'D', 'A', TEXT)                                                                                              \
    X(DS, 'D', 'S', FLOAT)                                                                                             \
    X(DT, 'D', 'T', TEXT)                                                                                              \
    X(FD, 'F', 'D', FLOAT)                                                                                             \
    X(FL, 'F', 'L', FLOAT)                                                                                             \
    X(IS, 'I', 'S', INT)                                                                                               \
    X(LO, 'L', 'O', TEXT)                                                                                              \
    X(LT, 'L', 'T', TEXT)                                                                                              \
    X(OB, 'O', 'B', BINARY)                                                                                            \
    X(OD, 'O', 'D', BINARY)                                                                                            \
    X(OF, 'O', 'F', BINARY)                                                                                            \
    X(OL, 'O', 'L', BINARY)                                                                                            \
    X(OV, 'O', 'V', BINARY)                                                                                            \
    X(OW, 'O', 'W', BINARY)                                                                                            \
    X(PN, 'P', 'N', NAME)                                                                                              \
    X(SH, 'S', 'H', TEXT)                                                                                              \
    X(SL, 'S', 'L', INT)                                                                                               \
    X(SQ, 'S', 'Q', SEQUENCE)                                                                                          \
    X(SS, 'S', 'S', INT)                                                                                               \
    X(ST, 'S', 'T', TEXT)                                                                                              \
    X(SV, 'S', 'V', INT)                                                                                               \
    X(TM, 'T', 'M', TEXT)                                                                                              \
    X(UC, 'U', 'C', TEXT)                                                                                              \
    X(UI, 'U', 'I', TEXT)                                                                                              \
    X(UL, 'U', 'L', INT)                                                                                               \
    X(UN, 'U', 'N', BINARY)                                                                                            \
    X(UR, 'U', 'R', TEXT)                                                                                              \
    X(US, 'U', 'S', INT)                                                                                               \
    X(UT, 'U', 'T', TEXT)                                                                                              \
    X(UV, 'U', 'V', INT)

/* Those of the dictionary alone. Where OW is among the choices the values stay bytes: that loses nothing, whichever of
 * the choices it turns out to be. */
#define ML_VR_PSEUDO_LIST(X)                                                                                           \
    X(US_SS, "US or SS", INT)                                                                                          \
    X(OB_OW, "OB or OW", BINARY)                                                                                       \
    X(US_OW, "US or OW", BINARY)                                                                                       \
    X(US_SS_OW, "US or SS or OW", BINARY)

#define ML_COUNT_VR(name, first, second, kind) +1
#define ML_COUNT_PSEUDO(name, text, kind) +1
_Static_assert(1 ML_VR_LIST(ML_COUNT_VR) == ML_VR_COUNT, "the list differs from the enum in vr.h");
_Static_assert(ML_VR_COUNT ML_VR_PSEUDO_LIST(ML_COUNT_PSEUDO) == ML_VR_DICT_COUNT, "the list differs from vr.h");

enum { ML_LETTERS = 'Z' - 'A' + 1 };

#define ML_LETTERS_ROW(name, first, second, kind) [((first) - 'A') * ML_LETTERS + (second) - 'A'] = ML_VR_##name,
static const uint8_t ml_vr_by_letters[ML_LETTERS * ML_LETTERS] = {ML_VR_LIST(ML_LETTERS_ROW)};

#define ML_NAME_ROW(name, first, second, kind) [ML_VR_##name] = #name,
#define ML_NAME_ROW_PSEUDO(name, text, kind) [ML_VR_##name] = text,
static const char ml_vr_names[ML_VR_DICT_COUNT][16] = {ML_VR_LIST(ML_NAME_ROW) ML_VR_PSEUDO_LIST(ML_NAME_ROW_PSEUDO)};

#define ML_CLASS_ROW(name, first, second, kind) [ML_VR_##name] = ML_CLASS_##kind,
#define ML_CLASS_ROW_PSEUDO(name, text, kind) [ML_VR_##name] = ML_CLASS_##kind,
static const uint8_t ml_vr_classes[ML_VR_DICT_COUNT] = {ML_VR_LIST(ML_CLASS_ROW)
                                                            ML_VR_PSEUDO_LIST(ML_CLASS_ROW_PSEUDO)};

ml_vr ml_vr_of(const char letters[2]) {
    /* As unsigned differences: everything that is not an upper-case letter is too large, in one comparison each. */
    unsigned first = (unsigned)(unsigned char)letters[0] - 'A';
    unsigned second = (unsigned)(unsigned char)letters[1] - 'A';
    if (first >= ML_LETTERS || second >= ML_LETTERS) return ML_VR_NONE;
    return (ml_vr)ml_vr_by_letters[first * ML_LETTERS + second];
}

const char *ml_vr_name(ml_vr vr) {
    return (unsigned)vr < ML_VR_DICT_COUNT ? ml_vr_names[vr] : "";
}

ml_vr_class ml_class_of(ml_vr vr) {
    return (unsigned)vr < ML_VR_DICT_COUNT ? (ml_vr_class)ml_vr_classes[vr] : ML_CLASS_TEXT;
}
