/* key_copies: copies of a few sessions' keys, for workers that seal and open in their stead. */
#ifndef FARSPAN_KEY_COPIES_H
#define FARSPAN_KEY_COPIES_H

#include <stdint.h>

#include "core/peer/peer.h"

enum { KEY_COPIES = 2 };

/* In the caller's storage; zeroed: empty. Secret. */
struct key_copies {
    uint8_t count;
    uint64_t session[KEY_COPIES], generation[KEY_COPIES];
    struct seal_key key[KEY_COPIES];
};

/* The number of the copy of s->key, which is made if there is none; KEY_COPIES when there is no
 * place for one more. */
uint8_t key_copies_get(struct key_copies *k, const struct peer_sealing *s);

/* Wipes the copies. */
void key_copies_wipe(struct key_copies *k);

#endif
