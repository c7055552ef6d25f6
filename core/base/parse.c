#include "core/base/parse.h"

#include "core/base/addr.h"
#include "core/base/num.h"

struct unit {
    const char *name;
    uint64_t scale; /* of the result's unit */
};

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* Takes the leading digits off *text. ERR_MALFORMED without any, ERR_LIMIT beyond INT64_MAX. */
static enum err digits(struct bytes *text, uint64_t *out)
{
    uint64_t v = 0;
    size_t i = 0;

    for (; i < text->n && is_digit(text->p[i]); i++)
        if (v > (INT64_MAX - (uint64_t)(text->p[i] - '0')) / 10)
            return ERR_LIMIT;
        else
            v = v * 10 + (uint64_t)(text->p[i] - '0');
    if (i == 0)
        return ERR_MALFORMED;
    *text = bytes_of(text->p + i, text->n - i);
    *out = v;
    return OK;
}

enum err parse_number(struct bytes text, uint64_t *out)
{
    uint64_t v;
    enum err e = digits(&text, &v);

    if (e)
        return e;
    if (text.n)
        return ERR_MALFORMED;
    *out = v;
    return OK;
}

static const struct unit *unit_named(const struct unit *units, size_t count, struct bytes name)
{
    for (size_t i = 0; i < count; i++)
        if (bytes_equal(name, bytes_of_string(units[i].name)))
            return &units[i];
    return NULL;
}

/* DIGITS[.DIGITS]UNIT in 128 bits: 18 decimals times the largest scale still fit. */
static enum err scaled(struct bytes text, const struct unit *units, size_t count, uint64_t *out)
{
    uint64_t whole, tenths = 0, parts = 1;
    bool decimals = false;
    enum err e = digits(&text, &whole);

    if (e)
        return e;
    if (text.n && text.p[0] == '.') {
        decimals = true;
        text = bytes_of(text.p + 1, text.n - 1);
        size_t before = text.n;
        e = digits(&text, &tenths);
        if (e)
            return e;
        if (before - text.n > 18)
            return ERR_LIMIT;
        for (size_t i = text.n; i < before; i++)
            parts *= 10;
    }
    const struct unit *u = unit_named(units, count, text);
    /* A bare 0 is the same in every unit. */
    if (!u && text.n == 0 && !decimals && whole == 0)
        u = &units[0];
    if (!u || (decimals && u->scale == 1))
        return ERR_MALFORMED;
    unsigned __int128 v =
        (unsigned __int128)whole * u->scale + (unsigned __int128)tenths * u->scale / parts;
    if (v > INT64_MAX || (v == 0 && (whole || tenths)))
        return ERR_LIMIT;
    *out = (uint64_t)v;
    return OK;
}

enum err parse_rate_bps(struct bytes text, uint64_t *out)
{
    static const struct unit units[] = {{"", 1},        {"k", 1000},       {"K", 1000},
                                        {"M", 1000000}, {"G", 1000000000}, {"T", 1000000000000}};

    return scaled(text, units, COUNT_OF(units), out);
}

enum err parse_size_bytes(struct bytes text, uint64_t *out)
{
    static const struct unit units[] = {{"", 1},
                                        {"B", 1},
                                        {"kB", 1000},
                                        {"MB", 1000000},
                                        {"GB", 1000000000},
                                        {"TB", 1000000000000},
                                        {"KiB", 1u << 10},
                                        {"MiB", 1u << 20},
                                        {"GiB", 1u << 30},
                                        {"TiB", 1ull << 40}};

    return scaled(text, units, COUNT_OF(units), out);
}

enum err parse_time_us(struct bytes text, uint64_t *out)
{
    static const struct unit units[] = {{"us", 1},         {"ms", 1000},       {"s", 1000000},
                                        {"min", 60000000}, {"h", 3600000000u}, {"d", 86400000000u}};

    return scaled(text, units, COUNT_OF(units), out);
}

enum err parse_probability_ppm(struct bytes text, uint64_t *out)
{
    static const struct unit units[] = {{"%", 10000}};
    uint64_t v;
    enum err e = scaled(text, units, COUNT_OF(units), &v);

    if (e)
        return e;
    if (v > 1000000)
        return ERR_LIMIT;
    *out = v;
    return OK;
}

static bool is_hex(uint8_t c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_name(uint8_t c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_' || c == '.';
}

/* The shape of an IPv6 address; whether it is one is found out where it is used. */
static bool is_v6(struct bytes host)
{
    size_t i = 0, colons = 0;

    for (; i < host.n && (is_hex(host.p[i]) || host.p[i] == ':' || host.p[i] == '.'); i++)
        colons += host.p[i] == ':';
    if (i < host.n && host.p[i] == '%' && i + 1 < host.n)
        for (i++; i < host.n && is_name(host.p[i]);)
            i++;
    return i == host.n && colons >= 2;
}

static bool is_host(struct bytes host)
{
    for (size_t i = 0; i < host.n; i++)
        if (!is_name(host.p[i]))
            return false;
    return host.n > 0 && host.p[0] != '-';
}

enum err parse_address(struct bytes text, struct parse_address *out)
{
    char line[ADDR_HOST_CHARS + sizeof "[]:65535"], host[ADDR_HOST_CHARS];
    uint16_t port;

    if (text.n >= sizeof line || (text.n && memchr(text.p, 0, text.n)))
        return ERR_MALFORMED;
    memcpy(line, text.n ? text.p : (const uint8_t *)"", text.n);
    line[text.n] = 0;
    if (addr_split(line, PARSE_PORT, host, &port))
        return ERR_MALFORMED;
    bool v6 = line[0] == '[' || strchr(host, ':');
    if (strlen(host) > PARSE_HOST_CHARS ||
        !(v6 ? is_v6(bytes_of_string(host)) : is_host(bytes_of_string(host))))
        return ERR_MALFORMED;
    *out = (struct parse_address){.port = port};
    memcpy(out->host, host, strlen(host));
    return OK;
}
