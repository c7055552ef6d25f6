/* Everything that core/base/parse.h reads: the first byte chooses, the rest is the text. */

#include "core/base/check.h"
#include "core/base/parse.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static enum err (*const parse[])(struct bytes, uint64_t *) = {
        parse_number, parse_rate_bps, parse_size_bytes, parse_time_us, parse_probability_ppm};
    struct parse_address a;
    uint64_t v = 0;

    if (n == 0)
        return 0;
    uint8_t *copy = fuzz_copy(data + 1, n - 1);
    struct bytes text = bytes_of(copy, n - 1);
    if (data[0] % 6 < 5) {
        if (parse[data[0] % 6](text, &v) == OK)
            CHECK(v <= INT64_MAX);
    } else if (parse_address(text, &a) == OK) {
        CHECK(a.host[0] && strlen(a.host) <= PARSE_HOST_CHARS);
    }
    free(copy);
    return 0;
}
