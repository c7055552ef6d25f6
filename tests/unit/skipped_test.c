/* Packet numbers that are left out, and who is caught with them. */
#include "core/peer/skipped.h"

#include "tests/unit/test.h"

enum { NUMBERS = 1000000 };

static struct skipped s;

static void begin(uint64_t seed, bool off)
{
    struct rng rng;

    rng_seed(&rng, seed);
    skipped_init(&s, &rng, off);
}

/* Whether an ACK of these is believed. */
static bool honest(uint64_t first, uint64_t last)
{
    struct frame f = {.type = FRAME_ACK, .ack = {.count = 1, .range = {{first, last}}}};

    return !skipped_told(&s, &f);
}

static void one_in_a_thousand_is_left_out(void)
{
    uint64_t last = 0, closest = NUMBERS, farthest = 0;

    begin(1, false);
    for (uint64_t n = 0; n < NUMBERS; n++) {
        if (!skipped_take(&s, n))
            continue;
        EXPECT(n > last + 1 && n - last <= SKIPPED_GAP);
        closest = n - last < closest ? n - last : closest;
        farthest = n - last > farthest ? n - last : farthest;
        last = n;
    }
    EXPECT(s.count > NUMBERS / 1000 * 9 / 10 && s.count < NUMBERS / 1000 * 11 / 10);
    EXPECT(closest < SKIPPED_GAP / 100 && farthest > SKIPPED_GAP - SKIPPED_GAP / 100);
}

static void each_is_known_for_as_long_as_it_matters(void)
{
    begin(2, false);
    for (uint64_t n = 0; n < NUMBERS; n++) {
        if (!skipped_take(&s, n) || s.count < SKIPPED_KEPT)
            continue;
        /* All that can be in flight, and more. */
        EXPECT(n - s.number[s.count % SKIPPED_KEPT] > 1 << 16);
        for (uint64_t k = s.count - SKIPPED_KEPT; k < s.count; k++) {
            uint64_t left_out = s.number[k % SKIPPED_KEPT];
            EXPECT(!honest(left_out, left_out));
            EXPECT(!honest(left_out - 1, left_out) && !honest(left_out, left_out + 1));
            EXPECT(honest(left_out - 1, left_out - 1) && honest(left_out + 1, left_out + 1));
        }
    }
    EXPECT(!honest(0, NUMBERS));
}

static void ranges_around_it_are_believed(void)
{
    struct frame f = {.type = FRAME_ACK};
    uint64_t at[LIMIT_ACK_RANGES], n = 0;

    begin(3, false);
    for (uint64_t k = 0; k < LIMIT_ACK_RANGES - 1; n++)
        if (skipped_take(&s, n))
            at[k++] = n;
    for (uint64_t last = n + 5, k = LIMIT_ACK_RANGES - 1; k-- > 0; last = at[k] - 1)
        f.ack.range[f.ack.count++] = (struct frame_range){at[k] + 1, last};
    f.ack.range[f.ack.count++] = (struct frame_range){0, at[0] - 1};
    EXPECT(!skipped_told(&s, &f));
    for (uint32_t i = 0; i < f.ack.count; i++) {
        struct frame lie = f;
        if (i + 1 < f.ack.count)
            lie.ack.range[i].first--;
        else
            lie.ack.range[i].last++;
        EXPECT(skipped_told(&s, &lie));
    }
}

static void none_where_it_is_off(void)
{
    begin(4, true);
    for (uint64_t n = 0; n < 10 * SKIPPED_GAP; n++)
        EXPECT(!skipped_take(&s, n));
    EXPECT(honest(0, 10 * SKIPPED_GAP));
}

TEST_MAIN({"one_in_a_thousand_is_left_out", one_in_a_thousand_is_left_out},
          {"each_is_known_for_as_long_as_it_matters", each_is_known_for_as_long_as_it_matters},
          {"ranges_around_it_are_believed", ranges_around_it_are_believed},
          {"none_where_it_is_off", none_where_it_is_off})
