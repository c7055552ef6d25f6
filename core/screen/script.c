#include "core/screen/script.h"

#include <stdio.h>
#include <string.h>

#include "core/base/check.h"
#include "core/base/limits.h"
#include "core/base/num.h"
#include "core/base/utf8.h"
#include "core/screen/keysym.h"

void script_init(struct script *s)
{
    memset(s, 0, sizeof *s);
    buf_init(&s->text, LIMIT_SCRIPT_BYTES);
}

void script_release(struct script *s)
{
    buf_release(&s->text);
}

static struct bytes slice(const struct script *s, size_t from, size_t to)
{
    return bytes_of(s->text.p + from, to - from);
}

/* The end of the line that begins at `from`: its newline, or the end of the text. */
static size_t line_end(const struct script *s, size_t from)
{
    const uint8_t *end = from < s->text.n ? memchr(s->text.p + from, '\n', s->text.n - from) : NULL;

    return end ? (size_t)(end - s->text.p) : s->text.n;
}

static enum err too_large(struct script *s, struct script_error *error, const char *reason)
{
    s->failed = true;
    error->line = s->lines + 1;
    error->column = 1;
    snprintf(error->reason, sizeof error->reason, "%s", reason);
    return ERR_LIMIT;
}

static enum err check_lines(struct script *s, struct script_error *error)
{
    struct script_line line;

    while (s->checked < s->text.n) {
        size_t end = line_end(s, s->checked);
        if (end - s->checked > LIMIT_LINE_CHARS)
            return too_large(s, error, "the line is longer than 4096 bytes");
        if (end == s->text.n && !s->finished)
            return OK;
        enum err e = script_line_parse(slice(s, s->checked, end), &line, error);
        if (e) {
            s->failed = true;
            error->line = s->lines + 1;
            return e;
        }
        s->lines++;
        s->checked = end + (end < s->text.n);
    }
    return OK;
}

enum err script_feed(struct script *s, struct bytes data, struct script_error *error)
{
    CHECK(!s->finished && !s->failed);
    /* The text being typed is borrowed from the buffer, which moves. */
    size_t typed = s->line.kind == SCRIPT_LINE_TYPE ? (size_t)(s->line.text.p - s->text.p) : 0;
    size_t gone = s->begun;

    buf_drop(&s->text, gone);
    s->checked -= gone;
    s->next -= gone;
    s->begun = 0;
    enum err e = buf_append(&s->text, data);
    if (s->line.kind == SCRIPT_LINE_TYPE)
        s->line.text.p = s->text.p + (typed - gone);
    if (e == ERR_LIMIT)
        return too_large(s, error, "more than 1 MiB of script waits to be carried out");
    return e ? e : check_lines(s, error);
}

enum err script_finish(struct script *s, struct script_error *error)
{
    CHECK(!s->finished && !s->failed);
    s->finished = true;
    return check_lines(s, error);
}

/* One key or button of the line: goes down, or comes up. */
static void set_key(struct input_event *out, uint32_t keysym, bool down)
{
    *out = (struct input_event){.kind = INPUT_KEY, .keysym = keysym, .down = down};
}

/* Modifiers go down before the key and come up after it. */
static bool next_key(struct script *s, struct input_event *out)
{
    const struct script_line *l = &s->line;
    size_t downs = l->press ? l->key_count : 0, ups = l->release ? l->key_count : 0, i = s->done;

    if (i >= downs + ups)
        return false;
    set_key(out, i < downs ? l->key[i] : l->key[l->key_count - 1 - (i - downs)], i < downs);
    s->done++;
    return true;
}

static bool next_character(struct script *s, struct input_event *out)
{
    struct bytes left = bytes_of(s->line.text.p + s->done, s->line.text.n - s->done);
    uint32_t code;

    if (!utf8_next(&left, &code))
        return false;
    set_key(out, keysym_of_code(code), !s->half);
    if (s->half)
        s->done = (size_t)(left.p - s->line.text.p);
    s->half = !s->half;
    return true;
}

static bool next_button(struct script *s, struct input_event *out)
{
    size_t acts = (size_t)s->line.press + s->line.release;

    if (s->done >= acts)
        return false;
    *out = (struct input_event){
        .kind = INPUT_BUTTON, .button = s->line.button, .down = s->line.press && s->done == 0};
    s->done++;
    return true;
}

static bool next_single(struct script *s, struct input_event act, struct input_event *out)
{
    *out = act;
    return s->done++ == 0;
}

/* The next act of the line that is being carried out; false when it is done. */
static bool next_act(struct script *s, struct input_event *out)
{
    const struct script_line *l = &s->line;

    switch (l->kind) {
    case SCRIPT_LINE_KEY:
        return next_key(s, out);
    case SCRIPT_LINE_TYPE:
        return next_character(s, out);
    case SCRIPT_LINE_BUTTON_CHANGE:
        return next_button(s, out);
    case SCRIPT_LINE_MOVE:
        return next_single(s, (struct input_event){.kind = INPUT_MOVE, .x = l->x, .y = l->y}, out);
    case SCRIPT_LINE_SCROLL:
        return next_single(s, (struct input_event){.kind = INPUT_SCROLL, .dx = l->x, .dy = l->y},
                           out);
    case SCRIPT_LINE_EMPTY:
    case SCRIPT_LINE_WAIT:
    case SCRIPT_LINE_SYNC:
        break;
    }
    return false;
}

/* Parses the line at s->next, which is known to be good, and begins it. */
static void begin_line(struct script *s, uint64_t now_us)
{
    struct script_error error;
    size_t end = line_end(s, s->next);

    CHECK(script_line_parse(slice(s, s->next, end), &s->line, &error) == OK);
    s->begun = s->next;
    s->next = num_min(end + 1, s->text.n);
    s->done = 0;
    s->half = false;
    s->waiting = s->line.kind == SCRIPT_LINE_WAIT;
    s->syncing = s->line.kind == SCRIPT_LINE_SYNC;
    if (s->waiting && __builtin_add_overflow(now_us, s->line.wait_us, &s->until_us))
        s->until_us = UINT64_MAX;
}

enum script_result script_next(struct script *s, uint64_t now_us, struct input_event *out)
{
    for (;;) {
        if (s->syncing)
            return SCRIPT_SYNC;
        if (s->waiting && now_us < s->until_us)
            return SCRIPT_WAIT;
        s->waiting = false;
        if (next_act(s, out))
            return SCRIPT_ACT;
        if (s->next >= s->checked)
            return s->finished || s->failed ? SCRIPT_END : SCRIPT_MORE;
        begin_line(s, now_us);
    }
}

uint64_t script_deadline_us(const struct script *s)
{
    return s->waiting ? s->until_us : UINT64_MAX;
}

void script_synced(struct script *s)
{
    s->syncing = false;
}
