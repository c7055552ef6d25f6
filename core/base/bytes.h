/* bytes: a borrowed run of bytes. */
#ifndef FARSPAN_BYTES_H
#define FARSPAN_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
    const uint8_t *p; /* borrowed; may be NULL when n is 0 */
    size_t n;
};

/* The bytes of borrowed memory. */
static inline struct bytes bytes_of(const void *p, size_t n)
{
    return (struct bytes){p, n};
}

/* The bytes of a borrowed string, without its end. */
static inline struct bytes bytes_of_string(const char *s)
{
    return (struct bytes){(const uint8_t *)s, strlen(s)};
}

/* Whether both have the same length and content; not constant time: never for secrets. */
static inline bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

#endif
