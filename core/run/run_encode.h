/* run_encode: pictures and video to recordings, exactly; back again; and the proof. */
#ifndef FARSPAN_RUN_ENCODE_H
#define FARSPAN_RUN_ENCODE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/parse.h"
#include "core/run/run.h"

/* What to do; all borrowed. */
struct run_encode_config {
    struct parse_list inputs;
    const char *output; /* NULL: not given */
    const char *decode; /* the recording to decode, or NULL */
    const char *verify; /* the recording to compare with the inputs, or NULL */
    const char *frame;  /* the number of the frame to decode, or NULL */
    uint64_t fps;       /* 0: not given */
    bool lossless;      /* the only mode so far */
    bool report;
};

/* Encodes the inputs, or decodes or compares a recording. ERR_USAGE; ERR_VERIFY when bytes differ;
 * errors of what is read and written, with the reason. On a signal what was written so far is a
 * whole recording, and run->signal is set. */
enum err run_encode(const struct run_encode_config *config, struct run *run) MUST_USE;

#endif
