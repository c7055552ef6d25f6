/* tun: a device that hands the IP packets of a network namespace to this process. */
#ifndef FARSPAN_TUN_H
#define FARSPAN_TUN_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/addr.h"
#include "core/base/bytes.h"
#include "core/base/err.h"

enum { TUN_NAME_CHARS = 16, TUN_ADDRESSES = 4, TUN_MTU_MIN = 576, TUN_MTU_MAX = 65535 };

/* One device. The kernel removes it when the descriptor is closed, however the process ends. */
struct tun {
    int fd;        /* owned; -1: closed */
    int namespace; /* owned descriptor of the namespace it is in */
    char name[TUN_NAME_CHARS];
};

/* One address of the device and the one at the other end of the line, of the same family. */
struct tun_address {
    struct addr own, peer;
};

/* What a device is like. */
struct tun_config {
    struct tun_address address[TUN_ADDRESSES];
    size_t addresses;
    uint32_t mtu_bytes;     /* TUN_MTU_MIN .. TUN_MTU_MAX; with IPv6 1280 or more */
    uint32_t queue_packets; /* that wait to be read */
};

/* Makes a device in the network namespace `ns` (a name of `ip netns`, or a path with a slash), up
 * and with its addresses; without an IPv6 address it does no IPv6. The calling thread is in that
 * namespace meanwhile: no other thread may rely on which one it is in. All failures are logged:
 * ERR_NOT_FOUND no such namespace, ERR_UNSUPPORTED not privileged or no tun in this kernel,
 * ERR_SYSTEM. */
enum err tun_open(struct tun *t, const char *ns, const struct tun_config *config) MUST_USE;

/* Closes and removes the device; a second time is fine. */
void tun_close(struct tun *t);

/* Reads one IP packet into `space` (room >= the MTU). ERR_AGAIN: none there; ERR_SYSTEM (logged).
 */
enum err tun_read(struct tun *t, uint8_t *space, size_t room, size_t *n) MUST_USE;

/* Gives the namespace one IP packet. ERR_MALFORMED: the kernel takes it for none; ERR_AGAIN: no
 * room; ERR_SYSTEM: the device is down. */
enum err tun_write(struct tun *t, struct bytes packet) MUST_USE;

/* Packets that the device had no room for since it was made; 0 when that cannot be told. */
uint64_t tun_overflow(const struct tun *t);

#endif
