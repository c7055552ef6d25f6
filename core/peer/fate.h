/* fate: a packet has come through or is lost: whoever had something in it is told. */
#ifndef FARSPAN_FATE_H
#define FARSPAN_FATE_H

#include <stdint.h>

#include "core/peer/recovery.h"

/* A recovery's callback, whose context is the session (struct peer): lets go of what the other
 * has, queues again what is to be sent once more, each in its own way: of a limit the newest value,
 * not the one that was lost. What the packet itself was like, its size and its mark, is told to mtu
 * and ecn. ERR_MEMORY, ERR_LIMIT: the session cannot go on. */
enum err fate_tell(void *context, struct recovery_packet *packet, uint64_t number,
                   enum recovery_fate fate) MUST_USE;

#endif
