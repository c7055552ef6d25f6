/* command_plan: the words that start a QEMU here for a guest from another host, and what must be
 * there for it. */
#ifndef FARSPAN_COMMAND_PLAN_H
#define FARSPAN_COMMAND_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "core/qemu/command_line.h"
#include "core/qemu/command_rules.h"

enum { COMMAND_PLAN_FILES = 256, COMMAND_PLAN_WORDS = 2 * COMMAND_OPTIONS + 32 };

enum command_file_kind {
    COMMAND_NEEDED, /* it must be there */
    COMMAND_DISK,   /* a guest's disk: it must be there, or is made */
    COMMAND_SOCKET, /* QEMU listens there: nobody else may */
    COMMAND_LOG     /* QEMU makes it: nothing may be there */
};

struct command_file {
    enum command_file_kind kind;
    const char *from; /* as the source's QEMU was given it */
    const char *to;   /* here */
};

/* In its owner's storage; all text is the arena's. */
struct command_plan {
    struct arena arena;
    const char *program; /* a path, or a name without a slash that is to be looked for */
    const char *word[COMMAND_PLAN_WORDS + 1]; /* after the program, NULL at the end */
    size_t words;
    struct command_file file[COMMAND_PLAN_FILES];
    size_t files;
};

/* What is asked of a plan. Borrowed. */
struct command_wish {
    const struct command_rules *rules;
    const char *folder;  /* the one that the source's QEMU is in: paths may be relative to it */
    const char *monitor; /* where the new QEMU listens for us: a path */
    bool copy;           /* disks come whole: what lies below them need not */
    /* Whether a device of that name is still there; one that is not is left out. */
    bool (*plugged)(void *ctx, const char *id);
    void *ctx;
};

/* Makes the plan from what the source's QEMU was started with. What is not known to be harmless is
 * left out of it and told: tell(ctx, a sentence that says what to do); the plan is good when
 * nothing was told. The new QEMU waits for the guest (-incoming defer), has no terminal, and may
 * start no programs (-sandbox), unless a rule gives it a network that needs one.
 *
 * A monitor can have QEMU open any file of this user. So no channel of the guest may end at one:
 * sockets are only listened on, and what is at the other end of a network is not a local socket.
 * ERR_MEMORY; command_plan_release is due all the same. */
enum err command_plan_make(struct command_plan *p, const struct command_line *c,
                           const struct command_wish *wish,
                           void (*tell)(void *ctx, const char *problem), void *ctx) MUST_USE;

/* Copies a text as the plan's own; NULL without memory. */
const char *command_plan_copy(struct command_plan *p, const char *text);

/* Frees what it holds. Fine when zeroed. */
void command_plan_release(struct command_plan *p);

#endif
