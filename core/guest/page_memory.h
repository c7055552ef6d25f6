/* page_memory: the guest's pages as the other host has them, kept in a file. */
#ifndef FARSPAN_PAGE_MEMORY_H
#define FARSPAN_PAGE_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/guest/ram_stream.h"

/* Both ends keep one and do the same to it for the same bytes of the stream, so that a page can be
 * named instead of sent. Takes 1 byte of memory a page, with an index 17 to 25 more, and in the
 * file as much as the guest's pages have content. In its owner's storage. */
struct page_memory {
    int fd; /* owned */
    uint64_t pages;
    uint8_t *state;  /* owned: of each page, enum page_state */
    uint8_t *fill;   /* owned: the byte of those that are of one */
    uint64_t *hash;  /* owned; of those with content. NULL: without an index */
    uint32_t *table; /* owned: by hash, a page that has or had it, plus 1 */
    uint64_t slots;  /* of the table, a power of two */
};

enum { PAGE_MEMORY_MOST = 64 * 1024 * 1024 /* pages: a guest of 256 GiB */ };

/* Makes one for so many pages (at most PAGE_MEMORY_MOST), its file in `folder`. ERR_SYSTEM,
 * ERR_MEMORY. */
enum err page_memory_open(struct page_memory *m, const char *folder, uint64_t pages,
                          bool index) MUST_USE;

/* Closes it; fine when zeroed. */
void page_memory_close(struct page_memory *m);

/* Whether it knows what is in that page. */
bool page_memory_has(const struct page_memory *m, uint64_t page);

/* With an index: whether it has that page, and its content may have that hash. */
bool page_memory_may_be(const struct page_memory *m, uint64_t page, uint64_t hash);

/* Reads a page that it has. ERR_SYSTEM. */
enum err page_memory_get(const struct page_memory *m, uint64_t page,
                         uint8_t to[RAM_PAGE_BYTES]) MUST_USE;

/* The page is of that byte from now on. */
void page_memory_fill(struct page_memory *m, uint64_t page, uint8_t byte);

/* The page has that content from now on; `hash` is of it (with an index). ERR_SYSTEM. */
enum err page_memory_put(struct page_memory *m, uint64_t page,
                         const uint8_t content[RAM_PAGE_BYTES], uint64_t hash) MUST_USE;

/* What the page is from now on is not kept. */
void page_memory_forget(struct page_memory *m, uint64_t page);

/* With an index: a page whose content has that hash; false: none is known. */
bool page_memory_find(const struct page_memory *m, uint64_t hash, uint64_t *page);

#endif
