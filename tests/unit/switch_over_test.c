/* switch_over, stream_end: when a guest is to stand, and whether all of it has been written. */
#include "core/guest/switch_over.h"

#include <string.h>

#include "core/base/rng.h"
#include "core/guest/stream_end.h"
#include "tests/unit/test.h"

enum { MB = 1000000 };

/* 250 Mbit/s, which is 31 MB/s. */
static struct switch_view view(uint64_t rounds, uint64_t remaining, uint64_t raw, uint64_t packed)
{
    return (struct switch_view){.now_us = 1000000,
                                .remaining_bytes = remaining,
                                .rounds = rounds,
                                .raw_bytes = raw,
                                .packed_bytes = packed,
                                .rate_bps = 250000000};
}

static void test_by_rate(void)
{
    struct switch_over s = {.max_us = 300000};
    struct switch_view v = view(1, 100 * MB, 0, 0);

    EXPECT(!switch_over_look(&s, &v));
    EXPECT(s.expected_us > 3000000 && s.expected_us < 3600000);
    v.remaining_bytes = 7 * MB; /* 224 ms, as far as is known at full price */
    EXPECT(switch_over_look(&s, &v));
    v.remaining_bytes = 9 * MB;
    EXPECT(!switch_over_look(&s, &v));
    v.rate_bps = 0;
    v.remaining_bytes = 0;
    EXPECT(!switch_over_look(&s, &v)); /* nobody knows the path yet */
    v = view(0, 0, 0, 0);
    EXPECT(!switch_over_look(&s, &v)); /* nothing was looked at yet */
}

static void test_by_cost(void)
{
    struct switch_over s = {.max_us = 300000};
    struct switch_view v = view(1, 80 * MB, 0, 0);

    EXPECT(!switch_over_look(&s, &v));
    v = view(1, 40 * MB, 40 * MB, 4 * MB); /* a tenth */
    EXPECT(switch_over_look(&s, &v) == true && s.expected_us < 160000);
    /* The next round begins with what the last one cost ... */
    v = view(2, 60 * MB, 80 * MB, 8 * MB);
    EXPECT(switch_over_look(&s, &v));
    EXPECT(s.expected_us > 180000 && s.expected_us < 220000);
    /* ... and costs more as soon as that is seen. */
    v = view(2, 40 * MB, 100 * MB, 28 * MB);
    EXPECT(!switch_over_look(&s, &v));
    EXPECT(s.expected_us > 1200000);
    /* Cheaper than the round before is not believed. */
    v = view(3, 40 * MB, 110 * MB, 38 * MB);
    EXPECT(!switch_over_look(&s, &v));
    v = view(3, 40 * MB, 120 * MB, 38 * MB);
    EXPECT(!switch_over_look(&s, &v));
}

static void test_written_since(void)
{
    struct switch_over s = {.max_us = 300000};
    struct switch_view v = view(2, 2 * MB, 10 * MB, 10 * MB);

    EXPECT(switch_over_look(&s, &v));
    v.dirty_bps = 160000000; /* 20 MB/s, for a second */
    v.now_us += 1000000;
    EXPECT(!switch_over_look(&s, &v));
    v = view(2, 2 * MB, 10 * MB, 10 * MB);
    v.queued_bytes = 8 * MB;
    EXPECT(!switch_over_look(&s, &v));
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

TEST_MAIN({"by_rate", test_by_rate}, {"by_cost", test_by_cost},
          {"written_since", test_written_since}, {"end", test_end}, {"no_end", test_no_end})
