/* process: what the kernel tells of another process of this host. */
#ifndef FARSPAN_PROCESS_H
#define FARSPAN_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/err.h"

/* The id of the process that made the other end of a connected local socket (SO_PEERCRED), as it
 * was when it connected or listened. ERR_SYSTEM (logged). */
enum err process_of_socket(int fd, int *pid) MUST_USE;

/* Appends the words that the process was started with to `out`, each with its end (a zero byte).
 * ERR_NOT_FOUND: it is gone; ERR_REFUSED: it is not ours to look at; ERR_LIMIT, ERR_MEMORY,
 * ERR_SYSTEM (logged). */
enum err process_words(int pid, struct buf *out) MUST_USE;

/* Writes the folder that the process is in to `path` (room bytes). Errors as process_words. */
enum err process_folder(int pid, char *path, size_t room) MUST_USE;

/* When the process was started, in ticks since the machine was: with its id it names it for ever.
 * Errors as process_words, ERR_MALFORMED; one that has ended is gone, whoever is to take note. */
enum err process_started(int pid, uint64_t *ticks) MUST_USE;

/* Whether the process that was started then is there; true also when that cannot be told. */
bool process_lives(int pid, uint64_t ticks);

/* This process's id. */
int process_self(void);

/* Stops this process until it is sent SIGCONT. For tests that end it at a certain point. */
void process_halt(void);

#endif
