/* block_colour: colours as 16-bit numbers that stay the same from block to block. */
#ifndef FARSPAN_BLOCK_COLOUR_H
#define FARSPAN_BLOCK_COLOUR_H

#include <stdbool.h>
#include <stdint.h>

enum {
    COLOUR_SLOTS = 1 << 14,
    COLOUR_HISTORY = 2048, /* the most that a history knows */
    COLOUR_NEW = 2048,     /* the most that one block adds */
    COLOUR_NONE = 0xffff,  /* no slot */
};

/* A table in which a colour's place follows from its value, so that blocks that do not know each
 * other number most colours alike. The caller's storage, zeroed before first use. */
struct block_colours {
    uint32_t colour[COLOUR_SLOTS];
    uint16_t stamp[COLOUR_SLOTS]; /* a slot is in use when it has the table's stamp */
    uint16_t now;
    uint32_t count;
};

/* Empties the table. */
void block_colour_reset(struct block_colours *t);

/* The slot that has the colour, or the free one where it would go: the first from
 * (colour * 0x9e3779b1 mod 2^32) >> 18 on, round the end. */
static inline uint32_t block_colour_place(const struct block_colours *t, uint32_t colour)
{
    uint32_t slot = (colour * 0x9e3779b1u) >> 18;

    while (t->stamp[slot] == t->now && t->colour[slot] != colour)
        slot = (slot + 1) % COLOUR_SLOTS;
    return slot;
}

/* The slot of `colour`, or COLOUR_NONE when it was not added. */
static inline uint16_t block_colour_find(const struct block_colours *t, uint32_t colour)
{
    uint32_t slot = block_colour_place(t, colour);

    return t->stamp[slot] == t->now ? (uint16_t)slot : COLOUR_NONE;
}

/* Adds a colour that may be there already, and gives its slot. At most COLOUR_SLOTS / 2 may be
 * added. */
uint16_t block_colour_add(struct block_colours *t, uint32_t colour);

/* Looks up what is in `slot`; false when it is free or beyond the table. */
static inline bool block_colour_get(const struct block_colours *t, uint16_t slot, uint32_t *colour)
{
    if (slot >= COLOUR_SLOTS || t->stamp[slot] != t->now)
        return false;
    *colour = t->colour[slot];
    return true;
}

#endif
