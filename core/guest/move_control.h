/* move_control: the stream on which two hosts talk about a guest that moves. */
#ifndef FARSPAN_MOVE_CONTROL_H
#define FARSPAN_MOVE_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/json.h"
#include "core/peer/peer.h"
#include "core/wire/move.h"

/* One end, in its owner's storage. */
struct move_control {
    struct peer *peer; /* borrowed; NULL: none */
    uint64_t stream;
    struct buf in, out;      /* a record that is not whole yet; what the stream does not take yet */
    struct json_value *body; /* owned: of the last record */
};

/* Prepares an end of a stream that is open. */
void move_control_init(struct move_control *c, struct peer *p, uint64_t stream);

/* Frees what it holds; the stream stays. Fine when zeroed. */
void move_control_release(struct move_control *c);

/* Sends a record with `body`, which it takes (NULL: an empty object). ERR_MEMORY, ERR_LIMIT,
 * ERR_END: the stream is no more. */
enum err move_control_say(struct move_control *c, enum move_kind kind, struct json *body) MUST_USE;

/* The stream may take more. ERR_END. */
enum err move_control_flush(struct move_control *c) MUST_USE;

/* Takes the next record; *body is borrowed until the next call. ERR_AGAIN: none yet; ERR_END: there
 * are no more; ERR_MALFORMED, ERR_VERSION, ERR_MEMORY. */
enum err move_control_next(struct move_control *c, enum move_kind *kind,
                           const struct json_value **body) MUST_USE;

#endif
