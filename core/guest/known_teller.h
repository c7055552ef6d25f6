/* known_teller: tells the source of a guest what this host has already (known_list.h hears it). */
#ifndef FARSPAN_KNOWN_TELLER_H
#define FARSPAN_KNOWN_TELLER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/guest/channel_end.h"
#include "core/store/content_store.h"

/* In its owner's storage; zeroed it has nothing to tell. */
struct known_teller {
    const struct content_store *store; /* borrowed; NULL: nothing is told */
    struct channel_end *end;           /* owned; NULL: nobody asks */
    uint32_t told;                     /* entries */
};

/* Takes a channel's end that has asked for what is known; false: it is not taken. */
bool known_teller_take(struct known_teller *t, struct channel_end *end);

/* Something has come on a stream, or it takes more; false: it is another. */
bool known_teller_wake(struct known_teller *t, uint64_t stream);

/* Tells of the entries that have come. */
void known_teller_fill(struct known_teller *t, uint64_t now_us);

/* The session is over. */
void known_teller_cut(struct known_teller *t);

#endif
