#include "core/os/sockaddr.h"

#include <netinet/in.h>
#include <string.h>

static socklen_t put_ip4(const struct addr *a, struct sockaddr_storage *to)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(a->port)};

    memcpy(&in.sin_addr, a->ip, 4);
    memcpy(to, &in, sizeof in);
    return sizeof in;
}

static socklen_t put_ip6(const struct addr *a, struct sockaddr_storage *to)
{
    struct sockaddr_in6 in = {.sin6_family = AF_INET6, .sin6_port = htons(a->port)};
    uint8_t *ip = in.sin6_addr.s6_addr;

    if (a->family == ADDR_IP6) {
        memcpy(ip, a->ip, 16);
        in.sin6_scope_id = a->scope;
    } else if (!addr_is_any(a)) {
        ip[10] = ip[11] = 0xff;
        memcpy(ip + 12, a->ip, 4);
    }
    memcpy(to, &in, sizeof in);
    return sizeof in;
}

socklen_t sockaddr_put(const struct addr *a, int family, struct sockaddr_storage *to)
{
    if (a->family == ADDR_NONE || (family == AF_INET && a->family != ADDR_IP4))
        return 0;
    return family == AF_INET ? put_ip4(a, to) : put_ip6(a, to);
}

struct addr sockaddr_get(const struct sockaddr *from)
{
    struct addr a = {0};

    if (from->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, from, sizeof in);
        a.family = ADDR_IP4;
        a.port = ntohs(in.sin_port);
        memcpy(a.ip, &in.sin_addr, 4);
    } else if (from->sa_family == AF_INET6) {
        struct sockaddr_in6 in;
        memcpy(&in, from, sizeof in);
        a.family = ADDR_IP6;
        a.port = ntohs(in.sin6_port);
        a.scope = in.sin6_scope_id;
        memcpy(a.ip, in.sin6_addr.s6_addr, 16);
        addr_unmap(&a);
    }
    return a;
}
