/* channel: how a byte stream of QEMU's is asked for and answered, ahead of its bytes. */
#ifndef FARSPAN_CHANNEL_H
#define FARSPAN_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/base/limits.h"
#include "core/base/wr.h"

/* The first bytes of a stream, from who opens it. */
struct channel_ask {
    char name[LIMIT_NAME_CHARS + 1]; /* channel_name_right */
};

/* The first bytes back. */
enum channel_code {
    CHANNEL_OPENED = 0,
    CHANNEL_UNKNOWN = 1, /* no such name is offered */
    CHANNEL_NOBODY = 2,  /* nobody listens there */
    CHANNEL_FAILED = 3,
    CHANNEL_CODES
};

struct channel_answer {
    enum channel_code code;
    char reason[LIMIT_REASON_CHARS + 1]; /* printable ASCII; empty when opened */
};

enum {
    CHANNEL_ASK_BYTES = 3 + LIMIT_NAME_CHARS, /* the longest of each */
    CHANNEL_ANSWER_BYTES = 4 + LIMIT_REASON_CHARS
};

/* Whether `name` (borrowed) is 1 to LIMIT_NAME_CHARS letters, digits, '-', '_' and '.'. */
bool channel_name_right(struct bytes name);

/* Encodes it. */
void channel_put_ask(struct wr *w, const struct channel_ask *a);

/* Decodes what stands at the start of `b`, *used bytes. ERR_AGAIN: not whole yet; ERR_MALFORMED;
 * ERR_VERSION. */
enum err channel_get_ask(struct bytes b, struct channel_ask *out, size_t *used) MUST_USE;

/* Encodes it; a reason is cut to its limit. */
void channel_put_answer(struct wr *w, const struct channel_answer *a);

/* Decodes what stands at the start of `b`, *used bytes. ERR_AGAIN: not whole yet; ERR_MALFORMED. */
enum err channel_get_answer(struct bytes b, struct channel_answer *out, size_t *used) MUST_USE;

#endif
