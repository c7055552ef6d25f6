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

/* The slot that has the colour, or the free one where it would go. */
static uint32_t place(const struct block_colours *t, uint32_t colour)
{
    uint32_t slot = (colour * 0x9e3779b1u) >> 18;

    while (t->stamp[slot] == t->now && t->colour[slot] != colour)
        slot = (slot + 1) % COLOUR_SLOTS;
    return slot;
}

uint16_t block_colour_find(const struct block_colours *t, uint32_t colour)
{
    uint32_t slot = place(t, colour);

    return t->stamp[slot] == t->now ? (uint16_t)slot : COLOUR_NONE;
}

uint16_t block_colour_add(struct block_colours *t, uint32_t colour)
{
    uint32_t slot = place(t, colour);

    if (t->stamp[slot] != t->now) {
        CHECK(t->count < COLOUR_SLOTS / 2);
        t->count++;
        t->stamp[slot] = t->now;
        t->colour[slot] = colour;
    }
    return (uint16_t)slot;
}

bool block_colour_get(const struct block_colours *t, uint16_t slot, uint32_t *colour)
{
    if (slot >= COLOUR_SLOTS || t->stamp[slot] != t->now)
        return false;
    *colour = t->colour[slot];
    return true;
}
