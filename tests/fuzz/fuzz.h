/* fuzz: what the fuzz targets share. */
#ifndef FARSPAN_FUZZ_H
#define FARSPAN_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Called by libFuzzer for each input, which is borrowed; gives 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Gives a heap copy of exactly `n` bytes, so that ASan sees a read past the end; end it with
 * free(). NULL when n is 0. */
static inline uint8_t *fuzz_copy(const uint8_t *data, size_t n)
{
    uint8_t *copy = n ? malloc(n) : NULL;

    if (n && !copy)
        abort();
    if (n)
        memcpy(copy, data, n);
    return copy;
}

#endif
