#include "core/run/relay_tun.h"

#include "core/base/heap.h"
#include "core/base/num.h"

enum { READS = 256, ROOM = TUN_MTU_MAX + 1 };

/* One device, and the link that what comes out of it enters. */
struct side {
    struct relay_tun *relay;
    struct tun tun;
    struct loop_io *io;
    struct wan_link *link; /* borrowed */
    uint64_t refused;      /* by this device, of what the other side has sent */
};

struct relay_tun {
    struct loop *loop;
    struct loop_timer due;
    struct side side[2];
    uint64_t pumped_us;
    uint8_t packet[ROOM];
};

/* Whether a packet never leaves a link by its own rules. */
static bool is_chatter(const uint8_t *p, size_t n)
{
    if (n >= 20 && p[0] >> 4 == 4)
        return p[16] == 224 && p[17] == 0 && p[18] == 0;
    return n >= 40 && p[0] >> 4 == 6 && p[24] == 0xff && (p[25] & 0xf) == 2;
}

static void plan(struct relay_tun *r)
{
    uint64_t at_us =
        num_min(wan_link_deadline_us(r->side[0].link), wan_link_deadline_us(r->side[1].link));

    if (at_us != LOOP_NEVER)
        at_us = num_max(at_us, r->pumped_us + RELAY_TUN_GRAIN_US);
    loop_timer_set(&r->due, at_us);
}

/* Writes what has come through the link of `from` to the device of `to`. */
static void pump(struct side *from, struct side *to, uint64_t now_us)
{
    struct wan_change change;
    struct wan_datagram d;

    while (wan_link_next_event(from->link, now_us, &change))
        ;
    while (wan_link_next(from->link, now_us, &d))
        if (tun_write(&to->tun, d.bytes) != OK)
            to->refused++;
}

static void on_due(void *ctx)
{
    struct relay_tun *r = ctx;
    uint64_t now_us = loop_refresh_us(r->loop);

    pump(&r->side[0], &r->side[1], now_us);
    pump(&r->side[1], &r->side[0], now_us);
    r->pumped_us = now_us;
    plan(r);
}

static void on_packets(void *ctx, unsigned events)
{
    struct side *s = ctx;
    struct relay_tun *r = s->relay;
    size_t n;

    (void)events;
    for (int i = 0; i < READS; i++) {
        enum err e = tun_read(&s->tun, r->packet, sizeof r->packet, &n);
        if (e == ERR_SYSTEM)
            loop_io_want(s->io, 0); /* the namespace is gone, as a rule: nothing comes any more */
        if (e)
            break;
        if (is_chatter(r->packet, n))
            continue;
        uint64_t now_us = loop_refresh_us(r->loop);
        wan_link_start(r->side[0].link, now_us);
        wan_link_start(r->side[1].link, now_us);
        wan_link_send(s->link, now_us, bytes_of(r->packet, n), 0, r->packet[1] & 3);
    }
    plan(r);
}

static enum err open_side(struct relay_tun *r, int i, const char *ns, const struct tun_config *c)
{
    struct side *s = &r->side[i];
    struct tun_config mine = *c;

    for (size_t k = 0; i == 1 && k < c->addresses; k++)
        mine.address[k] = (struct tun_address){c->address[k].peer, c->address[k].own};
    enum err e = tun_open(&s->tun, ns, &mine);
    if (!e)
        e = loop_io_new(r->loop, s->tun.fd, on_packets, s, &s->io);
    if (!e)
        loop_io_want(s->io, LOOP_READ);
    return e;
}

enum err relay_tun_new(struct loop *l, const char *const ns[2], const struct tun_config *config,
                       struct wan_link *up, struct wan_link *down, struct relay_tun **out)
{
    struct relay_tun *r = heap_alloc(sizeof *r);

    *out = NULL;
    if (!r)
        return ERR_MEMORY;
    r->loop = l;
    loop_timer_init(&r->due, l, on_due, r);
    for (int i = 0; i < 2; i++) {
        r->side[i].relay = r;
        r->side[i].link = i ? down : up;
        r->side[i].tun.fd = r->side[i].tun.namespace = -1;
    }
    enum err e = open_side(r, 0, ns[0], config);
    if (!e)
        e = open_side(r, 1, ns[1], config);
    if (e) {
        relay_tun_free(r);
        return e;
    }
    *out = r;
    return OK;
}

void relay_tun_free(struct relay_tun *r)
{
    if (!r)
        return;
    loop_timer_release(&r->due);
    for (int i = 0; i < 2; i++) {
        loop_io_free(r->side[i].io);
        tun_close(&r->side[i].tun);
    }
    heap_free(r);
}

const struct tun *relay_tun_device(const struct relay_tun *r, int i)
{
    return &r->side[i].tun;
}

struct relay_losses relay_tun_count(const struct relay_tun *r, bool up)
{
    return (struct relay_losses){.refused = r->side[up ? 1 : 0].refused,
                                 .overflow = tun_overflow(&r->side[up ? 0 : 1].tun)};
}
