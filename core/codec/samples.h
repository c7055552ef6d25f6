/* samples: what the bytes of a pixel mean: RGB, or the planes of a video kept as they came. */
#ifndef FARSPAN_SAMPLES_H
#define FARSPAN_SAMPLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Sample formats; the numbers stand in files. A picture of planes has the luma in the green byte,
 * Cb in blue and Cr in red, a subsampled chroma sample repeated in every pixel that it covers, so
 * that one picture of the video's size holds all planes exactly and all of them move together. Mono
 * has the luma in all three. */
enum samples {
    SAMPLES_RGB,
    SAMPLES_RGBA, /* alpha in the top byte, not premultiplied */
    SAMPLES_MONO,
    SAMPLES_444,
    SAMPLES_422,
    SAMPLES_420,
    SAMPLES_411,
    SAMPLES_440,
    SAMPLES_444A, /* 4:4:4 and a plane of alpha in the top byte */
    SAMPLES_COUNT
};

/* The shape of a sample format. */
struct samples_shape {
    const char *name;         /* for people: "4:2:0" */
    uint8_t planes;           /* 0: pixels, not planes */
    uint8_t shift_x, shift_y; /* chroma is halved so many times in each direction */
    bool alpha;               /* the top byte counts */
};

/* The shape of format `s` (< SAMPLES_COUNT), static. */
const struct samples_shape *samples_shape(enum samples s);

/* Turns `n` pixels of format `from` into RGB in place (alpha stays): nothing to do for RGB; integer
 * BT.601 for planes, of full range or of 16..235, which cannot be undone exactly. */
void samples_to_rgb(enum samples from, bool full_range, uint32_t *px, size_t n);

/* Turns `n` RGB pixels into SAMPLES_444 in place: integer BT.601 of full range (the matrix of
 * JFIF), each sample within 1 of the exact value; alpha stays. */
void samples_from_rgb(uint32_t *px, size_t n);

/* The same conversion of `n` RGB pixels into three planes, `n` bytes each. */
void samples_split_rgb(const uint32_t *px, size_t n, uint8_t *luma, uint8_t *cb, uint8_t *cr);

/* Whether limits.h allows a picture of that size. */
bool samples_size_fits(uint64_t width, uint64_t height);

#endif
