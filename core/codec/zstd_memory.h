/* zstd_memory: zstd's memory from our heap, so that tests can make it fail. */
#ifndef FARSPAN_ZSTD_MEMORY_H
#define FARSPAN_ZSTD_MEMORY_H

#define ZSTD_DISABLE_DEPRECATE_WARNINGS /* of the calls that compress in place (pack.c) */
#define ZSTD_STATIC_LINKING_ONLY /* memory of our own, frames without magic; linked statically */
#include <zstd.h>

/* For ZSTD_create*_advanced. */
extern const ZSTD_customMem zstd_memory;

#endif
