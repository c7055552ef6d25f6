/* move_halt: stops this process at a stage of a move, so that tests can end it there. */
#ifndef FARSPAN_MOVE_HALT_H
#define FARSPAN_MOVE_HALT_H

/* Stops the process (SIGSTOP) when $FARSPAN_MIGRATE_HALT is `stage`; it goes on with SIGCONT. */
void move_halt(const char *stage);

#endif
