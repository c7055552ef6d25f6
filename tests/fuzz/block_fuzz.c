/* Blocks: as they come, or content and residuals that are put into proper frames first, so that
 * what zstd would refuse does not hide what is behind it. */

#include "core/base/buf.h"
#include "core/base/check.h"
#include "core/codec/block.h"
#include "core/codec/block_cell.h"
#include "core/codec/block_coder.h"
#include "core/codec/block_colour.h"
#include "core/codec/block_history.h"
#include "core/codec/block_predict.h"
#include "core/codec/pic.h"
#include "core/codec/tile.h"
#include "tests/fuzz/fuzz.h"

enum { PAYLOADS = 7 };

static struct tile_pool pool;
static struct block_coder *coder;
static struct pic *shape[2], *filled;
static struct block_history *history;

static void prepare(void)
{
    static const uint8_t payload[] = {2 << 2, 1, 2, 3, 0, 4, 5, 6, 0, 7, 8, 9, 10};
    static uint8_t colourful[PAYLOADS - 1][4 + COLOUR_NEW * 4];
    struct bytes b[PAYLOADS];

    tile_pool_init(&pool, 1000);
    coder = block_coder_new();
    /* More colours than a history keeps, and than its table has places for at once. */
    for (uint32_t i = 0; i < PAYLOADS - 1; i++) {
        struct wr w = wr_of(colourful[i], sizeof colourful[i]);
        wr_var(&w, COLOUR_NEW);
        for (uint32_t k = 0; k < COLOUR_NEW; k++)
            wr_u32(&w, (i * COLOUR_NEW + k) * 7);
        CHECK(!w.full);
        b[i] = wr_done(&w);
    }
    b[PAYLOADS - 1] = bytes_of(payload, sizeof payload);
    history = block_history_new(NULL, b, PAYLOADS);
    CHECK(coder && history);
    for (int alpha = 0; alpha < 2; alpha++)
        CHECK(pic_new(&pool, 150, 100, alpha, &shape[alpha]) == OK);
    CHECK(pic_copy(shape[0], &filled) == OK);
    for (uint32_t i = 0; i < pic_tiles(filled); i++) {
        struct tile *t = tile_new(&pool);
        CHECK(t);
        for (uint32_t k = 0; k < TILE_PIXELS; k++)
            t->px[k] = k * i;
        pic_set(filled, i, t);
    }
}

/* Makes a block of content (an even number of bytes) and one section of residuals. */
static size_t frame(struct bytes content, struct bytes residuals, uint8_t *to, size_t room)
{
    static uint8_t space[BLOCK_MAX_BYTES];
    struct wr w = wr_of(to, room), body = wr_of(space, sizeof space);

    wr_u8(&w, BLOCK_FORMAT);
    wr_u8(&w, 0);
    wr_var(&w, content.n);
    CHECK(block_coder_compress(coder, history, false, content, &body) == OK);
    wr_sized(&w, wr_done(&body));
    if (residuals.n) {
        body = wr_of(space, sizeof space);
        wr_var(&w, residuals.n);
        CHECK(block_coder_compress_residuals(coder, residuals, &body) == OK);
        wr_sized(&w, wr_done(&body));
    }
    CHECK(!w.full);
    return w.n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static uint8_t made[2 * BLOCK_MAX_BYTES];
    struct block_tile out[BLOCK_MAX_TILES];
    struct buf payload;
    size_t count;

    if (!coder)
        prepare();
    if (n < 3 || n > 60000)
        return 0;
    bool alpha = data[0] & 1;
    struct block_reference ref = {alpha || data[0] & 2 ? NULL : filled, history};
    struct bytes coded = bytes_of(data + 3, n - 3);
    if (data[0] & 4) {
        size_t first = (size_t)(data[1] | data[2] << 8) & ~(size_t)1;
        first = first < coded.n ? first : coded.n & ~(size_t)1;
        coded =
            bytes_of(made, frame(bytes_of(coded.p, first),
                                 bytes_of(coded.p + first, coded.n - first), made, sizeof made));
    }
    uint8_t *copy = fuzz_copy(coded.p, coded.n);
    buf_init(&payload, 4 << 20);
    size_t in_use = pool.in_use;
    enum err e =
        block_decode(coder, shape[alpha], &ref, bytes_of(copy, coded.n), out, &count, &payload);
    CHECK(e == OK || (e == ERR_MALFORMED && count == 0 && payload.n == 0));
    while (count > 0)
        tile_unref(&pool, out[--count].tile);
    CHECK(pool.in_use == in_use);
    buf_release(&payload);
    free(copy);
    return 0;
}
