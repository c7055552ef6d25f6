#include "core/qemu/command_line.h"

#include <stdio.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/utf8.h"

enum {
    ARENA_BYTES = 4 * COMMAND_BYTES + COMMAND_OPTIONS * 256,
    KEY_CHARS = 200,
    DEEP = 6 /* members of members */
};

/* The words, and how far they are read. */
struct reading {
    struct command_line *c;
    struct reason *why;
    struct bytes rest;
    struct command_part part[COMMAND_PART_COUNT]; /* of the option that is read */
    size_t parts;
};

char *command_line_copy(struct command_line *c, const char *text, size_t n)
{
    char *to = arena_alloc(&c->arena, n + 1);

    if (to && n)
        memcpy(to, text, n);
    return to;
}

/* The next word, in place; NULL: there is none, or it has no end. */
static const char *next_word(struct bytes *rest)
{
    const char *word = (const char *)rest->p;
    const uint8_t *end = rest->n ? memchr(rest->p, 0, rest->n) : NULL;

    if (!end)
        return NULL;
    size_t n = (size_t)(end - rest->p) + 1;
    *rest = bytes_of(rest->p + n, rest->n - n);
    return word;
}

/* ---- parts ---- */

static enum err add_part(struct reading *r, const char *key, const char *value, size_t value_n,
                         bool bare, bool null)
{
    if (r->parts == COMMAND_PART_COUNT)
        return reason_give(r->why, ERR_LIMIT, "an option of QEMU has more than %d parts",
                           COMMAND_PART_COUNT);
    struct command_part *p = &r->part[r->parts];
    p->key = command_line_copy(r->c, key, strlen(key));
    p->value = command_line_copy(r->c, value, value_n);
    p->bare = bare;
    p->null = null;
    r->parts += p->key && p->value;
    return p->key && p->value ? OK : ERR_MEMORY;
}

/* How long the part at the start of `s` is, up to a comma that is not doubled. */
static size_t part_chars(const char *s)
{
    size_t n = 0;

    while (s[n] && !(s[n] == ',' && s[n + 1] != ','))
        n += s[n] == ',' ? 2 : 1;
    return n;
}

/* Copies n characters, doubled commas as one; gives how many these are. */
static size_t undouble(char *to, const char *s, size_t n)
{
    size_t have = 0;

    for (size_t i = 0; i < n; i++) {
        to[have++] = s[i];
        i += s[i] == ',';
    }
    return have;
}

static enum err read_part(struct reading *r, const char *s, size_t n, const char *first)
{
    char key[KEY_CHARS];
    const char *equals = memchr(s, '=', n);
    size_t key_n = equals ? (size_t)(equals - s) : first ? 0 : n;

    if (key_n >= sizeof key)
        return reason_give(r->why, ERR_MALFORMED, "an option of QEMU has a part that is none");
    memcpy(key, s, key_n);
    key[key_n] = 0;
    if (!equals && !first)
        return add_part(r, key, "on", 2, true, false);
    const char *value = equals ? equals + 1 : s;
    size_t value_n = n - (size_t)(value - s);
    char *plain = arena_alloc(&r->c->arena, value_n + 1);
    if (!plain)
        return ERR_MEMORY;
    value_n = undouble(plain, value, value_n);
    return add_part(r, equals ? key : first, plain, value_n, false, false);
}

static enum err read_parts(struct reading *r, const char *s, const char *first)
{
    enum err e = OK;

    while (!e && *s) {
        size_t n = part_chars(s);
        if (n)
            e = read_part(r, s, n, first);
        first = NULL;
        s += n;
        s += *s == ',';
    }
    return e;
}

static enum err read_value(struct reading *r, const char *key, const struct json_value *v,
                           unsigned deep);

/* A member or an item, under the name of what it is in. */
static enum err read_inner(struct reading *r, const char *key, const char *name,
                           const struct json_value *v, unsigned deep)
{
    char whole[KEY_CHARS];
    int n = snprintf(whole, sizeof whole, "%s%s%s", key, *key ? "." : "", name);

    if (n < 0 || (size_t)n >= sizeof whole || deep == DEEP)
        return reason_give(r->why, ERR_LIMIT, "an option of QEMU is nested too deep");
    return read_value(r, whole, v, deep + 1);
}

static enum err read_value(struct reading *r, const char *key, const struct json_value *v,
                           unsigned deep)
{
    const char *text = json_text(v), *name;
    char number[32];
    enum err e = OK;
    bool flag;

    if (text)
        return add_part(r, key, text, strlen(text), false, false);
    if (json_truth(v, &flag))
        return add_part(r, key, flag ? "on" : "off", flag ? 2 : 3, false, false);
    if (json_is_none(v))
        return add_part(r, key, "", 0, false, true);
    if (json_int(v, 0) == json_int(v, 1)) {
        snprintf(number, sizeof number, "%lld", (long long)json_int(v, 0));
        return add_part(r, key, number, strlen(number), false, false);
    }
    if (json_decimal(v, 0) == json_decimal(v, 1))
        return reason_give(r->why, ERR_MALFORMED,
                           "an option of QEMU has a number that is not "
                           "whole");
    for (size_t i = 0; !e && (name = json_key(v, i)); i++)
        e = read_inner(r, key, name, json_member(v, name), deep);
    for (size_t i = 0; !e && i < json_count(v); i++) {
        snprintf(number, sizeof number, "%zu", i);
        e = read_inner(r, key, number, json_item(v, i), deep);
    }
    return e;
}

static enum err read_json(struct reading *r, const char *text)
{
    struct json_value *v = NULL;

    if (json_parse(bytes_of_string(text), &v))
        return reason_give(r->why, ERR_MALFORMED, "an option of QEMU is no JSON: %.60s", text);
    enum err e = read_value(r, "", v, 0);
    json_discard(v);
    return e;
}

/* ---- options ---- */

static enum err split_value(struct reading *r, struct command_option *o)
{
    r->parts = 0;
    enum err e =
        o->value[0] == '{' ? read_json(r, o->value) : read_parts(r, o->value, o->row->first);
    if (e)
        return e;
    o->part = arena_alloc(&r->c->arena, (r->parts + 1) * sizeof *o->part);
    if (!o->part)
        return ERR_MEMORY;
    memcpy(o->part, r->part, r->parts * sizeof *o->part);
    o->parts = r->parts;
    return OK;
}

static bool is_option(const char *word)
{
    return word[0] == '-' && word[1];
}

static enum err read_option(struct reading *r, const char *word)
{
    struct command_option *o = &r->c->option[r->c->options];
    struct bytes rest = r->rest;

    if (r->c->options == COMMAND_OPTIONS)
        return reason_give(r->why, ERR_LIMIT, "QEMU was started with more than %d options",
                           COMMAND_OPTIONS);
    r->c->options++;
    if (is_option(word))
        word += word[1] == '-' && word[2] ? 2 : 1;
    else
        o->value = command_line_copy(r->c, word, strlen(word));
    o->name = o->value ? "" : command_line_copy(r->c, word, strlen(word));
    if (!o->name)
        return ERR_MEMORY;
    o->row = command_table_row(o->name);
    if (o->value || (o->row && o->row->kind == COMMAND_FLAG))
        return OK;
    const char *value = next_word(&rest);
    if (!value && o->row)
        return reason_give(r->why, ERR_MALFORMED, "QEMU's option -%.40s has no value", o->name);
    if (!value || (!o->row && is_option(value)))
        return OK; /* one that is not known, alone as it seems */
    r->rest = rest;
    o->value = command_line_copy(r->c, value, strlen(value));
    if (!o->value)
        return ERR_MEMORY;
    return o->row && o->row->kind == COMMAND_PARTS ? split_value(r, o) : OK;
}

static bool fit_to_print(struct bytes words)
{
    for (size_t i = 0; i < words.n; i++)
        if ((words.p[i] && words.p[i] < ' ') || words.p[i] == 127)
            return false;
    return utf8_bad_at(words) == words.n;
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

enum err command_line_read(struct command_line *c, struct bytes words, struct reason *why)
{
    struct reading r = {.c = c, .why = why, .rest = words};
    const char *word;
    enum err e = OK;

    *c = (struct command_line){0};
    arena_init(&c->arena, ARENA_BYTES);
    if (words.n > COMMAND_BYTES)
        return reason_give(why, ERR_LIMIT, "QEMU was started with too many words");
    if (words.n && words.p[words.n - 1])
        return reason_give(why, ERR_MALFORMED, "the last word of QEMU's command line has no end");
    if (!fit_to_print(words))
        return reason_give(why, ERR_MALFORMED, "QEMU's command line holds controls, or no UTF-8");
    c->option = arena_alloc(&c->arena, COMMAND_OPTIONS * sizeof *c->option);
    word = next_word(&r.rest);
    if (!word || !*last_part(word))
        return reason_give(why, ERR_MALFORMED, "QEMU's command line is empty");
    word = last_part(word);
    c->program = command_line_copy(c, word, strlen(word));
    if (!c->option || !c->program)
        return ERR_MEMORY;
    while (!e && (word = next_word(&r.rest)))
        e = read_option(&r, word);
    return e;
}

void command_line_release(struct command_line *c)
{
    arena_release(&c->arena);
    *c = (struct command_line){0};
}

const char *command_line_part(const struct command_option *o, const char *key)
{
    for (size_t i = 0; i < o->parts; i++)
        if (strcmp(o->part[i].key, key) == 0)
            return o->part[i].value;
    return NULL;
}
