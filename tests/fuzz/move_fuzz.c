/* What the other host of a move says, what a note says, what QEMU answers of its guest: it is taken
 * or refused. The first byte says what it is. */
#include "core/base/check.h"
#include "core/base/heap.h"
#include "core/guest/guest_capabilities.h"
#include "core/guest/guest_facts.h"
#include "core/guest/move_note.h"
#include "core/guest/return_path.h"
#include "core/wire/disk_record.h"
#include "core/wire/move.h"
#include "tests/fuzz/fuzz.h"

enum { DISK_BYTES = 1 << 20, ROOM = 4096 };

static void try_record(struct bytes b)
{
    struct move_record r;
    size_t used;
    enum err e;

    while ((e = move_get(b, &r, &used)) == OK) {
        CHECK(used == MOVE_HEAD_BYTES + r.body.n && used <= b.n);
        b = bytes_of(b.p + used, b.n - used);
    }
    CHECK(e != ERR_AGAIN || used > b.n);
}

static void try_note(struct bytes b)
{
    struct move_note n;
    struct buf text;

    if (move_note_read(b, &n))
        return;
    buf_init(&text, ROOM);
    CHECK(move_note_id_right(n.id) && move_note_write(&n, &text) == OK);
    CHECK(move_note_read(buf_bytes(&text), &n) == OK);
    buf_release(&text);
}

static void ignore(void *ctx, const char *problem)
{
    (void)ctx;
    CHECK(problem[0]);
}

static void try_facts(struct bytes b)
{
    struct guest_facts *f = heap_alloc(sizeof *f), *to = heap_alloc(sizeof *to);
    struct guest_capabilities c;
    struct json_value *v;
    struct reason why = {0};

    if (f && to && json_parse(b, &v) == OK) {
        if (guest_facts_get(v, f) == OK) {
            CHECK(f->disks <= LIMIT_GUEST_DISKS);
            CHECK(guest_facts_match(f, f, &why) == OK || why.text[0]);
            json_free(guest_facts_put(f));
        }
        for (const struct guest_question *q = guest_facts_questions; q->command; q++)
            (void)!q->hear(to, v);
        CHECK(to->disks <= LIMIT_GUEST_DISKS);
        (void)!guest_facts_match(to, f, &why);
        CHECK(guest_facts_leaves(f, "copy", ignore, NULL) || f->disks || f->blocked[0] ||
              strcmp(f->status, "running") != 0);
        guest_facts_leaves(to, NULL, ignore, NULL);
        guest_capabilities_hear(&c, v);
        CHECK(c.n <= GUEST_CAPABILITIES);
        json_free(guest_capabilities_change(&c, GUEST_SOURCE, false));
        json_discard(v);
    }
    heap_free(f);
    heap_free(to);
}

static void try_disk(struct bytes b)
{
    uint8_t space[DISK_HEAD_BYTES];
    struct wr w = wr_of(space, sizeof space);
    struct disk_record r;

    if (b.n < DISK_HEAD_BYTES || disk_record_get(b, DISK_BYTES, &r))
        return;
    CHECK(r.kind == DISK_BARRIER || r.kind == DISK_DONE || r.offset + r.length <= DISK_BYTES);
    disk_record_put(&w, &r);
    CHECK(bytes_equal(wr_done(&w), bytes_of(b.p, DISK_HEAD_BYTES)));
    if (r.kind != DISK_KNOWN || b.n < DISK_HEAD_BYTES + DISK_KNOWN_BYTES)
        return;
    struct disk_known known;
    uint8_t again[DISK_KNOWN_BYTES];
    struct wr k = wr_of(again, sizeof again);
    struct bytes more = bytes_of(b.p + DISK_HEAD_BYTES, DISK_KNOWN_BYTES);
    CHECK(r.length % DISK_BLOCK_BYTES == 0 && r.offset % DISK_BLOCK_BYTES == 0);
    disk_record_get_known(more, &known);
    disk_record_put_known(&k, &known);
    CHECK(bytes_equal(wr_done(&k), more));
}

static void try_return_path(struct bytes b)
{
    struct return_path whole = {0}, cut = {0};
    uint8_t *one = malloc(b.n + RETURN_PATH_SHUT_BYTES),
            *two = malloc(b.n + RETURN_PATH_SHUT_BYTES);
    size_t half = b.n / 2;

    CHECK(one && two && b.n);
    memcpy(one, b.p, b.n);
    size_t n = return_path_sift(&whole, one, b.n);
    memcpy(two, b.p, half);
    size_t first = return_path_sift(&cut, two, half);
    CHECK(first <= half);
    uint8_t *rest = malloc(b.n - half + RETURN_PATH_SHUT_BYTES);
    CHECK(rest);
    memcpy(rest, b.p + half, b.n - half);
    size_t second = return_path_sift(&cut, rest, b.n - half);
    CHECK(first + second == n && whole.shut == cut.shut && whole.code == cut.code);
    CHECK(memcmp(one, two, first) == 0 && memcmp(one + first, rest, second) == 0);
    free(one);
    free(two);
    free(rest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static void (*const try[])(struct bytes) = {try_record, try_note, try_facts, try_disk,
                                                try_return_path};

    if (n < 2)
        return 0;
    uint8_t *copy = fuzz_copy(data + 1, n - 1);
    try[data[0] % 5](bytes_of(copy, n - 1));
    free(copy);
    return 0;
}
