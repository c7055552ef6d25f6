/* input: what a user does: keys, pointer, wheel, as values. */
#ifndef FARSPAN_INPUT_H
#define FARSPAN_INPUT_H

#include <stdbool.h>
#include <stdint.h>

enum input_kind {
    INPUT_KEY,    /* keysym, scancode, down */
    INPUT_MOVE,   /* x, y */
    INPUT_BUTTON, /* button, down (at the last position moved to) */
    INPUT_SCROLL, /* dx, dy */
    INPUT_RELEASE /* every key and button that is held down goes up */
};

/* One act. */
struct input_event {
    enum input_kind kind;
    bool down;
    uint32_t keysym;   /* X11 keysym (Unicode beyond Latin-1: 0x01000000 + code point) */
    uint32_t scancode; /* evdev code of the physical key, 0 when unknown */
    uint32_t button;   /* 1 left, 2 middle, 3 right, 8 back, 9 forward */
    int32_t x, y;      /* picture pixels */
    int32_t dx, dy;    /* wheel notches, right and down positive */
};

#endif
