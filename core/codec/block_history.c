#include "core/codec/block_history.h"

#include <string.h>

#include "core/base/check.h"
#include "core/base/heap.h"
#include "core/base/num.h"

struct block_history {
    uint32_t refs;
    size_t n;
    uint8_t p[];
};

struct block_history *block_history_new(const struct block_history *parent,
                                        const struct bytes *payloads, size_t count)
{
    struct bytes old = block_history_content(parent);
    size_t total = old.n;

    for (size_t i = 0; i < count; i++)
        total += payloads[i].n;
    size_t skip = num_sub0(total, BLOCK_HISTORY_BYTES), n = total - skip;
    struct block_history *h = heap_alloc(sizeof *h + n);
    if (!h)
        return NULL;
    h->refs = 1;
    for (size_t i = 0; i <= count; i++) {
        struct bytes b = i ? payloads[i - 1] : old;
        size_t drop = num_min(skip, b.n);

        if (b.n > drop)
            memcpy(h->p + h->n, b.p + drop, b.n - drop);
        h->n += b.n - drop;
        skip -= drop;
    }
    return h;
}

struct block_history *block_history_ref(struct block_history *h)
{
    if (h)
        h->refs++;
    return h;
}

void block_history_unref(struct block_history *h)
{
    if (!h)
        return;
    CHECK(h->refs > 0);
    if (--h->refs == 0)
        heap_free(h);
}

struct bytes block_history_content(const struct block_history *h)
{
    return h ? bytes_of(h->p, h->n) : bytes_of(NULL, 0);
}
