/* The table of commands is in main.c, so this program is main.c with another main. */
int farspan_main(int argc, char **argv);
#define main farspan_main
#include "main.c"
#undef main

#include <stdlib.h>

#include "core/base/heap.h"
#include "core/base/num.h"
#include "tests/unit/test.h"

/* A command with a row of every kind. */
struct demo_config {
    const char *first, *text;
    struct parse_list rest, faults;
    bool flag, other;
    uint64_t number, rate_bps, size_bytes, time_us, loss_ppm;
    struct parse_address listen;
    const char *invite;
};

static const struct arg demo_args[] = {
    {"FIRST", OPT_STRING(demo_config, first), "the first"},
    {"REST", OPT_LIST(demo_config, rest), "the others", .optional = true},
    {0},
};

static const struct opt demo_options[] = {
    {"flag", 'f', OPT_FLAG(demo_config, flag), NULL, "a flag"},
    {"other", 'x', OPT_FLAG(demo_config, other), NULL, "a flag"},
    {"text", 't', OPT_STRING(demo_config, text), "TEXT", "a text"},
    {"number", 'n', OPT_NUMBER(demo_config, number), "N", "a number", .preset = "5", .max = 9},
    {"rate", 0, OPT_RATE(demo_config, rate_bps), "R", "a rate", .preset = "20M", .min = 1},
    {"size", 0, OPT_SIZE(demo_config, size_bytes), "SIZE", "a size"},
    {"time", 0, OPT_TIME(demo_config, time_us), "T", "a time"},
    {"loss", 0, OPT_PROBABILITY(demo_config, loss_ppm), "P", "a probability"},
    {"listen", 'l', OPT_ADDRESS(demo_config, listen), "A:P", "an address"},
    {"fault", 0, OPT_LIST(demo_config, faults), "F", "a fault"},
    {"invite", 0, OPT_STRING(demo_config, invite), "ROLE", "a role", .bare = "control"},
    {0},
};

static enum err demo_run(void *config, struct run *run)
{
    (void)config, (void)run;
    return OK;
}

static const struct cmd demo_sub = {
    .name = "demo sub",
    .summary = "a subcommand",
    .config_bytes = 1,
    .run = demo_run,
};

static const struct cmd *const demo_subs[] = {&demo_sub, NULL};

static const struct cmd demo = {
    .name = "demo",
    .summary = "every kind of row",
    .args = demo_args,
    .options = demo_options,
    .subs = demo_subs,
    .config_bytes = sizeof(struct demo_config),
    .run = demo_run,
};

static const struct cmd family = {.name = "demo", .summary = "only subcommands", .subs = demo_subs};

static struct arena arena;
static struct opt_parsed parsed;
static char *words[64];

/* Reads the words of `line`, split at spaces, for `cmd`; strings live until the next call. */
static enum err read_line(const struct cmd *cmd, const char *line)
{
    static char copy[1024];
    int n = 0;
    char *rest = copy;

    arena_release(&arena);
    arena_init(&arena, 1 << 20);
    snprintf(copy, sizeof copy, "%s", line);
    for (char *w; n < 64 && (w = strsep(&rest, " "));)
        if (*w)
            words[n++] = w;
    return opt_parse(cmd, words, n, &arena, &parsed);
}

static void values_arrive(void)
{
    EXPECT_EQ(read_line(&demo, "-fx -tabc one --rate=1.5M two --size 3KiB --time=4s --loss 5% "
                               "--listen [::1]:9 --fault a --fault=b -n 7 --invite -- --flag"),
              OK);
    const struct demo_config *c = parsed.config;
    EXPECT(c->flag && c->other && strcmp(c->text, "abc") == 0 && strcmp(c->first, "one") == 0);
    EXPECT(c->rest.n == 2 && strcmp(c->rest.item[1], "--flag") == 0);
    EXPECT(c->faults.n == 2 && strcmp(c->faults.item[0], "a") == 0);
    EXPECT_EQ(c->number, 7);
    EXPECT_EQ(c->rate_bps, 1500000);
    EXPECT_EQ(c->size_bytes, 3072);
    EXPECT_EQ(c->time_us, 4000000);
    EXPECT_EQ(c->loss_ppm, 50000);
    EXPECT(strcmp(c->listen.host, "::1") == 0 && c->listen.port == 9);
    EXPECT(strcmp(c->invite, "control") == 0);
    EXPECT(!parsed.run.json && parsed.run.timeout_us == 10000000);
    arena_release(&arena);
}

static void presets_and_common_options(void)
{
    EXPECT_EQ(read_line(&demo, "- --json -qv --identity k --timeout 1s --invite=view"), OK);
    const struct demo_config *c = parsed.config;
    EXPECT(strcmp(c->first, "-") == 0 && c->rest.n == 0 && c->faults.n == 0);
    EXPECT_EQ(c->rate_bps, 20000000);
    EXPECT_EQ(c->number, 5);
    EXPECT(!c->text && !c->listen.host[0]);
    EXPECT(parsed.run.json && parsed.run.quiet && parsed.run.verbose);
    EXPECT(strcmp(parsed.run.identity, "k") == 0 && parsed.run.timeout_us == 1000000);
    EXPECT(strcmp(c->invite, "view") == 0);
    arena_release(&arena);
}

/* Each line is wrong usage and its reason contains the second text. */
static void wrong_lines_are_explained(void)
{
    static const char *const bad[][2] = {
        {"", "missing FIRST"},
        {"a --lisen x", "did you mean --listen?"},
        {"a --jsn", "did you mean --json?"},
        {"a --zzzz", "unknown option --zzzz (see: farspan help demo)"},
        {"a -z", "unknown option -z"},
        {"a -fz", "unknown option -fz"},
        {"a --flag=yes", "--flag takes no value"},
        {"a --json=1", "--json takes no value"},
        {"a --rate", "--rate needs a value: a rate"},
        {"a -t", "--text needs a value"},
        {"a --rate=", "--rate : wanted a rate"},
        {"a --rate 20MB", "--rate 20MB: wanted a rate in bits a second"},
        {"a --rate 0", "out of range"},
        {"a --number 10", "out of range"},
        {"a --number -1", "wanted a whole number"},
        {"a --size 64M", "wanted a size"},
        {"a --time 5", "wanted a time with its unit"},
        {"a --loss 1", "wanted a probability"},
        {"a --listen [::1", "wanted an address"},
        {"a --timeout 0", "out of range"},
        {"a --=x", "unknown option"},
        {"a ---flag", "unknown option"},
        {"sub x", "unexpected word x"},
        {"sub --flag", "demo sub: unknown option --flag (see: farspan help demo sub)"},
    };

    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        enum err e = read_line(&demo, bad[i][0]);
        const char *why = reason_text(&parsed.run.reason, e);
        if (e != ERR_USAGE || !strstr(why, bad[i][1]))
            printf("line: %s: %s\n", bad[i][0], why);
        EXPECT_EQ(e, ERR_USAGE);
        EXPECT(strstr(why, bad[i][1]));
    }
    EXPECT_EQ(read_line(&demo, "--zzz --json"), ERR_USAGE);
    EXPECT(parsed.run.json);
    EXPECT_EQ(read_line(&demo, "--zzz -- --json"), ERR_USAGE);
    EXPECT(!parsed.run.json);
    EXPECT_EQ(read_line(&family, "--json"), ERR_USAGE);
    EXPECT(strstr(parsed.run.reason.text, "say which one: sub"));
    arena_release(&arena);
}

static void help_wins_over_missing_words(void)
{
    EXPECT_EQ(read_line(&demo, "--help"), OK);
    EXPECT(parsed.help);
    EXPECT_EQ(read_line(&demo, "-fh --zzz"), OK);
    EXPECT(parsed.help);
    EXPECT_EQ(read_line(&demo, "sub"), OK);
    EXPECT(!parsed.help && parsed.cmd == &demo_sub);
    arena_release(&arena);
}

static void no_memory_is_said(void)
{
    for (uint64_t nth = 1;; nth++) {
        heap_fail_at(nth);
        enum err e = read_line(&demo, "one two three --fault x");
        bool fired = heap_fault_fired();
        heap_fail_at(0);
        EXPECT_EQ(e, fired ? ERR_MEMORY : OK);
        if (!fired)
            break;
    }
    arena_release(&arena);
}

static bool ends_in_stop(const char *s)
{
    return !*s || s[strlen(s) - 1] == '.';
}

static unsigned rows_named(const struct opt *rows, const struct opt *like)
{
    unsigned n = 0;

    for (; rows && rows->name; rows++)
        n += strcmp(rows->name, like->name) == 0 || (like->letter && rows->letter == like->letter);
    return n;
}

static void check_rows(const struct cmd *cmd)
{
    EXPECT(cmd->summary && !ends_in_stop(cmd->summary) && strlen(cmd->summary) <= 72);
    EXPECT(cmd->run || cmd->subs);
    for (const struct opt *o = cmd->options; o && o->name; o++) {
        EXPECT_EQ(rows_named(cmd->options, o) + rows_named(opt_common, o), 1);
        EXPECT(o->letter != 'h' && strcmp(o->name, "help") != 0);
        EXPECT(o->help && !ends_in_stop(o->help));
        EXPECT((o->kind == OPT_KIND_FLAG) == !o->value);
        EXPECT(o->at < cmd->config_bytes);
    }
    for (const struct arg *a = cmd->args; a && a->name; a++) {
        EXPECT(a->help && !ends_in_stop(a->help) && a->at < cmd->config_bytes);
        EXPECT(!a[1].name || (a->kind != OPT_KIND_LIST && a->optional <= a[1].optional));
    }
}

/* Synopsis lines name only options that are there. */
static void check_forms(const struct cmd *cmd)
{
    for (const char *const *f = cmd->forms; f && *f; f++)
        for (const char *at = *f; (at = strstr(at, "--")); at += 2) {
            char name[64];
            if (sscanf(at, "--%63[a-z0-9-]", name) != 1)
                continue;
            struct opt like = {.name = name};
            if (!rows_named(cmd->options, &like) && !rows_named(opt_common, &like))
                printf("%s: %s\n", cmd->name, at);
            EXPECT(rows_named(cmd->options, &like) || rows_named(opt_common, &like));
        }
}

/* Whether every part of a shell line that calls farspan is a right command line; a word of the
 * shell's own ends it. Sets *cmd to the command of the last part. */
static bool right_line(const char *line, const struct cmd **cmd)
{
    char copy[512];

    for (const char *at = strstr(line, "farspan "); at; at = strstr(at + 1, "farspan ")) {
        snprintf(copy, sizeof copy, "%s", at + 8);
        copy[strcspn(copy, "|<>&;#\n")] = 0;
        char *rest = strchr(copy, ' ');
        if (rest)
            *rest++ = 0;
        const struct cmd *called = opt_find(cmd_table, copy);
        if (!called || read_line(called, rest ? rest : "") != OK) {
            printf("%s: %s\n", line, called ? parsed.run.reason.text : "no such command");
            return false;
        }
        *cmd = parsed.cmd;
    }
    return true;
}

static void check_examples(const struct cmd *cmd)
{
    const struct cmd *called = NULL;

    for (const struct cmd_example *x = cmd->examples; x && x->line; x++) {
        EXPECT(x->says && !ends_in_stop(x->says) && strlen(x->line) <= 90);
        EXPECT(right_line(x->line, &called) && called);
    }
}

/* Which commands the README has an example of; false when one of its lines is wrong. */
static bool read_readme(const struct cmd **named, size_t room, size_t *count)
{
    char line[512];
    bool good = true;
    FILE *readme = fopen("README.md", "r");

    *count = 0;
    while (readme && fgets(line, sizeof line, readme))
        if (strncmp(line, "    farspan ", 12) == 0 && *count < room)
            good = right_line(line, &named[(*count)++]) && good;
    if (readme)
        fclose(readme);
    return readme && good;
}

static void find_named(const struct cmd *const *table, const struct cmd *const *named, size_t n)
{
    for (; table && *table; table++) {
        bool found = !(*table)->run;
        for (size_t i = 0; i < n; i++)
            found |= named[i] == *table;
        if (!found)
            printf("README.md lacks an example of: farspan %s\n", (*table)->name);
        EXPECT(found);
        find_named((*table)->subs, named, n);
    }
}

static void the_readme_has_an_example_of_each(void)
{
    const struct cmd *named[64];
    size_t n;

    EXPECT(read_readme(named, COUNT_OF(named), &n));
    find_named(cmd_table, named, n);
    arena_release(&arena);
}

static void check_pages(const struct cmd *cmd)
{
    char *text = NULL;
    size_t n = 0;
    FILE *to = open_memstream(&text, &n);

    EXPECT(to);
    page_help(cmd, to);
    page_manual(cmd, to);
    fclose(to);
    bool good = strstr(text, cmd->summary) && strstr(text, ".SH NAME\nfarspan\\-");
    for (const struct opt *o = cmd->options; o && o->name; o++) {
        char troffed[128], plain[128];
        size_t used = 0;
        snprintf(plain, sizeof plain, "--%s", o->name);
        for (const char *c = plain; *c; c++)
            used += (size_t)snprintf(troffed + used, sizeof troffed - used,
                                     *c == '-' ? "\\-" : "%c", *c);
        good = good && strstr(text, plain) && strstr(text, troffed);
    }
    free(text);
    EXPECT(good);
}

static void check_table(const struct cmd *const *table)
{
    for (; table && *table; table++) {
        check_rows(*table);
        check_forms(*table);
        check_examples(*table);
        check_pages(*table);
        if (test_failed())
            printf("command: %s\n", (*table)->name);
        check_table((*table)->subs);
    }
}

static void every_command_is_well_described(void)
{
    check_table(cmd_table);
    check_pages(&demo);
    arena_release(&arena);
}

TEST_MAIN({"values arrive", values_arrive},
          {"presets and common options", presets_and_common_options},
          {"wrong lines are explained", wrong_lines_are_explained},
          {"help wins over missing words", help_wins_over_missing_words},
          {"no memory is said", no_memory_is_said},
          {"every command is well described", every_command_is_well_described},
          {"the readme has an example of each", the_readme_has_an_example_of_each})
