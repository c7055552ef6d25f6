/* libxcb would ask getaddrinfo for a display like "host:0" and c-ares getservby... for the names of
 * ports, and a static glibc then loads the machine's NSS modules, and a foreign libc with them.
 * Names of hosts are c-ares' business and ports are numbers: here there are none. The static
 * program links these instead of libc's. */
#include <netdb.h>
#include <stddef.h>

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **result)
{
    (void)node, (void)service, (void)hints;
    *result = NULL;
    return EAI_FAIL;
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
