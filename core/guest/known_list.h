/* known_list: the blocks that the destination has, as it says, for what need not be sent. */
#ifndef FARSPAN_KNOWN_LIST_H
#define FARSPAN_KNOWN_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "core/codec/content_print.h"
#include "core/guest/channel_end.h"
#include "core/store/content_index.h"

/* Entry numbers are the destination's (content_store.h): names come in their order. In its owner's
 * storage; zeroed nothing is known. */
struct known_list {
    struct content_key key;
    struct content_index index;
    uint64_t promised; /* so many entries were there when the guest was accepted */
    uint8_t part[8];   /* of a name that is not whole yet */
    unsigned part_n;
    bool full; /* what comes now is left out */
};

/* Begins with the key and the number of entries that ACCEPT has told. */
void known_list_init(struct known_list *k, const uint8_t seed[CONTENT_SEED_BYTES],
                     uint64_t promised);

/* Frees what it holds. */
void known_list_release(struct known_list *k);

/* Takes the names that have come on the channel. ERR_AGAIN: all of them; ERR_END: no more will
 * come; what channel_end_peek gives. */
enum err known_list_hear(struct known_list *k, struct channel_end *c) MUST_USE;

/* Whether as many have come as were promised, or as can be kept. */
bool known_list_whole(const struct known_list *k);

#endif
