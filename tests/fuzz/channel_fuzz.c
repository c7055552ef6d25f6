/* How a channel is asked for and answered: what is read is written, and read the same again. */

#include "core/base/check.h"
#include "core/wire/channel.h"
#include "tests/fuzz/fuzz.h"

static void try_ask(struct bytes b)
{
    uint8_t space[CHANNEL_ASK_BYTES];
    struct wr w = wr_of(space, sizeof space);
    struct channel_ask a;
    size_t used;

    if (channel_get_ask(b, &a, &used) != OK)
        return;
    CHECK(channel_name_right(bytes_of_string(a.name)));
    channel_put_ask(&w, &a);
    CHECK(bytes_equal(wr_done(&w), bytes_of(b.p, used)));
}

static void try_answer(struct bytes b)
{
    uint8_t space[CHANNEL_ANSWER_BYTES];
    struct wr w = wr_of(space, sizeof space);
    struct channel_answer a;
    size_t used;

    if (channel_get_answer(b, &a, &used) != OK)
        return;
    channel_put_answer(&w, &a);
    CHECK(bytes_equal(wr_done(&w), bytes_of(b.p, used)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n == 0)
        return 0;
    uint8_t *copy = fuzz_copy(data + 1, n - 1);
    (data[0] & 1 ? try_answer : try_ask)(bytes_of(copy, n - 1));
    free(copy);
    return 0;
}
