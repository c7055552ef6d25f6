#include "core/base/utf8.h"

#include <string.h>

#include "tests/unit/test.h"

static void every_character_goes_there_and_back(void)
{
    for (uint32_t code = 0; code <= 0x110010; code++) {
        uint8_t text[UTF8_MAX_BYTES];
        size_t n = utf8_put(code, text);
        struct bytes left = bytes_of(text, n);
        uint32_t got;
        if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) {
            EXPECT_EQ(n, 0);
            continue;
        }
        EXPECT_EQ(utf8_bad_at(left), n);
        EXPECT(utf8_next(&left, &got) && got == code && left.n == 0);
        /* Cut short it is no character. */
        for (size_t cut = 1; cut < n; cut++)
            EXPECT_EQ(utf8_bad_at(bytes_of(text, cut)), 0);
    }
}

static void bad_bytes_count_one_by_one(void)
{
    static const char *const bad[] = {"\x80",
                                      "\xbf",
                                      "\xc0\x80",
                                      "\xc1\xbf",
                                      "\xe0\x9f\xbf",
                                      "\xed\xa0\x80",
                                      "\xed\xbf\xbf",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf4\x90\x80\x80",
                                      "\xf8\x88\x80\x80\x80",
                                      "\xfe",
                                      "\xff",
                                      "\xc3\x28",
                                      "\xe2\x82"};

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct bytes left = bytes_of_string(bad[i]);
        size_t n = left.n;
        uint32_t code;
        EXPECT_EQ(utf8_bad_at(left), 0);
        EXPECT(utf8_next(&left, &code));
        EXPECT_EQ(code, UTF8_BAD);
        EXPECT_EQ(left.n, n - 1);
    }
    EXPECT_EQ(utf8_bad_at(bytes_of_string("ab\xc3\xa9\xff")), 4);
    struct bytes none = bytes_of(NULL, 0);
    uint32_t code;
    EXPECT(!utf8_next(&none, &code));
}

static bool cleans_to(const char *text, size_t n, size_t room, const char *want)
{
    char to[32];

    memset(to, 'x', sizeof to);
    utf8_clean(bytes_of(text, n), to, room);
    return strcmp(to, want) == 0;
}

static void foreign_text_is_fit_to_print(void)
{
    EXPECT(cleans_to("", 0, 1, ""));
    EXPECT(cleans_to("plain", 5, 32, "plain"));
    EXPECT(cleans_to("a\x1b[2Jb\nc\x7f", 9, 32, "a?[2Jb?c?"));
    EXPECT(cleans_to("nul\0x", 5, 32, "nul?x"));
    EXPECT(cleans_to("\xc2\x9b" "c1", 4, 32, "?c1"));
    EXPECT(cleans_to("\xff\xc3\xa9", 3, 32, "?\xc3\xa9"));
    /* Cut between characters. */
    EXPECT(cleans_to("ab\xc3\xa9", 4, 5, "ab\xc3\xa9"));
    EXPECT(cleans_to("ab\xc3\xa9", 4, 4, "ab"));
    EXPECT(cleans_to("abc", 3, 1, ""));
}

TEST_MAIN({"every_character_goes_there_and_back", every_character_goes_there_and_back},
          {"bad_bytes_count_one_by_one", bad_bytes_count_one_by_one},
          {"foreign_text_is_fit_to_print", foreign_text_is_fit_to_print})
