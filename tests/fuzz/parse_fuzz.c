/* Everything that core/base/parse.h reads, and the relay's times: the first byte chooses, the rest
 * is the text. */

#include "core/base/check.h"
#include "core/base/parse.h"
#include "core/wan/wan_config.h"
#include "core/wan/wan_schedule.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static enum err (*const parse[])(struct bytes, uint64_t *) = {
        parse_number, parse_rate_bps, parse_size_bytes, parse_time_us, parse_probability_ppm};
    static enum err (*const plan[])(struct bytes, struct wan_config *) = {
        wan_schedule_outage, wan_schedule_change, wan_schedule_queue, wan_schedule_policer,
        wan_schedule_fade};
    static struct wan_config full;
    struct parse_address a;
    uint64_t v = 0;

    if (n == 0)
        return 0;
    uint8_t *copy = fuzz_copy(data + 1, n - 1);
    struct bytes text = bytes_of(copy, n - 1);
    unsigned which = data[0] % 11;
    if (which < 5) {
        if (parse[which](text, &v) == OK)
            CHECK(v <= INT64_MAX);
    } else if (which > 5) {
        /* Twice: the second adds to the first. */
        memset(&full, 0, sizeof full);
        if (plan[which - 6](text, &full) == OK)
            (void)!plan[which - 6](text, &full);
    } else if (parse_address(text, &a) == OK) {
        CHECK(a.host[0] && strlen(a.host) <= PARSE_HOST_CHARS);
    }
    free(copy);
    return 0;
}
