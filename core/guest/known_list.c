#include "core/guest/known_list.h"

#include "core/base/log.h"
#include "core/base/num.h"

void known_list_init(struct known_list *k, const uint8_t seed[CONTENT_SEED_BYTES],
                     uint64_t promised)
{
    *k = (struct known_list){.promised = promised};
    content_print_key(&k->key, seed);
}

void known_list_release(struct known_list *k)
{
    content_index_release(&k->index);
    *k = (struct known_list){0};
}

bool known_list_whole(const struct known_list *k)
{
    return k->full || k->index.n >= k->promised;
}

static void take(struct known_list *k, uint8_t byte)
{
    k->part[k->part_n++] = byte;
    if (k->part_n < sizeof k->part)
        return;
    k->part_n = 0;
    enum err e = k->full ? OK : content_index_add(&k->index, num_get_le(k->part, sizeof k->part));
    if (e)
        log_debug("no more is remembered of what the destination has: %s", err_text(e));
    k->full |= e != OK;
}

enum err known_list_hear(struct known_list *k, struct channel_end *c)
{
    struct bytes b;
    enum err e;

    while ((e = channel_end_peek(c, &b)) == OK && b.n) {
        for (size_t i = 0; i < b.n; i++)
            take(k, b.p[i]);
        channel_end_consume(c, b.n);
    }
    return e ? e : ERR_AGAIN;
}
