/* What the Noise messages carry. The first byte of an input says in which of the two. */

#include "core/base/check.h"
#include "core/base/utf8.h"
#include "core/wire/hello.h"
#include "tests/fuzz/fuzz.h"

static void try_client(struct bytes b)
{
    struct hello_client h, again;
    uint8_t space[256];
    struct wr w = wr_of(space, sizeof space);

    if (hello_get_client(b, &h) != OK)
        return;
    hello_put_client(&w, &h);
    CHECK(!w.full && hello_get_client(wr_done(&w), &again) == OK);
    CHECK(memcmp(&h, &again, sizeof h) == 0);
}

static void try_server(struct bytes b)
{
    struct hello_server h, again;
    uint8_t space[512];
    struct wr w = wr_of(space, sizeof space);

    if (hello_get_server(b, &h) != OK)
        return;
    struct bytes reason = bytes_of_string(h.reason);
    CHECK(utf8_bad_at(reason) == reason.n);
    for (size_t i = 0; i < reason.n; i++)
        CHECK(reason.p[i] >= ' ' && reason.p[i] != 127);
    hello_put_server(&w, &h);
    CHECK(!w.full && hello_get_server(wr_done(&w), &again) == OK);
    CHECK(memcmp(&h, &again, sizeof h) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n == 0)
        return 0;
    uint8_t *copy = fuzz_copy(data + 1, n - 1);
    if (data[0] & 1)
        try_server(bytes_of(copy, n - 1));
    else
        try_client(bytes_of(copy, n - 1));
    free(copy);
    return 0;
}
