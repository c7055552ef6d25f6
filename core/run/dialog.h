/* dialog: commands to a QEMU monitor one after another, each once the one before was answered. */
#ifndef FARSPAN_DIALOG_H
#define FARSPAN_DIALOG_H

#include <stdbool.h>
#include <stddef.h>

#include "core/run/monitor.h"
#include "core/run/run.h"

/* One command. */
struct dialog_step {
    const char *command;
    /* Its only argument, a text that never changes, and that argument's name. NULL: see below. */
    const char *name, *text;
    /* Gives its arguments. NULL: it takes none. */
    struct json *(*arguments)(void *ctx);
    /* Takes what came of it: a value, or why it was refused. NULL: what it gives does not matter,
     * and a refusal ends the dialog. Errors end the dialog as well. */
    enum err (*heard)(void *ctx, const struct json_value *value, const char *refused);
    /* Gives a descriptor to go with it, which is taken; below 0: not asked at all, and nothing is
     * heard. NULL: none goes. */
    int (*give)(void *ctx);
    /* Whether it is asked at all; when not, nothing is heard. NULL: it is. */
    bool (*due)(void *ctx);
};

/* In its owner's storage, zeroed before its first use. */
struct dialog {
    struct monitor *monitor; /* borrowed */
    struct run *run;         /* borrowed: gets the reason of a refusal */
    const struct dialog_step *step;
    size_t steps, at;
    void (*ended)(void *ctx, enum err e);
    void *ctx;      /* borrowed */
    bool waits;     /* for an answer */
    unsigned stale; /* answers to come that nobody wants any more */
};

/* Begins: the steps (borrowed, as are monitor and run) are gone through, then ended(ctx, OK) is
 * called; within this call, when there was nothing to ask. A refusal that no step forgives ends it
 * with ERR_UNSUPPORTED, what a step gives with that; QEMU's going with ERR_UNREACHABLE. */
void dialog_begin(struct dialog *d, struct monitor *m, struct run *run,
                  const struct dialog_step *steps, size_t n, void (*ended)(void *ctx, enum err e),
                  void *ctx);

/* Whether it goes on. */
bool dialog_busy(const struct dialog *d);

/* Forgets it: nothing is called any more. An answer that is on its way is not heard. */
void dialog_drop(struct dialog *d);

#endif
