#include "core/base/addr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

_Static_assert(sizeof(struct addr) == 28, "struct addr has gaps");

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

/* A decimal number up to `max` that fills the whole string. */
static bool number(const char *text, uint64_t max, uint64_t *out)
{
    uint64_t v = 0;

    if (!*text || (text[0] == '0' && text[1]))
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return false;
        v = v * 10 + (uint64_t)(*text - '0');
        if (v > max)
            return false;
    }
    *out = v;
    return true;
}

void addr_unmap(struct addr *a)
{
    if (a->family != ADDR_IP6 || memcmp(a->ip, mapped, sizeof mapped) != 0)
        return;
    memmove(a->ip, a->ip + 12, 4);
    memset(a->ip + 4, 0, 12);
    a->family = ADDR_IP4;
    a->scope = 0;
}

enum err addr_parse_ip(const char *text, struct addr *out)
{
    char ip[INET6_ADDRSTRLEN];
    const char *scope = strchr(text, '%');
    size_t n = scope ? (size_t)(scope - text) : strlen(text);
    struct addr a = {0};
    uint64_t index = 0;

    if (n >= sizeof ip)
        return ERR_MALFORMED;
    memcpy(ip, text, n);
    ip[n] = 0;
    if (!scope && inet_pton(AF_INET, ip, a.ip) == 1)
        a.family = ADDR_IP4;
    else if (inet_pton(AF_INET6, ip, a.ip) == 1)
        a.family = ADDR_IP6;
    else
        return ERR_MALFORMED;
    if (scope && !number(scope + 1, UINT32_MAX, &index))
        return ERR_MALFORMED;
    a.scope = (uint32_t)index;
    addr_unmap(&a);
    *out = a;
    return OK;
}

enum err addr_split(const char *text, int default_port, char host[ADDR_HOST_CHARS], uint16_t *port)
{
    const char *begin = text, *end = text + strlen(text), *colon = strrchr(text, ':');
    uint64_t p = 0;

    if (text[0] == '[') {
        begin = text + 1;
        end = strchr(text, ']');
        if (!end || (end[1] && end[1] != ':'))
            return ERR_MALFORMED;
        colon = end[1] ? end + 1 : NULL;
    } else if (colon && strchr(text, ':') == colon) {
        end = colon;
    } else {
        colon = NULL; /* none, or the colons of a bare IPv6 address */
    }
    if (colon ? !number(colon + 1, UINT16_MAX, &p) : default_port < 0)
        return ERR_MALFORMED;
    if (end == begin || end - begin >= ADDR_HOST_CHARS)
        return ERR_MALFORMED;
    memcpy(host, begin, (size_t)(end - begin));
    host[end - begin] = 0;
    *port = colon ? (uint16_t)p : (uint16_t)default_port;
    return OK;
}

enum err addr_parse(const char *text, int default_port, struct addr *out)
{
    char host[ADDR_HOST_CHARS];
    struct addr a;
    uint16_t port;
    enum err e = addr_split(text, default_port, host, &port);

    if (!e)
        e = addr_parse_ip(host, &a);
    /* "[1.2.3.4]:5" is no address: brackets are what tells IPv6 from a port. */
    if (!e && text[0] == '[' && !strchr(host, ':'))
        e = ERR_MALFORMED;
    if (e)
        return e;
    a.port = port;
    *out = a;
    return OK;
}

char *addr_print_ip(const struct addr *a, char to[ADDR_CHARS])
{
    char ip[INET6_ADDRSTRLEN] = "none";

    if (a->family == ADDR_IP4)
        inet_ntop(AF_INET, a->ip, ip, sizeof ip);
    else if (a->family == ADDR_IP6)
        inet_ntop(AF_INET6, a->ip, ip, sizeof ip);
    if (a->scope)
        snprintf(to, ADDR_CHARS, "%s%%%u", ip, a->scope);
    else
        snprintf(to, ADDR_CHARS, "%s", ip);
    return to;
}

char *addr_print(const struct addr *a, char to[ADDR_CHARS])
{
    char ip[ADDR_CHARS - 8];

    addr_print_ip(a, to);
    if (a->family == ADDR_NONE)
        return to;
    snprintf(ip, sizeof ip, "%s", to);
    snprintf(to, ADDR_CHARS, a->family == ADDR_IP6 ? "[%s]:%u" : "%s:%u", ip, a->port);
    return to;
}

const char *addr_via_name(const struct addr *a)
{
    return a->via == ADDR_TCP ? "tcp" : "udp";
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

bool addr_is_any(const struct addr *a)
{
    static const uint8_t zero[16];

    return a->family != ADDR_NONE && memcmp(a->ip, zero, sizeof zero) == 0;
}
