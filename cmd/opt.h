/* opt: reads a command line by a command's table. */
#ifndef FARSPAN_OPT_H
#define FARSPAN_OPT_H

#include <stdbool.h>

#include "cmd/cmd.h"
#include "core/base/arena.h"

/* What a command line asks for. */
struct opt_parsed {
    const struct cmd *cmd; /* the command or subcommand meant */
    void *config;          /* its config struct, filled; owned by the arena */
    struct run run;        /* the common options; run.reason says what is wrong */
    bool help;             /* --help was given: nothing else counts */
};

/* The options that every command takes; they fill a struct run. */
extern const struct opt opt_common[];

/* The command of that name ("help", "bench link" or a level of it) in a NULL-ended table, or NULL.
 */
const struct cmd *opt_find(const struct cmd *const *table, const char *name);

/* Reads the words after the command's name (`n` of them, borrowed as long as `p` lives) by the
 * table of `cmd` or of its subcommand that they name. ERR_USAGE, ERR_MEMORY with p->run.reason;
 * p->cmd and p->run.json are right even then. */
enum err opt_parse(const struct cmd *cmd, char **words, int n, struct arena *arena,
                   struct opt_parsed *p) MUST_USE;

#endif
