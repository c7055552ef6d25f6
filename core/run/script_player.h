/* script_player: an input script, from a file or standard input, carried out as time goes on. */
#ifndef FARSPAN_SCRIPT_PLAYER_H
#define FARSPAN_SCRIPT_PLAYER_H

#include <stdbool.h>

#include "core/base/err.h"
#include "core/run/loop.h"
#include "core/run/run.h"
#include "core/screen/input.h"

struct script_player;

/* What the session does with it; all in the loop's thread. */
struct script_player_owner {
    /* One act is due. */
    void (*act)(void *ctx, const struct input_event *e);
    /* Whether the picture shows the effect of every act, and is exact. */
    bool (*settled)(void *ctx);
    /* All of the script has been carried out. */
    void (*over)(void *ctx);
    /* It cannot go on; the reason is given. */
    void (*failed)(void *ctx, enum err e);
    void *ctx; /* borrowed */
};

/* Reads the script `input`, or listens for it on standard input with "-"; NULL gives no player. A
 * script that is wrong, and a file that is not there, is ERR_USAGE; ERR_SYSTEM, ERR_MEMORY; all
 * with the reason given. */
enum err script_player_new(struct loop *l, const char *input,
                           const struct script_player_owner *owner, struct run *run,
                           struct script_player **out) MUST_USE;

/* The session is up: begins. NULL is fine, here and below. */
void script_player_begin(struct script_player *p);

/* Carries out what is due: to be called when the picture may have settled. */
void script_player_go(struct script_player *p);

/* The work has ended: nothing more is carried out. */
void script_player_stop(struct script_player *p);

/* Whether nothing of a script is left to be carried out. */
bool script_player_done(const struct script_player *p);

/* Takes it. */
void script_player_free(struct script_player *p);

#endif
