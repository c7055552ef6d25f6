#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/base/heap.h"
#include "core/base/limits.h"
#include "core/base/num.h"
#include "core/screen/keysym.h"
#include "core/screen/script.h"
#include "tests/unit/test.h"

static char told[4096];

static void __attribute__((format(printf, 1, 2))) tell(const char *format, ...)
{
    size_t n = strlen(told);
    va_list args;

    va_start(args, format);
    vsnprintf(told + n, sizeof told - n, format, args);
    va_end(args);
}

/* Writes an act as "+ff0d " (key down), "-ff0d ", "@3,4 ", "b1+ ", "s0,-3 ". */
static void tell_act(const struct input_event *e)
{
    if (e->kind == INPUT_KEY)
        tell("%c%x ", e->down ? '+' : '-', (unsigned)e->keysym);
    else if (e->kind == INPUT_MOVE)
        tell("@%d,%d ", (int)e->x, (int)e->y);
    else if (e->kind == INPUT_BUTTON)
        tell("b%u%c ", (unsigned)e->button, e->down ? '+' : '-');
    else
        tell("s%d,%d ", (int)e->dx, (int)e->dy);
}

/* Carries out what is there; waits are skipped ("w250 " in ms), syncs answered ("sync "). */
static enum script_result carry_out(struct script *s, uint64_t *now_us)
{
    for (;;) {
        struct input_event e;
        enum script_result r = script_next(s, *now_us, &e);
        if (r == SCRIPT_ACT) {
            tell_act(&e);
        } else if (r == SCRIPT_WAIT) {
            tell("w%u ", (unsigned)((script_deadline_us(s) - *now_us) / 1000));
            *now_us = script_deadline_us(s);
        } else if (r == SCRIPT_SYNC) {
            tell("sync ");
            script_synced(s);
        } else {
            return r;
        }
    }
}

/* The acts of a whole script, or "LINE:COLUMN reason". */
static const char *acts(const char *text)
{
    struct script s;
    struct script_error error;
    uint64_t now_us = 1000;
    enum err e;

    told[0] = 0;
    script_init(&s);
    e = script_feed(&s, bytes_of_string(text), &error);
    if (!e)
        e = script_finish(&s, &error);
    if (e)
        snprintf(told, sizeof told, "%llu:%zu %s", (unsigned long long)error.line, error.column,
                 error.reason);
    else if (carry_out(&s, &now_us) != SCRIPT_END)
        snprintf(told, sizeof told, "no end");
    script_release(&s);
    return told;
}

static void commands_become_acts(void)
{
    static const struct {
        const char *text, *acts;
    } cases[] = {
        {"", ""},
        {"\n\n  # key x\n\t\n", ""},
        {"key Return", "+ff0d -ff0d "},
        {"key a\r\n", "+61 -61 "},
        {"  key \t ctrl+Return  ", "+ffe3 +ff0d -ff0d -ffe3 "},
        {"key Ctrl+ALT+Delete", "+ffe3 +ffe9 +ffff -ffff -ffe9 -ffe3 "},
        {"key down shift+x", "+ffe1 +78 "},
        {"key up shift+x", "-78 -ffe1 "},
        {"key down ctrl\nkey up ctrl", "+ffe3 -ffe3 "},
        {"key +", "+2b -2b "},
        {"key ctrl++", "+ffe3 +2b -2b -ffe3 "},
        {"key plus", "+2b -2b "},
        {"key ctrl+plus", "+ffe3 +2b -2b -ffe3 "},
        {"key U+20AC", "+10020ac -10020ac "},
        {"key altgr+U+20ac", "+fe03 +10020ac -10020ac -fe03 "},
        {"key \xe2\x82\xac", "+10020ac -10020ac "},
        {"key eacute", "+e9 -e9 "},
        {"key U+E9", "+e9 -e9 "},
        {"key XF86AudioMute", "+1008ff12 -1008ff12 "},
        {"key KP_5", "+ffb5 -ffb5 "},
        {"key super", "+ffeb -ffeb "},
        {"key down", "1:9 a key is missing: Return, ctrl+c, F5, U+20AC ..."},
        {"key Down", "+ff54 -ff54 "},
        {"key #", "+23 -23 "},
        {"type a B", "+61 -61 +20 -20 +42 -42 "},
        {"type  x ", "+20 -20 +78 -78 +20 -20 "},
        {"type #1", "+23 -23 +31 -31 "},
        {"type \xc3\xa9\xd0\xb6\t", "+e9 -e9 +1000436 -1000436 +ff09 -ff09 "},
        {"type \xf0\x9f\x98\x80", "+101f600 -101f600 "},
        {"move 0 16383", "@0,16383 "},
        {"click", "b1+ b1- "},
        {"click 3", "b3+ b3- "},
        {"button 9 down\nbutton 9 up", "b9+ b9- "},
        {"scroll 0 -3", "s0,-3 "},
        {"scroll 100 -100", "s100,-100 "},
        {"wait 250ms\nkey x\nwait 0", "w250 +78 -78 "},
        {"sync\nclick", "sync b1+ b1- "},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        if (strcmp(acts(cases[i].text), cases[i].acts) != 0) {
            printf("%s: %s\n", cases[i].text, told);
            EXPECT(!"these acts");
        }
}

static void mistakes_have_a_place_and_a_reason(void)
{
    static const struct {
        const char *text, *place, *part;
    } cases[] = {
        {"press x", "1:1 ", "'press' is no command"},
        {"\n # \n  Key x", "3:3 ", "no command"},
        {"key", "1:4 ", "missing"},
        {"key retrun", "1:5 ", "no key is called 'retrun'"},
        {"key return", "1:5 ", "do you mean Return?"},
        {"key ctrl+return", "1:10 ", "do you mean Return?"},
        {"key hyper+x", "1:5 ", "'hyper' is no modifier"},
        {"key ctrl+", "1:10 ", "missing"},
        {"key a b", "1:7 ", "nothing more"},
        {"key ctrl+ctrl+ctrl+ctrl+ctrl+ctrl+x", "1:35 ", "at most 6"},
        {"key U+D800", "1:5 ", "no key"},
        {"key U+110000", "1:5 ", "no key"},
        {"key U+", "1:5 ", "no key"},
        {"type", "1:5 ", "missing"},
        {"type ", "1:6 ", "missing"},
        {"\xc3\xa9", "1:1 ", "no command"},
        {"type \xc3\xa9\xc3", "1:7 ", "not UTF-8 (byte 0xc3)"},
        {"type \xed\xa0\x80", "1:6 ", "not UTF-8"},
        {"type \xc0\xaf", "1:6 ", "not UTF-8"},
        {"type a\x01", "1:7 ", "control character (0x01)"},
        {"type a\x7f", "1:7 ", "control character (0x7f)"},
        {"type ab\xc2\x85", "1:8 ", "no key types"},
        {"key x\ry", "1:6 ", "control character (0x0d)"},
        {"move 1", "1:7 ", "Y must be a whole number from 0 to 16383"},
        {"move -1 0", "1:6 ", "X must be"},
        {"move 16384 0", "1:6 ", "X must be"},
        {"move 1.5 0", "1:6 ", "X must be"},
        {"move 99999999999999999999 0", "1:6 ", "X must be"},
        {"move 1 2 3", "1:10 ", "nothing more"},
        {"click 0", "1:7 ", "the button must be"},
        {"click 10", "1:7 ", "the button must be"},
        {"click 4", "1:7 ", "is the wheel"},
        {"click 1 2", "1:9 ", "nothing more"},
        {"button 1", "1:9 ", "down or up"},
        {"button 1 left", "1:10 ", "down or up"},
        {"button down 1", "1:8 ", "the button must be"},
        {"scroll 0", "1:9 ", "DY must be"},
        {"scroll 0 101", "1:10 ", "DY must be"},
        {"scroll 0 -", "1:10 ", "DY must be"},
        {"scroll 0 --1", "1:10 ", "DY must be"},
        {"wait", "1:5 ", "a time is"},
        {"wait 5", "1:6 ", "a time is"},
        {"wait 5 ms", "1:6 ", "a time is"},
        {"wait -5ms", "1:6 ", "a time is"},
        {"wait 5ms x", "1:10 ", "nothing more"},
        {"sync now", "1:6 ", "nothing more"},
        {"click\nclick\nclik\nclick", "3:1 ", "'clik'"},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        acts(cases[i].text);
        if (strncmp(told, cases[i].place, strlen(cases[i].place)) != 0 ||
            !strstr(told, cases[i].part)) {
            printf("%s: %s\n", cases[i].text, told);
            EXPECT(!"this mistake");
        }
    }
}

static void long_words_are_cut_between_characters(void)
{
    char line[300] = "key ";

    for (int i = 0; i < 60; i++)
        strcat(line, "\xe2\x82\xac");
    acts(line);
    EXPECT(strncmp(told, "1:5 no key is called '", 22) == 0);
    /* 40 bytes are 13 whole characters of 3. */
    EXPECT_EQ(strchr(told + 22, '\'') - (told + 22), 39);
}

static void a_nul_is_refused(void)
{
    struct script s;
    struct script_error error;

    script_init(&s);
    EXPECT_EQ(script_feed(&s, bytes_of("type a\0b\n", 9), &error), ERR_MALFORMED);
    EXPECT(error.line == 1 && error.column == 7);
    struct input_event e;
    EXPECT_EQ(script_next(&s, 0, &e), SCRIPT_END);
    script_release(&s);
}

static void bytes_may_come_one_by_one(void)
{
    static const char text[] =
        "key ctrl+c\ntype h\xc3\xa9llo w\n# x\nwait 1s\nmove 3 4\nclick 2\nsync\n"
        "scroll 1 2\ntype last";
    char whole[sizeof told];
    struct script s;
    struct script_error error;
    uint64_t now_us = 1000;

    snprintf(whole, sizeof whole, "%s", acts(text));
    told[0] = 0;
    script_init(&s);
    for (size_t i = 0; i < sizeof text - 1; i++) {
        struct input_event e;
        EXPECT_EQ(script_feed(&s, bytes_of(text + i, 1), &error), OK);
        /* One act between bytes, so that lines are half done when the buffer moves. */
        enum script_result r = script_next(&s, now_us, &e);
        if (r == SCRIPT_ACT)
            tell_act(&e);
    }
    EXPECT_EQ(carry_out(&s, &now_us), SCRIPT_MORE);
    EXPECT_EQ(script_finish(&s, &error), OK);
    EXPECT_EQ(carry_out(&s, &now_us), SCRIPT_END);
    script_release(&s);
    EXPECT(strcmp(whole, told) == 0);
}

static void typing_survives_a_moving_buffer(void)
{
    struct script s;
    struct script_error error;
    struct input_event e;
    char big[LIMIT_LINE_CHARS];

    memset(big, '#', sizeof big);
    big[sizeof big - 1] = '\n';
    script_init(&s);
    EXPECT_EQ(script_feed(&s, bytes_of_string("click\ntype abc\n"), &error), OK);
    EXPECT(script_next(&s, 0, &e) == SCRIPT_ACT && script_next(&s, 0, &e) == SCRIPT_ACT);
    EXPECT(script_next(&s, 0, &e) == SCRIPT_ACT && e.keysym == 'a' && e.down);
    for (int i = 0; i < 20; i++)
        EXPECT_EQ(script_feed(&s, bytes_of(big, sizeof big), &error), OK);
    EXPECT(script_next(&s, 0, &e) == SCRIPT_ACT && e.keysym == 'a' && !e.down);
    EXPECT(script_next(&s, 0, &e) == SCRIPT_ACT && e.keysym == 'b' && e.down);
    script_release(&s);
}

static void good_lines_before_a_bad_one_are_kept(void)
{
    struct script s;
    struct script_error error;
    uint64_t now_us = 0;

    told[0] = 0;
    script_init(&s);
    EXPECT_EQ(script_feed(&s, bytes_of_string("click\nkey x\nbad\nclick\n"), &error),
              ERR_MALFORMED);
    EXPECT_EQ(error.line, 3);
    EXPECT_EQ(carry_out(&s, &now_us), SCRIPT_END);
    EXPECT(strcmp(told, "b1+ b1- +78 -78 ") == 0);
    script_release(&s);
}

static void waits_count_from_where_they_stand(void)
{
    struct script s;
    struct script_error error;
    struct input_event e;

    script_init(&s);
    EXPECT_EQ(script_feed(&s, bytes_of_string("wait 10ms\nwait 106751991d\nclick"), &error), OK);
    EXPECT_EQ(script_deadline_us(&s), UINT64_MAX);
    EXPECT_EQ(script_next(&s, 5000, &e), SCRIPT_WAIT);
    EXPECT_EQ(script_deadline_us(&s), 15000);
    EXPECT_EQ(script_next(&s, 14999, &e), SCRIPT_WAIT);
    EXPECT_EQ(script_next(&s, UINT64_MAX - 5, &e), SCRIPT_WAIT);
    EXPECT_EQ(script_deadline_us(&s), UINT64_MAX);
    script_release(&s);
}

static void too_much_is_refused(void)
{
    static char big[LIMIT_LINE_CHARS + 2];
    struct script s;
    struct script_error error;
    enum err e = OK;

    memset(big, '#', sizeof big);
    script_init(&s);
    EXPECT_EQ(script_feed(&s, bytes_of(big, LIMIT_LINE_CHARS), &error), OK);
    EXPECT_EQ(script_feed(&s, bytes_of(big, 1), &error), ERR_LIMIT);
    EXPECT(error.line == 1 && error.reason[0]);
    script_release(&s);

    script_init(&s);
    big[LIMIT_LINE_CHARS - 1] = '\n';
    size_t fed = 0;
    for (; !e && fed < 4 * (size_t)LIMIT_SCRIPT_BYTES; fed += LIMIT_LINE_CHARS)
        e = script_feed(&s, bytes_of(big, LIMIT_LINE_CHARS), &error);
    EXPECT_EQ(e, ERR_LIMIT);
    EXPECT_EQ(fed, LIMIT_SCRIPT_BYTES + LIMIT_LINE_CHARS);
    script_release(&s);

    /* Without end as long as it is carried out. */
    script_init(&s);
    for (fed = 0; fed < 3 * (size_t)LIMIT_SCRIPT_BYTES; fed += LIMIT_LINE_CHARS) {
        struct input_event act;
        EXPECT_EQ(script_feed(&s, bytes_of(big, LIMIT_LINE_CHARS), &error), OK);
        EXPECT_EQ(script_next(&s, 0, &act), SCRIPT_MORE);
    }
    script_release(&s);
}

static void memory_may_run_out(void)
{
    struct script s;
    struct script_error error;

    script_init(&s);
    heap_fail_at(1);
    EXPECT_EQ(script_feed(&s, bytes_of_string("click\n"), &error), ERR_MEMORY);
    heap_fail_at(0);
    EXPECT_EQ(script_feed(&s, bytes_of_string("click\n"), &error), OK);
    script_release(&s);
}

TEST_MAIN({"commands_become_acts", commands_become_acts},
          {"mistakes_have_a_place_and_a_reason", mistakes_have_a_place_and_a_reason},
          {"long_words_are_cut", long_words_are_cut_between_characters},
          {"a_nul_is_refused", a_nul_is_refused},
          {"bytes_may_come_one_by_one", bytes_may_come_one_by_one},
          {"typing_survives_a_moving_buffer", typing_survives_a_moving_buffer},
          {"good_lines_are_kept", good_lines_before_a_bad_one_are_kept},
          {"waits_count_from_where_they_stand", waits_count_from_where_they_stand},
          {"too_much_is_refused", too_much_is_refused}, {"memory_may_run_out", memory_may_run_out})
