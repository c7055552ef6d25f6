/* encode_team: the worker pool at work on the pieces of a frame. */
#ifndef FARSPAN_ENCODE_TEAM_H
#define FARSPAN_ENCODE_TEAM_H

#include "core/base/err.h"
#include "core/codec/fsr_writer.h"
#include "core/run/loop.h"

struct encode_team;

/* Starts as many workers as there are processors. ERR_MEMORY, ERR_SYSTEM (logged). */
enum err encode_team_new(struct loop *l, struct encode_team **out) MUST_USE;

/* Takes and ends it; NULL is fine. */
void encode_team_free(struct encode_team *t);

/* What a writer is given, borrowed; it calls the team on the loop's thread, outside of a turn. */
struct fsr_workers *encode_team_workers(struct encode_team *t);

#endif
