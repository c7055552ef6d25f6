/* target: HOST:PORT as people write it, in one form that can be compared and printed. */
#ifndef FARSPAN_TARGET_H
#define FARSPAN_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/bytes.h"
#include "core/base/err.h"

enum {
    TARGET_HOST_CHARS = 253,
    TARGET_TEXT_CHARS = TARGET_HOST_CHARS + 9, /* brackets, colon, five digits, end */
    TARGET_PORT_DEFAULT = 7470,
};

enum target_use {
    TARGET_REACH,  /* port 1 .. 65535 */
    TARGET_LISTEN, /* port 0 too: any free one */
};

/* A host and a port. Two that mean the same text-wise are equal byte by byte (the rest of `host`
 * is zero): names in lower case, IPv6 addresses in the form of RFC 5952, IPv4-mapped ones as IPv4.
 */
struct target {
    char host[TARGET_HOST_CHARS + 1]; /* name, IPv4, or IPv6 with an optional %zone; no brackets */
    uint16_t port;
    bool ipv6;
};

/* Where and why a text was refused. */
struct target_error {
    size_t at;          /* characters before the place */
    const char *reason; /* static */
};

/* Reads HOST[:PORT] (default TARGET_PORT_DEFAULT) from borrowed text: a name of letters, digits,
 * '-' and
 * '_' in labels of 1 to 63, four decimal numbers, or [IPv6] with an optional %zone of up to 15
 * letters, digits, '.', '-' and '_' (RFC 4007); a port is decimal without leading zeros.
 * ERR_MALFORMED, with *error set; then *out is zeroed. */
enum err target_parse(struct bytes text, enum target_use use, struct target *out,
                      struct target_error *error) MUST_USE;

/* Writes HOST:PORT, IPv6 in brackets, always with the port. */
void target_print(const struct target *t, char text[TARGET_TEXT_CHARS]);

/* Order for sorting: by host, then port; 0 when they are the same. */
int target_compare(const struct target *a, const struct target *b);

#endif
