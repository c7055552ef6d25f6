/* relay_tun: two network namespaces joined by two modelled links, packet by packet. */
#ifndef FARSPAN_RELAY_TUN_H
#define FARSPAN_RELAY_TUN_H

#include "core/os/tun.h"
#include "core/run/loop.h"
#include "core/run/relay_losses.h"
#include "core/wan/wan_link.h"

enum { RELAY_TUN_QUEUE = 10000, RELAY_TUN_GRAIN_US = 100 };

struct relay_tun;

/* Makes a tun device in each of the namespaces (see tun_open); the second one's addresses are the
 * first one's the other way round. What leaves `ns[0]` goes through `up`, the rest through `down`;
 * both borrowed, both start with the first packet. Multicast of the link's own scope
 * (224.0.0.0/24, ff02::/16), which hosts send unasked, is not carried. Errors as tun_open,
 * ERR_MEMORY. */
enum err relay_tun_new(struct loop *l, const char *const ns[2], const struct tun_config *config,
                       struct wan_link *up, struct wan_link *down, struct relay_tun **out) MUST_USE;

/* Takes the relay and removes its devices; NULL is fine. */
void relay_tun_free(struct relay_tun *r);

/* The device in namespace `i` (0, 1); borrowed. */
const struct tun *relay_tun_device(const struct relay_tun *r, int i);

/* The losses so far in the direction from the first namespace (`up`) or to it. */
struct relay_losses relay_tun_count(const struct relay_tun *r, bool up);

#endif
