/* send_steps: a move at the host that the guest leaves, step by step, each to its end. */
#ifndef FARSPAN_SEND_STEPS_H
#define FARSPAN_SEND_STEPS_H

#include "core/run/send_move.h"

/* Each of these runs the loop until it is done. */

/* Prepares it; end it with send_steps_end, also after a failure. With reasons: ERR_USAGE,
 * ERR_NOT_FOUND, ERR_SYSTEM, ERR_MEMORY. */
enum err send_steps_begin(struct send_move *s, const struct send_config *config,
                          struct run *run) MUST_USE;

/* Asks QEMU for its guest: s->qemu.q.facts. Errors of guest_qemu, with a reason. */
enum err send_steps_look(struct send_move *s) MUST_USE;

/* Has QEMU end a migration that an earlier process has begun, and asks anew: the guest goes on
 * then, or stands when it had been told that all is well. Errors as send_steps_look;
 * ERR_UNREACHABLE: it does not end. */
enum err send_steps_settle(struct send_move *s) MUST_USE;

/* Takes away what a move that was cut off has left to QEMU. Before send_steps_go. */
void send_steps_tidy(struct send_move *s);

/* Calls the destination, offers the guest, and moves it when that is accepted; returns when it has
 * been decided whose the guest is, or nobody can know: s->handover.outcome. Before it is accepted:
 * with a reason, errors of call_new, ERR_REFUSED, ERR_UNREACHABLE. */
enum err send_steps_go(struct send_move *s) MUST_USE;

/* Goes on with a move that an earlier process has handed over (s->note): asks the destination what
 * became of it, for as long as patience lasts. */
void send_steps_ask(struct send_move *s);

/* Leaves QEMU as the outcome wants it left. */
void send_steps_clean_up(struct send_move *s);

/* Tells the result, and gives what the command gives, with a reason. */
enum err send_steps_conclude(struct send_move *s) MUST_USE;

/* Parts with the destination and frees all. */
void send_steps_end(struct send_move *s);

#endif
