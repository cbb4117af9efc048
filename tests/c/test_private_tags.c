/*
 * test_private_tags.c: some of the private data dictionary, and its bounds. tests/test_private_dictionary.py compares
 * all of it with pydicom.
 */
#include "check.h"

#include "private_tags.h"

static uint16_t creator(const char *name) {
    return ml_private_creator(name, strlen(name));
}

static void check_vr(const char *name, uint32_t tag, ml_vr vr) {
    ml_vr found = ml_private_vr(creator(name), tag);
    CHECK_MSG(found == vr, "%s %08X is \"%s\"", name, (unsigned)tag, ml_vr_name(found));
}

static void test_creators(void) {
    /* The shortest and the longest name of pydicom 3.0.2, and one that needs escapes in C. */
    CHECK(creator("V1") != 0);
    CHECK(creator("http://www.gemedicalsystems.com/it_solutions/bamwallthickness/1.0") != 0);
    CHECK(creator("GEMS_IDEN_01") != 0);
    CHECK(creator("SIEMENS CSA HEADER") != 0);
    CHECK(creator("GE ?\?? From Adantage Review CS") != 0);
    CHECK(creator("GEMS_IDEN_01") != creator("GEMS_PARM_01"));

    /* Only the given length is read, and all of it counts. */
    CHECK(ml_private_creator("GEMS_IDEN_01 and more", 12) == creator("GEMS_IDEN_01"));
    CHECK(creator("GEMS_IDEN_0") == 0);
    CHECK(creator("GEMS_IDEN_01 ") == 0);
    CHECK(creator(" GEMS_IDEN_01") == 0);
    CHECK(creator("gems_iden_01") == 0);
    CHECK(ml_private_creator("GEMS_IDEN_01\0", 13) == 0);
    CHECK(creator("HOLOGIC") != 0 && creator("Hologic") != 0 && creator("HOLOGIC") != creator("Hologic"));

    CHECK(ml_private_creator("", 0) == 0);
    CHECK(ml_private_creator(NULL, 0) == 0);
    CHECK(ml_private_creator("GEMS_IDEN_01", SIZE_MAX) == 0);
    char text[200];
    const unsigned char filler[] = {0x00, ' ', 'A', 'z', 0x7F, 0x80, 0xFF};
    for (size_t i = 0; i < sizeof filler; i++) {
        memset(text, filler[i], sizeof text);
        for (size_t length = 0; length <= sizeof text; length++)
            CHECK_MSG(ml_private_creator(text, length) == 0, "%d, %d times", filler[i], (int)length);
    }
}

static void test_elements(void) {
    /* Any block. */
    check_vr("GEMS_IDEN_01", 0x00091002, ML_VR_SH);
    check_vr("GEMS_IDEN_01", 0x0009FF02, ML_VR_SH);
    check_vr("GEMS_IDEN_01", 0x00090002, ML_VR_SH);
    check_vr("GEMS_PARM_01", 0x00431039, ML_VR_IS);
    check_vr("SIEMENS CSA HEADER", 0x00291010, ML_VR_OB);
    check_vr("SIEMENS CSA HEADER", 0x00291110, ML_VR_OB);
    check_vr("Philips Imaging DD 001", 0x20051268, ML_VR_NONE);

    /* VRs that are not PS3.5's. */
    check_vr("FDMS 1.0", 0x002710A3, ML_VR_US_SS);
    check_vr("TOSHIBA_MEC_OT3", 0x70191080, ML_VR_OB_OW);

    /* One block alone; and before any block. */
    check_vr("CANON_MEC_MR3", 0x700D0000, ML_VR_DS);
    check_vr("CANON_MEC_MR3", 0x700D000C, ML_VR_CS);
    check_vr("ELSCINT1", 0x01F11026, ML_VR_FD);
    check_vr("ELSCINT1", 0x01F11126, ML_VR_DS);
    check_vr("ELSCINT1", 0x01F1104E, ML_VR_SH);
    check_vr("ELSCINT1", 0x01F1204E, ML_VR_LO);

    /* Any group of a hundred, even ones included. */
    check_vr("DLX_ANNOT_01", 0x70011004, ML_VR_ST);
    check_vr("DLX_ANNOT_01", 0x70FFFF04, ML_VR_ST);
    check_vr("DLX_ANNOT_01", 0x70000004, ML_VR_ST);
    check_vr("DLX_ANNOT_01", 0x71011004, ML_VR_NONE);
    check_vr("DLX_ANNOT_01", 0x70011006, ML_VR_NONE);

    /* A creator knows its own elements only, and not itself. */
    check_vr("GEMS_IDEN_01", 0x00431039, ML_VR_NONE);
    check_vr("GEMS_IDEN_01", 0x00090010, ML_VR_NONE);
    check_vr("no such creator", 0x00091002, ML_VR_NONE);
}

/* Whatever the number and the tag, nothing outside the tables is read (the sanitizers see to it) or returned. */
static void test_bounds(void) {
    const uint32_t tags[] = {0, 0x00091002, 0x002910FF, 0x60011010, 0x7FFFFFFF, 0x80000000, 0xFFFF00FF, 0xFFFFFFFF};
    for (uint32_t number = 0; number <= UINT16_MAX; number++) {
        for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++) {
            ml_vr vr = ml_private_vr((uint16_t)number, tags[i]);
            CHECK_MSG((unsigned)vr < ML_VR_DICT_COUNT, "creator %d", (int)number);
            if (number == 0 || number == UINT16_MAX) CHECK(vr == ML_VR_NONE);
        }
    }
}

int main(void) {
    test_creators();
    test_elements();
    test_bounds();
    return ml_check_report();
}
