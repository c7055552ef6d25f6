/* dgram_sieve: a filter in the kernel that drops strangers' datagrams before they are queued. */
#ifndef FARSPAN_DGRAM_SIEVE_H
#define FARSPAN_DGRAM_SIEVE_H

#include <stdint.h>

#include "core/base/err.h"
#include "core/base/mark.h"
#include "core/os/dgram.h"

/* What may pass, by the first byte of a datagram; all else is dropped. */
struct dgram_sieve {
    uint8_t data;        /* this one, its lowest bit aside, when the mark is right: bytes 5 to 8 */
    struct mark_key key; /* are mark_of bytes 1 to 4 (big-endian, both) */
    struct dgram_sieve_rare {
        uint8_t first; /* this one ... */
        uint32_t keep; /* ... by chance: keep + 1 of 2^32 datagrams, or bursts, pass ... */
    } rare[2];
    uint16_t rare_least_bytes; /* ... when it is no shorter */
};

/* Puts `s` before the socket's receive queue, in the place of an earlier one; NULL takes it away.
 * What it drops counts in d->overflow. No privilege is needed. ERR_UNSUPPORTED: this kernel or this
 * socket does not have it (logged at the debug level), and what stood before stands still. */
enum err dgram_sieve_set(struct dgram *d, const struct dgram_sieve *s) MUST_USE;

#endif
