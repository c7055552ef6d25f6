/* What serve and view say to each other: what is read is written, and read the same again. The
 * first byte of an input says what it is: a record, a pointer, its shape, an update. */

#include "core/base/check.h"
#include "core/base/limits.h"
#include "core/wire/desk.h"
#include "tests/fuzz/fuzz.h"

static uint8_t space[1 << 20];

static void try_records(struct bytes b)
{
    struct desk_record r, again;
    size_t used, used_again;

    for (; desk_get_record(b, &r, &used) == OK; b = bytes_of(b.p + used, b.n - used)) {
        CHECK(used >= 2 && used <= b.n);
        if (r.kind == 0)
            continue;
        struct wr w = wr_of(space, sizeof space);
        desk_put_record(&w, &r);
        CHECK(!w.full && w.n <= DESK_RECORD_BYTES);
        CHECK(desk_get_record(wr_done(&w), &again, &used_again) == OK && used_again == w.n);
        CHECK(memcmp(&r, &again, sizeof r) == 0);
    }
}

static void try_pointer(struct bytes b)
{
    struct desk_pointer p, again;
    struct wr w = wr_of(space, sizeof space);

    if (desk_get_pointer(b, &p) != OK)
        return;
    desk_put_pointer(&w, &p);
    CHECK(desk_get_pointer(wr_done(&w), &again) == OK);
    CHECK(p.x == again.x && p.y == again.y && p.visible == again.visible);
    CHECK(p.serial == again.serial);
}

static void try_shape(struct bytes b)
{
    struct desk_shape s, again;
    struct wr w = wr_of(space, sizeof space);

    if (desk_get_shape(b, &s) != OK)
        return;
    CHECK(s.width <= LIMIT_POINTER_SIDE_PX && s.height <= LIMIT_POINTER_SIDE_PX);
    CHECK(s.argb.n == (size_t)s.width * s.height * 4);
    desk_put_shape(&w, &s);
    wr_bytes(&w, s.argb);
    CHECK(desk_get_shape(wr_done(&w), &again) == OK && bytes_equal(s.argb, again.argb));
}

static void try_update(struct bytes b)
{
    static struct desk_update u, again;
    struct wr w = wr_of(space, sizeof space);

    if (desk_get_update(b, &u) != OK)
        return;
    CHECK(u.base <= u.snap && u.keep <= u.base && u.floor <= u.id);
    CHECK((uint64_t)u.width * u.height <= LIMIT_PICTURE_PIXELS);
    for (uint32_t i = 0; i < u.added_count; i++)
        CHECK(u.added[i] < u.id);
    desk_put_update(&w, &u);
    wr_bytes(&w, u.block);
    CHECK(!w.full && desk_get_update(wr_done(&w), &again) == OK);
    CHECK(again.id == u.id && again.snap == u.snap && again.base == u.base && again.keep == u.keep);
    CHECK(again.added_count == u.added_count && bytes_equal(again.block, u.block));
    CHECK(memcmp(again.added, u.added, u.added_count * sizeof u.added[0]) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static void (*const tries[])(struct bytes b) = {try_records, try_pointer, try_shape,
                                                    try_update};

    if (n == 0)
        return 0;
    uint8_t *copy = fuzz_copy(data + 1, n - 1);
    tries[data[0] & 3](bytes_of(copy, n - 1));
    free(copy);
    return 0;
}
