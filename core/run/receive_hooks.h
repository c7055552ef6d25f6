/* receive_hooks: the user's programs that hear of guests that come, one of which may say no. */
#ifndef FARSPAN_RECEIVE_HOOKS_H
#define FARSPAN_RECEIVE_HOOKS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/run/hook.h"
#include "core/run/receive_move.h"

/* Programs, borrowed; NULL: none. */
struct receive_hooks_config {
    const char *prepared; /* ends with 0 when a guest that is here whole may be taken over */
    const char *committed, *failed;
};

/* In its owner's storage; zeroed there are none. */
struct receive_hooks {
    struct loop *loop;               /* borrowed, as is the program `prepared` */
    const char *prepared;            /* NULL: nobody is asked */
    struct hook *committed, *failed; /* owned; NULL: none */
    struct receive_move *asks;       /* borrowed: whose hook runs; NULL: none does */
    int pid;                         /* its */
    uint64_t since_us;
    struct loop_timer look;
};

/* Prepares to start them. With reasons: ERR_USAGE (one cannot be started), ERR_MEMORY;
 * receive_hooks_release is due all the same. */
enum err receive_hooks_begin(struct receive_hooks *h, struct loop *l,
                             const struct receive_hooks_config *config, struct run *run) MUST_USE;

/* A guest is here whole: whether its source may be told at once. Else the program was started, and
 * receive_move_agree is called when it has ended, or has taken too long. */
bool receive_hooks_prepared(struct receive_hooks *h, struct receive_move *m);

/* A guest runs here. */
void receive_hooks_committed(struct receive_hooks *h, const struct receive_move *m);

/* A guest has not come: `outcome` (borrowed) says what of it. */
void receive_hooks_failed(struct receive_hooks *h, const struct receive_move *m,
                          const char *outcome);

/* A move is going to be freed: nobody needs to say whether it may go on. */
void receive_hooks_drop(struct receive_hooks *h, const struct receive_move *m);

/* Runs the loop until all that was told has been worked on, as hook_drain does. */
void receive_hooks_drain(struct receive_hooks *h);

/* Frees all; what still runs is ended. Fine when zeroed. */
void receive_hooks_release(struct receive_hooks *h);

#endif
