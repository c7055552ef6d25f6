/* Chunks of a channel: whatever comes, what is read is within its bounds, and goes on being so. */

#include "core/base/check.h"
#include "core/codec/pack.h"
#include "core/codec/unpack.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    uint8_t *copy = fuzz_copy(data, n);
    struct bytes in = bytes_of(copy, n), out;
    struct unpack *u;
    size_t used;

    CHECK(unpack_new(&u) == OK);
    for (;;) {
        enum err e = unpack_chunk(u, in, &used, &out);
        if (e == ERR_AGAIN)
            CHECK(used > in.n && used <= PACK_ROOM_BYTES);
        if (e)
            break;
        CHECK(used > PACK_HEAD_BYTES && used <= in.n && out.n >= 1 && out.n <= PACK_RAW_BYTES);
        uint8_t sum = 0;
        for (size_t i = 0; i < out.n; i++)
            sum ^= out.p[i];
        *(volatile uint8_t *)copy = (uint8_t)(copy[0] ^ sum ^ sum);
        in = bytes_of(in.p + used, in.n - used);
    }
    unpack_free(u);
    free(copy);
    return 0;
}
