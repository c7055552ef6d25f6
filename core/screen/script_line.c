#include "core/screen/script_line.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/base/num.h"
#include "core/base/parse.h"
#include "core/base/utf8.h"
#include "core/screen/keysym.h"

/* A line being read, and where to say what is wrong. */
struct reader {
    struct bytes line;
    size_t at;
    struct script_error *error;
};

/* Says what is wrong with the bytes from `offset`; gives ERR_MALFORMED. */
static enum err __attribute__((format(printf, 3, 4)))
wrong(const struct reader *r, size_t offset, const char *format, ...)
{
    va_list args;
    size_t column = 1;

    for (size_t i = 0; i < offset; i++)
        column += (r->line.p[i] & 0xc0) != 0x80;
    r->error->column = column;
    va_start(args, format);
    vsnprintf(r->error->reason, sizeof r->error->reason, format, args);
    va_end(args);
    return ERR_MALFORMED;
}

/* At most 40 bytes of a word for a message, cut between characters. */
static int shown(struct bytes word)
{
    size_t n = num_min(word.n, 40);

    while (n < word.n && n > 0 && (word.p[n] & 0xc0) == 0x80)
        n--;
    return (int)n;
}

static const char *chars(struct bytes b)
{
    return (const char *)b.p;
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static struct bytes next_word(struct reader *r)
{
    while (r->at < r->line.n && is_blank(r->line.p[r->at]))
        r->at++;
    size_t from = r->at;
    while (r->at < r->line.n && !is_blank(r->line.p[r->at]))
        r->at++;
    return bytes_of(r->line.p + from, r->at - from);
}

static bool is_word(struct bytes word, const char *s)
{
    return bytes_equal(word, bytes_of_string(s));
}

static size_t offset_of(const struct reader *r, struct bytes word)
{
    return (size_t)(word.p - r->line.p);
}

static enum err expect_end(struct reader *r)
{
    struct bytes word = next_word(r);

    if (word.n)
        return wrong(r, offset_of(r, word), "nothing more belongs on this line");
    return OK;
}

static enum err read_int(struct reader *r, const char *what, int32_t lo, int32_t hi, int32_t *out)
{
    struct bytes word = next_word(r), digits = word;
    bool minus = word.n && word.p[0] == '-';
    uint64_t v;

    if (minus)
        digits = bytes_of(word.p + 1, word.n - 1);
    enum err e = parse_number(digits, &v);
    if (e == OK && v <= INT32_MAX) {
        *out = minus ? -(int32_t)v : (int32_t)v;
        if (*out >= lo && *out <= hi)
            return OK;
    }
    return wrong(r, offset_of(r, word), "%s must be a whole number from %d to %d", what, (int)lo,
                 (int)hi);
}

static uint32_t modifier(struct bytes word)
{
    static const struct {
        const char *name;
        uint32_t keysym;
    } names[] = {{"ctrl", KEYSYM_CONTROL_L},
                 {"shift", KEYSYM_SHIFT_L},
                 {"alt", KEYSYM_ALT_L},
                 {"super", KEYSYM_SUPER_L},
                 {"altgr", KEYSYM_LEVEL3}};

    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (word.n == strlen(names[i].name) && strncasecmp(chars(word), names[i].name, word.n) == 0)
            return names[i].keysym;
    return KEYSYM_NONE;
}

static enum err unknown_key(struct reader *r, struct bytes word)
{
    size_t offset = offset_of(r, word);

    if (word.n == 0)
        return wrong(r, offset, "a key is missing: Return, ctrl+c, F5, U+20AC ...");
    for (size_t i = 0; i < keysym_table_count; i++)
        if (strlen(keysym_table[i].name) == word.n &&
            strncasecmp(keysym_table[i].name, chars(word), word.n) == 0)
            return wrong(r, offset, "no key is called '%.*s'; do you mean %s?", shown(word),
                         chars(word), keysym_table[i].name);
    return wrong(r, offset,
                 "no key is called '%.*s': give a name as X has it (Return, Left, F5, eacute), a "
                 "character, or U+20AC",
                 shown(word), chars(word));
}

/* The chord "ctrl+alt+Delete": what is left is tried whole first, as '+' may be the key itself. */
static enum err read_chord(struct reader *r, struct bytes word, struct script_line *out)
{
    struct bytes left = word;

    for (;;) {
        uint32_t keysym = keysym_of_name(left);
        const uint8_t *plus = left.n > 1 ? memchr(left.p + 1, '+', left.n - 1) : NULL;
        if (keysym == KEYSYM_NONE)
            keysym = modifier(left);
        if (out->key_count == SCRIPT_LINE_KEYS)
            return wrong(r, offset_of(r, left), "at most %d keys together", SCRIPT_LINE_KEYS);
        if (keysym != KEYSYM_NONE) {
            out->key[out->key_count++] = keysym;
            return OK;
        }
        if (!plus || left.p[0] == 'U')
            return unknown_key(r, left);
        struct bytes first = bytes_of(left.p, (size_t)(plus - left.p));
        keysym = modifier(first);
        if (keysym == KEYSYM_NONE)
            return wrong(r, offset_of(r, left),
                         "'%.*s' is no modifier: ctrl, shift, alt, super or altgr go before the +",
                         shown(first), chars(first));
        out->key[out->key_count++] = keysym;
        left = bytes_of(plus + 1, left.n - first.n - 1);
    }
}

static enum err parse_key(struct reader *r, struct script_line *out)
{
    struct bytes word = next_word(r);

    out->kind = SCRIPT_LINE_KEY;
    out->press = !is_word(word, "up");
    out->release = !is_word(word, "down");
    if (!out->press || !out->release)
        word = next_word(r);
    enum err e = read_chord(r, word, out);
    return e ? e : expect_end(r);
}

static enum err parse_type(struct reader *r, struct script_line *out)
{
    size_t from = r->at + (r->at < r->line.n);
    struct bytes text = bytes_of(r->line.p + from, r->line.n - from), left = text;
    uint32_t code;

    out->kind = SCRIPT_LINE_TYPE;
    out->text = text;
    if (text.n == 0)
        return wrong(r, from, "the text to type is missing");
    for (size_t at = from; utf8_next(&left, &code); at = offset_of(r, left))
        if (keysym_of_code(code) == KEYSYM_NONE)
            return wrong(r, at, "no key types this character");
    return OK;
}

static enum err parse_move(struct reader *r, struct script_line *out)
{
    out->kind = SCRIPT_LINE_MOVE;
    enum err e = read_int(r, "X", 0, LIMIT_PICTURE_SIDE_PX - 1, &out->x);
    if (!e)
        e = read_int(r, "Y", 0, LIMIT_PICTURE_SIDE_PX - 1, &out->y);
    return e ? e : expect_end(r);
}

static enum err read_button(struct reader *r, struct script_line *out)
{
    size_t from = r->at;
    int32_t n;
    enum err e = read_int(r, "the button", 1, SCRIPT_LINE_BUTTON, &n);

    if (e)
        return e;
    if (n >= 4 && n <= 7)
        return wrong(r, from + 1, "button %d is the wheel: use scroll DX DY", (int)n);
    out->button = (uint32_t)n;
    return OK;
}

static enum err parse_click(struct reader *r, struct script_line *out)
{
    struct reader ahead = *r;
    enum err e = OK;

    out->kind = SCRIPT_LINE_BUTTON_CHANGE;
    out->press = out->release = true;
    out->button = 1;
    if (next_word(&ahead).n)
        e = read_button(r, out);
    return e ? e : expect_end(r);
}

static enum err parse_button(struct reader *r, struct script_line *out)
{
    out->kind = SCRIPT_LINE_BUTTON_CHANGE;
    enum err e = read_button(r, out);
    if (e)
        return e;
    struct bytes word = next_word(r);
    out->press = is_word(word, "down");
    out->release = is_word(word, "up");
    if (!out->press && !out->release)
        return wrong(r, offset_of(r, word), "the button goes down or up");
    return expect_end(r);
}

static enum err parse_scroll(struct reader *r, struct script_line *out)
{
    out->kind = SCRIPT_LINE_SCROLL;
    enum err e = read_int(r, "DX", -SCRIPT_LINE_NOTCHES, SCRIPT_LINE_NOTCHES, &out->x);
    if (!e)
        e = read_int(r, "DY", -SCRIPT_LINE_NOTCHES, SCRIPT_LINE_NOTCHES, &out->y);
    return e ? e : expect_end(r);
}

static enum err parse_wait(struct reader *r, struct script_line *out)
{
    struct bytes word = next_word(r);

    out->kind = SCRIPT_LINE_WAIT;
    if (parse_time_us(word, &out->wait_us))
        return wrong(r, offset_of(r, word), "a time is a number and us, ms, s, min, h or d: 250ms");
    return expect_end(r);
}

static enum err parse_sync(struct reader *r, struct script_line *out)
{
    out->kind = SCRIPT_LINE_SYNC;
    return expect_end(r);
}

static enum err check_bytes(const struct reader *r)
{
    size_t bad = utf8_bad_at(r->line);

    for (size_t i = 0; i < bad; i++)
        if ((r->line.p[i] < 0x20 && r->line.p[i] != '\t') || r->line.p[i] == 0x7f)
            return wrong(r, i, "a control character (0x%02x)", r->line.p[i]);
    if (bad < r->line.n)
        return wrong(r, bad, "this is not UTF-8 (byte 0x%02x)", r->line.p[bad]);
    return OK;
}

enum err script_line_parse(struct bytes line, struct script_line *out, struct script_error *error)
{
    static const struct {
        const char *name;
        enum err (*parse)(struct reader *, struct script_line *);
    } commands[] = {{"key", parse_key},     {"type", parse_type},     {"move", parse_move},
                    {"click", parse_click}, {"button", parse_button}, {"scroll", parse_scroll},
                    {"wait", parse_wait},   {"sync", parse_sync}};

    if (line.n && line.p[line.n - 1] == '\r')
        line.n--;
    struct reader r = {line, 0, error};
    memset(out, 0, sizeof *out);
    enum err e = check_bytes(&r);
    if (e)
        return e;
    struct bytes word = next_word(&r);
    if (word.n == 0 || word.p[0] == '#')
        return OK;
    for (size_t i = 0; i < COUNT_OF(commands); i++)
        if (is_word(word, commands[i].name))
            return commands[i].parse(&r, out);
    return wrong(&r, offset_of(&r, word),
                 "'%.*s' is no command: key, type, move, click, button, scroll, wait, sync",
                 shown(word), chars(word));
}
