/* viewer: the viewing end of a desktop: its picture, whether that is exact, input, the pointer. */
#ifndef FARSPAN_VIEWER_H
#define FARSPAN_VIEWER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/peer/peer.h"
#include "core/screen/input.h"
#include "core/screen/mirror.h"
#include "core/screen/source.h"
#include "core/screen/without.h"
#include "core/wire/desk.h"

/* A picture that was proven equal to the server's. */
struct viewer_exact {
    uint32_t version;  /* of the server's capture */
    uint64_t sequence; /* of the last input whose effect it shows */
    uint8_t hash[DESK_HASH_BYTES];
};

/* What happened since the viewer was made. */
struct viewer_counters {
    uint64_t exact, refreshes;
};

struct viewer;

/* Makes a viewer; `without`: bits of enum without. NULL without memory. */
struct viewer *viewer_new(uint32_t without);

/* Takes it and frees it; NULL is fine. The session stays with its owner. */
void viewer_free(struct viewer *v);

/* Takes an event of the session `p` (borrowed from PEER_EVENT_CONNECTED to PEER_EVENT_CLOSED);
 * records may be queued on it. ERR_MALFORMED: the server breaks the protocol; ERR_UNREACHABLE: it
 * takes no records any more; ERR_LIMIT, ERR_MEMORY. */
enum err viewer_event(struct viewer *v, uint64_t now_us, struct peer *p,
                      const struct peer_event *e) MUST_USE;

/* Sends one act of the user; without a session nothing happens. Errors as viewer_event. */
enum err viewer_input(struct viewer *v, uint64_t now_us, const struct input_event *e) MUST_USE;

/* Sends what is due: keys that stay down. Errors as viewer_event. */
enum err viewer_work(struct viewer *v, uint64_t now_us) MUST_USE;

/* When viewer_work wants to be called; UINT64_MAX: never. */
uint64_t viewer_deadline_us(const struct viewer *v);

/* The picture, borrowed: mirror_shown is the caller's to call. */
struct mirror *viewer_mirror(const struct viewer *v);

/* The last proof of exactness since this was asked; false: there was none. */
bool viewer_next_exact(struct viewer *v, struct viewer_exact *out);

/* Whether the picture is proven and nothing has come or was sent since; *out (may be NULL) says
 * which it is. */
bool viewer_is_exact(const struct viewer *v, struct viewer_exact *out);

/* As viewer_is_exact, and the picture shows the effect of every act so far. */
bool viewer_is_settled(const struct viewer *v);

/* The pointer, when it has changed since this was asked; its image is borrowed. */
bool viewer_next_pointer(struct viewer *v, struct source_pointer *out);

/* What happened so far. */
void viewer_count(const struct viewer *v, struct viewer_counters *out);

#endif
