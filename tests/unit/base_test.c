#include <stdio.h>
#include <string.h>

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/heap.h"
#include "core/base/json.h"
#include "core/base/num.h"
#include "core/base/rd.h"
#include "core/base/rng.h"
#include "core/base/stat.h"
#include "core/base/wr.h"
#include "tests/unit/test.h"

static void errors_have_text_and_exit(void)
{
    for (int e = 0; e < ERR_COUNT; e++) {
        EXPECT(err_text((enum err)e)[0]);
        EXPECT(err_exit((enum err)e) >= 0 && err_exit((enum err)e) <= 6);
    }
    EXPECT_EQ(err_exit(OK), 0);
    EXPECT_EQ(err_exit(ERR_REFUSED), 4);
}

static void numbers_round_trip(void)
{
    static const uint64_t values[] = {0,          63,         64,        16383,
                                      16384,      (1u << 30) - 1, 1u << 30, (1ull << 62) - 1};
    uint8_t space[64];

    for (size_t i = 0; i < COUNT_OF(values); i++) {
        struct wr w = wr_of(space, sizeof space);
        wr_var(&w, values[i]);
        EXPECT_EQ(w.n, wr_var_size(values[i]));
        struct rd r = rd_of(wr_done(&w));
        EXPECT_EQ(rd_var(&r), values[i]);
        EXPECT_EQ(rd_done(&r), OK);
    }
    struct wr w = wr_of(space, 15);
    wr_u8(&w, 1), wr_u16(&w, 0x0302), wr_u32(&w, 0x07060504), wr_u64(&w, 0x0f0e0d0c0b0a0908u);
    EXPECT(!w.full);
    for (int i = 0; i < 15; i++)
        EXPECT_EQ(space[i], i + 1);
    wr_u8(&w, 9);
    EXPECT(w.full && w.n == 15);
}

static void reading_past_the_end_is_sticky(void)
{
    uint8_t three[3] = {1, 2, 3};
    struct rd r = rd_of(bytes_of(three, 3));

    EXPECT_EQ(rd_u32(&r), 0);
    EXPECT_EQ(rd_u8(&r), 0);
    EXPECT_EQ(rd_done(&r), ERR_MALFORMED);
    r = rd_of(bytes_of(three, 3));
    EXPECT_EQ(rd_u8(&r), 1);
    EXPECT_EQ(rd_done(&r), ERR_MALFORMED);
    uint8_t sized[4] = {2 << 2, 7, 8, 9};
    r = rd_of(bytes_of(sized, 4));
    EXPECT_EQ(rd_sized(&r, 1).n, 0);
    EXPECT(r.bad);
}

static void buf_keeps_its_maximum(void)
{
    struct buf b;

    buf_init(&b, 5);
    EXPECT_EQ(buf_append(&b, bytes_of("abc", 3)), OK);
    EXPECT_EQ(buf_append(&b, bytes_of("def", 3)), ERR_LIMIT);
    EXPECT_EQ(buf_append(&b, bytes_of("de", 2)), OK);
    buf_drop(&b, 2);
    EXPECT(bytes_equal(buf_bytes(&b), bytes_of("cde", 3)));
    heap_fail_at(1);
    struct buf c;
    buf_init(&c, 100);
    EXPECT_EQ(buf_append(&c, bytes_of("x", 1)), ERR_MEMORY);
    EXPECT(heap_fault_fired());
    EXPECT_EQ(buf_append(&c, bytes_of("x", 1)), OK);
    buf_release(&b);
    buf_release(&c);
}

static void arena_is_bounded_and_zeroed(void)
{
    struct arena a;

    arena_init(&a, 200000);
    uint8_t *p = arena_alloc(&a, 100001);
    EXPECT(p && p[100000] == 0);
    EXPECT(arena_alloc(&a, 100000) == NULL);
    EXPECT(arena_alloc(&a, 5) != NULL);
    EXPECT(arena_alloc(&a, SIZE_MAX) == NULL);
    arena_release(&a);
}

static void rng_is_reproducible_and_fair(void)
{
    struct rng a, b;
    unsigned hits = 0;

    rng_seed(&a, 7);
    rng_seed(&b, 7);
    for (int i = 0; i < 100; i++)
        EXPECT_EQ(rng_u64(&a), rng_u64(&b));
    for (int i = 0; i < 100000; i++) {
        EXPECT(rng_below(&a, 10) < 10);
        hits += rng_chance(&a, 10000);
    }
    EXPECT(hits > 800 && hits < 1200);
}

static struct stat_hist hist;

static void quantiles_are_close(void)
{
    for (uint64_t i = 1; i <= 10000; i++)
        stat_add(&hist, i * 1000);
    uint64_t median = stat_quantile(&hist, 500);
    EXPECT(median >= 5000000 && median <= 5100000);
    EXPECT_EQ(stat_quantile(&hist, 1000), 10000000);
    EXPECT_EQ(stat_mean(&hist), 5000500);
}

static void json_lines(void)
{
    char text[256] = "";
    FILE *f = fmemopen(text, sizeof text, "w");
    struct json *j = json_new(), *inner = json_new();

    json_put_string(j, "event", "result");
    json_put_string(j, "bad", "\xff!");
    json_put_int(inner, "p50", 1234567890123);
    json_put(j, "rtt_us", inner);
    json_put_real(j, "loss", 0.01);
    EXPECT_EQ(json_print(j, f), OK);
    fclose(f);
    EXPECT(strcmp(text, "{\"event\":\"result\",\"bad\":\"?!\",\"rtt_us\":{\"p50\":1234567890123},"
                        "\"loss\":0.01}\n") == 0);
    struct json_value *v;
    EXPECT_EQ(json_parse(bytes_of_string(text), &v), OK);
    EXPECT_EQ(json_int(json_member(json_member(v, "rtt_us"), "p50"), 0), 1234567890123);
    EXPECT(json_decimal(json_member(v, "loss"), 7) == 0.01);
    EXPECT(json_decimal(json_member(v, "event"), 7) == 7 && json_decimal(NULL, 7) == 7);
    EXPECT(json_int(json_member(v, "loss"), 7) == 7);
    json_discard(v);
    EXPECT_EQ(json_parse(bytes_of_string("{"), &v), ERR_MALFORMED);
    for (uint64_t n = 1;; n++) {
        heap_fail_at(n);
        j = json_new();
        json_put_string(j, "a", "b");
        memset(text, 0, sizeof text);
        f = fmemopen(text, sizeof text, "w");
        enum err e = json_print(j, f);
        fclose(f);
        /* A failure is either survived or reported: never half a line. */
        EXPECT(e == OK ? strcmp(text, "{\"a\":\"b\"}\n") == 0 : e == ERR_MEMORY && !text[0]);
        if (!heap_fault_fired())
            break;
    }
    heap_fail_at(0);
}

TEST_MAIN({"errors_have_text_and_exit", errors_have_text_and_exit},
          {"numbers_round_trip", numbers_round_trip},
          {"reading_past_the_end_is_sticky", reading_past_the_end_is_sticky},
          {"buf_keeps_its_maximum", buf_keeps_its_maximum},
          {"arena_is_bounded_and_zeroed", arena_is_bounded_and_zeroed},
          {"rng_is_reproducible_and_fair", rng_is_reproducible_and_fair},
          {"quantiles_are_close", quantiles_are_close}, {"json_lines", json_lines})
