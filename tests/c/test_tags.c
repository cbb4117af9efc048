/*
 * test_tags.c: VRs, the data dictionary, and dcmjs' names.
 */
#include "check.h"

#include "dcmjs_names.h"
#include "tags.h"

static void test_vr(void) {
    for (int vr = ML_VR_AE; vr < ML_VR_COUNT; vr++)
        CHECK_MSG(ml_vr_of(ml_vr_name((ml_vr)vr)) == (ml_vr)vr, "VR %d", vr);
    CHECK_TEXT(ml_vr_name(ML_VR_AE), "AE");
    CHECK_TEXT(ml_vr_name(ML_VR_UV), "UV");
    CHECK_TEXT(ml_vr_name(ML_VR_NONE), "");
    CHECK_TEXT(ml_vr_name(ML_VR_US_SS_OW), "US or SS or OW");
    CHECK_TEXT(ml_vr_name(ML_VR_DICT_COUNT), "");

    /* Every pair of bytes: exactly the 34 are VRs. */
    int found = 0;
    for (int first = 0; first < 256; first++) {
        for (int second = 0; second < 256; second++)
            found += ml_vr_of((const char[2]){(char)first, (char)second}) != ML_VR_NONE;
    }
    CHECK(found == ML_VR_COUNT - 1);
    CHECK(ml_vr_of("us") == ML_VR_NONE);
    CHECK(ml_vr_of("OX") == ML_VR_NONE);

    CHECK(ml_class_of(ML_VR_NONE) == ML_CLASS_TEXT);
    CHECK(ml_class_of(ML_VR_AT) == ML_CLASS_TEXT);
    CHECK(ml_class_of(ML_VR_UI) == ML_CLASS_TEXT);
    CHECK(ml_class_of(ML_VR_IS) == ML_CLASS_INT);
    CHECK(ml_class_of(ML_VR_SV) == ML_CLASS_INT);
    CHECK(ml_class_of(ML_VR_DS) == ML_CLASS_FLOAT);
    CHECK(ml_class_of(ML_VR_FL) == ML_CLASS_FLOAT);
    CHECK(ml_class_of(ML_VR_PN) == ML_CLASS_NAME);
    CHECK(ml_class_of(ML_VR_UN) == ML_CLASS_BINARY);
    CHECK(ml_class_of(ML_VR_OV) == ML_CLASS_BINARY);
    CHECK(ml_class_of(ML_VR_SQ) == ML_CLASS_SEQUENCE);
    CHECK(ml_class_of(ML_VR_US_SS) == ML_CLASS_INT);
    CHECK(ml_class_of(ML_VR_OB_OW) == ML_CLASS_BINARY);
}

/* Each entry is found by its tag and its keyword, and by nothing else. */
static void test_all_entries(void) {
    char changed[256];
    for (size_t i = 0; i < ml_tag_count(); i++) {
        const ml_tag_info *info = ml_tag_at(i);
        const ml_tag_info *by_tag = ml_tag_find(info->tag);
        /* 0028,04x0 and the like start at a tag that has an entry of its own. */
        CHECK_MSG(by_tag == info || (info->repeating && i > 0 && by_tag == info - 1), "tag %08X", info->tag);
        CHECK_MSG(i == 0 || ml_tag_at(i - 1)->tag <= info->tag, "order of %08X", info->tag);
        CHECK_MSG(info->vr < ML_VR_DICT_COUNT, "VR of %08X", info->tag);
        CHECK_MSG(ml_vm_text(info->vm)[0] != '\0', "VM of %08X", info->tag);

        size_t length = strlen(info->keyword);
        CHECK_MSG(length == info->keyword_length, "length of %s", info->keyword);
        if (length == 0) continue;
        CHECK_MSG(ml_tag_by_keyword(info->keyword, length) == info, "keyword %s", info->keyword);
        CHECK_MSG(ml_tag_by_keyword(info->keyword, length - 1) != info, "most of %s", info->keyword);
        memcpy(changed, info->keyword, length + 1);
        changed[length / 2] ^= 0x20;
        CHECK_MSG(ml_tag_by_keyword(changed, length) == NULL, "found %s", changed);
    }
    CHECK(ml_tag_at(ml_tag_count()) == NULL);
}

static void test_known_entries(void) {
    const ml_tag_info *rows = ml_tag_find(0x00280010);
    CHECK(rows != NULL);
    CHECK_TEXT(rows->keyword, "Rows");
    CHECK(rows->vr == ML_VR_US && !rows->retired && !rows->repeating);
    CHECK_TEXT(ml_vm_text(rows->vm), "1");
    CHECK(ml_tag_by_keyword("Rows", 4) == rows);

    CHECK_TEXT(ml_tag_find(0)->keyword, "CommandGroupLength");
    CHECK(ml_tag_find(0x00280106)->vr == ML_VR_US_SS);
    CHECK(ml_tag_find(0x7FE00010)->vr == ML_VR_OB_OW);
    CHECK(ml_tag_find(0xFFFEE000)->vr == ML_VR_NONE);
    CHECK_TEXT(ml_vm_text(ml_tag_find(0x00180050)->vm), "1");
    CHECK_TEXT(ml_vm_text(ml_tag_find(0x00280030)->vm), "2");
    CHECK_TEXT(ml_vm_text(ml_tag_find(0x00080008)->vm), "2-n");
    CHECK_TEXT(ml_vm_text(255), "");
    CHECK(ml_tag_find(0x00080010)->retired);
    CHECK(ml_tag_find(0x00280020)->keyword_length == 0);

    CHECK(ml_tag_find(0x00091001) == NULL);
    CHECK(ml_tag_find(0x00280009 + 0x0000F000) == NULL);
    CHECK(ml_tag_find(0xFFFFFFFF) == NULL);
    CHECK(ml_tag_by_keyword("", 0) == NULL);
    CHECK(ml_tag_by_keyword("rows", 4) == NULL);
    CHECK(ml_tag_by_keyword("NoSuchKeyword", 13) == NULL);
}

static void test_repeating_groups(void) {
    const ml_tag_info *overlay = ml_tag_find(0x60000010);
    CHECK_TEXT(overlay->keyword, "OverlayRows");
    CHECK(overlay->repeating && overlay->tag == 0x60000010);
    CHECK(ml_tag_find(0x60020010) == overlay);
    CHECK(ml_tag_find(0x60FE0010) == overlay);
    CHECK(ml_tag_by_keyword("OverlayRows", 11) == overlay);
    CHECK(ml_tag_find(0x60010010) == NULL);
    CHECK(ml_tag_find(0x60FF0010) == NULL);
    CHECK(ml_tag_find(0x61000010) == NULL);
    CHECK(ml_tag_find(0x60000013) == NULL);

    CHECK_TEXT(ml_tag_find(0x50F03000)->keyword, "CurveData");
    CHECK_TEXT(ml_tag_find(0x7FE00011)->keyword, "VariableNextDataGroup");
    CHECK_TEXT(ml_tag_find(0x7FE00010)->keyword, "PixelData");
    CHECK_TEXT(ml_tag_find(0x7F020010)->keyword, "VariablePixelData");
    CHECK_TEXT(ml_tag_find(0x00203155)->keyword, "SourceImageIDs");
    CHECK_TEXT(ml_tag_find(0x00280400)->keyword, "TransformLabel");
    CHECK_TEXT(ml_tag_find(0x00280410)->keyword, "RowsForNthOrderCoefficients");
    CHECK_TEXT(ml_tag_find(0x002804F3)->keyword, "CoefficientCodingPointers");
    CHECK(ml_tag_find(0x00280415) == NULL);
    CHECK_TEXT(ml_tag_find(0x1000ABC5)->keyword, "ShiftTableTriplet");
    CHECK_TEXT(ml_tag_find(0x1010ABCD)->keyword, "ZonalMap");
}

static void check_dcmjs(uint32_t tag, const char *name, const char *vr) {
    const ml_dcmjs_entry *entry = ml_dcmjs_find(tag);
    CHECK_MSG(entry != NULL, "%08X is missing", tag);
    if (entry != NULL) {
        CHECK_MSG(strcmp(entry->name, name) == 0, "%08X is %s", tag, entry->name);
        CHECK_MSG(strcmp(entry->vr, vr) == 0, "%08X is a %s", tag, entry->vr);
        CHECK(strlen(name) == entry->name_length);
    }
}

static void test_dcmjs_names(void) {
    check_dcmjs(0x00280010, "Rows", "US");
    check_dcmjs(0x00080010, "RETIRED_RecognitionCode", "SH");
    check_dcmjs(0x00101000, "OtherPatientIDs", "LO");
    check_dcmjs(0x21000140, "RETIRED_DestinationAE", "AE");
    check_dcmjs(0x0040A803, "NumbeOfTableColumns", "UL");
    check_dcmjs(0x006862F0, "ViewOrientationModifier", "FD");
    check_dcmjs(0x00180061, "RETIRED_undefined", "DS");
    check_dcmjs(0x300A0782, "RETIRED_undefined", "US");
    check_dcmjs(0x00280106, "SmallestImagePixelValue", "xs");
    check_dcmjs(0x7FE00010, "PixelData", "ox");
    check_dcmjs(0x00283006, "LUTData", "lt");
    check_dcmjs(0x00041504, "RETIRED_MRDRDirectoryRecordOffset", "up");
    check_dcmjs(0xFFFEE000, "Item", "na");
    check_dcmjs(0x00660040, "LongPrimitivePointIndexList", "UL");
    CHECK(ml_dcmjs_find(0x00020026) == NULL);
    CHECK(ml_dcmjs_find(0x00080202) == NULL);
    CHECK(ml_dcmjs_find(0x00091001) == NULL);

    /* Ranges, odd groups and all. */
    check_dcmjs(0x60000010, "OverlayRows", "US");
    check_dcmjs(0x60030010, "OverlayRows", "US");
    check_dcmjs(0x60FF3000, "OverlayData", "ox");
    check_dcmjs(0x50F10005, "RETIRED_CurveDimensions", "US");
    check_dcmjs(0x7FE10010, "RETIRED_VariablePixelData", "ox");
    check_dcmjs(0x7FE00011, "RETIRED_VariableNextDataGroup", "US");
    CHECK(ml_dcmjs_find(0x60030013) == NULL);
    check_dcmjs(0x00280410, "RETIRED_RowsForNthOrderCoefficients", "US");
    check_dcmjs(0x00280800, "RETIRED_CodeLabel", "CS");
    check_dcmjs(0x10000015, "RETIRED_ShiftTableTriplet", "US");
    check_dcmjs(0x10100004, "RETIRED_ZonalMap", "US");
    CHECK(ml_dcmjs_find(0x00280420) == NULL);
    CHECK(ml_dcmjs_find(0x00280810) == NULL);
    CHECK(ml_dcmjs_find(0x10000025) == NULL);
    CHECK(ml_dcmjs_find(0x10100005) == NULL);
    CHECK(ml_dcmjs_find(0x00203100) == NULL);
}

/* Where dcmjs' table and pydicom 3.0.2's differ, in figures: a new edition of PS3.6 shows here first. */
static void test_dcmjs_count(void) {
    int missing = 0, prefixed = 0;
    for (size_t i = 0; i < ml_tag_count(); i++) {
        const ml_tag_info *info = ml_tag_at(i);
        if (info->repeating) continue;
        const ml_dcmjs_entry *entry = ml_dcmjs_find(info->tag);
        missing += entry == NULL;
        prefixed += entry != NULL && strncmp(entry->name, "RETIRED_", 8) == 0;
    }
    CHECK_MSG(missing == 13, "%d missing", missing);
    CHECK_MSG(prefixed == 388, "%d prefixed", prefixed);
}

int main(void) {
    test_vr();
    test_all_entries();
    test_known_entries();
    test_repeating_groups();
    test_dcmjs_names();
    test_dcmjs_count();
    return ml_check_report();
}
