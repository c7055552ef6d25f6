#include "core/guest/known_teller.h"

#include <string.h>

#include "core/base/num.h"

enum { NAME_BYTES = 8, MOST_NAMES = 4096 };

bool known_teller_take(struct known_teller *t, struct channel_end *end)
{
    if (!t->store || t->end || strcmp(channel_end_name(end), "known") != 0)
        return false;
    t->end = end;
    t->told = 0;
    channel_end_answer(end, CHANNEL_OPENED, "");
    return true;
}

bool known_teller_wake(struct known_teller *t, uint64_t stream)
{
    if (!t->end || channel_end_stream(t->end) != stream)
        return false;
    channel_end_wake(t->end);
    return true;
}

void known_teller_fill(struct known_teller *t, uint64_t now_us)
{
    uint8_t names[MOST_NAMES * NAME_BYTES];
    uint32_t n;

    if (!t->end)
        return;
    const uint64_t *name = content_store_names(t->store, &n);
    while (t->told < n) {
        size_t count = channel_end_room(t->end, now_us) / NAME_BYTES;
        count = num_min(num_min(count, n - t->told), MOST_NAMES);
        if (count == 0)
            return;
        for (size_t i = 0; i < count; i++)
            num_put_le(names + i * NAME_BYTES, NAME_BYTES, name[t->told + i]);
        channel_end_give(t->end, bytes_of(names, count * NAME_BYTES));
        t->told += (uint32_t)count;
    }
}

void known_teller_cut(struct known_teller *t)
{
    channel_end_free(t->end);
    t->end = NULL;
}
