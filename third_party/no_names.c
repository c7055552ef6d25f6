/* libxcb would ask getaddrinfo for a display like "host:0", and a static glibc then loads the
 * machine's NSS modules, and a foreign libc with them. Names are c-ares' business: here there are
 * none. The static program links this instead of libc's. */
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
