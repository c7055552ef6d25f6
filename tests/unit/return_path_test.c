/* return_path: all that a QEMU says goes on in its order, however it is cut, but for SHUT. */
#include "core/guest/return_path.h"

#include <string.h>

#include "core/base/rng.h"
#include "tests/unit/test.h"

enum { ROOM = 4096 };

static const uint8_t pong[] = {0, 2, 0, 4, 0, 0, 0, 1};
static const uint8_t pages[] = {0, 3, 0, 12, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
static const uint8_t long_shut[] = {0, 1, 0, 5, 1, 2, 3, 4, 5}; /* that is another message */
static const uint8_t shut[] = {0, 1, 0, 4, 0, 0, 0, 0};

/* Sifts `in` in pieces of a random size; gives how many bytes went on to `out`. */
static size_t sift(struct return_path *r, struct rng *g, const uint8_t *in, size_t n, uint8_t *out)
{
    size_t done = 0;

    for (size_t i = 0; i < n;) {
        uint8_t piece[64 + RETURN_PATH_SHUT_BYTES];
        size_t some = 1 + rng_below(g, 64);
        some = some < n - i ? some : n - i;
        memcpy(piece, in + i, some);
        size_t on = return_path_sift(r, piece, some);
        if (on > some + RETURN_PATH_SHUT_BYTES) {
            test_fail(__FILE__, __LINE__, "no more than what came and was kept");
            return 0;
        }
        memcpy(out + done, piece, on);
        done += on;
        i += some;
    }
    return done;
}

static void test_cut(void)
{
    struct rng g;
    uint8_t in[ROOM], out[ROOM];

    rng_seed(&g, 1);
    for (int turn = 0; turn < 2000; turn++) {
        struct return_path r = {0};
        size_t n = 0;
        for (uint64_t i = rng_below(&g, 20); i > 0; i--) {
            const uint8_t *m[] = {pong, pages, long_shut};
            const size_t size[] = {sizeof pong, sizeof pages, sizeof long_shut};
            size_t which = rng_below(&g, 3);
            memcpy(in + n, m[which], size[which]);
            n += size[which];
        }
        memcpy(in + n, shut, sizeof shut);
        in[n + 7] = (uint8_t)(turn & 1);
        size_t went = sift(&r, &g, in, n + sizeof shut, out);
        EXPECT(went == n && memcmp(in, out, n) == 0);
        EXPECT(r.shut && r.code == (uint32_t)(turn & 1) && !r.strange);
    }
}

static void test_after(void)
{
    struct return_path r = {0};
    uint8_t space[64];

    memcpy(space, shut, sizeof shut);
    space[sizeof shut] = 0;
    EXPECT(return_path_sift(&r, space, sizeof shut + 1) == 0 && r.shut && r.strange);
    EXPECT(return_path_sift(&r, space, 8) == 0);
}

static void test_made(void)
{
    struct return_path r = {0};
    uint8_t space[2 * RETURN_PATH_SHUT_BYTES];

    return_path_shut(space);
    EXPECT(memcmp(space, shut, sizeof shut) == 0);
    EXPECT(return_path_sift(&r, space, RETURN_PATH_SHUT_BYTES) == 0 && r.shut && r.code == 0);
}

TEST_MAIN({"cut", test_cut}, {"after", test_after}, {"made", test_made})
