/* test_desktop: the built-in desktop's windows: what is where, what input and time change. */
#ifndef FARSPAN_TEST_DESKTOP_H
#define FARSPAN_TEST_DESKTOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/screen/canvas.h"
#include "core/screen/font.h"
#include "core/screen/input.h"
#include "core/screen/source.h"

enum {
    TEST_DESKTOP_DIRTY = SOURCE_MAX_RECTS,
    TEST_DESKTOP_FIELD = 48,  /* characters that the text field holds */
    TEST_DESKTOP_ECHO = 3,    /* lines entered earlier that stay in view */
    TEST_DESKTOP_LINES = 128, /* of the notes, once wrapped */
    TEST_DESKTOP_CYCLE = 60,  /* steps of one movement from rest to rest */
    TEST_DESKTOP_TITLE_PX = 28,
    TEST_DESKTOP_PANEL_PX = 30,
    TEST_DESKTOP_LINE_PX = 20,
    TEST_DESKTOP_SHADOW_PX = 16
};

/* The windows, from the lowest at the start to the highest. */
enum test_desktop_window {
    TEST_NOTES,
    TEST_PHOTO,
    TEST_TERMINAL,
    TEST_MOTION,
    TEST_TRY,
    TEST_WINDOWS
};

/* The places that change by themselves. */
enum test_desktop_part {
    TEST_PART_CLOCK,
    TEST_PART_NOTES,    /* the text with its scroll bar */
    TEST_PART_TERMINAL, /* the lines */
    TEST_PART_PHOTO,
    TEST_PART_BALL, /* the lane that it jumps along */
    TEST_PART_CUBE,
    TEST_PART_STATE, /* moving or at rest, with a bar */
    TEST_PART_SWATCHES,
    TEST_PART_FIELD,
    TEST_PART_ECHO,
    TEST_PART_BUTTON,
    TEST_PART_COUNT,
    TEST_PART_KEY,  /* the last key */
    TEST_PART_PLACE /* the pointer's place in figures */
};

/* One line of UTF-8 text and how many bytes of it are used. */
struct test_desktop_line {
    char text[4 * TEST_DESKTOP_FIELD + 1];
    size_t n;
};

/* A piece of the notes on one line: borrowed from the table of words. */
struct test_desktop_words {
    struct bytes text;
    bool heading;
};

/* The whole state: the picture follows from it alone. */
struct test_desktop {
    uint32_t width, height;
    uint32_t *px, *wallpaper, *photo; /* owned; rows without gaps */
    uint32_t photo_width, photo_height;
    struct font *text, *bold, *head; /* owned */

    struct box window[TEST_WINDOWS];              /* with frame and title */
    enum test_desktop_window order[TEST_WINDOWS]; /* the last one is on top and has the keys */
    struct test_desktop_words notes[TEST_DESKTOP_LINES];
    size_t notes_count;
    int32_t notes_top_px; /* how far the notes are scrolled */

    uint64_t step;    /* steps moved since the start */
    uint64_t seconds; /* on the clock */
    bool moving, clock;

    struct test_desktop_line field, echo[TEST_DESKTOP_ECHO];
    uint32_t clicks;
    uint32_t last_key;            /* keysym, 0 before the first */
    uint32_t held;                /* modifiers that are down: bits of enum test_desktop_held */
    bool pressed;                 /* the button, by the pointer */
    int dragged;                  /* a window, or -1 */
    int32_t grab_x, grab_y, x, y; /* where the window is held; the pointer */

    struct box dirty[TEST_DESKTOP_DIRTY];
    size_t dirty_count;
};

enum test_desktop_held {
    TEST_HELD_SHIFT = 1,
    TEST_HELD_CONTROL = 2,
    TEST_HELD_ALT = 4,
    TEST_HELD_SUPER = 8
};

/* Gives the desktop at its start, all of it to be painted; sizes must have been checked against
 * limits.h. ERR_MEMORY. */
enum err test_desktop_new(uint32_t width, uint32_t height, struct test_desktop **out) MUST_USE;

/* Takes `d` and frees it; NULL is fine. */
void test_desktop_free(struct test_desktop *d);

/* Where a part is on the screen now (it may lie under other windows or reach beyond the screen). */
struct box test_desktop_part(const struct test_desktop *d, enum test_desktop_part part);

/* Puts the moving things at `step`, moving or at rest. */
void test_desktop_move(struct test_desktop *d, uint64_t step, bool moving);

/* Sets the clock. */
void test_desktop_tick(struct test_desktop *d, uint64_t seconds);

/* Carries out one act of a user. */
void test_desktop_input(struct test_desktop *d, const struct input_event *e);

/* Paints what has changed (or everything) into d->px and gives where: at most TEST_DESKTOP_DIRTY
 * boxes on the screen in `out`, their number as result. */
size_t test_desktop_paint(struct test_desktop *d, bool whole, struct box *out);

/* What the pointer looks like where it is: an index for test_art_pointer. */
unsigned test_desktop_shape(const struct test_desktop *d);

#endif
