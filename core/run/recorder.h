/* recorder: what a server shows, to an .fsr file, encoded and written beside the loop. */
#ifndef FARSPAN_RECORDER_H
#define FARSPAN_RECORDER_H

#include <stdint.h>

#include "core/base/err.h"
#include "core/run/loop.h"
#include "core/screen/capture.h"

struct recorder;

/* Empties `path` (mode 0600) and starts a worker. `failed` is called once, on the loop's thread,
 * when the file cannot be written any more (logged): it is readable up to there. ERR_SYSTEM
 * (logged), ERR_MEMORY. */
enum err recorder_new(struct loop *l, const char *path, void (*failed)(void *ctx), void *ctx,
                      struct recorder **out) MUST_USE;

/* Takes in the newest picture, at `now_us`. While the worker is busy with the last one, pictures in
 * between are left out; the newest is never. NULL is fine. ERR_MEMORY. */
enum err recorder_take(struct recorder *r, const struct capture *c, uint64_t now_us) MUST_USE;

/* Waits for the worker, writes what is missing and the index, and takes `r` (NULL is fine).
 * ERR_SYSTEM (logged, or told to `failed` before), ERR_MEMORY. */
enum err recorder_finish(struct recorder *r) MUST_USE;

#endif
