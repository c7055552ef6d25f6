#include "core/guest/stream_end.h"

#include <string.h>

#include "core/base/num.h"

enum { DESCRIPTION = 6, LEAST_BYTES = 16, MOST_BYTES = 16 << 20 };

/* A description begins: end of file, its kind, its length, and the bracket of an object. */
static void look(struct stream_end *e)
{
    uint64_t n = num_get_be(e->head + 3, 4);

    if (e->head[1] == 0 && e->head[2] == DESCRIPTION && e->head[7] == '{' && n >= LEAST_BYTES &&
        n <= MOST_BYTES)
        e->left = n - 1;
}

void stream_end_take(struct stream_end *e, struct bytes b)
{
    while (b.n) {
        e->whole = false;
        size_t n = e->left ? (size_t)num_min(e->left, b.n) : 1;
        e->last = b.p[n - 1];
        if (e->left) {
            e->left -= n;
            e->whole = e->left == 0 && e->last == '}';
        } else {
            memmove(e->head, e->head + 1, sizeof e->head - 1);
            e->head[sizeof e->head - 1] = e->last;
            look(e);
        }
        b = bytes_of(b.p + n, b.n - n);
    }
}

bool stream_end_reached(const struct stream_end *e)
{
    return e->whole;
}
