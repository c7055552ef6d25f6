/* link_lab: a link of our own with its ends: a relay, a listening end and callers, as processes. */
#ifndef FARSPAN_LINK_LAB_H
#define FARSPAN_LINK_LAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/json.h"
#include "core/run/link_row.h"
#include "core/run/loop.h"
#include "core/run/run.h"
#include "core/run/trial_log.h"

struct link_lab;

/* A round trip seen at a moment. */
struct link_lab_rtt {
    uint64_t at_us, rtt_us;
};

/* What a caller has said; times are since its first payload. */
struct link_lab_seen {
    struct json_value *result; /* its result event; NULL: none came */
    struct trial_log log;      /* what was delivered */
    struct link_lab_rtt *rtt;  /* owned */
    size_t rtts, room;
};

/* How a row is tried. */
struct link_lab_setup {
    const struct link_row *row; /* borrowed */
    uint64_t for_us;            /* how long payload goes; what happens, happens in proportion */
    uint64_t seed;              /* of the relay's chance */
    const int *netns;           /* two namespaces that a relay of IP packets joins; NULL: it passes
                                 * datagrams on here */
};

/* Prepares it for any number of trials on the borrowed loop. ERR_MEMORY. */
enum err link_lab_new(struct loop *l, struct run *run, struct link_lab **out) MUST_USE;

/* Takes it; NULL is fine. */
void link_lab_free(struct link_lab *b);

/* Sets the link up alone: from then on there is the relay, with namespaces, or nothing. Errors as
 * link_lab_try. */
enum err link_lab_open(struct link_lab *b, const struct link_lab_setup *s) MUST_USE;

/* Tries the row across the open link: runs the loop until all callers have ended. With a reason:
 * ERR_SYSTEM (a process failed), ERR_UNSUPPORTED, ERR_MEMORY; ERR_AGAIN when link_lab_stop was
 * called. */
enum err link_lab_try(struct link_lab *b) MUST_USE;

/* Ends every process that still runs. */
void link_lab_close(struct link_lab *b);

/* What the `i`th caller of the row has seen; borrowed until the next trial. */
const struct link_lab_seen *link_lab_seen(const struct link_lab *b, unsigned i);

/* Ends the trial that is running. */
void link_lab_stop(struct link_lab *b);

/* When in the row's trial it happens: `first` begins and `last` ends it, since the relay's first
 * datagram. */
void link_lab_happens(const struct link_lab_setup *s, uint64_t *first_us, uint64_t *last_us);

#endif
