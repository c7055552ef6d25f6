#include "core/base/heap.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Counts down to the allocation that must fail; 0 is off, so one load is the whole cost. */
static _Atomic uint64_t fail_in;
static _Atomic int fired;

static int must_fail(void)
{
    if (__builtin_expect(atomic_load_explicit(&fail_in, memory_order_relaxed) == 0, 1))
        return 0;
    if (atomic_fetch_sub(&fail_in, 1) != 1)
        return 0;
    atomic_store(&fired, 1);
    return 1;
}

void heap_fail_at(uint64_t nth)
{
    atomic_store(&fired, 0);
    atomic_store(&fail_in, nth);
}

int heap_fault_fired(void)
{
    return atomic_load(&fired);
}

void *heap_alloc(size_t bytes)
{
    return must_fail() ? NULL : calloc(1, bytes ? bytes : 1);
}

void *heap_array(size_t count, size_t item_bytes)
{
    if (must_fail())
        return NULL;
    return calloc(count ? count : 1, item_bytes ? item_bytes : 1);
}

void *heap_aligned(size_t bytes)
{
    size_t rounded = (bytes + 63) & ~(size_t)63;

    if (must_fail() || rounded < bytes)
        return NULL;
    if (rounded == 0)
        rounded = 64;
    void *p = aligned_alloc(64, rounded);
    if (p)
        memset(p, 0, rounded);
    return p;
}

void *heap_resize(void *p, size_t bytes)
{
    return must_fail() ? NULL : realloc(p, bytes ? bytes : 1);
}

char *heap_string(const char *s)
{
    size_t n = strlen(s) + 1;
    char *copy = heap_alloc(n);

    if (copy)
        memcpy(copy, s, n);
    return copy;
}

void heap_free(void *p)
{
    free(p);
}

void heap_trim(void)
{
    malloc_trim(0);
}
