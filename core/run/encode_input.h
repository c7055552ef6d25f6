/* encode_input: the pictures of all inputs of a command in order, alike in shape, each with its
 * time. */
#ifndef FARSPAN_ENCODE_INPUT_H
#define FARSPAN_ENCODE_INPUT_H

#include <stdint.h>

#include "core/base/err.h"
#include "core/base/parse.h"
#include "core/codec/frames.h"
#include "core/run/foreground.h"

enum { ENCODE_INPUT_FPS = 30 /* where neither the input nor the user says */ };

/* The pictures of some files. */
struct encode_input;

/* Opens nothing yet; `paths` ("-": standard input) and `f` are borrowed until it is freed. `fps` is
 * for inputs without times (0: ENCODE_INPUT_FPS). NULL without memory. */
struct encode_input *encode_input_new(const struct parse_list *paths, uint64_t fps,
                                      struct foreground *f);

/* Takes and frees it; NULL is fine. */
void encode_input_free(struct encode_input *x);

/* The next picture, borrowed until the next call, with its time from the first one's on. ERR_END
 * after the last one; ERR_AGAIN: a signal came. ERR_USAGE when its size, samples or y4m header are
 * not the first one's, ERR_NOT_FOUND, and errors of frames_next, with the reason in the run's. */
enum err encode_input_next(struct encode_input *x, struct frames_picture *out) MUST_USE;

#endif
