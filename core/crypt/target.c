#include "core/crypt/target.h"

#include <stdio.h>
#include <string.h>

#include "core/base/addr.h"

enum { LABEL_MAX = 63, ZONE_MAX = 15 };

static enum err refuse(struct target_error *error, size_t at, const char *reason)
{
    *error = (struct target_error){at, reason};
    return ERR_MALFORMED;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_name_char(uint8_t c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
}

static enum err parse_port(struct bytes text, size_t at, enum target_use use, uint16_t *port,
                           struct target_error *error)
{
    uint32_t value = 0;

    if (text.n == 0)
        return refuse(error, at, "a port is missing after the colon");
    if (text.n > 1 && text.p[0] == '0')
        return refuse(error, at, "a port has no leading zeros");
    for (size_t i = 0; i < text.n; i++) {
        if (!is_digit(text.p[i]))
            return refuse(error, at + i, "a port is a number");
        value = value * 10 + (text.p[i] - '0');
        if (value > 65535)
            return refuse(error, at, "a port is at most 65535");
    }
    if (value == 0 && use == TARGET_REACH)
        return refuse(error, at, "port 0 cannot be reached");
    *port = (uint16_t)value;
    return OK;
}

/* Names, whose last label must not be a number, since resolvers read such names as addresses. */
static enum err parse_name(struct bytes text, struct target *out, struct target_error *error)
{
    size_t label = 0; /* where it starts */
    bool number = true;

    if (text.n == 0)
        return refuse(error, 0, "a host is missing");
    if (text.n > TARGET_HOST_CHARS)
        return refuse(error, TARGET_HOST_CHARS, "a host has at most 253 characters");
    for (size_t i = 0; i <= text.n; i++) {
        uint8_t c = i < text.n ? text.p[i] : '.';
        if (c != '.') {
            if (c >= 128)
                return refuse(error, i, "a host is ASCII: use the xn-- form");
            if (!is_name_char(c))
                return refuse(error, i, "a character that no host has");
            if (i - label >= LABEL_MAX)
                return refuse(error, i, "a part of a host has at most 63 characters");
            number = number && is_digit(c);
            out->host[i] = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
            continue;
        }
        if (i == label)
            return refuse(error, i, "a part of the host is empty");
        if (text.p[label] == '-' || text.p[i - 1] == '-')
            return refuse(error, label, "a part of a host neither starts nor ends with '-'");
        if (i == text.n)
            break;
        out->host[i] = '.';
        label = i + 1;
        number = true;
    }
    struct addr four;
    if (number && addr_parse_ip(out->host, &four) != OK)
        return refuse(error, 0, "an IPv4 address is four numbers of 0 to 255");
    return OK;
}

static enum err parse_zone(struct bytes text, size_t at, struct target_error *error)
{
    if (text.n == 0 || text.n > ZONE_MAX)
        return refuse(error, at, "a zone has 1 to 15 characters");
    for (size_t i = 0; i < text.n; i++)
        if (!is_name_char(text.p[i]) && text.p[i] != '.')
            return refuse(error, at + i, "a character that no zone has");
    return OK;
}

/* `text` is what stands between the brackets, `at` where. */
static enum err parse_ipv6(struct bytes text, size_t at, struct target *out,
                           struct target_error *error)
{
    char plain[ADDR_CHARS] = "";
    struct addr a;
    size_t n = 0;

    while (n < text.n && text.p[n] != '%')
        n++;
    if (n < sizeof plain && n > 0)
        memcpy(plain, text.p, n);
    /* A zero byte would end the text for addr_parse_ip but not for us. */
    if (n >= sizeof plain || strlen(plain) != n || !strchr(plain, ':') ||
        addr_parse_ip(plain, &a) != OK)
        return refuse(error, at, "not an IPv6 address");
    addr_print_ip(&a, plain);
    memcpy(out->host, plain, strlen(plain));
    out->ipv6 = a.family == ADDR_IP6;
    if (n == text.n)
        return OK;
    struct bytes zone = bytes_of(text.p + n + 1, text.n - n - 1);
    enum err e = parse_zone(zone, at + n + 1, error);
    if (e == OK && !out->ipv6)
        return refuse(error, at + n, "an IPv4 address has no zone");
    if (e == OK) {
        size_t end = strlen(out->host);
        out->host[end] = '%';
        memcpy(out->host + end + 1, zone.p, zone.n);
    }
    return e;
}

/* Fills the host; *end is where a port may follow. */
static enum err parse_host(struct bytes text, struct target *out, size_t *end,
                           struct target_error *error)
{
    const uint8_t *first = text.n ? memchr(text.p, ':', text.n) : NULL;

    *end = first ? (size_t)(first - text.p) : text.n;
    if (text.n == 0 || text.p[0] != '[') {
        if (first && memchr(first + 1, ':', text.n - *end - 1))
            return refuse(error, *end, "an IPv6 address stands in brackets: [::1]:7470");
        return parse_name(bytes_of(text.p, *end), out, error);
    }
    const uint8_t *close = memchr(text.p, ']', text.n);
    if (!close)
        return refuse(error, 0, "the bracket is not closed");
    *end = (size_t)(close - text.p) + 1;
    if (*end < text.n && text.p[*end] != ':')
        return refuse(error, *end, "only a colon and a port may follow the bracket");
    return parse_ipv6(bytes_of(text.p + 1, *end - 2), 1, out, error);
}

enum err target_parse(struct bytes text, enum target_use use, struct target *out,
                      struct target_error *error)
{
    size_t end;

    memset(out, 0, sizeof *out);
    out->port = TARGET_PORT_DEFAULT;
    enum err e = parse_host(text, out, &end, error);
    if (e == OK && end < text.n)
        e = parse_port(bytes_of(text.p + end + 1, text.n - end - 1), end + 1, use, &out->port,
                       error);
    if (e != OK)
        memset(out, 0, sizeof *out);
    return e;
}

void target_print(const struct target *t, char text[TARGET_TEXT_CHARS])
{
    snprintf(text, TARGET_TEXT_CHARS, t->ipv6 ? "[%s]:%u" : "%s:%u", t->host, t->port);
}

int target_compare(const struct target *a, const struct target *b)
{
    int order = strcmp(a->host, b->host);

    return order ? order : (a->port > b->port) - (a->port < b->port);
}
