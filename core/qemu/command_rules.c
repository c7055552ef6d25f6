#include "core/qemu/command_rules.h"

#include <string.h>

static const struct {
    const char *name;
    enum command_rule_kind kind;
    size_t words; /* after the name */
    bool from_path, to_path;
} kinds[] = {
    {"map", RULE_MAP, 2, true, true},
    {"emulator", RULE_EMULATOR, 1, true, false},
    {"netdev", RULE_NETDEV, 2, false, false},
    {"allow", RULE_ALLOW, 1, false, false},
};

enum { KINDS = sizeof kinds / sizeof kinds[0], ARENA_BYTES = 8 * COMMAND_RULES_BYTES };

static bool blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct bytes trim(struct bytes b)
{
    while (b.n && blank(b.p[0]))
        b = bytes_of(b.p + 1, b.n - 1);
    while (b.n && blank(b.p[b.n - 1]))
        b.n--;
    return b;
}

/* Takes a word off the line. */
static struct bytes take_word(struct bytes *line)
{
    size_t n = 0;

    while (n < line->n && !blank(line->p[n]))
        n++;
    struct bytes word = bytes_of(line->p, n);
    *line = trim(bytes_of(line->p + n, line->n - n));
    return word;
}

static const char *keep(struct command_rules *r, struct bytes b)
{
    char *to = arena_alloc(&r->arena, b.n + 1);

    if (to && b.n)
        memcpy(to, b.p, b.n);
    return to;
}

static enum err read_rule(struct command_rules *r, struct bytes line, unsigned number,
                          struct reason *why)
{
    struct bytes name = take_word(&line), from = {0}, to = {0};
    size_t k = 0;

    while (k < KINDS && !bytes_equal(name, bytes_of_string(kinds[k].name)))
        k++;
    if (k == KINDS)
        return reason_give(why, ERR_USAGE,
                           "line %u of the rules: %.*s is no rule: map, emulator, netdev, allow",
                           number, (int)name.n, (const char *)name.p);
    from = kinds[k].words == 2 ? take_word(&line) : line;
    to = kinds[k].words == 2 ? line : to;
    if (!from.n || (kinds[k].words == 2 && !to.n))
        return reason_give(why, ERR_USAGE, "line %u of the rules: %s needs %zu words", number,
                           kinds[k].name, kinds[k].words);
    if ((kinds[k].from_path && from.p[0] != '/') || (kinds[k].to_path && to.p[0] != '/'))
        return reason_give(why, ERR_USAGE, "line %u of the rules: %s needs whole paths, from / on",
                           number, kinds[k].name);
    if (r->n == COMMAND_RULES)
        return reason_give(why, ERR_LIMIT, "more than %d rules", COMMAND_RULES);
    while (kinds[k].kind == RULE_MAP && from.n > 1 && from.p[from.n - 1] == '/')
        from.n--;
    while (kinds[k].kind == RULE_MAP && to.n > 1 && to.p[to.n - 1] == '/')
        to.n--;
    struct command_rule *rule = &r->rule[r->n++];
    *rule = (struct command_rule){kinds[k].kind, keep(r, from), keep(r, to)};
    return rule->from && rule->to ? OK : ERR_MEMORY;
}

enum err command_rules_read(struct command_rules *r, const char *folder, struct bytes text,
                            struct reason *why)
{
    enum err e = OK;

    memset(r, 0, sizeof *r);
    arena_init(&r->arena, ARENA_BYTES);
    r->folder = keep(r, bytes_of_string(folder));
    if (!r->folder)
        return ERR_MEMORY;
    for (unsigned number = 1; !e && text.n; number++) {
        const uint8_t *end = memchr(text.p, '\n', text.n);
        size_t n = end ? (size_t)(end - text.p) : text.n;
        struct bytes line = trim(bytes_of(text.p, n));
        n += end != NULL;
        text = bytes_of(text.p + n, text.n - n);
        if (line.n && line.p[0] != '#')
            e = read_rule(r, line, number, why);
    }
    return e;
}

void command_rules_release(struct command_rules *r)
{
    arena_release(&r->arena);
    memset(r, 0, sizeof *r);
}

/* Whether `rule` is `option`, then the mark and `more`. */
static bool is_pair(const char *rule, const char *option, char mark, const char *more)
{
    size_t n = strlen(option);

    return more && strncmp(rule, option, n) == 0 && rule[n] == mark &&
           strcmp(rule + n + 1, more) == 0;
}

bool command_rules_allow(const struct command_rules *r, const char *option, const char *which,
                         const char *key)
{
    for (size_t i = 0; i < r->n; i++) {
        const char *what = r->rule[i].from;
        if (r->rule[i].kind != RULE_ALLOW)
            continue;
        what += what[0] == '-';
        if (strcmp(what, option) == 0 || is_pair(what, option, ':', which) ||
            is_pair(what, option, '.', key))
            return true;
    }
    return false;
}

const char *command_rules_netdev(const struct command_rules *r, const char *id)
{
    for (size_t i = 0; i < r->n; i++)
        if (r->rule[i].kind == RULE_NETDEV && strcmp(r->rule[i].from, id) == 0)
            return r->rule[i].to;
    return NULL;
}

const char *command_rules_emulator(const struct command_rules *r)
{
    for (size_t i = 0; i < r->n; i++)
        if (r->rule[i].kind == RULE_EMULATOR)
            return r->rule[i].from;
    return NULL;
}

const struct command_rule *command_rules_map(const struct command_rules *r, const char *path)
{
    const struct command_rule *best = NULL;
    size_t most = 0;

    for (size_t i = 0; i < r->n; i++) {
        const char *from = r->rule[i].from;
        size_t n = strcmp(from, "/") == 0 ? 0 : strlen(from);
        if (r->rule[i].kind != RULE_MAP || strncmp(path, from, n) != 0 ||
            (path[n] && path[n] != '/') || (best && n < most))
            continue;
        best = &r->rule[i];
        most = n;
    }
    return best;
}
