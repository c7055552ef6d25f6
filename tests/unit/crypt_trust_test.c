#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/heap.h"
#include "core/base/num.h"
#include "core/base/rng.h"
#include "core/crypt/authorized.h"
#include "core/crypt/crypt.h"
#include "core/crypt/known.h"
#include "core/crypt/role.h"
#include "tests/unit/test.h"

#define K1 "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define K2 "AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define K3 "AwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static const uint8_t key1[KEY_BYTES] = {1}, key2[KEY_BYTES] = {2}, key3[KEY_BYTES] = {3};
static struct authorized list;
static struct known hosts;
static struct keyfile_error why;

/* Parses an exact-size copy, so that sanitizers see a byte too far. */
static enum err authorized(const char *text, size_t n)
{
    char *exact = malloc(n ? n : 1);

    memcpy(exact, text, n);
    authorized_release(&list);
    enum err e = authorized_parse(&list, bytes_of(exact, n), &why);
    free(exact);
    return e;
}

static enum err known(const char *text)
{
    size_t n = strlen(text);
    char *exact = malloc(n ? n : 1);

    memcpy(exact, text, n);
    known_release(&hosts);
    enum err e = known_parse(&hosts, bytes_of(exact, n), &why);
    free(exact);
    return e;
}

static void roles_parse_and_print(void)
{
    static const struct {
        const char *text;
        uint32_t roles;
        const char *printed;
    } table[] = {
        {"view", ROLE_VIEW, "view"},
        {"control", ROLE_VIEW | ROLE_CONTROL, "control"},
        {"view,control", ROLE_VIEW | ROLE_CONTROL, "control"},
        {"bench,view,bench", ROLE_VIEW | ROLE_BENCH, "view,bench"},
        {"bench,replicate,migrate,control", 31, "control,migrate,replicate,bench"},
    };
    static const char *const bad[] = {"",      ",",      "view,",      ",view", "view,,bench",
                                      "View",  "viewer", "view bench", " view", "control=1",
                                      "admin", "*",      "view;bench"};
    char text[ROLE_TEXT_CHARS];
    uint32_t roles;

    for (size_t i = 0; i < COUNT_OF(table); i++) {
        EXPECT_EQ(role_parse(bytes_of_string(table[i].text), &roles), OK);
        EXPECT_EQ(roles, table[i].roles);
        role_print(roles, text);
        EXPECT(strcmp(text, table[i].printed) == 0);
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        EXPECT_EQ(role_parse(bytes_of_string(bad[i]), &roles), ERR_MALFORMED);
        EXPECT_EQ(roles, 0);
    }
    EXPECT_EQ(role_parse(bytes_of(NULL, 0), &roles), ERR_MALFORMED);
    role_print(0, text);
    EXPECT(strcmp(text, "none") == 0);
}

static void authorized_keys_are_read(void)
{
    static const char file[] = "# who may come in\r\n"
                               "\r\n"
                               "   \t \n" K2 " view  Bob's  tablet \t # lent\r\n"
                               "  " K1 "\tcontrol,bench\tAlice\n"
                               "#" K3 " view\n" K3 " migrate";
    const struct authorized_key *found;

    EXPECT_EQ(crypt_init(), OK);
    EXPECT_EQ(authorized(file, sizeof file - 1), OK);
    EXPECT_EQ(list.count, 3);
    found = authorized_find(&list, key1);
    EXPECT(found && found->roles == (ROLE_VIEW | ROLE_CONTROL | ROLE_BENCH) && found->line == 5);
    EXPECT(strcmp(found->name, "Alice") == 0);
    found = authorized_find(&list, key2);
    EXPECT(found && found->roles == ROLE_VIEW && strcmp(found->name, "Bob's  tablet") == 0);
    found = authorized_find(&list, key3);
    EXPECT(found && found->roles == ROLE_MIGRATE && found->name[0] == 0 && found->line == 7);
    uint8_t other[KEY_BYTES] = {1, 1};
    EXPECT(!authorized_find(&list, other));
    EXPECT_EQ(authorized("", 0), OK);
    EXPECT_EQ(list.count, 0);
    EXPECT(!authorized_find(&list, key1));
    EXPECT_EQ(authorized("\n\n#\n", 4), OK);
    EXPECT_EQ(list.count, 0);
    authorized_release(&list);
}

static void bad_authorized_keys_name_their_line(void)
{
    static const struct {
        const char *text;
        uint32_t line;
        const char *reason;
    } table[] = {
        {"x", 1, "no key"},
        {"\n\nview " K1, 3, "no key"},
        {K1 "A view", 1, "no key"},
        {"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB view", 1, "no key"},
        {K1, 1, "roles"},
        {K1 " # view", 1, "roles"},
        {K1 " view\n" K2 " admin", 2, "roles"},
        {K1 " view, bench", 1, "roles"},
        {K1 " view\n" K1 " bench\n", 2, "line 1"},
        {K3 " view\n" K2 " bench\n" K1 " view\n" K2 " bench\n", 4, "line 2"},
        {K1 " view 12345678901234567890123456789012345678901234567890123456789012345", 1, "name"},
        {K1 " view bell\a", 1, "control character (column 54)"},
        {K1 " view\rx", 1, "control character"},
        {"# \x7f", 1, "control character"},
        {"ssh-ed25519 AAAA", 1, "no key"},
    };

    for (size_t i = 0; i < COUNT_OF(table); i++) {
        enum err e = authorized(table[i].text, strlen(table[i].text));
        if (e != ERR_MALFORMED || why.line != table[i].line || !strstr(why.reason, table[i].reason))
            printf("%s: line %u: %s\n", table[i].text, why.line, why.reason);
        EXPECT_EQ(e, ERR_MALFORMED);
        EXPECT_EQ(why.line, table[i].line);
        EXPECT(strstr(why.reason, table[i].reason));
        EXPECT(!list.keys && list.count == 0);
    }
    EXPECT_EQ(authorized(K1
                         " view 1234567890123456789012345678901234567890123456789012345678901234",
                         44 + 5 + 64),
              OK);
    EXPECT_EQ(strlen(list.keys[0].name), LIMIT_NAME_CHARS);
    EXPECT_EQ(authorized(K1 " view \0", 44 + 6), ERR_MALFORMED);
}

static void large_files_are_bounded(void)
{
    size_t n = LIMIT_KEYFILE_BYTES + 1, count = 0;
    char *text = malloc(n);
    uint8_t key[KEY_BYTES] = {0}, other[KEY_BYTES] = {0xff};
    struct rng rng;

    memset(text, '\n', n);
    EXPECT_EQ(authorized(text, n - 1), OK);
    EXPECT_EQ(authorized(text, n), ERR_LIMIT);
    EXPECT(why.line == 0 && why.reason[0]);
    memset(text, '#', LIMIT_LINE_CHARS + 1);
    EXPECT_EQ(authorized(text, LIMIT_LINE_CHARS), OK);
    EXPECT_EQ(authorized(text, LIMIT_LINE_CHARS + 1), ERR_MALFORMED);
    EXPECT(strstr(why.reason, "4096"));
    /* As many keys as fit, the shortest lines there are. */
    rng_seed(&rng, 6);
    for (size_t at = 0; at + 49 < LIMIT_KEYFILE_BYTES; at += 49, count++) {
        rng_fill(&rng, key, sizeof key);
        key_to_text(key, text + at);
        memcpy(text + at + 43, " view\n", 6);
        n = at + 49;
    }
    EXPECT_EQ(authorized(text, n - 1), OK);
    EXPECT_EQ(list.count, count);
    EXPECT(authorized_find(&list, key) && !authorized_find(&list, other));
    free(text);
    authorized_release(&list);
}

static struct target at(const char *text)
{
    struct target t;
    struct target_error e;

    if (target_parse(bytes_of_string(text), TARGET_REACH, &t, &e) != OK)
        abort();
    return t;
}

static void known_hosts_are_read(void)
{
    struct target a = at("a.example:7470"), b = at("[::1]:9"), c = at("a.example:7471");
    char line[KNOWN_LINE_CHARS];

    EXPECT_EQ(known("# met before\r\nB.example " K3 "\n\nA.Example:7470 " K1 " # home\r\n"
                    "[0::1]:9 " K2 "\na.example " K1 "\n"),
              OK);
    EXPECT_EQ(hosts.count, 3);
    EXPECT_EQ(known_check(&hosts, &a, key1), KNOWN_SAME);
    EXPECT_EQ(known_check(&hosts, &a, key2), KNOWN_OTHER);
    EXPECT_EQ(known_check(&hosts, &b, key2), KNOWN_SAME);
    EXPECT_EQ(known_check(&hosts, &c, key1), KNOWN_NEW);
    EXPECT(known_find(&hosts, &a)->line == 4 && !known_find(&hosts, &c));
    known_line(&b, key2, line);
    EXPECT(strcmp(line, "[::1]:9 " K2) == 0);
    EXPECT_EQ(known(line), OK);
    EXPECT_EQ(known_check(&hosts, &b, key2), KNOWN_SAME);
    EXPECT_EQ(known(""), OK);
    EXPECT_EQ(known_check(&hosts, &a, key1), KNOWN_NEW);
    known_release(&hosts);
}

static void bad_known_hosts_name_their_line(void)
{
    static const struct {
        const char *text;
        uint32_t line;
        const char *reason;
    } table[] = {
        {"a", 1, "no key"},
        {"a " K1 "x", 1, "no key"},
        {"\na:0 " K1, 2, "port 0 cannot be reached (character 3"},
        {"::1 " K1, 1, "brackets"},
        {"a " K1 " x", 1, "more than"},
        {"a " K1 "\nb " K1 "\nA:7470 " K2, 3, "line 1"},
        {"a\0 " K1, 1, "no key"},
    };

    for (size_t i = 0; i < COUNT_OF(table); i++) {
        enum err e = known(table[i].text);
        if (e != ERR_MALFORMED || why.line != table[i].line || !strstr(why.reason, table[i].reason))
            printf("%s: line %u: %s\n", table[i].text, why.line, why.reason);
        EXPECT_EQ(e, ERR_MALFORMED);
        EXPECT_EQ(why.line, table[i].line);
        EXPECT(strstr(why.reason, table[i].reason));
        EXPECT(!hosts.hosts && hosts.count == 0);
    }
}

static void allocations_that_fail_are_reported(void)
{
    heap_fail_at(1);
    EXPECT_EQ(authorized(K1 " view\n", 49), ERR_MEMORY);
    heap_fail_at(1);
    EXPECT_EQ(known("a " K1 "\n"), ERR_MEMORY);
    heap_fail_at(0);
    EXPECT(!list.keys && !hosts.hosts);
}

TEST_MAIN({"roles parse and print", roles_parse_and_print},
          {"authorized_keys are read", authorized_keys_are_read},
          {"bad authorized_keys name their line", bad_authorized_keys_name_their_line},
          {"large files are bounded", large_files_are_bounded},
          {"known_hosts are read", known_hosts_are_read},
          {"bad known_hosts name their line", bad_known_hosts_name_their_line},
          {"allocations that fail are reported", allocations_that_fail_are_reported})
