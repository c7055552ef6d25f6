/* disk_near, disk_far, known_list, known_teller: a disk that is written to in every way is the same
 * at the other end, whatever of it is known there; what is known is not sent. */
#include <stdlib.h>
#include <string.h>

#include "core/base/num.h"
#include "core/base/rng.h"
#include "core/guest/disk_far.h"
#include "core/guest/disk_near.h"
#include "core/guest/known_teller.h"
#include "tests/unit/duo.h"
#include "tests/unit/test.h"

enum { DISK_BYTES = 4 << 20, BLOCK = 4096, KINDS = 40, OPS = 400, MOST_BYTES = 200 * 1024 };

static struct duo d;
static uint8_t blocks[KINDS][BLOCK]; /* what disks are made of; the first is all zeroes */
static uint8_t here[DISK_BYTES], there[DISK_BYTES], data[MOST_BYTES];

static const struct nbd_export exports[] = {
    {.name = "disk-0",
     .size_bytes = DISK_BYTES,
     .flags = NBD_SEND_FLUSH | NBD_SEND_FUA | NBD_SEND_TRIM | NBD_SEND_WRITE_ZEROES}};

/* Both ends, and a QEMU at each. */
static struct {
    struct channel_end *near_end, *far_end, *known_end;
    struct known_list list;
    struct known_teller teller;
    struct disk_near *near;
    struct disk_far *far;
    struct nbd_client *writer; /* the source's QEMU */
    struct nbd_server *disk;   /* the destination's */
    struct content_store *store;
    bool ready, ended;
} w;

static bool open_channel(const char *name, struct channel_end **near, struct channel_end **far)
{
    unsigned before = d.seen[DUO_SERVER].count[PEER_EVENT_STREAM];

    if (channel_end_call(d.peer[DUO_CLIENT], name, near))
        return false;
    duo_run(&d, 50000);
    const struct peer_event *e = &d.seen[DUO_SERVER].last[PEER_EVENT_STREAM];
    if (d.seen[DUO_SERVER].count[PEER_EVENT_STREAM] == before ||
        channel_end_take(d.peer[DUO_SERVER], e->id, far))
        return false;
    channel_end_wake(*far);
    return channel_end_stage(*far) == CHANNEL_NAMED;
}

static bool begin(bool knows)
{
    static const uint8_t seed[CONTENT_SEED_BYTES] = {5};
    struct peer_config c = channel_end_peer_config();
    const char *folder = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
    struct channel_end *known_far;

    memset(&w, 0, sizeof w);
    duo_begin(&d, &c, &c);
    if (content_store_new(folder, 64 << 20, seed, &w.store))
        return false;
    for (size_t i = 0; knows && i < KINDS / 2; i++)
        content_store_keep(w.store, blocks[i]);
    if (!open_channel("known", &w.known_end, &known_far))
        return false;
    w.teller.store = w.store;
    known_list_init(&w.list, seed, knows ? KINDS / 2 - 1 : 0);
    if (!known_teller_take(&w.teller, known_far) ||
        !open_channel("disk-0", &w.near_end, &w.far_end))
        return false;
    channel_end_answer(w.far_end, CHANNEL_OPENED, "");
    if (disk_near_new(DISK_BYTES, &w.near) || disk_far_new("disk-0", DISK_BYTES, &w.far) ||
        nbd_client_new("disk", &w.writer) || nbd_server_new(exports, 1, &w.disk))
        return false;
    disk_near_know(w.near, &w.list);
    disk_far_know(w.far, w.store);
    return true;
}

static void end(void)
{
    disk_near_free(w.near);
    disk_far_free(w.far);
    nbd_client_free(w.writer);
    nbd_server_free(w.disk);
    channel_end_free(w.near_end);
    channel_end_free(w.far_end);
    channel_end_free(w.known_end);
    known_teller_cut(&w.teller);
    known_list_release(&w.list);
    content_store_free(w.store);
    duo_end(&d);
}

/* QEMU and the far end greet each other, without any channel. */
static enum err greet(uint64_t bytes)
{
    enum err e = ERR_AGAIN, heard = OK;
    struct nbd_request r;

    memset(&w, 0, sizeof w);
    if (disk_far_new("disk-0", bytes, &w.far) || nbd_server_new(exports, 1, &w.disk))
        return ERR_MEMORY;
    for (int turn = 0; turn < 10 && e == ERR_AGAIN && !heard; turn++) {
        struct bytes b = nbd_server_output(w.disk);
        heard = disk_far_input(w.far, b);
        nbd_server_sent(w.disk, b.n);
        e = disk_far_greet(w.far);
        b = disk_far_output(w.far);
        if (!heard)
            heard = nbd_server_input(w.disk, b);
        disk_far_sent(w.far, b.n);
        if (!heard && nbd_server_next(w.disk, &r, &heard))
            heard = ERR_MALFORMED; /* nothing was asked for yet */
    }
    disk_far_free(w.far);
    nbd_server_free(w.disk);
    return heard ? heard : e;
}

static void test_greeted(void)
{
    EXPECT_EQ(greet(DISK_BYTES), OK);
    EXPECT_EQ(greet(DISK_BYTES + BLOCK), ERR_UNSUPPORTED);
}

/* The destination's QEMU does what it is asked. */
static enum err serve(void)
{
    struct nbd_request r;
    enum err e = OK;

    while (!e && nbd_server_next(w.disk, &r, &e)) {
        if (r.command == NBD_WRITE)
            memcpy(there + r.offset, r.data.p, r.data.n);
        else if (r.command == NBD_WRITE_ZEROES)
            memset(there + r.offset, 0, r.length);
        e = nbd_server_reply(w.disk, &r, NBD_OK);
    }
    return e;
}

/* Whether the writer's last request is answered, or nothing is to be waited for. */
static bool hear_writer(void)
{
    struct nbd_client_news n;
    enum err e;

    while (nbd_client_next(w.writer, &n, &e))
        w.ready |= n.kind == NBD_CLIENT_READY;
    return nbd_client_waiting(w.writer) == 0;
}

/* A millisecond passes; false: somebody has failed. */
static bool pass(void)
{
    struct bytes b = nbd_client_output(w.writer);
    enum err e = OK, far;

    if (b.n && disk_near_wants(w.near)) {
        e = disk_near_input(w.near, b);
        nbd_client_sent(w.writer, b.n);
    }
    if (!e)
        e = disk_near_fill(w.near, w.near_end, d.now_us);
    b = disk_near_output(w.near);
    if (!e)
        e = nbd_client_input(w.writer, b);
    disk_near_sent(w.near, b.n);
    known_teller_fill(&w.teller, d.now_us);
    duo_run(&d, 1000);
    channel_end_wake(w.near_end);
    channel_end_wake(w.known_end);
    channel_end_wake(w.far_end);
    if (channel_end_stage(w.known_end) == CHANNEL_OPEN &&
        known_list_hear(&w.list, w.known_end) != ERR_AGAIN)
        return false;
    far = disk_far_go_on(w.far, w.far_end, d.now_us);
    w.ended |= far == ERR_END;
    b = disk_far_output(w.far);
    if (!e && b.n && nbd_server_wants(w.disk)) {
        e = nbd_server_input(w.disk, b);
        disk_far_sent(w.far, b.n);
    }
    if (!e)
        e = serve();
    b = nbd_server_output(w.disk);
    if (!e)
        e = disk_far_input(w.far, b);
    nbd_server_sent(w.disk, b.n);
    return !e && (far == ERR_AGAIN || far == ERR_END);
}

/* One request, of any kind, to any place. */
static enum err write_something(struct rng *g)
{
    uint64_t grain = rng_below(g, 4) ? BLOCK : 512;
    uint64_t offset = rng_below(g, DISK_BYTES / grain) * grain;
    uint32_t n =
        (uint32_t)num_min((1 + rng_below(g, MOST_BYTES / grain)) * grain, DISK_BYTES - offset);

    if (rng_below(g, 5) == 0) {
        memset(here + offset, 0, n);
        return nbd_client_do(w.writer, 1, NBD_WRITE_ZEROES, 0, offset, n, bytes_of(NULL, 0));
    }
    uint64_t kind = rng_below(g, KINDS);
    for (uint32_t at = 0; at < n; at++) {
        uint64_t k = rng_below(g, 8) && at ? kind : rng_below(g, KINDS);
        if (at % BLOCK == 0)
            kind = k + (k + 1 < KINDS && at);
        data[at] = blocks[kind][(offset + at) % BLOCK];
    }
    memcpy(here + offset, data, n);
    return nbd_client_do(w.writer, 1, NBD_WRITE, 0, offset, n, bytes_of(data, n));
}

static void copy(uint64_t seed, bool knows)
{
    struct rng g;

    rng_seed(&g, seed);
    memset(here, 0, sizeof here);
    memset(there, 0, sizeof there);
    EXPECT(begin(knows));
    for (int i = 0; i < 200 && !(w.ready && known_list_whole(&w.list)); i++) {
        EXPECT(pass());
        hear_writer();
    }
    EXPECT(w.ready && known_list_whole(&w.list));
    for (int op = 0; op < OPS; op++) {
        EXPECT(write_something(&g) == OK);
        for (int i = 0; i < 3000 && !hear_writer(); i++)
            EXPECT(pass());
        EXPECT(hear_writer());
    }
    disk_near_finish(w.near);
    for (int i = 0; i < 3000 && !w.ended; i++)
        EXPECT(pass());
    EXPECT(w.ended && memcmp(here, there, sizeof here) == 0);
    struct disk_near_counters n = disk_near_counters(w.near);
    EXPECT(n.written_bytes > 10 << 20 && n.known_bytes > n.written_bytes / 4);
    EXPECT(channel_end_counters(w.near_end).given_bytes <
           n.written_bytes - n.known_bytes + n.written_bytes / 64);
    end();
}

static void make_blocks(void)
{
    struct rng g;

    rng_seed(&g, 9);
    for (size_t i = 1; i < KINDS; i++)
        rng_fill(&g, blocks[i], BLOCK);
}

static void test_known(void)
{
    make_blocks();
    for (uint64_t seed = 1; seed <= 3 && !test_failed(); seed++)
        copy(seed, true);
}

static void test_unknown(void)
{
    make_blocks();
    for (uint64_t seed = 11; seed <= 13 && !test_failed(); seed++)
        copy(seed, false);
}

TEST_MAIN({"greeted", test_greeted}, {"known", test_known}, {"unknown", test_unknown})
