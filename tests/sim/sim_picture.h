/* sim_picture: a source that changes by chance and on demand, and tells what is true. */
#ifndef FARSPAN_SIM_PICTURE_H
#define FARSPAN_SIM_PICTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/rng.h"
#include "core/codec/pic.h"
#include "core/screen/source.h"
#include "tests/unit/scene.h"

/* What can happen to a picture; bits of a set. */
enum sim_picture_act {
    SIM_PICTURE_TYPE = 1 << 0,   /* a character is typed */
    SIM_PICTURE_SCROLL = 1 << 1, /* text moves up by a line, a new one below */
    SIM_PICTURE_NOISE = 1 << 2,  /* a rectangle of random pixels */
    SIM_PICTURE_FILL = 1 << 3,   /* a rectangle of one colour */
    SIM_PICTURE_MOVE = 1 << 4,   /* a window is dragged */
    SIM_PICTURE_RESIZE = 1 << 5, /* another size, everything drawn anew */
    SIM_PICTURE_ALL = 1 << 6,    /* every pixel is another */
    SIM_PICTURE_ACTS = 7
};

enum { SIM_PICTURE_INPUTS = 8192, SIM_PICTURE_EFFECTS = 64, SIM_PICTURE_KEYS = 32 };

/* A source. What stands before `source` is the scenario's to change; times are the node's clock. */
struct sim_picture {
    struct source source; /* first: the stage sees only this */
    uint32_t acts;        /* what happens ... */
    uint64_t every_us;    /* ... so often on average; 0: the picture rests */
    bool steady;          /* ... and exactly so often */
    bool stamped;         /* a changed tile's first pixel is the time in milliseconds */
    bool secret;          /* changes are not told as damage */
    uint64_t effect_us;   /* a key press draws a character so much later; 0: it does not */
    uint64_t pointer_us;  /* the pointer moves so often; 0: there is none */

    struct scene canvas;
    struct rng rng;
    uint64_t next_us, pointer_next_us;
    uint32_t line, column;
    struct rect damage[SOURCE_MAX_RECTS];
    size_t damages;
    int32_t pointer_x;
    uint64_t changes, captures; /* so far */
    uint64_t stirred_us;        /* when it changed last */

    struct input_event input[SIM_PICTURE_INPUTS]; /* what has come, in order */
    uint64_t input_us[SIM_PICTURE_INPUTS];
    size_t inputs;
    struct input_event down[SIM_PICTURE_KEYS]; /* keys and buttons that are down */
    size_t downs;
    uint64_t effect_at_us[SIM_PICTURE_EFFECTS]; /* presses whose effect is still to come: a ring */
    uint64_t effects_begun, effects;
};

/* Gives a resting picture of some windows. Aborts without memory. */
struct sim_picture *sim_picture_new(uint64_t seed, uint32_t width, uint32_t height);

/* Takes it and frees it. */
void sim_picture_free(struct sim_picture *p);

/* Does one act now. */
void sim_picture_do(struct sim_picture *p, enum sim_picture_act act, uint64_t now_us);

/* Changes one pixel without a word of it. */
void sim_picture_slip(struct sim_picture *p, uint32_t x, uint32_t y);

/* Makes every pixel black. */
void sim_picture_blacken(struct sim_picture *p, uint64_t now_us);

/* Whether `pic` (NULL: no) shows what this is now. */
bool sim_picture_is(const struct sim_picture *p, const struct pic *pic);

/* A hash of the pixels now, and the same of a picture. */
uint64_t sim_picture_hash(const struct sim_picture *p);
uint64_t sim_picture_hash_of(const struct pic *pic);

/* How old the oldest tile of `pic` is at `now_us`, by the stamps. */
uint64_t sim_picture_age_us(const struct pic *pic, uint64_t now_us);

/* Whether that key (by keysym) is down. */
bool sim_picture_holds(const struct sim_picture *p, uint32_t keysym);

#endif
