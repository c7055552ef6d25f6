#include "core/base/buf.h"

#include <string.h>

#include "core/base/check.h"
#include "core/base/heap.h"
#include "core/base/num.h"

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){.max = max};
}

/* What was dropped is room again. */
static void go_back(struct buf *b)
{
    if (b->dropped == 0)
        return;
    uint8_t *p = b->p - b->dropped;
    memmove(p, b->p, b->n);
    b->p = p;
    b->capacity += b->dropped;
    b->dropped = 0;
}

void buf_release(struct buf *b)
{
    b->n = 0;
    go_back(b);
    heap_free(b->p);
    buf_init(b, b->max);
}

enum err buf_reserve(struct buf *b, size_t more)
{
    size_t need;

    if (!num_add(b->n, more, &need) || need > b->max)
        return ERR_LIMIT;
    if (need <= b->capacity)
        return OK;
    go_back(b);
    if (need <= b->capacity)
        return OK;
    size_t grown = num_clamp(num_max(b->capacity * 2, 256), need, num_max(b->max, need));
    uint8_t *p = heap_resize(b->p, grown);
    if (!p)
        return ERR_MEMORY;
    b->p = p;
    b->capacity = grown;
    return OK;
}

enum err buf_append(struct buf *b, struct bytes data)
{
    enum err e = buf_reserve(b, data.n);

    if (e)
        return e;
    if (data.n)
        memcpy(b->p + b->n, data.p, data.n);
    b->n += data.n;
    return OK;
}

void buf_drop(struct buf *b, size_t n)
{
    CHECK(n <= b->n);
    if (n == 0)
        return;
    b->p += n;
    b->n -= n;
    b->capacity -= n;
    b->dropped += n;
    if (b->n == 0)
        go_back(b);
}
