/* wait: blocking on one descriptor, for a bounded time. */
#ifndef FARSPAN_WAIT_H
#define FARSPAN_WAIT_H

#include <stdint.h>

#include "core/base/err.h"

/* Waits until `fd` can be read or has failed, or a signal has come: OK. ERR_AGAIN after
 * `timeout_ms`, ERR_SYSTEM (logged). */
enum err wait_readable(int fd, uint32_t timeout_ms) MUST_USE;

#endif
