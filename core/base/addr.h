/* addr: a host's address and port as plain bytes, read from text and printed. */
#ifndef FARSPAN_ADDR_H
#define FARSPAN_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

enum { ADDR_NONE = 0, ADDR_IP4 = 4, ADDR_IP6 = 6 };

/* What carries a datagram to an address. */
enum addr_via { ADDR_UDP = 0, ADDR_TCP = 1 };

/* Longest text of an address ("[8 groups%scope]:port") and of a host name, with their ends. */
enum { ADDR_CHARS = 72, ADDR_HOST_CHARS = 256 };

/* Without gaps, and unused bytes are zero: two equal addresses are equal bytes, so it can be
 * hashed, compared and authenticated as sizeof(struct addr) opaque bytes. */
struct addr {
    uint8_t ip[16]; /* network order; IPv4 in the first 4 */
    uint32_t scope; /* interface index of a link-local IPv6 address, else 0 */
    uint16_t port;  /* host order */
    uint8_t family; /* ADDR_NONE, ADDR_IP4 or ADDR_IP6 (never an IPv4-mapped one) */
    uint8_t via;    /* enum addr_via: a TCP connection is an address of its own */
    uint32_t door;  /* which of our own addresses it calls at, by a number that the pump's owner
                       gives (core/run/doors.h); 0: routing chooses. Two doors are two paths */
};

/* Reads a numeric "A:P" or "[A6]:P". Without ":P" the port is `default_port`; when that is
 * negative the port must be there. An IPv6 address without brackets has no port. No system calls:
 * names are ERR_MALFORMED, and so is everything that does not parse to its last character. */
enum err addr_parse(const char *text, int default_port, struct addr *out) MUST_USE;

/* Reads a numeric address alone, without brackets or port ("::1", "10.0.0.1", "fe80::1%2"); the
 * port is 0. IPv4-mapped IPv6 becomes IPv4. ERR_MALFORMED. */
enum err addr_parse_ip(const char *text, struct addr *out) MUST_USE;

/* Takes "HOST:P", "HOST", "[A6]:P" or "A6" apart; the host without brackets, `default_port` as in
 * addr_parse. ERR_MALFORMED when host or port are missing, too long or no port. */
enum err addr_split(const char *text, int default_port, char host[ADDR_HOST_CHARS],
                    uint16_t *port) MUST_USE;

/* Prints as "A:P" or "[A6]:P" ("none" for ADDR_NONE); gives `to`. */
char *addr_print(const struct addr *a, char to[ADDR_CHARS]);

/* Prints the address without port and brackets; gives `to`. */
char *addr_print_ip(const struct addr *a, char to[ADDR_CHARS]);

/* The transport as a word, "udp" or "tcp"; static. */
const char *addr_via_name(const struct addr *a);

/* Whether address, port, transport and door are the same. */
bool addr_equal(const struct addr *a, const struct addr *b);

/* Whether it is a wildcard (0.0.0.0 or ::), whatever the port. */
bool addr_is_any(const struct addr *a);

/* Turns an IPv4-mapped IPv6 address into the IPv4 one, in place; leaves others alone. */
void addr_unmap(struct addr *a);

#endif
