/* What comes over a TCP connection, cut by the network anywhere: the packets must be the same. The
 * first byte of an input says how long the pieces are. */

#include "core/base/check.h"
#include "core/base/num.h"
#include "core/wire/chain.h"
#include "tests/fuzz/fuzz.h"

/* The next packet of the pieces `each` bytes long that are left in *rest. */
static enum err next_of_pieces(struct chain *c, struct bytes *rest, struct bytes *piece,
                               size_t each, struct bytes *packet)
{
    enum err e;

    while ((e = chain_next(c, piece, packet)) == ERR_AGAIN && rest->n) {
        size_t n = num_min(each, rest->n);
        CHECK(piece->n == 0);
        *piece = bytes_of(rest->p, n);
        *rest = bytes_of(rest->p + n, rest->n - n);
    }
    return e;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n < 2)
        return 0;
    uint8_t *copy = fuzz_copy(data + 1, n - 1);
    struct bytes whole = bytes_of(copy, n - 1), rest = whole, piece = bytes_of(copy, 0);
    struct chain a = {0}, b = {0};
    struct bytes one, other;
    enum err e;

    do {
        e = chain_next(&a, &whole, &one);
        CHECK(next_of_pieces(&b, &rest, &piece, 1 + data[0], &other) == e);
        if (e == OK)
            CHECK(one.n && one.n <= LIMIT_DATAGRAM_BYTES && bytes_equal(one, other));
    } while (e == OK);
    CHECK(e == ERR_MALFORMED || (whole.n == 0 && a.have == b.have));
    free(copy);
    return 0;
}
