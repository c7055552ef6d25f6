/* guest_capabilities: what QEMU's migration is able to, as it is set and as a move wants it. */
#ifndef FARSPAN_GUEST_CAPABILITIES_H
#define FARSPAN_GUEST_CAPABILITIES_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/json.h"
#include "core/base/limits.h"

enum guest_side { GUEST_SOURCE, GUEST_DESTINATION };

enum { GUEST_CAPABILITIES = 64 };

/* As QEMU had them when asked. */
struct guest_capabilities {
    size_t n;
    struct {
        char name[LIMIT_NAME_CHARS + 1];
        bool on;
    } is[GUEST_CAPABILITIES];
};

/* Takes the answer to query-migrate-capabilities; what is more or longer than is kept is left as it
 * is in QEMU. */
void guest_capabilities_hear(struct guest_capabilities *c, const struct json_value *value);

/* Whether the capability `name` (borrowed; QEMU's qapi/migration.json, any version) is to be on at
 * that side of a move, when it is `now` so. What is not known is off: it may change the stream. */
bool guest_capabilities_wanted(enum guest_side side, const char *name, bool now);

/* Gives the arguments of migrate-set-capabilities for what is to be changed, or with `back`
 * changed back: first what goes off, then what goes on, since some exclude each other. */
struct json *guest_capabilities_change(const struct guest_capabilities *c, enum guest_side side,
                                       bool back);

#endif
