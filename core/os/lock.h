/* lock: one process at a time for a store, whatever way the others end. */
#ifndef FARSPAN_LOCK_H
#define FARSPAN_LOCK_H

#include "core/base/err.h"

/* A lock that is held; the kernel lets go of it when the process ends. */
struct lock {
    int fd; /* owned; -1: not held */
};

/* Takes the lock file `path`, made with mode 0600 when absent, without waiting; it holds this
 * process's number, and stays when the lock is let go. ERR_BUSY: another process, or another lock
 * of this one, holds it (logged, with its number); ERR_SYSTEM (logged). */
enum err lock_take(struct lock *l, const char *path) MUST_USE;

/* As lock_take, but waits for up to `wait_ms` while somebody else holds it. For what is held for
 * moments only; being busy is not logged. */
enum err lock_wait(struct lock *l, const char *path, unsigned wait_ms) MUST_USE;

/* Lets go; fine when not held. */
void lock_release(struct lock *l);

#endif
