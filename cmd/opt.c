#include "cmd/opt.h"

#include <stdio.h>
#include <string.h>

#include "core/base/check.h"
#include "core/base/num.h"

const struct opt opt_common[] = {
    {"json", 0, OPT_FLAG(run, json), NULL, "print one JSON object a line on stdout"},
    {"quiet", 'q', OPT_FLAG(run, quiet), NULL, "print only errors on stderr"},
    {"verbose", 'v', OPT_FLAG(run, verbose), NULL, "print more on stderr"},
    {"identity", 0, OPT_STRING(run, identity), "FILE",
     "use this identity instead of the default one"},
    {"timeout", 0, OPT_TIME(run, timeout_us), "T", "give up reaching a peer after this time",
     .preset = "10s", .min = 1},
    {0},
};

/* How the help of a bad value ends, by kind. */
static const char *const wanted[] = {
    [OPT_KIND_FLAG] = "",
    [OPT_KIND_STRING] = "a text",
    [OPT_KIND_NUMBER] = "a whole number",
    [OPT_KIND_RATE] = "a rate in bits a second, such as 20M or 1.5G",
    [OPT_KIND_SIZE] = "a size, such as 64MiB or 1500B",
    [OPT_KIND_TIME] = "a time with its unit, such as 250ms, 2s or 10min",
    [OPT_KIND_PROBABILITY] = "a probability between 0% and 100%, such as 1%",
    [OPT_KIND_ADDRESS] = "an address, such as 127.0.0.1:7470, [::1]:7470 or host.example:7470",
    [OPT_KIND_LIST] = "a text",
};

/* One reading of one command line. */
struct reader {
    const struct cmd *cmd;
    struct arena *arena;
    struct opt_parsed *p;
    char **words;
    int n, at;          /* words[at] is the next one */
    bool only_args;     /* after -- */
    size_t args_filled; /* rows of cmd->args done with */
};

/* Gives the reason with the command's name before and the way to its help behind. */
static enum err usage(struct reader *r, const char *what, const char *which, const char *more)
{
    return reason_give(&r->p->run.reason, ERR_USAGE, "%s: %s%s%s (see: farspan help %s)",
                       r->cmd->name, what, which, more, r->cmd->name);
}

static enum err append(struct reader *r, struct parse_list *list, const char *word)
{
    if (!list->item)
        list->item = arena_alloc(r->arena, ((size_t)r->n + 1) * sizeof *list->item);
    if (!list->item)
        return reason_give(&r->p->run.reason, ERR_MEMORY, "out of memory");
    list->item[list->n++] = word;
    return OK;
}

static enum err parse_value(enum opt_kind kind, const char *word, uint64_t *out)
{
    struct bytes text = bytes_of_string(word);

    switch (kind) {
    case OPT_KIND_RATE:
        return parse_rate_bps(text, out);
    case OPT_KIND_SIZE:
        return parse_size_bytes(text, out);
    case OPT_KIND_TIME:
        return parse_time_us(text, out);
    case OPT_KIND_PROBABILITY:
        return parse_probability_ppm(text, out);
    default:
        return parse_number(text, out);
    }
}

/* Reads `word` as `kind` into the field `to`. ERR_MALFORMED, ERR_LIMIT, ERR_MEMORY. */
static enum err store(struct reader *r, enum opt_kind kind, void *to, const char *word)
{
    uint64_t v = 0;
    enum err e = OK;

    switch (kind) {
    case OPT_KIND_FLAG:
        *(bool *)to = true;
        return OK;
    case OPT_KIND_STRING:
        *(const char **)to = word;
        return OK;
    case OPT_KIND_LIST:
        return append(r, to, word);
    case OPT_KIND_ADDRESS:
        return parse_address(bytes_of_string(word), to);
    default:
        e = parse_value(kind, word, &v);
        if (!e)
            *(uint64_t *)to = v;
        return e;
    }
}

static bool numeric(enum opt_kind kind)
{
    return kind >= OPT_KIND_NUMBER && kind <= OPT_KIND_PROBABILITY;
}

/* A time in the largest unit that it is a whole number of. */
static void print_time(uint64_t us, char to[24])
{
    static const struct {
        uint64_t us;
        const char *name;
    } units[] = {{86400000000u, "d"}, {3600000000u, "h"}, {60000000, "min"},
                 {1000000, "s"},      {1000, "ms"},       {1, "us"}};
    size_t i = 0;

    while (us % units[i].us)
        i++;
    snprintf(to, 24, "%llu%s", (unsigned long long)(us / units[i].us), units[i].name);
}

/* What is said of a value beyond the row's bounds; with them, where that helps. */
static void out_of(const struct opt *o, char *space, size_t room)
{
    char least[24], most[24];

    if (o->kind == OPT_KIND_TIME && o->min > 1 && o->max) {
        print_time(o->min, least);
        print_time(o->max, most);
        snprintf(space, room, "out of range (%s to %s); wanted ", least, most);
        return;
    }
    if (o->kind == OPT_KIND_NUMBER && o->max)
        snprintf(space, room, "out of range (%llu to %llu); wanted ", (unsigned long long)o->min,
                 (unsigned long long)o->max);
    else
        snprintf(space, room, "out of range; wanted ");
}

/* As store, within the row's bounds and with a reason. */
static enum err store_option(struct reader *r, const struct opt *o, void *base, const char *word)
{
    char *to = (char *)base + o->at;
    char what[LIMIT_REASON_CHARS];
    enum err e = store(r, o->kind, to, word);

    if (e == ERR_MEMORY)
        return e;
    if (!e && numeric(o->kind)) {
        uint64_t v = *(uint64_t *)to;
        if (v < o->min || (o->max && v > o->max))
            e = ERR_LIMIT;
    }
    if (!e)
        return OK;
    snprintf(what, sizeof what, "--%s %.60s: ", o->name, word);
    if (e == ERR_LIMIT) {
        char range[96];
        out_of(o, range, sizeof range);
        return usage(r, what, range, wanted[o->kind]);
    }
    return usage(r, what, "wanted ", wanted[o->kind]);
}

/* Where an option's field lives: a row of the command or a common one. */
struct place {
    const struct opt *opt;
    void *base;
};

static const struct opt *row_named(const struct opt *rows, const char *name, size_t n, char letter)
{
    for (const struct opt *o = rows; o && o->name; o++)
        if (letter ? o->letter == letter : strlen(o->name) == n && memcmp(o->name, name, n) == 0)
            return o;
    return NULL;
}

static struct place find_option(struct reader *r, const char *name, size_t n, char letter)
{
    const struct opt *o = row_named(r->cmd->options, name, n, letter);

    if (o)
        return (struct place){o, r->p->config};
    return (struct place){row_named(opt_common, name, n, letter), &r->p->run};
}

/* Edits (insert, remove, replace) between two names of at most 31 characters; 99 beyond. */
static unsigned distance(const char *a, size_t a_n, const char *b)
{
    unsigned row[33];
    size_t b_n = strlen(b);

    if (a_n > 31 || b_n > 31)
        return 99;
    for (unsigned j = 0; j <= b_n; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_n; i++) {
        unsigned corner = row[0]++;
        for (size_t j = 1; j <= b_n; j++) {
            unsigned best = corner + (a[i - 1] != b[j - 1]);
            corner = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[b_n];
}

static const char *nearest(const struct opt *rows, const char *name, size_t n, unsigned *best)
{
    const char *found = NULL;

    for (const struct opt *o = rows; o && o->name; o++) {
        unsigned d = distance(name, n, o->name);
        if (d < *best) {
            *best = d;
            found = o->name;
        }
    }
    return found;
}

static enum err unknown_option(struct reader *r, const char *word, const char *name, size_t n)
{
    char what[LIMIT_REASON_CHARS], hint[64] = "";
    unsigned best = (unsigned)n / 3 + 1; /* fewer edits than this */
    const char *own = nearest(r->cmd->options, name, n, &best);
    const char *other = nearest(opt_common, name, n, &best);

    snprintf(what, sizeof what, "unknown option %.60s", word);
    if (other || own)
        snprintf(hint, sizeof hint, ", did you mean --%s?", other ? other : own);
    return usage(r, what, hint, "");
}

/* The word after an option that needs a value. */
static enum err value_word(struct reader *r, const struct opt *o, const char **word)
{
    char what[LIMIT_REASON_CHARS];

    if (r->at < r->n) {
        *word = r->words[r->at++];
        return OK;
    }
    snprintf(what, sizeof what, "--%s needs a value: ", o->name);
    return usage(r, what, wanted[o->kind], "");
}

/* --name, --name=VALUE, --name VALUE. */
static enum err long_option(struct reader *r, const char *word)
{
    const char *name = word + 2, *equals = strchr(name, '=');
    size_t n = equals ? (size_t)(equals - name) : strlen(name);
    const char *value = equals ? equals + 1 : NULL;
    struct place at = find_option(r, name, n, 0);

    if (n == 4 && memcmp(name, "help", 4) == 0) {
        r->p->help = true;
        return OK;
    }
    if (!at.opt)
        return unknown_option(r, word, name, n);
    if (at.opt->kind == OPT_KIND_FLAG && value)
        return usage(r, "--", at.opt->name, " takes no value");
    if (at.opt->kind != OPT_KIND_FLAG && !value) {
        enum err e = OK;
        value = at.opt->bare;
        if (!value)
            e = value_word(r, at.opt, &value);
        if (e)
            return e;
    }
    return store_option(r, at.opt, at.base, value);
}

/* -a, -ab for flags, -oVALUE, -o VALUE. */
static enum err short_options(struct reader *r, const char *word)
{
    for (const char *c = word + 1; *c; c++) {
        struct place at = find_option(r, NULL, 0, *c);
        if (!at.opt && *c == 'h') {
            r->p->help = true;
            continue;
        }
        if (!at.opt)
            return unknown_option(r, word, "", 0);
        const char *value = NULL;
        enum err e = OK;
        if (at.opt->kind != OPT_KIND_FLAG) {
            value = c[1] ? c + 1 : at.opt->bare;
            if (!value)
                e = value_word(r, at.opt, &value);
        }
        if (!e)
            e = store_option(r, at.opt, at.base, value);
        if (e || at.opt->kind != OPT_KIND_FLAG)
            return e;
    }
    return OK;
}

static enum err argument(struct reader *r, const char *word)
{
    const struct arg *a = r->cmd->args ? &r->cmd->args[r->args_filled] : NULL;
    char what[LIMIT_REASON_CHARS];

    if (!a || !a->name) {
        snprintf(what, sizeof what, "unexpected word %.60s", word);
        return usage(r, what, "", "");
    }
    enum err e = store(r, a->kind, (char *)r->p->config + a->at, word);
    if (e == ERR_MEMORY)
        return e;
    if (e) {
        snprintf(what, sizeof what, "%s %.60s: wanted ", a->name, word);
        return usage(r, what, wanted[a->kind], "");
    }
    if (a->kind != OPT_KIND_LIST)
        r->args_filled++;
    return OK;
}

/* The first required row that no word has filled, or NULL. */
static const struct arg *missing(const struct reader *r)
{
    const struct arg *a = r->cmd->args ? &r->cmd->args[r->args_filled] : NULL;

    if (!a || !a->name || a->optional)
        return NULL;
    if (a->kind == OPT_KIND_LIST) {
        const struct parse_list *list =
            (const struct parse_list *)((const char *)r->p->config + a->at);
        return list->n ? NULL : a;
    }
    return a;
}

static void put_presets(struct reader *r, const struct opt *rows, void *base)
{
    for (const struct opt *o = rows; o && o->name; o++)
        if (o->preset)
            CHECK(store(r, o->kind, (char *)base + o->at, o->preset) == OK);
}

const struct cmd *opt_find(const struct cmd *const *table, const char *name)
{
    for (; table && *table; table++) {
        const char *last = strrchr((*table)->name, ' ');
        if (strcmp((*table)->name, name) == 0 || (last && strcmp(last + 1, name) == 0))
            return *table;
    }
    return NULL;
}

/* Whether --json stands among the options: an error before it must be JSON too. */
static bool wants_json(char **words, int n)
{
    for (int i = 0; i < n && strcmp(words[i], "--") != 0; i++)
        if (strcmp(words[i], "--json") == 0)
            return true;
    return false;
}

static enum err read_words(struct reader *r)
{
    enum err e = OK;

    while (!e && !r->p->help && r->at < r->n) {
        const char *word = r->words[r->at++];
        if (r->only_args || word[0] != '-' || !word[1])
            e = argument(r, word);
        else if (strcmp(word, "--") == 0)
            r->only_args = true;
        else if (word[1] == '-')
            e = long_option(r, word);
        else
            e = short_options(r, word);
    }
    return e;
}

static enum err no_subcommand(struct reader *r)
{
    char list[LIMIT_REASON_CHARS] = "";
    size_t used = 0;

    for (const struct cmd *const *s = r->cmd->subs; *s && used < sizeof list; s++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "",
                                 (*s)->name + strlen(r->cmd->name) + 1);
    return usage(r, "say which one: ", list, "");
}

enum err opt_parse(const struct cmd *cmd, char **words, int n, struct arena *arena,
                   struct opt_parsed *p)
{
    const struct cmd *sub;

    *p = (struct opt_parsed){.run.json = wants_json(words, n)};
    while (n > 0 && (sub = opt_find(cmd->subs, words[0]))) {
        cmd = sub;
        words++;
        n--;
    }
    struct reader r = {.cmd = cmd, .arena = arena, .p = p, .words = words, .n = n};
    p->cmd = cmd;
    p->config = arena_alloc(arena, cmd->config_bytes ? cmd->config_bytes : 1);
    if (!p->config)
        return reason_give(&p->run.reason, ERR_MEMORY, "out of memory");
    put_presets(&r, cmd->options, p->config);
    put_presets(&r, opt_common, &p->run);
    enum err e = read_words(&r);
    if (e || p->help)
        return e;
    if (!cmd->run)
        return no_subcommand(&r);
    const struct arg *a = missing(&r);
    return a ? usage(&r, "missing ", a->name, "") : OK;
}
