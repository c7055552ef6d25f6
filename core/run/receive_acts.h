/* receive_acts: what the destination's part of a hand-over wants done, done: notes, words, QEMU. */
#ifndef FARSPAN_RECEIVE_ACTS_H
#define FARSPAN_RECEIVE_ACTS_H

#include "core/run/receive_move.h"

/* Prepares m->patience; loop_timer_release ends it. */
void receive_acts_init(struct receive_move *m);

/* Does what core/guest/handover_target.h asks for. What came of it is told to m->handover, within
 * this call or later. */
void receive_acts_perform(struct receive_move *m, enum target_act what);

/* Notes durably that the move has come so far. */
enum target_news receive_acts_note(struct receive_move *m, enum move_stage stage);

/* The body of a record that says why, or what else is to be said when that is not known. */
struct json *receive_acts_reason(const struct receive_move *m, const char *otherwise);

#endif
