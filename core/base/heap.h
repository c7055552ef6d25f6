/* heap: the only way to allocate, so that tests can make the Nth allocation fail. */
#ifndef FARSPAN_HEAP_H
#define FARSPAN_HEAP_H

#include <stddef.h>
#include <stdint.h>

/* Gives `bytes` zeroed bytes (at least one), or NULL; free with heap_free. */
void *heap_alloc(size_t bytes);

/* Gives a zeroed array of `count` items of `item_bytes`, or NULL, also when that overflows. */
void *heap_array(size_t count, size_t item_bytes);

/* Gives `bytes` zeroed bytes aligned to 64, or NULL; free with heap_free. */
void *heap_aligned(size_t bytes);

/* Takes `p` (may be NULL) and gives it resized; on failure gives NULL and `p` stays the caller's.
 * Bytes added are not zeroed. */
void *heap_resize(void *p, size_t bytes);

/* Gives a copy of the string `s`, or NULL. */
char *heap_string(const char *s);

/* Takes `p`; NULL is fine. */
void heap_free(void *p);

/* Gives pages that hold only freed memory back to the system: after much was freed for good. It
 * takes up to a millisecond. */
void heap_trim(void);

/* Fault injection for tests: the `nth` allocation from now on (1 = the next) fails, once, and
 * returns to normal; 0 turns it off. */
void heap_fail_at(uint64_t nth);

/* Whether the allocation chosen by heap_fail_at has failed already. */
int heap_fault_fired(void);

#endif
