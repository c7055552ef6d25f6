/* channel_names: the sockets of one end of a relay, by name. */
#ifndef FARSPAN_CHANNEL_NAMES_H
#define FARSPAN_CHANNEL_NAMES_H

#include <stddef.h>

#include "core/base/limits.h"
#include "core/base/parse.h"
#include "core/run/run.h"

/* A socket by name. */
struct channel_name {
    char name[LIMIT_NAME_CHARS + 1];
    const char *path; /* borrowed */
};

/* Reads each `[NAME=]PATH` of a list (borrowed): without a name it is the path's last part. `out`
 * has room for LIMIT_CHANNEL_NAMES, *n are there. ERR_USAGE with a reason: none, too many, one name
 * twice, a name that is none, a path too long. */
enum err channel_names_parse(const struct parse_list *list, struct run *run,
                             struct channel_name *out, size_t *n) MUST_USE;

#endif
