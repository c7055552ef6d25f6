/* script_line: one line of the input language, parsed. */
#ifndef FARSPAN_SCRIPT_LINE_H
#define FARSPAN_SCRIPT_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/base/limits.h"

enum {
    SCRIPT_LINE_KEYS = 6,      /* modifiers and the key of one chord */
    SCRIPT_LINE_NOTCHES = 100, /* the most that one line scrolls, either way */
    SCRIPT_LINE_BUTTON = 9     /* the highest button; 4 to 7 are the wheel's and refused */
};

enum script_line_kind {
    SCRIPT_LINE_EMPTY,         /* nothing, or a comment */
    SCRIPT_LINE_KEY,           /* keys, press, release */
    SCRIPT_LINE_TYPE,          /* text */
    SCRIPT_LINE_MOVE,          /* x, y */
    SCRIPT_LINE_BUTTON_CHANGE, /* button, press, release: `click` does both */
    SCRIPT_LINE_SCROLL,        /* x, y in notches */
    SCRIPT_LINE_WAIT,          /* wait_us */
    SCRIPT_LINE_SYNC
};

/* What a line asks for. */
struct script_line {
    enum script_line_kind kind;
    bool press, release;
    uint32_t key[SCRIPT_LINE_KEYS]; /* keysyms: modifiers first */
    size_t key_count;
    struct bytes text; /* borrowed from the line: valid UTF-8 of characters that have keysyms */
    uint32_t button;
    int32_t x, y;
    uint64_t wait_us;
};

/* What is wrong with a script, and where. */
struct script_error {
    uint64_t line; /* from 1 */
    size_t column; /* in characters, from 1 */
    char reason[LIMIT_REASON_CHARS + 1];
};

/* Parses one borrowed line, without its newline (a carriage return at the end is dropped):
 *
 *     key [down|up] [MODIFIER+]...KEY    MODIFIER: ctrl shift alt super altgr; KEY: a keysym's
 *                                        name, a character, U+20AC, or a modifier
 *     type TEXT TO THE END OF THE LINE   everything after one space, UTF-8
 *     move X Y                           pixels of the picture
 *     click [N]      button N down|up    1 left, 2 middle, 3 right, 8 back, 9 forward
 *     scroll DX DY                       notches, right and down positive
 *     wait T                             250ms, 2s
 *     sync                               until the picture is exact with all effects so far
 *     # comment                          and empty lines
 *
 * ERR_MALFORMED with column and reason in *error (its line is left alone). */
enum err script_line_parse(struct bytes line, struct script_line *out,
                           struct script_error *error) MUST_USE;

#endif
