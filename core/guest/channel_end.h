/* channel_end: one end of one of QEMU's byte streams across a session, packed on the way. */
#ifndef FARSPAN_CHANNEL_END_H
#define FARSPAN_CHANNEL_END_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/peer/peer.h"
#include "core/wire/channel.h"

/* Where a channel is. */
enum channel_stage {
    CHANNEL_ASKED, /* the caller has asked; the answering end has not heard the name yet */
    CHANNEL_NAMED, /* the answering end knows the name: channel_end_answer */
    CHANNEL_OPEN,  /* bytes go both ways */
    CHANNEL_OVER   /* refused, or broken: see channel_end_why */
};

/* What it has carried. */
struct channel_counters {
    uint64_t given_bytes;  /* by this end's owner ... */
    uint64_t packed_bytes; /* ... which took so many on the stream */
    uint64_t taken_bytes;  /* by this end's owner */
};

struct channel_end;

/* The settings that a session for channels wants: room for 1 Gbit/s over 300 ms. */
struct peer_config channel_end_peer_config(void);

/* Gives the end that asks for `name` (borrowed, channel_name_right) at the other side of a session,
 * which is borrowed. Errors of streams. */
enum err channel_end_call(struct peer *p, const char *name, struct channel_end **out) MUST_USE;

/* Gives the end for a stream that the other side has opened. ERR_MEMORY. */
enum err channel_end_take(struct peer *p, uint64_t stream, struct channel_end **out) MUST_USE;

/* Takes it; a stream that has not come to its end is reset. NULL is fine. */
void channel_end_free(struct channel_end *c);

/* The stream's id. */
uint64_t channel_end_stream(const struct channel_end *c);

/* The name asked for; empty while it is not known. */
const char *channel_end_name(const struct channel_end *c);

/* Where it is. */
enum channel_stage channel_end_stage(const struct channel_end *c);

/* Why it is over: ERR_NOT_FOUND (no such name, or nobody listens there), ERR_UNREACHABLE (reset by
 * the other side), ERR_MALFORMED, ERR_VERSION, ERR_MEMORY; with what the other side says, borrowed,
 * maybe empty. */
enum err channel_end_why(const struct channel_end *c, const char **reason);

/* Answers who has asked: OPENED, and bytes may go; else it is over. */
void channel_end_answer(struct channel_end *c, enum channel_code code, const char *reason);

/* Something has come on the stream, or it takes more: hears ask and answer, sends what waits. */
void channel_end_wake(struct channel_end *c);

/* How many bytes it makes sense to give now: what waits in front of the path is kept to a few tens
 * of milliseconds of it, since all that waits is downtime in the end. */
size_t channel_end_room(struct channel_end *c, uint64_t now_us);

/* Whether this host's processors do not keep up, so that the path waits for them: then it is packed
 * quickly, however slow the path is. */
void channel_end_strain(struct channel_end *c, bool strained);

/* Gives bytes (at most channel_end_room), which are copied. */
void channel_end_give(struct channel_end *c, struct bytes b);

/* Nothing more will be given. */
void channel_end_finish(struct channel_end *c);

/* Whether all that was given has been acknowledged, and the end of it told. */
bool channel_end_finished(const struct channel_end *c);

/* The next bytes that have come, borrowed until channel_end_consume. ERR_AGAIN: nothing yet.
 * ERR_END: the other side has finished, and all was taken. ERR_UNREACHABLE and what else
 * channel_end_why tells. */
enum err channel_end_peek(struct channel_end *c, struct bytes *out) MUST_USE;

/* Drops `n` bytes that peek has shown. */
void channel_end_consume(struct channel_end *c, size_t n);

/* What it has carried. */
struct channel_counters channel_end_counters(const struct channel_end *c);

#endif
