/* command_place: where a file that the source's QEMU was given is here. */
#ifndef FARSPAN_COMMAND_PLACE_H
#define FARSPAN_COMMAND_PLACE_H

#include "core/base/problems.h"
#include "core/qemu/command_plan.h"

/* Adds the file `from` (as QEMU was given it, borrowed) to the plan's, and gives its path here, the
 * plan's: where a rule of the wish maps it, else under its last name in the folder. NULL, and that
 * was told: it has no place. ERR_LIMIT: there are too many; ERR_MEMORY. */
enum err command_place(struct command_plan *p, const struct command_wish *wish, const char *from,
                       enum command_file_kind kind, struct problems *told,
                       const char **to) MUST_USE;

#endif
