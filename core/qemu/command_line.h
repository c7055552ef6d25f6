/* command_line: the words that a QEMU was started with, read as options and their parts. */
#ifndef FARSPAN_COMMAND_LINE_H
#define FARSPAN_COMMAND_LINE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/arena.h"
#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/base/reason.h"
#include "core/qemu/command_table.h"

enum {
    COMMAND_BYTES = 128 * 1024, /* of all words, with an end each */
    COMMAND_OPTIONS = 1024,
    COMMAND_PART_COUNT = 256 /* of one option */
};

struct command_part {
    const char *key;   /* of members of members: "file.filename", of items "host-nodes.0" */
    const char *value; /* yes and no are "on" and "off" */
    bool bare;         /* it had no value: the flag is on, or with "no" before it off */
    bool null;         /* it is said to be none */
};

struct command_option {
    const char *name;              /* without dashes; "": a word that is no option */
    const char *value;             /* as it was written; NULL: none */
    const struct command_row *row; /* NULL: it is not known */
    struct command_part *part;     /* of a known option with parts */
    size_t parts;
};

/* In its owner's storage; all text is the arena's. */
struct command_line {
    struct arena arena;
    const char *program; /* its name, without a folder */
    struct command_option *option;
    size_t options;
};

/* Reads `words` (borrowed): each with a zero byte after it, the program first, as in
 * /proc/PID/cmdline. What the words mean is not judged. With a reason: ERR_MALFORMED (controls, no
 * program, parts that are none), ERR_LIMIT, ERR_MEMORY; command_line_release is due all the same.
 */
enum err command_line_read(struct command_line *c, struct bytes words, struct reason *why) MUST_USE;

/* Frees what it holds. Fine when zeroed. */
void command_line_release(struct command_line *c);

/* The value of a part, NULL when there is none. */
const char *command_line_part(const struct command_option *o, const char *key);

/* Copies n bytes as a text of the line's own; NULL without memory. */
char *command_line_copy(struct command_line *c, const char *text, size_t n);

#endif
