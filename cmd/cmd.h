/* cmd: the shape of a command and of its options. */
#ifndef FARSPAN_CMD_H
#define FARSPAN_CMD_H

#include <stddef.h>

#include "core/base/parse.h"
#include "core/run/run.h"

enum opt_kind {
    OPT_KIND_FLAG,        /* bool */
    OPT_KIND_STRING,      /* const char *, borrowed from the command line */
    OPT_KIND_NUMBER,      /* uint64_t */
    OPT_KIND_RATE,        /* uint64_t, bits a second */
    OPT_KIND_SIZE,        /* uint64_t, bytes */
    OPT_KIND_TIME,        /* uint64_t, microseconds */
    OPT_KIND_PROBABILITY, /* uint64_t, millionths */
    OPT_KIND_ADDRESS,     /* struct parse_address */
    OPT_KIND_LIST,        /* struct parse_list: may be given again and again */
};

/* The offset of a field, and a compile-time error when the field is of another type. */
#define OPT_AT(type, config, field)                                                                \
    (offsetof(struct config, field) +                                                              \
     0 * sizeof(char[__builtin_types_compatible_p(type, __typeof__(((struct config *)0)->field))   \
                         ? 1                                                                       \
                         : -1]))

/* What an option or argument holds and where it goes: `{"rate", 'r', OPT_RATE(serve_config,
 * rate_bps), ...}` for `uint64_t rate_bps` of `struct serve_config`. */
#define OPT_FLAG(config, field) .kind = OPT_KIND_FLAG, .at = OPT_AT(bool, config, field)
#define OPT_STRING(config, field) .kind = OPT_KIND_STRING, .at = OPT_AT(const char *, config, field)
#define OPT_NUMBER(config, field) .kind = OPT_KIND_NUMBER, .at = OPT_AT(uint64_t, config, field)
#define OPT_RATE(config, field) .kind = OPT_KIND_RATE, .at = OPT_AT(uint64_t, config, field)
#define OPT_SIZE(config, field) .kind = OPT_KIND_SIZE, .at = OPT_AT(uint64_t, config, field)
#define OPT_TIME(config, field) .kind = OPT_KIND_TIME, .at = OPT_AT(uint64_t, config, field)
#define OPT_PROBABILITY(config, field)                                                             \
    .kind = OPT_KIND_PROBABILITY, .at = OPT_AT(uint64_t, config, field)
#define OPT_ADDRESS(config, field)                                                                 \
    .kind = OPT_KIND_ADDRESS, .at = OPT_AT(struct parse_address, config, field)
#define OPT_LIST(config, field)                                                                    \
    .kind = OPT_KIND_LIST, .at = OPT_AT(struct parse_list, config, field)

/* One option: a row that parses it, explains it and stands in the manual. */
struct opt {
    const char *name; /* --name */
    char letter;      /* -l, or 0 */
    enum opt_kind kind;
    size_t at;          /* where in the config struct: kind and at come from OPT_FLAG() and so on */
    const char *value;  /* what stands for its value in help: "A:P"; NULL for flags */
    const char *help;   /* one sentence or two, without a full stop at the end */
    const char *preset; /* the default, written as a user would; NULL: zero, empty, not given */
    const char *bare; /* the value may be left out (--invite[=ROLE]) and is then this; else NULL */
    uint64_t min;     /* of numeric kinds, in their unit */
    uint64_t max;     /* of numeric kinds; 0: no bound */
};

/* One positional argument, filled in the order of the rows. */
struct arg {
    const char *name; /* what stands for it in help: "TARGET" */
    enum opt_kind kind;
    size_t at;
    const char *help;
    bool optional; /* may be missing; so may all rows after it */
};

/* An invocation for the help, which tests parse. */
struct cmd_example {
    const char *line; /* "farspan serve test --listen 127.0.0.1:7470" */
    const char *says; /* what it does, a phrase; lines after it stand as they are */
};

/* A command is a value: one at the end of each cmd/NAME.c, listed in main.c. Arrays end in a zeroed
 * row. */
struct cmd {
    const char *name;         /* of a subcommand with its parents: "bench link" */
    const char *summary;      /* one line, lower case, without a full stop */
    const char *const *forms; /* synopsis lines after the name; NULL: made from args and options */
    const char *const *about; /* paragraphs */
    const struct arg *args;
    const struct opt *options;
    const struct cmd_example *examples;
    const struct cmd *const *subs; /* subcommands, or NULL */
    size_t config_bytes;           /* of the config struct that rows point into */
    /* Called with the filled config (borrowed for the call; strings and lists live as long); NULL
     * for a command that only has subcommands. Gives what the one run_* call gave. */
    enum err (*run)(void *config, struct run *run);
};

/* Every command, ended by NULL; defined in main.c. */
extern const struct cmd *const cmd_table[];

#endif
