/* return_path: what a QEMU that takes a guest in says to the one that gives it away. */
#ifndef FARSPAN_RETURN_PATH_H
#define FARSPAN_RETURN_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Messages of a type, a length and so many bytes, big-endian (QEMU's docs/devel/migration: "return
 * path"). The one that matters is SHUT, the last: once the giving QEMU has read it, it does not let
 * its guest run on by itself any more, and until then it does when the connection ends. So SHUT is
 * kept back here until it has been decided who owns the guest. */

enum { RETURN_PATH_SHUT_BYTES = 8 };

/* In its owner's storage; zeroed it is ready. */
struct return_path {
    uint8_t head[RETURN_PATH_SHUT_BYTES]; /* of a message that is not whole yet */
    size_t head_n;
    size_t body_left; /* of a message that goes on as it comes */
    bool shut;        /* SHUT has come ... */
    uint32_t code;    /* ... with this: 0, all of the guest was taken in */
    bool strange;     /* something came after it */
};

/* Takes `n` bytes that the QEMU has written and leaves in their place, which has room for
 * RETURN_PATH_SHUT_BYTES more, those that go on; gives how many. What begins like SHUT goes when it
 * has turned out to be something else. */
size_t return_path_sift(struct return_path *r, uint8_t *p, size_t n);

/* Writes the SHUT that says that all is well. */
void return_path_shut(uint8_t to[RETURN_PATH_SHUT_BYTES]);

#endif
