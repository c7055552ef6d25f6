/* switch_over, stream_end: when a guest is to stand, and whether all of it has been written. */
#include "core/guest/switch_over.h"

#include <string.h>

#include "core/base/num.h"
#include "core/base/rng.h"
#include "core/guest/stream_end.h"
#include "tests/unit/test.h"

enum { MB = 1000000 };

static uint64_t clock_us = 1000000;

/* Now, at 250 Mbit/s, which is 31 MB/s. */
static struct switch_view view(uint64_t rounds, uint64_t remaining, uint64_t raw, uint64_t packed)
{
    return (struct switch_view){.now_us = clock_us,
                                .remaining_bytes = remaining,
                                .rounds = rounds,
                                .raw_bytes = raw,
                                .packed_bytes = packed,
                                .rate_bps = 250000000};
}

/* Whether the guest is to stand when that stays so for a while; both hosts can do 1 GB a second. */
static bool stands(struct switch_over *s, struct switch_view *v)
{
    for (int i = 0; i < 40; i++) {
        for (size_t k = 0; k < COUNT_OF(s->raw_rate); k++)
            s->raw_rate[k] = 1000 * MB;
        clock_us = v->now_us += 50000;
        if (switch_over_look(s, v))
            return true;
    }
    return false;
}

static void test_by_rate(void)
{
    struct switch_over s = {.max_us = 300000};
    struct switch_view v = view(2, 100 * MB, 0, 0);

    EXPECT(!stands(&s, &v));
    EXPECT(s.expected_us > 3000000 && s.expected_us < 3600000);
    v.remaining_bytes = 7 * MB; /* 224 ms, as far as is known at full price */
    EXPECT(stands(&s, &v));
    v.remaining_bytes = 9 * MB;
    EXPECT(!stands(&s, &v));
    v.rate_bps = 0;
    v.remaining_bytes = 0;
    EXPECT(!stands(&s, &v)); /* nobody knows the path yet */
    v = view(1, 0, 0, 0);
    EXPECT(!stands(&s, &v)); /* nor what was written since */
}

static void test_by_cost(void)
{
    struct switch_over s = {.max_us = 300000};
    struct switch_view v = view(2, 80 * MB, 0, 0);

    EXPECT(!stands(&s, &v));
    v = view(2, 40 * MB, 40 * MB, 4 * MB); /* a tenth */
    EXPECT(stands(&s, &v) && s.expected_us > 120000 && s.expected_us < 160000);
    /* The next round begins with what the last one cost ... */
    v = view(3, 60 * MB, 80 * MB, 8 * MB);
    s.first_us = 0;
    EXPECT(stands(&s, &v));
    EXPECT(s.expected_us > 180000 && s.expected_us < 220000);
    /* ... and costs more as soon as that is seen. */
    v = view(3, 40 * MB, 100 * MB, 28 * MB);
    EXPECT(!stands(&s, &v));
    EXPECT(s.expected_us > 1200000);
    /* Cheaper than the round before is not believed. */
    v = view(4, 40 * MB, 110 * MB, 38 * MB);
    EXPECT(!stands(&s, &v));
    v = view(4, 40 * MB, 120 * MB, 38 * MB);
    EXPECT(!stands(&s, &v));
}

/* What both hosts can do counts as well as what the link takes. */
static void test_by_handling(void)
{
    struct switch_over s = {.max_us = 300000};
    struct switch_view v = view(2, 500 * MB, 0, 0);

    /* 100 MB a second, which become nearly nothing. */
    for (int i = 0; i < 40; i++, v.now_us += 50000) {
        EXPECT(!switch_over_look(&s, &v));
        v.raw_bytes += 5 * MB;
        v.packed_bytes += 5000;
        v.remaining_bytes -= 5 * MB;
        clock_us = v.now_us;
    }
    EXPECT(s.expected_us > 2900000 && s.expected_us < 3200000);
    v.remaining_bytes = 10 * MB;
    EXPECT(!switch_over_look(&s, &v) && s.expected_us > 90000 && s.expected_us < 120000);
    v.behind_bytes = 30 * MB;
    EXPECT(!switch_over_look(&s, &v) && s.expected_us > 300000);
}

/* It waits as long as each round leaves less, and no longer. */
static void test_least(void)
{
    struct switch_over s = {.max_us = 300000};
    struct switch_view v = view(3, 6 * MB, 100 * MB, 100 * MB);
    uint64_t begun = v.now_us;

    for (uint64_t left = 6 * MB; left > 2 * MB; left -= MB) {
        v.remaining_bytes = left;
        for (int i = 0; i < 10; i++, v.now_us += 50000)
            EXPECT(!switch_over_look(&s, &v));
    }
    EXPECT(stands(&s, &v) && v.now_us - begun < 4000000);
    EXPECT(s.expected_us < 120000);
    /* One that goes up and down all the time does not keep it for ever. */
    s = (struct switch_over){.max_us = 300000};
    v = view(3, 6 * MB, 100 * MB, 100 * MB);
    begun = v.now_us;
    bool now = false;
    for (int i = 0; i < 400 && !now; i++, v.now_us += 50000) {
        v.remaining_bytes = i % 20 ? 6 * MB : 2 * MB;
        now = switch_over_look(&s, &v);
    }
    EXPECT(now && v.now_us - begun < 11000000);
    /* Little is not waited for. */
    s = (struct switch_over){.max_us = 300000};
    v = view(3, MB / 4, 100 * MB, 100 * MB);
    EXPECT(!switch_over_look(&s, &v)); /* at first nobody knows what the hosts can do */
    v.now_us += 50000;
    EXPECT(switch_over_look(&s, &v));
}

static void test_written_since(void)
{
    struct switch_over s = {.max_us = 300000};
    struct switch_view v = view(3, 2 * MB, 10 * MB, 10 * MB);

    EXPECT(stands(&s, &v));
    v.dirty_bps = 160000000; /* 20 MB/s, for a second */
    v.now_us += 1000000;
    EXPECT(!switch_over_look(&s, &v));
    v = view(3, 2 * MB, 10 * MB, 10 * MB);
    v.queued_bytes = 8 * MB;
    EXPECT(!stands(&s, &v));
}

/* ---- the end of a stream ---- */

static const char description[] = "{\"page_size\":4096,\"devices\":[{\"name\":\"timer\"}]}";

static size_t put_end(uint8_t *to)
{
    size_t n = sizeof description - 1;

    memcpy(to, "\0\6\0\0\0", 5);
    to[5] = (uint8_t)n;
    memcpy(to + 6, description, n);
    return 6 + n;
}

static void test_end(void)
{
    static uint8_t b[20000];
    struct rng g;

    rng_seed(&g, 1);
    for (size_t piece = 1; piece < 3000; piece = piece * 3 + 1) {
        struct stream_end e = {0};
        rng_fill(&g, b, 10000);
        size_t n = 10000 + put_end(b + 10000);
        for (size_t at = 0; at < n; at += piece) {
            EXPECT(!stream_end_reached(&e));
            stream_end_take(&e, bytes_of(b + at, piece < n - at ? piece : n - at));
        }
        EXPECT(stream_end_reached(&e));
        stream_end_take(&e, bytes_of(b, 1)); /* it was not */
        EXPECT(!stream_end_reached(&e));
        n = put_end(b);
        stream_end_take(&e, bytes_of(b, n));
        EXPECT(stream_end_reached(&e));
    }
}

static void test_no_end(void)
{
    static uint8_t b[200000];
    struct stream_end e = {0};
    struct rng g;
    size_t n = put_end(b);

    stream_end_take(&e, bytes_of(b, n - 1));
    EXPECT(!stream_end_reached(&e));
    e = (struct stream_end){0};
    b[1] = 5; /* another section */
    stream_end_take(&e, bytes_of(b, n));
    EXPECT(!stream_end_reached(&e));
    e = (struct stream_end){0};
    put_end(b);
    b[2] = 9; /* longer than a description is */
    stream_end_take(&e, bytes_of(b, n));
    EXPECT(!stream_end_reached(&e));
    rng_seed(&g, 2);
    e = (struct stream_end){0};
    for (int i = 0; i < 50; i++) {
        rng_fill(&g, b, sizeof b);
        stream_end_take(&e, bytes_of(b, sizeof b));
        EXPECT(!stream_end_reached(&e));
    }
}

TEST_MAIN({"by_rate", test_by_rate}, {"by_cost", test_by_cost}, {"by_handling", test_by_handling},
          {"least", test_least}, {"written_since", test_written_since}, {"end", test_end},
          {"no_end", test_no_end})
