/* send_known: what the destination of a guest has already, asked for before anything goes. */
#ifndef FARSPAN_SEND_KNOWN_H
#define FARSPAN_SEND_KNOWN_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/json.h"
#include "core/guest/known_list.h"

/* In its owner's storage; zeroed nothing is known. */
struct send_known {
    struct known_list list;
    struct channel_end *end; /* owned; NULL: nothing comes any more */
};

/* Begins with what ACCEPT says (borrowed); a destination that says nothing has nothing. Errors of
 * streams. */
enum err send_known_begin(struct send_known *k, struct peer *p,
                          const struct json_value *accept) MUST_USE;

/* Something has come on a stream; false: it is another. */
bool send_known_wake(struct send_known *k, uint64_t stream);

/* Whether all has come that was there when the guest was accepted. */
bool send_known_whole(const struct send_known *k);

/* The session is over. */
void send_known_cut(struct send_known *k);

/* Frees all. */
void send_known_release(struct send_known *k);

#endif
