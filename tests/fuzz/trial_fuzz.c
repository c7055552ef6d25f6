/* What the ends of a trial of a link say to each other: what is read is written, and read the same
 * again. The first byte of an input says what it is: a record, a ping, a probe, payload. */

#include "core/base/check.h"
#include "core/base/limits.h"
#include "core/base/num.h"
#include "core/wire/trial.h"
#include "tests/fuzz/fuzz.h"

static uint8_t space[1 << 20];

static void try_records(struct bytes b)
{
    struct trial_record r, again;
    size_t used, used_again;

    for (; trial_get_record(b, &r, &used) == OK; b = bytes_of(b.p + used, b.n - used)) {
        CHECK(used >= 2 && used <= b.n);
        if (r.kind == 0)
            continue;
        CHECK(r.arrivals <= TRIAL_ARRIVALS && r.ask.message_bytes <= LIMIT_MESSAGE_BYTES);
        CHECK(memchr(r.report.state, 0, sizeof r.report.state));
        struct wr w = wr_of(space, sizeof space);
        trial_put_record(&w, &r);
        CHECK(!w.full && w.n <= TRIAL_RECORD_BYTES + 3);
        CHECK(trial_get_record(wr_done(&w), &again, &used_again) == OK && used_again == w.n);
        CHECK(memcmp(&r, &again, sizeof r) == 0);
    }
}

static void try_ping(struct bytes b)
{
    struct wr w = wr_of(space, sizeof space);
    struct trial_ping p;

    if (trial_get_ping(b, &p) != OK)
        return;
    trial_put_ping(&w, &p);
    CHECK(bytes_equal(wr_done(&w), b));
}

static void try_probe(struct bytes b)
{
    struct wr w = wr_of(space, sizeof space);
    struct trial_probe p;

    if (trial_get_probe(b, b.n, &p) != OK)
        return;
    trial_put_probe(&w, &p, b.n);
    CHECK(bytes_equal(wr_done(&w), b));
}

static void try_payload(struct bytes b)
{
    if (b.n < 8)
        return;
    uint64_t offset = num_get_le(b.p, 8);
    struct bytes rest = bytes_of(b.p + 8, b.n - 8);
    trial_payload(offset, space, num_min(rest.n, sizeof space));
    CHECK(rest.n > sizeof space ||
          trial_payload_right(offset, rest) == bytes_equal(bytes_of(space, rest.n), rest));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static void (*const tries[])(struct bytes b) = {try_records, try_ping, try_probe, try_payload};

    if (n == 0)
        return 0;
    uint8_t *copy = fuzz_copy(data + 1, n - 1);
    tries[data[0] & 3](bytes_of(copy, n - 1));
    free(copy);
    return 0;
}
