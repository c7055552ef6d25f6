/* Frames of a data packet: what is read is written, and read the same again. */

#include "core/base/check.h"
#include "core/wire/frame.h"
#include "tests/fuzz/fuzz.h"

static void check_ack(const struct frame *f)
{
    CHECK(f->ack.count >= 1 && f->ack.count <= LIMIT_ACK_RANGES);
    for (uint32_t i = 0; i < f->ack.count; i++) {
        CHECK(f->ack.range[i].first <= f->ack.range[i].last);
        CHECK(i == 0 || f->ack.range[i].last + 1 < f->ack.range[i - 1].first);
    }
}

static void check_again(const struct frame *f)
{
    static uint8_t space[4096];
    static struct frame again;
    struct wr w = wr_of(space, sizeof space);

    frame_put(&w, f);
    CHECK(!w.full);
    struct rd r = rd_of(wr_done(&w));
    CHECK(frame_next(&r, &again) == OK && r.left == 0);
    CHECK(again.type == f->type && again.id == f->id && again.offset == f->offset);
    CHECK(again.value == f->value && again.code == f->code && again.total == f->total);
    CHECK(again.channel == f->channel && again.fin == f->fin);
    CHECK(bytes_equal(again.data, f->data));
    if (f->type != FRAME_ACK)
        return;
    CHECK(again.ack.count == f->ack.count);
    CHECK(memcmp(again.ack.range, f->ack.range, f->ack.count * sizeof f->ack.range[0]) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    uint8_t *copy = fuzz_copy(data, n);
    struct rd r = rd_of(bytes_of(copy, n));
    static struct frame f;
    enum err e;

    while ((e = frame_next(&r, &f)) == OK) {
        if (f.type == FRAME_ACK)
            check_ack(&f);
        CHECK(f.data.n == 0 || (f.data.p >= copy && f.data.p + f.data.n <= copy + n));
        check_again(&f);
    }
    CHECK(e == ERR_END || e == ERR_MALFORMED);
    free(copy);
    return 0;
}
