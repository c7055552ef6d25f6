/* receive_report: what a host that takes guests in tells of a move: its stages, its result. */
#ifndef FARSPAN_RECEIVE_REPORT_H
#define FARSPAN_RECEIVE_REPORT_H

#include <stdbool.h>

#include "core/run/receive_move.h"

/* Tells that the move has come to the stage `name`: an event for scripts, a sentence for people
 * where it means something to them. Errors of run_event, here and below. */
enum err receive_report_stage(struct run *run, const struct receive_move *m,
                              const char *name) MUST_USE;

/* Whether a move that is over has brought the guest. */
bool receive_report_moved(const struct receive_move *m);

/* The word for what came of a move that is over, static: "moved", "source_runs", "refused". */
const char *receive_report_outcome(const struct receive_move *m);

/* Tells what came of a move that is over. */
enum err receive_report_result(struct run *run, const struct receive_move *m) MUST_USE;

#endif
