/* Blocks that no encoder of ours makes, good and bad: the decoder makes of them what the second
 * implementation made (tests/ref/block_ref.py). */
#include <stdio.h>
#include <string.h>

#include "core/base/heap.h"
#include "core/base/num.h"
#include "core/base/wr.h"
#include "core/codec/block.h"
#include "core/os/file.h"
#include "tests/unit/test.h"

enum { HISTORIES = 3, MAX_SIDE_PX = 128 };

static struct tile_pool pool;
static struct block_history *history[HISTORIES];
static struct block_coder *coder;

/* Adds content and colours to a history by the formulas of tests/ref/block_make.py. */
static struct block_history *add(struct block_history *to, bool few, uint32_t turn)
{
    static uint8_t space[4 + 1500 * 4 + 100000];
    uint32_t colours = few ? 40 : 1500, n = few ? 1000 : 100000;
    struct wr w = wr_of(space, sizeof space);

    wr_var(&w, colours);
    for (uint32_t i = 0; i < colours; i++)
        wr_u32(&w, few ? i * 65793 & 0xffffff : (i + turn * 1500) * 4099 & 0xffffff);
    for (uint32_t i = 0; i < n; i++)
        wr_u8(&w, (uint8_t)(few ? i * 7 : (uint32_t)((uint64_t)i * i >> 7) + turn));
    struct bytes payload = wr_done(&w);
    return block_history_new(to, &payload, 1);
}

static void begin(void)
{
    tile_pool_init(&pool, 100);
    coder = block_coder_new();
    history[0] = NULL;
    history[1] = add(NULL, true, 0);
    history[2] = block_history_ref(history[1]);
    for (uint32_t turn = 0; turn < 3; turn++) {
        struct block_history *next = add(history[2], false, turn);
        block_history_unref(history[2]);
        history[2] = next;
    }
}

static void end(void)
{
    for (int i = 0; i < HISTORIES; i++)
        block_history_unref(history[i]);
    block_coder_free(coder);
    EXPECT_EQ(pool.in_use, 0);
    tile_pool_release(&pool);
}

static struct pic *reference(uint32_t width, uint32_t height, bool alpha)
{
    static uint32_t px[MAX_SIDE_PX * MAX_SIDE_PX];
    static uint8_t changed[16];
    struct pixels from = {px, width, height, width};
    struct pic *p;
    uint32_t count = 0;

    for (uint32_t y = 0; y < height; y++)
        for (uint32_t x = 0; x < width; x++)
            px[y * width + x] = x * 2654435761u ^ y * 40503 * 65537 ^ x * y;
    if (pic_new(&pool, width, height, alpha, &p))
        return NULL;
    if (pic_update(p, &from, (struct rect){0, 0, width, height}, changed, &count))
        test_fail(__FILE__, __LINE__, "pic_update");
    return p;
}

static void one(const char *name, struct pic *p, bool with_reference, struct block_history *h,
                struct bytes block, const char *wanted)
{
    struct block_reference ref = {with_reference ? p : NULL, h};
    struct block_tile out[BLOCK_MAX_TILES];
    struct buf payload;
    struct pic *result;
    uint8_t hash[16], named[16];
    size_t count, in_use = pool.in_use;

    buf_init(&payload, 1 << 20);
    enum err e = block_decode(coder, p, &ref, block, out, &count, &payload);
    if (strcmp(wanted, "malformed") == 0) {
        if (e != ERR_MALFORMED || pool.in_use != in_use)
            test_fail(__FILE__, __LINE__, name);
    } else if (e) {
        test_fail(__FILE__, __LINE__, name);
    } else {
        EXPECT_EQ(with_reference ? pic_copy(p, &result)
                                 : pic_new(&pool, p->width, p->height, p->alpha, &result),
                  OK);
        for (size_t i = 0; i < count; i++)
            pic_set(result, out[i].index, out[i].tile);
        pic_hash(result, hash);
        EXPECT_EQ(test_hex(wanted, named, sizeof named), sizeof named);
        if (memcmp(hash, named, sizeof hash) != 0)
            test_fail(__FILE__, __LINE__, name);
        pic_unref(result);
    }
    buf_release(&payload);
}

static void blocks_are_what_the_reference_says(void)
{
    static uint8_t block[BLOCK_MAX_BYTES];
    struct buf text;
    unsigned seen = 0;

    begin();
    buf_init(&text, 1 << 20);
    EXPECT_EQ(file_read("tests/golden/block.txt", false, &text), OK);
    EXPECT_EQ(buf_append(&text, bytes_of("", 1)), OK);
    for (char *line = strtok((char *)text.p, "\n"); line; line = strtok(NULL, "\n")) {
        unsigned width, height, alpha, with_reference, number;
        char name[40];
        int at = 0;
        if (*line == '#')
            continue;
        EXPECT_EQ(sscanf(line, "%39s %u %u %u %u %u %n", name, &width, &height, &alpha,
                         &with_reference, &number, &at),
                  6);
        char *equals = strstr(line + at, " = ");
        EXPECT(equals && width <= MAX_SIDE_PX && height <= MAX_SIDE_PX && number < HISTORIES);
        if (test_failed())
            break;
        *equals = 0;
        size_t n = test_hex(line + at, block, sizeof block);
        struct pic *p = reference(width, height, alpha);
        uint8_t *copy = heap_alloc(n); /* exact size, for the sanitizers */
        memcpy(copy, block, n);
        one(name, p, with_reference, history[number], bytes_of(copy, n), equals + 3);
        heap_free(copy);
        pic_unref(p);
        seen++;
    }
    EXPECT(seen > 30);
    buf_release(&text);
    end();
}

TEST_MAIN({"blocks_are_what_the_reference_says", blocks_are_what_the_reference_says})
