/* guest_start: a QEMU that is started here for a guest that comes, with its disks. */
#ifndef FARSPAN_GUEST_START_H
#define FARSPAN_GUEST_START_H

#include <stdbool.h>

#include "core/base/json.h"
#include "core/guest/guest_facts.h"
#include "core/qemu/command_rules.h"
#include "core/run/loop.h"
#include "core/run/run.h"

struct guest_start;

/* What is wanted. Borrowed, for as long as the start lives. */
struct guest_start_config {
    const struct command_rules *rules;
    bool copy;      /* its disks come as well */
    bool overwrite; /* disks that are there may be written over */
};

/* Plans to start it as the source's was: `words` (qemu_words_put's), `offered` (the source's
 * facts) and `monitor`, where the new QEMU is to listen (a path that ends in ".qmp"; its output
 * goes to the like of it that ends in ".log"), are borrowed for this call. Nothing has happened
 * yet. Every problem is told: tell(ctx, a sentence that says what to do); ERR_UNSUPPORTED when
 * there is any, with a reason in `why`; ERR_MEMORY. */
enum err guest_start_new(const struct guest_start_config *c, const struct json_value *words,
                         const struct guest_facts *offered, const char *monitor,
                         void (*tell)(void *ctx, const char *problem), void *ctx,
                         struct reason *why, struct guest_start **out) MUST_USE;

/* Makes its disks and starts it; started(ctx, e) is called once it listens on its monitor, or does
 * not, with a reason in `why` (borrowed). */
void guest_start_go(struct guest_start *g, struct loop *l, struct reason *why,
                    void (*started)(void *ctx, enum err e), void *ctx);

/* The QEMU that was started has ended again: why, as far as it has said, in the place of the reason
 * that was given. */
void guest_start_why(const struct guest_start *g, struct reason *why);

/* The guest does not come: takes away what was made for the QEMU of that monitor, by this process
 * or an earlier one, which is listed beside it in a file that ends in ".made"; and its log. */
void guest_start_undo(const char *monitor);

/* The guest has come: what was made is its own. */
void guest_start_keep(const char *monitor);

/* Takes it; a QEMU that has been started stays. NULL is fine. */
void guest_start_free(struct guest_start *g);

#endif
