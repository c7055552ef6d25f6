#include "core/codec/zstd_memory.h"

#include "core/base/heap.h"

static void *take(void *opaque, size_t bytes)
{
    (void)opaque;
    return heap_alloc(bytes);
}

static void give_back(void *opaque, void *p)
{
    (void)opaque;
    heap_free(p);
}

const ZSTD_customMem zstd_memory = {take, give_back, NULL};
