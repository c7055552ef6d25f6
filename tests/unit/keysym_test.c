#include <string.h>

#include "core/base/utf8.h"
#include "core/screen/keysym.h"
#include "tests/unit/test.h"

static uint32_t named(const char *name)
{
    return keysym_of_name(bytes_of_string(name));
}

static void the_table_is_in_order(void)
{
    EXPECT(keysym_table_count > 1000);
    for (size_t i = 0; i < keysym_table_count; i++) {
        const struct keysym_entry *e = &keysym_table[i];
        EXPECT(e->keysym && e->name[0] && strlen(e->name) < 40);
        EXPECT(i == 0 || keysym_table[i - 1].keysym <= e->keysym);
        EXPECT_EQ(named(e->name), strlen(e->name) == 1 ? (uint32_t)e->name[0] : e->keysym);
        EXPECT(keysym_name(e->keysym));
        EXPECT(e->code <= 0x10ffff);
    }
}

static void names_are_found(void)
{
    EXPECT_EQ(named("Return"), 0xff0d);
    EXPECT_EQ(named("F12"), 0xffc9);
    EXPECT_EQ(named("Page_Down"), 0xff56);
    EXPECT_EQ(named("ISO_Level3_Shift"), 0xfe03);
    EXPECT_EQ(named("dead_acute"), 0xfe51);
    EXPECT_EQ(named("EuroSign"), 0x20ac);
    EXPECT_EQ(named("Cyrillic_ya"), 0x6d1);
    EXPECT_EQ(named("XF86AudioRaiseVolume"), 0x1008ff13);
    EXPECT_EQ(named("ydiaeresis"), 0xff);
    EXPECT_EQ(named("a"), 'a');
    EXPECT_EQ(named("5"), '5');
    EXPECT_EQ(named("\xc3\xbf"), 0xff);
    EXPECT_EQ(named("\xe2\x82\xac"), KEYSYM_UNICODE + 0x20ac);
    EXPECT_EQ(named("U+41"), 'A');
    EXPECT_EQ(named("U+10FFFF"), KEYSYM_UNICODE + 0x10ffff);
    EXPECT_EQ(named("U+0009"), KEYSYM_TAB);
}

static void nonsense_is_not(void)
{
    static const char *const bad[] = {
        "",          "return", "Retur",  "Return ", "U+",   "U+4",      "U+DFFF",       "U+110000",
        "U+1234567", "U+00G0", "u+20AC", "U+7F",    "\xc3", "\xff\xfe", "\xed\xa0\x80", "\x01"};

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        EXPECT_EQ(named(bad[i]), KEYSYM_NONE);
    EXPECT(!keysym_name(0));
    EXPECT(!keysym_name(0xdeadbeef));
}

static void characters_go_there_and_back(void)
{
    for (uint32_t code = 0; code <= 0x110010; code++) {
        uint32_t keysym = keysym_of_code(code);
        bool control = code < 0x20 || (code >= 0x7f && code < 0xa0);
        if (control || (code >= 0xd800 && code < 0xe000) || code > 0x10ffff)
            EXPECT_EQ(keysym_to_code(keysym), 0);
        else
            EXPECT_EQ(keysym_to_code(keysym), code);
    }
    EXPECT_EQ(keysym_of_code('\n'), KEYSYM_RETURN);
    EXPECT_EQ(keysym_to_code(0x6d1), 0x44f);
    EXPECT_EQ(keysym_to_code(0x20ac), 0x20ac);
    EXPECT_EQ(keysym_to_code(0xffb5), '5');
    EXPECT_EQ(keysym_to_code(0xffaa), '*');
    EXPECT_EQ(keysym_to_code(0xff0d), 0);
    EXPECT_EQ(keysym_to_code(KEYSYM_UNICODE + 0xd800), 0);
    EXPECT_EQ(keysym_to_code(KEYSYM_UNICODE + 0x7f), 0);
    EXPECT_EQ(keysym_to_code(0xffffffff), 0);
}

TEST_MAIN({"the_table_is_in_order", the_table_is_in_order}, {"names_are_found", names_are_found},
          {"nonsense_is_not", nonsense_is_not},
          {"characters_go_there_and_back", characters_go_there_and_back})
