/* move: records are read whole, at any cut, and what is none is refused. */
#include "core/wire/move.h"

#include <string.h>

#include "tests/unit/test.h"

static void test_records(void)
{
    uint8_t space[64];
    struct wr w = wr_of(space, sizeof space);
    struct move_record r;
    size_t used;

    move_put_head(&w, MOVE_HANDOVER, 3);
    wr_bytes(&w, bytes_of("{}\n", 3));
    move_put_head(&w, MOVE_DONE, 0);
    for (size_t n = 0; n < 7; n++) {
        EXPECT(move_get(bytes_of(space, n), &r, &used) == ERR_AGAIN);
        EXPECT_EQ(used, n < MOVE_HEAD_BYTES ? MOVE_HEAD_BYTES : 7);
    }
    EXPECT(move_get(wr_done(&w), &r, &used) == OK && used == 7 && r.kind == MOVE_HANDOVER);
    EXPECT(bytes_equal(r.body, bytes_of("{}\n", 3)));
    EXPECT(move_get(bytes_of(space + 7, 4), &r, &used) == OK && used == 4 && r.kind == MOVE_DONE);
    EXPECT(r.body.n == 0);
}

static void test_kinds(void)
{
    struct move_record r;
    size_t used;

    for (unsigned kind = 0; kind < 256; kind++) {
        uint8_t head[MOVE_HEAD_BYTES] = {(uint8_t)kind};
        enum err e = move_get(bytes_of(head, sizeof head), &r, &used);
        bool known = kind > 0 && kind < MOVE_KINDS, skipped = kind >= MOVE_MAY_SKIP;
        EXPECT_EQ(e, known || skipped ? OK : ERR_VERSION);
        if (known || skipped)
            EXPECT_EQ(r.kind, skipped ? MOVE_MAY_SKIP : kind);
    }
    EXPECT(move_get(bytes_of("\1\1\0\x10", 4), &r, &used) == ERR_MALFORMED); /* a byte too long */
    EXPECT(move_get(bytes_of("\1\0\0\x10", 4), &r, &used) == ERR_AGAIN);
}

TEST_MAIN({"records", test_records}, {"kinds", test_kinds})
