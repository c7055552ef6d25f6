#include "tests/unit/duo.h"

#include <string.h>

#include "core/base/heap.h"
#include "core/base/num.h"
#include "core/crypt/crypt.h"
#include "core/crypt/role.h"
#include "tests/unit/test.h"

static void judge(void *context, uint64_t now_us, const uint8_t *key, const uint8_t *token_id,
                  struct listener_verdict *out)
{
    (void)context, (void)now_us, (void)key, (void)token_id;
    *out = (struct listener_verdict){.welcome = true, .roles = ROLE_CONTROL};
}

static const char *enrol(void *context, uint64_t now_us, const uint8_t *key,
                         const uint8_t *token_id)
{
    (void)context, (void)now_us, (void)key, (void)token_id;
    return NULL;
}

static void drain_events(struct duo *d, enum duo_side side)
{
    struct duo_seen *seen = &d->seen[side];
    struct peer_event e;

    while (d->peer[side] && !(d->hold && side == DUO_SERVER) &&
           peer_next_event(d->peer[side], &e)) {
        seen->count[e.kind]++;
        if (e.kind == PEER_EVENT_MESSAGE)
            seen->message_bytes += e.data.n;
        seen->last[e.kind] = e;
        seen->last[e.kind].data = bytes_of(NULL, 0);
    }
}

static enum err output(struct duo *d, enum duo_side side, struct duo_datagram *g, struct addr *to)
{
    return side == DUO_CLIENT
               ? peer_output(d->peer[side], d->now_us, g->data, sizeof g->data, &g->n, to)
               : listener_output(d->listener, d->now_us, g->data, sizeof g->data, &g->n, to);
}

static void pump(struct duo *d)
{
    struct duo_datagram g;
    struct addr to;

    for (enum duo_side side = DUO_CLIENT; side <= DUO_SERVER; side++) {
        while (output(d, side, &g, &to) == OK) {
            d->sent[side]++;
            struct addr host = to;
            host.via = ADDR_UDP; /* both transports lead to the same place */
            g.from = d->address[side];
            g.from.via = to.via;
            g.to = addr_equal(&host, &d->address[DUO_CLIENT]) ? DUO_CLIENT : DUO_SERVER;
            g.due_us = d->now_us + DUO_DELAY_US;
            if ((!d->see || d->see(d, side, &to, &g)) && d->count < DUO_QUEUE &&
                addr_equal(&host, &d->address[g.to]))
                d->queue[(d->first + d->count++) % DUO_QUEUE] = g;
        }
        if (side == DUO_SERVER && !d->peer[DUO_SERVER])
            d->peer[DUO_SERVER] = listener_next_peer(d->listener);
        drain_events(d, side);
    }
}

static void deliver(struct duo *d)
{
    while (d->count && d->queue[d->first].due_us <= d->now_us) {
        const struct duo_datagram *g = &d->queue[d->first];
        if (g->to == DUO_SERVER)
            listener_input(d->listener, d->now_us, &g->from, bytes_of(g->data, g->n), false);
        else
            peer_input(d->peer[DUO_CLIENT], d->now_us, &g->from, bytes_of(g->data, g->n), false);
        d->first = (d->first + 1) % DUO_QUEUE;
        d->count--;
    }
}

static uint64_t deadline(const struct duo *d)
{
    return num_min(peer_deadline_us(d->peer[DUO_CLIENT], d->now_us),
                   listener_deadline_us(d->listener, d->now_us));
}

void duo_run(struct duo *d, uint64_t us)
{
    uint64_t end = d->now_us + us;

    pump(d);
    while (d->now_us < end) {
        uint64_t next = deadline(d);
        if (next <= d->now_us) {
            /* Events may have been followed by work; once more it must be quiet. */
            pump(d);
            next = deadline(d);
        }
        if (next <= d->now_us) {
            test_fail(__FILE__, __LINE__, "a side wants a turn and then has nothing to send");
            return;
        }
        if (d->count)
            next = num_min(next, d->queue[d->first].due_us);
        d->now_us = num_min(next, end);
        deliver(d);
        pump(d);
    }
}

void duo_begin(struct duo *d, const struct peer_config *client, const struct peer_config *server)
{
    struct listener_config lc = {.auth = {.judge = judge, .enrol = enrol}};
    struct rng other;

    memset(d, 0, sizeof *d);
    rng_seed(&d->rng, 7);
    rng_seed(&other, 8);
    d->now_us = 1000000;
    d->queue = heap_array(DUO_QUEUE, sizeof *d->queue);
    d->address[DUO_CLIENT] = (struct addr){.family = ADDR_IP4, .port = 1, .ip = {10, 0, 0, 1}};
    d->address[DUO_SERVER] = (struct addr){.family = ADDR_IP4, .port = 2, .ip = {10, 0, 0, 2}};
    if (crypt_init())
        test_fail(__FILE__, __LINE__, "crypt_init");
    key_generate(&d->server_key, &d->rng);
    key_generate(&d->client_key, &d->rng);
    lc.identity = &d->server_key;
    if (server)
        lc.peer = *server;
    struct peer_dial dial = {.to = d->address[DUO_SERVER],
                             .identity = &d->client_key,
                             .expected_key = d->server_key.public};
    if (listener_new(&lc, &d->rng, d->now_us, &d->listener) ||
        peer_new(client, &dial, &other, d->now_us, &d->peer[DUO_CLIENT])) {
        test_fail(__FILE__, __LINE__, "no memory");
        return;
    }
    duo_run(d, 300000);
    if (!d->seen[DUO_CLIENT].count[PEER_EVENT_CONNECTED] ||
        !d->seen[DUO_SERVER].count[PEER_EVENT_CONNECTED])
        test_fail(__FILE__, __LINE__, "connected");
}

void duo_end(struct duo *d)
{
    peer_free(d->peer[DUO_CLIENT]);
    listener_free(d->listener);
    heap_free(d->queue);
}

/* ---- the puppet ---- */

static void open_packet(struct duo *d, struct bytes datagram)
{
    struct peer *p = d->peer[DUO_CLIENT];
    uint8_t plain[LIMIT_DATAGRAM_BYTES];
    struct packet_data head;
    struct frame f;

    if (packet_decode_data(datagram, &head))
        return;
    uint64_t number = packet_full_number(head.number, p->newest_number + 1);
    if (seal_open(&p->receive.current, number, bytes_of(datagram.p, PACKET_DATA_HEAD_BYTES),
                  head.sealed, plain))
        return;
    p->newest_number = num_max(p->newest_number, number);
    struct rd r = rd_of(bytes_of(plain, head.sealed.n - PACKET_TAG_BYTES));
    while (frame_next(&r, &f) == OK) {
        d->frames[f.type]++;
        d->last[f.type] = f;
        if (f.data.n)
            memcpy(d->text[f.type], f.data.p, f.data.n);
        d->last[f.type].data.p = d->text[f.type];
    }
}

static void take_output(struct duo *d)
{
    uint8_t space[LIMIT_DATAGRAM_BYTES];
    size_t n;

    /* What the events bring about may make more output. */
    for (int turn = 0; turn < 2; turn++) {
        while (listener_output(d->listener, d->now_us, space, sizeof space, &n, &d->out_to) == OK) {
            d->out_count++;
            if (!addr_equal(&d->out_to, &d->address[DUO_CLIENT]))
                d->aside_bytes += n;
            open_packet(d, bytes_of(space, n));
        }
        drain_events(d, DUO_SERVER);
    }
    if (listener_deadline_us(d->listener, d->now_us) <= d->now_us)
        test_fail(__FILE__, __LINE__, "the server wants a turn and then has nothing to send");
}

void duo_puppet(struct duo *d)
{
    duo_run(d, 50000);
    d->number = d->peer[DUO_CLIENT]->recovery.next;
    take_output(d);
    memset(d->frames, 0, sizeof d->frames);
    d->out_count = d->aside_bytes = 0;
}

size_t duo_say(struct duo *d, const struct addr *from, struct bytes frames)
{
    struct peer *p = d->peer[DUO_CLIENT];
    uint8_t space[LIMIT_DATAGRAM_BYTES];
    struct wr w = wr_of(space, sizeof space - PACKET_TAG_BYTES);
    struct packet_data head = {.phase = d->phase, .number = (uint32_t)d->number};

    memcpy(head.cid, p->other_cid, sizeof head.cid);
    packet_encode_data(&head, &w);
    wr_bytes(&w, frames);
    wr_zeros(&w, num_sub0(9, frames.n));
    if (w.full)
        test_fail(__FILE__, __LINE__, "too many frames");
    seal_close(&p->send.current, d->number++, bytes_of(space, PACKET_DATA_HEAD_BYTES),
               bytes_of(space + PACKET_DATA_HEAD_BYTES, w.n - PACKET_DATA_HEAD_BYTES),
               space + PACKET_DATA_HEAD_BYTES);
    size_t n = w.n + PACKET_TAG_BYTES;
    listener_input(d->listener, d->now_us, from ? from : &d->address[DUO_CLIENT],
                   bytes_of(space, n), false);
    drain_events(d, DUO_SERVER);
    take_output(d);
    return n;
}

size_t duo_say_frame(struct duo *d, const struct frame *f)
{
    uint8_t space[LIMIT_DATAGRAM_BYTES];
    struct wr w = wr_of(space, sizeof space);

    frame_put(&w, f);
    return duo_say(d, NULL, wr_done(&w));
}

void duo_wait(struct duo *d, uint64_t us)
{
    uint64_t end = d->now_us + us;

    for (;;) {
        take_output(d);
        uint64_t next = listener_deadline_us(d->listener, d->now_us);
        if (d->now_us == end || test_failed())
            return;
        d->now_us = num_min(num_max(next, d->now_us + 1), end);
    }
}

void duo_put_all(const struct duo *d, struct frame *ack)
{
    const struct recovery *r = &d->peer[DUO_SERVER]->recovery;
    const struct skipped *s = &r->skipped;
    uint64_t last = r->next - 1, n = 0;

    for (uint64_t k = s->count; k > 0 && s->count - k < SKIPPED_KEPT && n < LIMIT_ACK_RANGES; k--) {
        uint64_t left_out = s->number[(k - 1) % SKIPPED_KEPT];
        if (left_out < last)
            ack->ack.range[n++] = (struct frame_range){left_out + 1, last};
        last = left_out - 1;
    }
    if (n < LIMIT_ACK_RANGES && s->count <= SKIPPED_KEPT)
        ack->ack.range[n++] = (struct frame_range){0, last};
    ack->ack.count = (uint32_t)n;
}
