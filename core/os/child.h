/* child: another program, started without a shell, watched and reaped. */
#ifndef FARSPAN_CHILD_H
#define FARSPAN_CHILD_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"

enum { CHILD_VARIABLES = 16, CHILD_VARIABLE_CHARS = 320 };

/* What a child finds in its environment beside what this process has: "NAME=value" lines. The
 * caller's storage. */
struct child_env {
    size_t count;
    char line[CHILD_VARIABLES][CHILD_VARIABLE_CHARS];
};

/* Adds a variable; control characters in the borrowed value become `?`, what is too long is cut. */
void child_env_add(struct child_env *env, const char *name, const char *value);

/* Gives the array that execve takes, of this process's variables but for those below and those that
 * `env` replaces, and of `env`; for heap_free, its strings are borrowed. NULL without memory. */
char **child_env_whole(const struct child_env *env);

/* Whether `path` names a program that this user may start: ERR_USAGE when not, or when it has no
 * slash. */
enum err child_check(const char *path) MUST_USE;

/* Starts the program at `path` with the one argument `word`, in a process group of its own, with
 * default signals, nothing to read and its output on our stderr. It does not get the variables with
 * secrets or sockets of this process (FARSPAN_TICKET, NOTIFY_SOCKET, LISTEN_*). ERR_SYSTEM
 * (logged), ERR_MEMORY. */
enum err child_start(const char *path, const char *word, const struct child_env *env,
                     int *pid) MUST_USE;

/* As child_start, of the program words[0] with those words (NULL at the end) and this process's
 * environment but for the variables above, in a session of its own, with its output added to the
 * file `log` (made for this user alone where it is not there). It may outlive this process.
 * ERR_SYSTEM (logged), ERR_MEMORY. */
enum err child_start_apart(const char *const *words, const char *log, int *pid) MUST_USE;

/* Whether the child has ended; it is reaped then, and *status is its exit status, or 128 + the
 * signal that ended it. */
bool child_ended(int pid, int *status);

/* Ends the child and whatever it has started in its group, at once, and reaps it. */
void child_kill(int pid);

#endif
