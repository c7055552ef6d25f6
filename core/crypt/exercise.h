/* exercise: the work of sealing, opening and greeting done many times over, to be timed. */
#ifndef FARSPAN_EXERCISE_H
#define FARSPAN_EXERCISE_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/crypt/cipher.h"

/* Closes `packets` packets of `plain_bytes` (at most LIMIT_DATAGRAM_BYTES) with 13 bytes of
 * associated data, in place, as a session does. `c` must be available. */
void exercise_close(enum cipher c, size_t plain_bytes, uint64_t packets);

/* Opens a packet of `plain_bytes` (as above) `packets` times. ERR_VERIFY if it does not open. */
enum err exercise_open(enum cipher c, size_t plain_bytes, uint64_t packets) MUST_USE;

/* Does whole handshakes, both roles: two ephemeral pairs and eight agreements each. ERR_UNSUPPORTED
 * when `c` does not run here. */
enum err exercise_handshakes(enum cipher c, uint64_t handshakes) MUST_USE;

#endif
