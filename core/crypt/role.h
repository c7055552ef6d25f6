/* role: what a key or an invitation may do, as a set of bits. */
#ifndef FARSPAN_ROLE_H
#define FARSPAN_ROLE_H

#include <stdint.h>

#include "core/base/bytes.h"
#include "core/base/err.h"

/* A set of roles; the bits stand on the wire (core/wire/hello.h). */
enum role {
    ROLE_VIEW = 1,
    ROLE_CONTROL = 2, /* never without ROLE_VIEW in what role_parse gives */
    ROLE_MIGRATE = 4,
    ROLE_REPLICATE = 8,
    ROLE_BENCH = 16,
};

enum { ROLE_TEXT_CHARS = 40 }; /* the longest role_print and its end */

/* Reads "role[,role]" from borrowed text: view, control (which adds view), migrate, replicate,
 * bench, lower case, no spaces; a role may stand twice. ERR_MALFORMED for anything else, also for
 * nothing. */
enum err role_parse(struct bytes text, uint32_t *roles) MUST_USE;

/* Writes the shortest text that role_parse reads as `roles`; "none" for the empty set. */
void role_print(uint32_t roles, char text[ROLE_TEXT_CHARS]);

#endif
