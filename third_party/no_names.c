/* libxcb would ask getaddrinfo for a display like "host:0" and c-ares getservby... for the names of
 * ports, and a static glibc then loads the machine's NSS modules, and a foreign libc with them.
 * Names of hosts are c-ares' business and ports are numbers: here there are only numeric addresses
 * (libxcb connects to "127.0.0.1:10"). The static program links these instead of libc's. */
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* The one answer that a thread has at a time: libxcb lets go of it before it asks again. */
struct answer {
    struct addrinfo info;
    union {
        struct sockaddr_in four;
        struct sockaddr_in6 six;
    } address;
};

static bool number_of_port(const char *service, in_port_t *out)
{
    unsigned port = 0;

    if (!service || !*service)
        return false;
    for (; *service; service++) {
        if (*service < '0' || *service > '9' || port > 65535 / 10)
            return false;
        port = port * 10 + (unsigned)(*service - '0');
    }
    *out = htons((in_port_t)port);
    return port <= 65535;
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **result)
{
    static _Thread_local struct answer a;
    in_port_t port;

    *result = NULL;
    memset(&a, 0, sizeof a);
    if (!node || !number_of_port(service, &port))
        return EAI_NONAME;
    if (inet_pton(AF_INET, node, &a.address.four.sin_addr) == 1) {
        a.address.four.sin_family = AF_INET;
        a.address.four.sin_port = port;
        a.info.ai_addrlen = sizeof a.address.four;
    } else if (inet_pton(AF_INET6, node, &a.address.six.sin6_addr) == 1) {
        a.address.six.sin6_family = AF_INET6;
        a.address.six.sin6_port = port;
        a.info.ai_addrlen = sizeof a.address.six;
    } else {
        return EAI_NONAME;
    }
    a.info.ai_addr = (struct sockaddr *)&a.address;
    a.info.ai_family = a.info.ai_addr->sa_family;
    a.info.ai_socktype = hints ? hints->ai_socktype : SOCK_STREAM;
    a.info.ai_protocol = hints ? hints->ai_protocol : 0;
    *result = &a.info;
    return 0;
}

void freeaddrinfo(struct addrinfo *list)
{
    (void)list;
}

struct servent *getservbyname(const char *name, const char *protocol)
{
    (void)name, (void)protocol;
    return NULL;
}

int getservbyport_r(int port, const char *protocol, struct servent *entry, char *space, size_t room,
                    struct servent **result)
{
    (void)port, (void)protocol, (void)entry, (void)space, (void)room;
    *result = NULL;
    return 0;
}
