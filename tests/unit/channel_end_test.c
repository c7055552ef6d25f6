/* channel_end: what comes out is what went in, and what waits in front of the path is bounded,
 * however much its owner could give. */
#include "core/guest/channel_end.h"

#include <string.h>

#include "core/base/num.h"
#include "core/codec/pack.h"
#include "tests/unit/duo.h"
#include "tests/unit/test.h"

enum {
    QUEUE_US = 30000,
    LEAST_BYTES = 128 * 1024,
    STEP_US = 1000,
    STEPS = 200,
    MOST_A_STEP = 10,
    NOISE_BYTES = 2 << 20
};

static struct duo d;
static struct channel_end *near, *far;
static uint8_t noise[NOISE_BYTES]; /* longer than what a packer remembers */

/* A link that takes so many datagrams a millisecond, about 100 Mbit/s: the rest is lost. */
static bool narrow(struct duo *duo, enum duo_side from, const struct addr *to,
                   struct duo_datagram *g)
{
    static uint64_t step;
    static unsigned sent;

    (void)to, (void)g;
    if (from != DUO_CLIENT)
        return true;
    sent = duo->now_us / STEP_US == step ? sent + 1 : 0;
    step = duo->now_us / STEP_US;
    return sent < MOST_A_STEP;
}

static bool open_both(void)
{
    struct peer_config c = channel_end_peer_config();
    struct rng g;

    rng_seed(&g, 3);
    rng_fill(&g, noise, sizeof noise);
    duo_begin(&d, &c, &c);
    d.see = narrow;
    if (channel_end_call(d.peer[DUO_CLIENT], "memory", &near))
        return false;
    duo_run(&d, 50000);
    const struct peer_event *e = &d.seen[DUO_SERVER].last[PEER_EVENT_STREAM];
    if (d.seen[DUO_SERVER].count[PEER_EVENT_STREAM] != 1 ||
        channel_end_take(d.peer[DUO_SERVER], e->id, &far))
        return false;
    channel_end_wake(far);
    if (channel_end_stage(far) != CHANNEL_NAMED || strcmp(channel_end_name(far), "memory") != 0)
        return false;
    channel_end_answer(far, CHANNEL_OPENED, "");
    duo_run(&d, 50000);
    channel_end_wake(near);
    return channel_end_stage(near) == CHANNEL_OPEN;
}

static void close_both(void)
{
    channel_end_free(near);
    channel_end_free(far);
    duo_end(&d);
}

/* Takes all that has come, which must be noise, over and over. */
static bool drain(uint64_t *taken)
{
    struct bytes b;

    while (channel_end_peek(far, &b) == OK) {
        for (size_t i = 0; i < b.n; i++)
            if (b.p[i] != noise[(*taken + i) % sizeof noise])
                return false;
        *taken += b.n;
        channel_end_consume(far, b.n);
    }
    return true;
}

static void test_bounded(void)
{
    uint64_t given = 0, taken = 0, most = 0;
    struct peer_path path;

    EXPECT(open_both());
    for (int i = 0; i < STEPS; i++) {
        size_t room;
        while ((room = channel_end_room(near, d.now_us)) > 0) {
            size_t at = given % sizeof noise, n = num_min(room, sizeof noise - at);
            channel_end_give(near, bytes_of(noise + at, n));
            given += n;
        }
        peer_path(d.peer[DUO_CLIENT], d.now_us, &path);
        uint64_t bound = num_max(num_mul_div(path.rate_bps, QUEUE_US, 8000000), LEAST_BYTES);
        EXPECT(path.unsent_bytes <= bound + PACK_ROOM_BYTES);
        most = num_max(most, path.unsent_bytes);
        duo_run(&d, STEP_US);
        channel_end_wake(near);
        EXPECT(drain(&taken));
    }
    EXPECT(most > 0 && given > 500000 && taken > given / 4);
    channel_end_finish(near);
    for (int i = 0; i < 10 * STEPS && taken < given; i++) {
        duo_run(&d, STEP_US);
        channel_end_wake(near);
        EXPECT(drain(&taken));
    }
    struct bytes b;
    EXPECT_EQ(taken, given);
    EXPECT(channel_end_peek(far, &b) == ERR_END);
    close_both();
}

/* Words in no order, instead of the noise. */
static void fill_text(void)
{
    static const char *const words[] = {"a guest ", "its pages ",  "moves to ", "the other ",
                                        "host, ",   "and stands ", "while ",    "they go. "};
    struct rng g;
    size_t n = 0;

    rng_seed(&g, 4);
    while (n < NOISE_BYTES)
        for (const char *w = words[rng_below(&g, COUNT_OF(words))]; *w && n < NOISE_BYTES; w++)
            noise[n++] = (uint8_t)*w;
}

/* Sends text over a slow path; what a thousand bytes of it became, 0: it has not come. */
static uint64_t packed_of_1000(bool strained)
{
    uint64_t given = 0, taken = 0;
    bool good = open_both();

    fill_text();
    channel_end_strain(near, strained);
    for (int i = 0; good && i < 2 * STEPS; i++) {
        size_t room;
        while ((room = channel_end_room(near, d.now_us)) > 0) {
            size_t at = given % sizeof noise, n = num_min(room, sizeof noise - at);
            channel_end_give(near, bytes_of(noise + at, n));
            given += n;
        }
        duo_run(&d, STEP_US);
        channel_end_wake(near);
        good = drain(&taken);
    }
    uint64_t packed = channel_end_counters(near).packed_bytes;
    close_both();
    return good && taken > sizeof noise / 2 ? num_mul_div(packed, 1000, given) : 0;
}

static void test_strained(void)
{
    uint64_t thorough = packed_of_1000(false), quick = packed_of_1000(true);

    EXPECT(thorough > 0 && quick > thorough && quick < 900);
}

static void test_refused(void)
{
    struct peer_config c = channel_end_peer_config();
    const char *why;

    duo_begin(&d, &c, &c);
    EXPECT(channel_end_call(d.peer[DUO_CLIENT], "other", &near) == OK);
    duo_run(&d, 50000);
    EXPECT(channel_end_take(d.peer[DUO_SERVER], d.seen[DUO_SERVER].last[PEER_EVENT_STREAM].id,
                            &far) == OK);
    channel_end_wake(far);
    channel_end_answer(far, CHANNEL_UNKNOWN, "there is no such channel");
    duo_run(&d, 50000);
    channel_end_wake(near);
    EXPECT(channel_end_stage(near) == CHANNEL_OVER && channel_end_room(near, d.now_us) == 0);
    EXPECT(channel_end_why(near, &why) == ERR_NOT_FOUND &&
           strcmp(why, "there is no such channel") == 0);
    close_both();
}

TEST_MAIN({"bounded", test_bounded}, {"strained", test_strained}, {"refused", test_refused})
