#include "core/guest/page_memory.h"

#include <string.h>

#include "core/base/heap.h"
#include "core/os/scratch.h"

enum page_state { UNKNOWN, FILLED, STORED };

enum { PROBES = 4 };

enum err page_memory_open(struct page_memory *m, const char *folder, uint64_t pages, bool index)
{
    *m = (struct page_memory){.fd = -1, .pages = pages};
    if (pages == 0 || pages > PAGE_MEMORY_MOST)
        return ERR_LIMIT;
    for (m->slots = 1024; m->slots < pages * 2; m->slots *= 2)
        ;
    m->state = heap_array(pages, sizeof *m->state);
    m->fill = heap_array(pages, sizeof *m->fill);
    if (index) {
        m->hash = heap_array(pages, sizeof *m->hash);
        m->table = heap_array(m->slots, sizeof *m->table);
    }
    enum err e = m->state && m->fill && (!index || (m->hash && m->table)) ? OK : ERR_MEMORY;
    if (!e)
        e = scratch_open(folder, &m->fd);
    if (e)
        page_memory_close(m);
    return e;
}

void page_memory_close(struct page_memory *m)
{
    if (!m->pages)
        return;
    scratch_close(m->fd);
    heap_free(m->state);
    heap_free(m->fill);
    heap_free(m->hash);
    heap_free(m->table);
    *m = (struct page_memory){.fd = -1};
}

bool page_memory_has(const struct page_memory *m, uint64_t page)
{
    return page < m->pages && m->state[page] != UNKNOWN;
}

bool page_memory_may_be(const struct page_memory *m, uint64_t page, uint64_t hash)
{
    return page_memory_has(m, page) && (m->state[page] == FILLED || m->hash[page] == hash);
}

enum err page_memory_get(const struct page_memory *m, uint64_t page, uint8_t to[RAM_PAGE_BYTES])
{
    if (m->state[page] == STORED)
        return scratch_read(m->fd, page * RAM_PAGE_BYTES, to, RAM_PAGE_BYTES);
    memset(to, m->fill[page], RAM_PAGE_BYTES);
    return OK;
}

void page_memory_fill(struct page_memory *m, uint64_t page, uint8_t byte)
{
    m->state[page] = FILLED;
    m->fill[page] = byte;
}

/* Whether a place of the table may be used anew: it is empty, or its page has another content now.
 */
static bool is_free(const struct page_memory *m, uint64_t slot)
{
    uint32_t there = m->table[slot];

    if (!there || m->state[there - 1] != STORED)
        return true;
    return ((slot - m->hash[there - 1]) & (m->slots - 1)) >= PROBES;
}

static void remember(struct page_memory *m, uint64_t page, uint64_t hash)
{
    uint64_t at = hash & (m->slots - 1);

    m->hash[page] = hash;
    /* Where all are taken the first goes. */
    for (int i = 0; i < PROBES; i++) {
        uint64_t slot = (hash + (uint64_t)i) & (m->slots - 1);
        if (is_free(m, slot) || m->hash[m->table[slot] - 1] == hash) {
            at = slot;
            break;
        }
    }
    m->table[at] = (uint32_t)page + 1;
}

enum err page_memory_put(struct page_memory *m, uint64_t page,
                         const uint8_t content[RAM_PAGE_BYTES], uint64_t hash)
{
    enum err e = scratch_write(m->fd, page * RAM_PAGE_BYTES, bytes_of(content, RAM_PAGE_BYTES));

    if (e)
        return e;
    m->state[page] = STORED;
    if (m->hash)
        remember(m, page, hash);
    return OK;
}

void page_memory_forget(struct page_memory *m, uint64_t page)
{
    m->state[page] = UNKNOWN;
}

bool page_memory_find(const struct page_memory *m, uint64_t hash, uint64_t *page)
{
    for (int i = 0; i < PROBES; i++) {
        uint32_t there = m->table[(hash + (uint64_t)i) & (m->slots - 1)];
        if (there && m->hash[there - 1] == hash && m->state[there - 1] == STORED) {
            *page = there - 1;
            return true;
        }
    }
    return false;
}
