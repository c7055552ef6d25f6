/* command_rules: what a host lets other hosts' guests have, and where: read from a small file. */
#ifndef FARSPAN_COMMAND_RULES_H
#define FARSPAN_COMMAND_RULES_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/arena.h"
#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/base/reason.h"

enum { COMMAND_RULES = 256, COMMAND_RULES_BYTES = 64 * 1024 };

enum command_rule_kind {
    RULE_MAP,      /* what lies below FROM at the source lies below TO here */
    RULE_EMULATOR, /* this program is started: FROM is its path */
    RULE_NETDEV,   /* the network FROM is TO here, in the words of -netdev, without the id */
    RULE_ALLOW     /* FROM may be used as the source has it */
};

struct command_rule {
    enum command_rule_kind kind;
    const char *from, *to;
};

/* In its owner's storage; all text is the arena's. */
struct command_rules {
    struct arena arena;
    const char
        *folder; /* where files are that no rule names; absolute, without a slash at its end */
    size_t n;
    struct command_rule rule[COMMAND_RULES];
};

/* Reads the rules, one a line:
 *   map FROM TO     emulator PATH     netdev ID TYPE,KEY=VALUE...     allow WHAT
 * `#` begins a comment, words are told apart by blanks, the last goes to the end of the line.
 * `folder` and `text` are borrowed, and copied. With a reason, which names the line: ERR_USAGE,
 * ERR_LIMIT, ERR_MEMORY; command_rules_release is due all the same. */
enum err command_rules_read(struct command_rules *r, const char *folder, struct bytes text,
                            struct reason *why) MUST_USE;

/* Frees what it holds. Fine when zeroed. */
void command_rules_release(struct command_rules *r);

/* Whether a rule allows that option ("device"), or that option's kind of thing ("device:vfio-pci")
 * or key ("device.romfile"); kind and key may be NULL. */
bool command_rules_allow(const struct command_rules *r, const char *option, const char *which,
                         const char *key);

/* What the source's network of that id is here; NULL: no rule says so. */
const char *command_rules_netdev(const struct command_rules *r, const char *id);

/* The program that is to be started; NULL: no rule says so. */
const char *command_rules_emulator(const struct command_rules *r);

/* The map whose FROM is the longest that `path` (absolute) is or lies below; NULL: none is. */
const struct command_rule *command_rules_map(const struct command_rules *r, const char *path);

#endif
