/* doors: the addresses of our own that datagrams have come to, by number (struct addr's door). */
#ifndef FARSPAN_DOORS_H
#define FARSPAN_DOORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/addr.h"

enum { DOORS_MAX = 255 };

/* Those of one socket; zeroed: none yet. A number keeps its meaning for as long as this lives. */
struct doors {
    struct addr list[DOORS_MAX]; /* number 1 first */
    size_t count, last;          /* known; where the newest question was answered */
    bool full;                   /* one more has come, and the log has said so */
};

/* The number of the borrowed address that a datagram came to. 0 when that is not known, and for an
 * address met only after DOORS_MAX others, of which the log tells once. */
uint8_t doors_number(struct doors *d, const struct addr *local);

/* The address of a number; ADDR_NONE for 0: let routing choose. */
struct addr doors_address(const struct doors *d, uint8_t number);

#endif
