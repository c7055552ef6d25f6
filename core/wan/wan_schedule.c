#include "core/wan/wan_schedule.h"

#include <string.h>

#include "core/base/num.h"
#include "core/base/parse.h"

/* Cuts `text` at the first `mark`: gives what is before it and leaves what is after, or gives all
 * and leaves nothing (p NULL) when there is none. */
static struct bytes cut(struct bytes *text, char mark)
{
    const uint8_t *at = text->n ? memchr(text->p, mark, text->n) : NULL;
    struct bytes before = *text;

    if (at == NULL) {
        *text = bytes_of(NULL, 0);
        return before;
    }
    before.n = (size_t)(at - text->p);
    *text = bytes_of(at + 1, text->n - before.n - 1);
    return before;
}

enum err wan_schedule_outage(struct bytes text, struct wan_config *c)
{
    struct bytes at = cut(&text, ':');
    struct wan_outage o;
    enum err e = parse_time_us(at, &o.at_us);

    if (e == OK)
        e = parse_time_us(text, &o.for_us);
    if (e == OK && c->outages == WAN_OUTAGES_MAX)
        e = ERR_LIMIT;
    if (e == OK)
        c->outage[c->outages++] = o;
    return e;
}

static const struct {
    const char *name;
    enum wan_change_kind kind;
    enum err (*parse)(struct bytes, uint64_t *);
} words[] = {
    {"rate", WAN_CHANGE_RATE, parse_rate_bps},
    {"delay", WAN_CHANGE_DELAY, parse_time_us},
    {"jitter", WAN_CHANGE_JITTER, parse_time_us},
    {"loss", WAN_CHANGE_LOSS, parse_probability_ppm},
    {"burst", WAN_CHANGE_BURST, parse_number},
    {"reorder", WAN_CHANGE_REORDER, parse_probability_ppm},
    {"duplicate", WAN_CHANGE_DUPLICATE, parse_probability_ppm},
    {"corrupt", WAN_CHANGE_CORRUPT, parse_probability_ppm},
    {"mtu", WAN_CHANGE_MTU, parse_number},
    {"policer", WAN_CHANGE_POLICER, parse_rate_bps},
    {"fade", WAN_CHANGE_FADE, parse_time_us},
    {"slots", WAN_CHANGE_SLOTS, parse_time_us},
};

static enum err parse_change(struct bytes text, struct wan_change *out)
{
    if (bytes_equal(text, bytes_of_string("rebind"))) {
        out->kind = WAN_CHANGE_REBIND;
        out->value = 0;
        return OK;
    }
    struct bytes name = cut(&text, '=');
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (bytes_equal(name, bytes_of_string(words[i].name))) {
            out->kind = words[i].kind;
            return words[i].parse(text, &out->value);
        }
    return ERR_MALFORMED;
}

enum err wan_schedule_change(struct bytes text, struct wan_config *c)
{
    struct bytes at = cut(&text, ':');
    size_t n = c->changes;
    uint64_t at_us;
    enum err e = parse_time_us(at, &at_us);

    if (e != OK)
        return e;
    do {
        if (n == WAN_CHANGES_MAX)
            return ERR_LIMIT;
        c->change[n].at_us = at_us;
        e = parse_change(cut(&text, ','), &c->change[n++]);
        if (e != OK)
            return e;
    } while (text.p);
    c->changes = n;
    return OK;
}

enum err wan_schedule_queue(struct bytes text, struct wan_config *c)
{
    uint64_t value;
    enum err e = parse_time_us(text, &value);

    if (e == OK && value > 0) {
        c->queue_us = value;
        c->queue_bytes = 0;
        return OK;
    }
    if (e != ERR_LIMIT)
        e = parse_size_bytes(text, &value);
    /* No queue at all: what does not go out at once is dropped. */
    if (e == OK)
        c->queue_bytes = num_max(value, 1);
    return e;
}

enum err wan_schedule_policer(struct bytes text, struct wan_config *c)
{
    struct bytes rate = cut(&text, ':');
    uint64_t bps, bytes;
    enum err e = parse_rate_bps(rate, &bps);

    if (e == OK)
        e = parse_size_bytes(text, &bytes);
    if (e != OK)
        return e;
    if (bytes == 0)
        return ERR_MALFORMED;
    if (bytes > WAN_BUCKET_MAX)
        return ERR_LIMIT;
    c->police_bps = bps;
    c->police_bytes = bytes;
    return OK;
}

enum err wan_schedule_fade(struct bytes text, struct wan_config *c)
{
    struct bytes every = cut(&text, ':');
    uint64_t us, least;
    enum err e = parse_time_us(every, &us);

    if (e == OK)
        e = parse_probability_ppm(text, &least);
    if (e != OK)
        return e;
    if (us < WAN_FADE_LEAST_US)
        return ERR_LIMIT;
    c->fade_us = us;
    c->fade_least = (uint32_t)least;
    return OK;
}
