/* parse: the values people write: numbers, rates, sizes, times, probabilities, addresses. */
#ifndef FARSPAN_PARSE_H
#define FARSPAN_PARSE_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/bytes.h"
#include "core/base/err.h"

enum { PARSE_HOST_CHARS = 253, PARSE_PORT = 7470 /* what an address without a port means */ };

/* A place on the network as it was written: the name is not looked up here. */
struct parse_address {
    char host[PARSE_HOST_CHARS + 1]; /* a name or a numeric address, without brackets; "fd" for an
                                      * inherited descriptor; empty when nothing was given */
    uint16_t port;                   /* the descriptor's number when host is "fd" */
};

/* Words given by a repeated option or argument, in the order given. */
struct parse_list {
    const char **item; /* borrowed, as are the words */
    size_t n;
};

/* All of these read the whole of the borrowed text, without spaces around it. Results are at most
 * INT64_MAX. ERR_MALFORMED: no such value; ERR_LIMIT: too large, or too small to be told from 0.
 * *out is set on success only. Where decimals are allowed (`1.5M`), what is finer than the unit of
 * the result is cut off. */

/* Decimal digits only, without decimals: 0 .. INT64_MAX. */
enum err parse_number(struct bytes text, uint64_t *out) MUST_USE;

/* Bits a second: digits, then nothing or one of k K M G T (powers of 1000); decimals. */
enum err parse_rate_bps(struct bytes text, uint64_t *out) MUST_USE;

/* Bytes: digits, then nothing or B (no decimals), or kB MB GB TB (1000), KiB MiB GiB TiB (1024),
 * with decimals. */
enum err parse_size_bytes(struct bytes text, uint64_t *out) MUST_USE;

/* Microseconds: digits and one of us ms s min h d, decimals; 0 needs no unit. */
enum err parse_time_us(struct bytes text, uint64_t *out) MUST_USE;

/* Millionths: 0% .. 100%, decimals; 0 needs no sign. */
enum err parse_probability_ppm(struct bytes text, uint64_t *out) MUST_USE;

/* HOST:PORT, HOST, [V6]:PORT, [V6], V6, fd:N; PARSE_PORT where none is written (see addr_split).
 * HOST is made of letters, digits, '-', '_', '.', and is not looked up; V6 of hexadecimal digits,
 * ':', '.', with an optional %ZONE. Port 0 is allowed (any free one). Only ERR_MALFORMED. */
enum err parse_address(struct bytes text, struct parse_address *out) MUST_USE;

#endif
