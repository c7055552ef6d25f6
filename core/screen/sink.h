/* sink: where a viewer's picture goes: a window, a file, nowhere. */
#ifndef FARSPAN_SINK_H
#define FARSPAN_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/codec/pic.h"
#include "core/screen/input.h"
#include "core/screen/source.h"

/* A picture to be shown. All borrowed. */
struct sink_frame {
    struct pic *pic; /* may have another size than the last one */
    const uint8_t
        *changed;     /* pic_tiles entries: 1 where it differs from the last frame; NULL: all */
    uint32_t version; /* of the newest capture in it */
    bool exact;       /* proven equal to the source's picture of that version */
    uint64_t now_us;
};

struct sink;

/* What every sink implements; calls that a sink has no use for may be NULL. */
struct sink_ops {
    const char *name;
    bool interactive; /* gives input events */
    bool writes;      /* present does nothing but write a file: it may be called in another thread
                       * than the rest, while nothing else is */
    /* Shows or records one picture. ERR_SYSTEM (disk full ...), ERR_UNREACHABLE (window closed by
     * the X server's end). */
    enum err (*present)(struct sink *s, const struct sink_frame *f);
    /* The remote pointer has moved or changed. */
    void (*pointer)(struct sink *s, const struct source_pointer *p);
    /* Takes in what has happened on the fd. ERR_END: the user closed the window. */
    enum err (*poll)(struct sink *s, uint64_t now_us);
    /* The next act of the user; false when there is none. */
    bool (*input)(struct sink *s, struct input_event *out);
    /* A line of text for the user (state of the link ...), borrowed. */
    void (*status)(struct sink *s, const char *text);
    /* A file descriptor to wait on for reading, or -1. */
    int (*fd)(const struct sink *s);
    /* Writes what is to be written at the end (`last` may be NULL when no picture ever came).
     * ERR_SYSTEM. */
    enum err (*finish)(struct sink *s, const struct sink_frame *last);
    /* Frees the sink. */
    void (*free)(struct sink *s);
};

/* The head of every sink. */
struct sink {
    const struct sink_ops *ops;
};

/* Opens "x11[:DISPLAY]", "null" or FILE.png, FILE.y4m, FILE.ppm, FILE.fsr, as `view --to` takes
 * them. What is wrong goes to `reason`. ERR_USAGE, ERR_SYSTEM, ERR_UNREACHABLE, ERR_MEMORY. */
enum err sink_open(const char *name, uint64_t now_us, struct sink **out, char *reason,
                   size_t room) MUST_USE;

#endif
