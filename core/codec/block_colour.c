#include "core/codec/block_colour.h"

#include <string.h>

#include "core/base/check.h"

void block_colour_reset(struct block_colours *t)
{
    t->count = 0;
    if (++t->now)
        return;
    memset(t->stamp, 0, sizeof t->stamp);
    t->now = 1;
}

uint16_t block_colour_add(struct block_colours *t, uint32_t colour)
{
    uint32_t slot = block_colour_place(t, colour);

    if (t->stamp[slot] != t->now) {
        CHECK(t->count < COLOUR_SLOTS / 2);
        t->count++;
        t->stamp[slot] = t->now;
        t->colour[slot] = colour;
    }
    return (uint16_t)slot;
}
