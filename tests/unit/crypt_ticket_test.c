#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/limits.h"
#include "core/base/num.h"
#include "core/base/rng.h"
#include "core/crypt/crypt.h"
#include "core/crypt/target.h"
#include "core/crypt/ticket.h"
#include "tests/unit/test.h"

#define LABEL63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HOST253                                                                                    \
    LABEL63 "." LABEL63 "." LABEL63 ".aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
                                    "aa"

static void targets_have_one_form(void)
{
    static const struct {
        const char *text, *printed;
    } table[] = {
        {"host", "host:7470"},
        {"Host.Example:1", "host.example:1"},
        {"h_1-x.example:65535", "h_1-x.example:65535"},
        {"10.0.0.1:80", "10.0.0.1:80"},
        {"10.0.0.1.example", "10.0.0.1.example:7470"},
        {"[::1]", "[::1]:7470"},
        {"[0:0::0:1]:9", "[::1]:9"},
        {"[2001:DB8:0:0:0:0:0:1]:7470", "[2001:db8::1]:7470"},
        {"[::ffff:10.0.0.1]:7470", "10.0.0.1:7470"},
        {"[fe80::1%eth0.1]:7470", "[fe80::1%eth0.1]:7470"},
        {HOST253 ":65535", HOST253 ":65535"},
    };
    char text[TARGET_TEXT_CHARS];
    struct target t, again;
    struct target_error why;

    for (size_t i = 0; i < COUNT_OF(table); i++) {
        EXPECT_EQ(target_parse(bytes_of_string(table[i].text), TARGET_REACH, &t, &why), OK);
        target_print(&t, text);
        EXPECT(strcmp(text, table[i].printed) == 0);
        EXPECT_EQ(target_parse(bytes_of_string(text), TARGET_REACH, &again, &why), OK);
        EXPECT(memcmp(&t, &again, sizeof t) == 0);
        EXPECT_EQ(target_compare(&t, &again), 0);
    }
    EXPECT_EQ(target_parse(bytes_of_string("h:0"), TARGET_LISTEN, &t, &why), OK);
    EXPECT_EQ(t.port, 0);
}

static void malformed_targets_are_refused_with_their_place(void)
{
    static const struct {
        const char *text;
        size_t at;
    } table[] = {
        {"", 0},
        {":1", 0},
        {"h:", 2},
        {"h:0", 2},
        {"h:01", 2},
        {"h:65536", 2},
        {"h:99999999999999999999", 2},
        {"h:+1", 2},
        {"h:1x", 3},
        {"h:1 ", 3},
        {" h", 0},
        {"h h", 1},
        {"a..b", 2},
        {".a", 0},
        {"a.", 2},
        {"-a", 0},
        {"b.a-", 2},
        {"a/b", 1},
        {"a@b", 1},
        {"a%b", 1},
        {"gr\xc3\xbc", 2},
        {LABEL63 "a", 63},
        {HOST253 "a", 253},
        {"1.2.3", 0},
        {"1.2.3.256", 0},
        {"1.2.3.4.5", 0},
        {"127.1", 0},
        {"7470", 0},
        {"::1", 0},
        {"fe80::1:7470", 4},
        {"[::1", 0},
        {"[]", 1},
        {"[::1]7470", 5},
        {"[::1]]", 5},
        {"[::1]:", 6},
        {"[::g]", 1},
        {"[1.2.3.4]", 1},
        {"[::1%]", 5},
        {"[%eth0]", 1},
        {"[::1%a/b]", 6},
        {"[::ffff:1.2.3.4%eth0]", 15},
        {"[::1%0123456789abcdef]", 5},
        {"[1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb]", 1},
    };
    struct target t, zero = {0};
    struct target_error why;

    for (size_t i = 0; i < COUNT_OF(table); i++) {
        enum err e = target_parse(bytes_of_string(table[i].text), TARGET_REACH, &t, &why);
        if (e != ERR_MALFORMED || why.at != table[i].at)
            printf("target \"%s\": %s at %zu\n", table[i].text, err_text(e), why.at);
        EXPECT_EQ(e, ERR_MALFORMED);
        EXPECT_EQ(why.at, table[i].at);
        EXPECT(why.reason && why.reason[0]);
        EXPECT(memcmp(&t, &zero, sizeof t) == 0);
    }
    EXPECT_EQ(target_parse(bytes_of("a\0b", 3), TARGET_REACH, &t, &why), ERR_MALFORMED);
    EXPECT_EQ(target_parse(bytes_of("[::1\0]", 6), TARGET_REACH, &t, &why), ERR_MALFORMED);
}

static void make(struct ticket *t, const char *target, bool invited)
{
    struct target_error why;
    struct rng rng;

    rng_seed(&rng, 8);
    memset(t, 0, sizeof *t);
    EXPECT_EQ(target_parse(bytes_of_string(target), TARGET_REACH, &t->target, &why), OK);
    rng_fill(&rng, t->key, sizeof t->key);
    if (!invited)
        return;
    t->invited = true;
    rng_fill(&rng, t->id, sizeof t->id);
    rng_fill(&rng, t->secret, sizeof t->secret);
}

static void tickets_round_trip(void)
{
    static const char *const targets[] = {"h", "[fe80::1%eth0]:1", HOST253 ":65535", "10.1.2.3:4"};
    char text[TICKET_TEXT_CHARS], padded[TICKET_TEXT_CHARS + 8];
    struct ticket a, b;
    struct target_error why;

    EXPECT_EQ(crypt_init(), OK);
    for (size_t i = 0; i < 2 * COUNT_OF(targets); i++) {
        make(&a, targets[i / 2], i % 2);
        ticket_print(&a, text);
        EXPECT(strlen(text) < TICKET_TEXT_CHARS);
        EXPECT_EQ(ticket_parse(bytes_of_string(text), &b, &why), OK);
        EXPECT(memcmp(&a, &b, sizeof a) == 0);
        EXPECT(ticket_is(bytes_of_string(text)));
        snprintf(padded, sizeof padded, " \t%s \r\n", text);
        EXPECT_EQ(ticket_parse(bytes_of_string(padded), &b, &why), OK);
        EXPECT(memcmp(&a, &b, sizeof a) == 0);
    }
    ticket_wipe(&a);
    for (size_t i = 0; i < sizeof a; i++)
        EXPECT_EQ(((uint8_t *)&a)[i], 0);
    EXPECT(!ticket_is(bytes_of_string("host:7470")));
    EXPECT(!ticket_is(bytes_of_string("Farspan://x")));
    EXPECT(!ticket_is(bytes_of(NULL, 0)));
}

#define K "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static void the_format_is_as_documented(void)
{
    struct target_error why;
    struct ticket t;

    EXPECT_EQ(
        ticket_parse(bytes_of_string("farspan://h/" K "#AAAAAAAAAAE.AQAAAAAAAAAAAAAAAAAAAAAAAAA"
                                     "AAAAAAAAAAAAAAAA"),
                     &t, &why),
        OK);
    EXPECT(t.invited && t.id[7] == 1 && t.secret[0] == 1);
    EXPECT_EQ(t.target.port, TARGET_PORT_DEFAULT);
}

static void malformed_tickets_are_refused_with_their_place(void)
{
    static const struct {
        const char *text;
        size_t at;
    } table[] = {
        {"", 0},
        {"   ", 3},
        {"farspan:/h/" K, 0},
        {"http://h/" K, 0},
        {"FARSPAN://h/" K, 0},
        {"farspan://", 10},
        {"farspan://h", 11},
        {"farspan:///" K, 10},
        {"farspan://h:0/" K, 12},
        {" farspan://h:0/" K, 13},
        {"farspan://::1/" K, 10},
        {"farspan://h /" K, 11},
        {"farspan://h/", 12},
        {"farspan://h/AAAA", 12},
        {"farspan://h/" K "A", 55},
        {"farspan://h/" K "/", 55},
        {"farspan://h/" K " #", 55},
        {"farspan://h/ " K, 12},
        {"farspan://h/" K "#", 56},
        {"farspan://h/" K "#AAAAAAAAAAA", 56},
        {"farspan://h/" K "#AAAAAAAAAAA.", 68},
        {"farspan://h/" K "#AAAAAAAAAAB." K, 56},
        {"farspan://h/" K "#AAAAAAAAAA." K, 56},
        {"farspan://h/" K "#AAAAAAAAAAA:" K, 56},
        {"farspan://h/" K "#AAAAAAAAAAA." K "A", 68},
        {"farspan://h/" K "#AAAAAAAAAAA." K "#", 68},
        {"farspan://h/" K "?x=y", 55},
        {"farspan://u@h/" K, 11},
    };
    char longest[LIMIT_TICKET_CHARS + 2];
    struct target_error why;
    struct ticket t, zero;

    memset(&zero, 0, sizeof zero);
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        enum err e = ticket_parse(bytes_of_string(table[i].text), &t, &why);
        if (e != ERR_MALFORMED || why.at != table[i].at)
            printf("ticket \"%s\": %s at %zu\n", table[i].text, err_text(e), why.at);
        EXPECT_EQ(e, ERR_MALFORMED);
        EXPECT_EQ(why.at, table[i].at);
        EXPECT(memcmp(&t, &zero, sizeof t) == 0);
    }
    memset(longest, 'a', sizeof longest);
    memcpy(longest, "farspan://", 10);
    EXPECT_EQ(ticket_parse(bytes_of(longest, LIMIT_TICKET_CHARS), &t, &why), ERR_MALFORMED);
    EXPECT_EQ(ticket_parse(bytes_of(longest, LIMIT_TICKET_CHARS + 1), &t, &why), ERR_LIMIT);
}

/* Any character, at any place, instead of the right one: refused, or read as what it prints. */
static void every_changed_character_is_refused_or_means_itself(void)
{
    char text[TICKET_TEXT_CHARS], printed[TICKET_TEXT_CHARS];
    struct target_error why;
    struct ticket a, b;

    make(&a, "[2001:db8::1]:7470", true);
    ticket_print(&a, text);
    size_t n = strlen(text);
    for (size_t cut = 0; cut < n; cut++) {
        char *exact = malloc(cut ? cut : 1);
        memcpy(exact, text, cut);
        bool whole_key = text[cut] == '#';
        EXPECT_EQ(ticket_parse(bytes_of(exact, cut), &b, &why) == OK, whole_key);
        free(exact);
    }
    for (size_t i = 0; i < n; i++)
        for (int c = 0; c < 256; c++) {
            char was = text[i];
            if (c == (unsigned char)was)
                continue;
            text[i] = (char)c;
            if (ticket_parse(bytes_of(text, n), &b, &why) == OK) {
                /* Only an address has more than one spelling. */
                EXPECT(memcmp(&a, &b, sizeof a) != 0 || i <= 10 + strlen("[2001:db8::1]"));
                ticket_print(&b, printed);
                EXPECT(strlen(printed) <= n + 1);
            } else {
                EXPECT(why.at <= n);
            }
            text[i] = was;
        }
}

TEST_MAIN({"targets have one form", targets_have_one_form},
          {"malformed targets are refused with their place",
           malformed_targets_are_refused_with_their_place},
          {"tickets round trip", tickets_round_trip},
          {"the format is as documented", the_format_is_as_documented},
          {"malformed tickets are refused with their place",
           malformed_tickets_are_refused_with_their_place},
          {"every changed character is refused or means itself",
           every_changed_character_is_refused_or_means_itself})
