#include "core/base/num.h"
#include "core/base/rng.h"
#include "core/wan/wan_policer.h"
#include "tests/unit/test.h"

static void a_zeroed_one_passes_everything(void)
{
    struct wan_policer p = {0};

    EXPECT(wan_policer_passes(&p, 0, SIZE_MAX));
    wan_policer_set(&p, 5, 0, 0);
    EXPECT(wan_policer_passes(&p, 5, 1 << 30));
}

static void the_bucket_begins_full_and_fills_at_the_rate(void)
{
    struct wan_policer p = {0};

    wan_policer_set(&p, 0, 8000000, 3000); /* one byte a microsecond */
    EXPECT(wan_policer_passes(&p, 0, 1000) && wan_policer_passes(&p, 0, 2000));
    EXPECT(!wan_policer_passes(&p, 0, 1));
    EXPECT(!wan_policer_passes(&p, 999, 1000));
    EXPECT(wan_policer_passes(&p, 1000, 1000));
    EXPECT(!wan_policer_passes(&p, 1000, 1));
    /* What has been refused costs nothing; a long rest gives one bucket and no more. */
    EXPECT(wan_policer_passes(&p, 1ull << 50, 3000));
    EXPECT(!wan_policer_passes(&p, 1ull << 50, 1));
    EXPECT(!wan_policer_passes(&p, 1ull << 60, 3001));
    /* Times that run backwards add nothing. */
    EXPECT(wan_policer_passes(&p, 1ull << 60, 3000));
    EXPECT(!wan_policer_passes(&p, 7, 1));
}

static void what_passes_is_rate_and_one_bucket(void)
{
    static const uint64_t rates[] = {64000, 9999991, 1000000000};
    struct rng r;

    rng_seed(&r, 1);
    for (size_t i = 0; i < COUNT_OF(rates); i++) {
        struct wan_policer p = {0};
        uint64_t passed = 0, now_us = 0, each_us = 1500 * 8000000ull / rates[i] / 2 + 1;
        wan_policer_set(&p, 0, rates[i], 100000);
        for (int k = 0; k < 20000; k++) {
            size_t n = rng_below(&r, 1500) + 1;
            /* Offered at four times the rate. */
            for (int m = 0; m < 2; m++)
                passed += wan_policer_passes(&p, now_us, n) ? n : 0;
            now_us += rng_below(&r, each_us) + 1;
        }
        uint64_t most = 100000 + num_mul_div(rates[i], now_us, 8000000);
        EXPECT(passed <= most);
        EXPECT(passed >= most / 100 * 95);
    }
}

static void the_rate_can_change(void)
{
    struct wan_policer p = {0};

    wan_policer_set(&p, 0, 8000000, 3000);
    EXPECT(wan_policer_passes(&p, 0, 3000));
    wan_policer_set(&p, 1000, 80000000, 3000); /* 1,000 bytes were earned before */
    EXPECT(wan_policer_passes(&p, 1100, 2000));
    EXPECT(!wan_policer_passes(&p, 1100, 1));
    wan_policer_set(&p, 2000, 80000000, 500);
    EXPECT(wan_policer_passes(&p, 2000, 500));
    EXPECT(!wan_policer_passes(&p, 2000, 1));
    wan_policer_set(&p, 3000, 0, 500);
    EXPECT(wan_policer_passes(&p, 3000, 5000));
}

TEST_MAIN({"a_zeroed_one_passes_everything", a_zeroed_one_passes_everything},
          {"the_bucket_begins_full_and_fills_at_the_rate",
           the_bucket_begins_full_and_fills_at_the_rate},
          {"what_passes_is_rate_and_one_bucket", what_passes_is_rate_and_one_bucket},
          {"the_rate_can_change", the_rate_can_change})
