/* The pump with workers around it, as a server of many sessions has it: workers make what is sent
 * and check what has come, the loop's thread only moves it. Runs under TSan. */
#include <string.h>

#include "core/base/limits.h"
#include "core/base/num.h"
#include "core/run/pool.h"
#include "core/run/udp.h"
#include "tests/unit/test.h"

enum { JOBS = 16, EACH = 24, ROUNDS = 20, SIZE = 1100, TOTAL = JOBS * EACH * ROUNDS };
enum { IN_FLIGHT = 150 };

/* A worker's piece: EACH datagrams made, or EACH datagrams to be checked. */
struct piece {
    struct pool_job job;
    bool made;
    uint32_t first, count, wrong;
    uint8_t data[EACH][SIZE];
};

static struct {
    struct loop *loop;
    struct pool *pool;
    struct udp *from, *to;
    struct loop_timer guard;
    struct piece out[JOBS], in[JOBS];
    struct piece *ready[JOBS]; /* made, to be sent in this order */
    size_t readies, at;        /* at: datagrams of ready[0] that are gone */
    size_t filling;            /* in[filling] takes what comes */
    uint32_t made, sent, got, checked, wrong;
} t;

static void fill(uint8_t *to, uint32_t number)
{
    memset(to, (int)(number * 7), SIZE);
    num_put_le(to, 4, number);
}

static void make(struct pool_job *job)
{
    struct piece *p = (struct piece *)job;

    for (uint32_t i = 0; i < EACH; i++)
        fill(p->data[i], p->first + i);
}

static void check(struct pool_job *job)
{
    struct piece *p = (struct piece *)job;
    uint8_t want[SIZE];

    for (uint32_t i = 0; i < p->count; i++) {
        fill(want, (uint32_t)num_get_le(p->data[i], 4));
        p->wrong += memcmp(want, p->data[i], SIZE) != 0;
    }
}

static void on_made(struct pool_job *job)
{
    t.ready[t.readies++] = (struct piece *)job;
    udp_kick(t.from);
}

static void submit_next(struct piece *p)
{
    if (t.made == TOTAL)
        return;
    p->first = t.made;
    t.made += EACH;
    if (pool_submit(t.pool, &p->job) != OK)
        test_fail(__FILE__, __LINE__, "there is room for every piece");
}

static bool next(void *ctx, uint64_t now_us, uint8_t *space, size_t room, struct udp_out *out)
{
    (void)ctx, (void)now_us;
    /* No more on the way than the smallest of socket buffers holds: nothing is lost. */
    if (!t.readies || room < SIZE || t.sent - t.got >= IN_FLIGHT)
        return false;
    struct piece *p = t.ready[0];
    memcpy(space, p->data[t.at], SIZE);
    out->peer = *udp_local(t.to);
    out->n = SIZE;
    t.sent++;
    if (++t.at == EACH) {
        t.at = 0;
        memmove(t.ready, t.ready + 1, --t.readies * sizeof t.ready[0]);
        submit_next(p);
    }
    return true;
}

static void on_checked(struct pool_job *job)
{
    struct piece *p = (struct piece *)job;

    t.checked += p->count;
    t.wrong += p->wrong;
    p->count = 0;
    p->made = false; /* may be filled again */
    if (t.checked == TOTAL)
        loop_stop(t.loop, 0);
}

static void take(void *ctx, uint64_t now_us, const struct udp_in *in, size_t count)
{
    (void)ctx, (void)now_us;
    for (size_t i = 0; i < count; i++) {
        struct piece *p = &t.in[t.filling];
        t.got++;
        if (p->made)
            pool_drain(t.pool); /* all are with the workers */
        if (p->made || in[i].data.n != SIZE) {
            t.wrong++;
            continue;
        }
        memcpy(p->data[p->count++], in[i].data.p, SIZE);
        if (p->count == EACH) {
            p->made = true;
            t.filling = (t.filling + 1) % JOBS;
            if (pool_submit(t.pool, &p->job) != OK)
                test_fail(__FILE__, __LINE__, "there is room for every piece");
        }
    }
    udp_kick(t.from);
}

static void give_up(void *ctx)
{
    loop_stop(ctx, 99);
}

static void workers_and_pump_share_nothing(void)
{
    struct udp_owner sender = {.in = take, .next = next}, receiver = {.in = take};
    struct addr home;

    memset(&t, 0, sizeof t);
    EXPECT_EQ(addr_parse("127.0.0.1:0", -1, &home), OK);
    EXPECT_EQ(loop_new(&t.loop), OK);
    EXPECT_EQ(pool_new(t.loop, 3, 2 * JOBS, &t.pool), OK);
    EXPECT(!udp_new(t.loop, &home, &sender, &t.from) && !udp_new(t.loop, &home, &receiver, &t.to));
    loop_timer_init(&t.guard, t.loop, give_up, t.loop);
    loop_timer_set(&t.guard, loop_now_us(t.loop) + 60 * 1000000);
    for (size_t i = 0; i < JOBS; i++) {
        t.in[i].job = (struct pool_job){check, on_checked, NULL};
        t.out[i].job = (struct pool_job){make, on_made, NULL};
        submit_next(&t.out[i]);
    }
    int code = loop_run(t.loop);
    EXPECT_EQ(code, 0);
    EXPECT(t.sent == TOTAL && t.got == TOTAL && t.checked == TOTAL && t.wrong == 0);
    pool_free(t.pool);
    udp_free(t.from);
    udp_free(t.to);
    loop_timer_release(&t.guard);
    loop_free(t.loop);
}

TEST_MAIN({"workers_and_pump_share_nothing", workers_and_pump_share_nothing})
