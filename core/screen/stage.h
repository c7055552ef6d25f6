/* stage: the serving end of a desktop: one source shown to all who have come, each by a seat. */
#ifndef FARSPAN_STAGE_H
#define FARSPAN_STAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/peer/peer.h"
#include "core/screen/capture.h"
#include "core/screen/seat.h"
#include "core/screen/source.h"

/* How a source is served. */
struct stage_config {
    uint64_t interval_us; /* between two captures at the least */
    uint64_t rate_bps;    /* the most for each viewer; 0: what the path takes */
    bool view_only;       /* nobody's input is taken */
    uint32_t without;     /* bits of enum without */
};

/* A server at work; the caller's storage. The owner reads seats and capture. */
struct stage {
    struct stage_config config;
    struct source *source; /* borrowed */
    struct capture capture;
    struct seat *seats; /* owned, newest first */
    uint32_t seat_count, seat_number;
    uint64_t next_capture_us;
    uint64_t captures; /* so far */
    enum err failure;  /* of the source: there will be no more pictures */
};

/* Prepares the caller's storage; `source` (borrowed) must outlive it. */
void stage_init(struct stage *st, struct source *source, const struct stage_config *config);

/* Frees seats and picture; the source and the sessions stay with their owners. */
void stage_release(struct stage *st);

/* Takes an event of a session. PEER_EVENT_CONNECTED makes a seat, PEER_EVENT_CLOSED frees it; a
 * viewer that breaks the protocol is closed. Errors as stage_work. */
enum err stage_event(struct stage *st, uint64_t now_us, struct peer *p,
                     const struct peer_event *e) MUST_USE;

/* Takes in what the source has to say; captures when there is something to see and somebody to see
 * it, proves what is at rest, lets go of what silent viewers hold. ERR_MEMORY, ERR_LIMIT (picture
 * too large); what the source says, also later: ERR_UNREACHABLE, ERR_MALFORMED, ERR_SYSTEM. */
enum err stage_work(struct stage *st, uint64_t now_us) MUST_USE;

/* When stage_work wants to be called again; UINT64_MAX: never. */
uint64_t stage_deadline_us(const struct stage *st, uint64_t now_us);

/* Queues updates on all sessions while there is room: to be called when nothing else is left to be
 * sent. A session for which there is no memory is closed. */
void stage_fill(struct stage *st, uint64_t now_us);

/* The seat of a session, borrowed; NULL when it has none. */
struct seat *stage_seat(const struct stage *st, const struct peer *p);

/* What an owner may want to know. */
struct stage_news {
    enum stage_kind {
        STAGE_PROVEN, /* the viewer has proven its picture of `version` */
        STAGE_ACTED   /* its input was carried out */
    } kind;
    struct seat *seat; /* borrowed */
    uint32_t version;
};

/* What has happened since this was asked, each kind once a seat; false when there is nothing. */
bool stage_next_news(struct stage *st, struct stage_news *out);

#endif
