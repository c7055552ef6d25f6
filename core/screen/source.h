/* source: where a picture comes from and where input goes: X11, the test desktop, files. */
#ifndef FARSPAN_SOURCE_H
#define FARSPAN_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/codec/pic.h"
#include "core/screen/input.h"

enum { SOURCE_MAX_RECTS = 64 };

/* What one capture saw. `pixels` and the rectangles are borrowed until the next call. */
struct source_frame {
    struct pixels pixels; /* the whole picture; its size may differ from the last one's */
    struct rect damage[SOURCE_MAX_RECTS]; /* what may have changed since the last capture */
    size_t damage_count;
    bool whole; /* everything was fetched afresh: what differs now was missed before */
    bool ended; /* files: this is the last picture there will be */
    uint64_t captured_us;
};

/* The pointer, apart from the picture. The image is borrowed until the next call. */
struct source_pointer {
    int32_t x, y; /* the hot spot's place in the picture */
    bool visible;
    uint32_t serial; /* changes with the shape */
    uint32_t width, height, hot_x, hot_y;
    const uint32_t *argb; /* width * height, premultiplied alpha */
};

struct source;

/* What every source implements. A source never blocks: it works when its fd is readable or its
 * deadline is reached. */
struct source_ops {
    const char *name;
    /* Takes in what has happened (events of the fd). ERR_UNREACHABLE: the source is gone for good;
     * ERR_MALFORMED, ERR_SYSTEM: a file cannot be played on (logged). */
    enum err (*poll)(struct source *s, uint64_t now_us);
    /* Whether a capture now might find something new. */
    bool (*damaged)(const struct source *s);
    /* Fetches what was damaged (`whole`: everything, damage reports not trusted). ERR_UNREACHABLE.
     */
    enum err (*capture)(struct source *s, uint64_t now_us, bool whole, struct source_frame *out);
    /* The pointer now; false when the source has none. */
    bool (*pointer)(struct source *s, struct source_pointer *out);
    /* Carries out one act of input; sources that take none ignore it. */
    void (*input)(struct source *s, uint64_t now_us, const struct input_event *e);
    /* Whether input waits to be carried out (by poll, at deadline_us); NULL: it never does. */
    bool (*typing)(const struct source *s);
    /* A file descriptor to wait on for reading, or -1. */
    int (*fd)(const struct source *s);
    /* When poll wants to be called even without input; UINT64_MAX for never. */
    uint64_t (*deadline_us)(const struct source *s);
    /* Frees the source and restores what it had changed. */
    void (*free)(struct source *s);
};

/* The head of every source. */
struct source {
    const struct source_ops *ops;
};

/* Opens "x11[:DISPLAY]", "test[:WxH]" or a file, as `serve` takes them. `fps` pictures a second are
 * played of a stream that does not say how many it has; 0: FILE_SOURCE_FPS. What is wrong with it
 * goes to `reason` (a sentence, at most `room` bytes). ERR_USAGE, ERR_NOT_FOUND, ERR_UNREACHABLE,
 * ERR_UNSUPPORTED, ERR_MEMORY; files: ERR_MALFORMED, ERR_LIMIT, ERR_SYSTEM. */
enum err source_open(const char *name, uint32_t fps, uint64_t now_us, struct source **out,
                     char *reason, size_t room) MUST_USE;

#endif
