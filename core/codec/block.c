#define ZSTD_STATIC_LINKING_ONLY /* custom allocation; we link the same version statically */
#include "core/codec/block.h"

#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "core/base/check.h"
#include "core/base/heap.h"
#include "core/base/num.h"
#include "core/base/rd.h"
#include "core/base/wr.h"
#include "core/codec/block_history.h"

enum {
    FORMAT = 1,
    PAYLOAD_MAX = 16 + BLOCK_MAX_TILES * (16 + TILE_PIXELS * 4),
    CODED_ROOM = BLOCK_MAX_BYTES,
    LEVEL = 3,
};

enum mode { MODE_SAME, MODE_SOLID, MODE_RAW, MODE_COUNT };

struct block_coder {
    ZSTD_CCtx *compress;
    ZSTD_DCtx *expand;
    uint8_t payload[PAYLOAD_MAX];
    uint8_t coded[CODED_ROOM];
};

static const struct tile black;

static void *zstd_alloc(void *opaque, size_t bytes)
{
    (void)opaque;
    return heap_alloc(bytes);
}

static void zstd_free(void *opaque, void *p)
{
    (void)opaque;
    heap_free(p);
}

struct block_coder *block_coder_new(void)
{
    const ZSTD_customMem memory = {zstd_alloc, zstd_free, NULL};
    struct block_coder *c = heap_alloc(sizeof *c);

    if (!c)
        return NULL;
    c->compress = ZSTD_createCCtx_advanced(memory);
    c->expand = ZSTD_createDCtx_advanced(memory);
    if (!c->compress || !c->expand) {
        block_coder_free(c);
        return NULL;
    }
    return c;
}

void block_coder_free(struct block_coder *c)
{
    if (!c)
        return;
    ZSTD_freeCCtx(c->compress);
    ZSTD_freeDCtx(c->expand);
    heap_free(c);
}

size_t block_find_vectors(const struct pic *now, const struct pic *ref, const uint8_t *changed,
                          struct block_vector *out, size_t max)
{
    (void)now, (void)ref, (void)changed, (void)out, (void)max;
    return 0;
}

static bool is_solid(const struct tile *t, struct rect r)
{
    for (uint32_t y = 0; y < r.height; y++)
        for (uint32_t x = 0; x < r.width; x++)
            if (t->px[y * TILE_SIDE_PX + x] != t->px[0])
                return false;
    return true;
}

static const struct tile *tile_of(const struct pic *p, uint32_t index)
{
    return p && p->tile[index] ? p->tile[index] : &black;
}

static void write_tile(struct wr *w, const struct pic *now, const struct pic *ref, uint32_t index)
{
    const struct tile *t = tile_of(now, index), *old = tile_of(ref, index);
    struct rect r = pic_tile_rect(now, index);
    size_t bytes = now->alpha ? 4 : 3;

    if (t == old || memcmp(t->px, old->px, sizeof t->px) == 0) {
        wr_u8(w, MODE_SAME);
        return;
    }
    bool solid = is_solid(t, r);
    wr_u8(w, solid ? MODE_SOLID : MODE_RAW);
    if (solid)
        r.width = r.height = 1;
    for (uint32_t y = 0; y < r.height; y++)
        for (uint32_t x = 0; x < r.width; x++) {
            uint8_t px[4];
            num_put_le(px, 4, t->px[y * TILE_SIDE_PX + x]);
            wr_bytes(w, bytes_of(px, bytes));
        }
}

enum err block_encode(struct block_coder *c, const struct pic *now,
                      const struct block_reference *ref, const uint32_t *tiles, size_t count,
                      const struct block_vector *vectors, size_t vector_count, struct buf *coded,
                      struct buf *payload)
{
    struct wr w = wr_of(c->payload, sizeof c->payload), out = wr_of(c->coded, sizeof c->coded);
    uint32_t next = 0;

    (void)vectors, (void)vector_count;
    CHECK(count >= 1 && count <= BLOCK_MAX_TILES);
    wr_var(&w, count);
    for (size_t i = 0; i < count; i++) {
        CHECK(tiles[i] >= next && tiles[i] < pic_tiles(now));
        wr_var(&w, tiles[i] - next);
        next = tiles[i] + 1;
        write_tile(&w, now, ref->pic, tiles[i]);
    }
    CHECK(!w.full);
    wr_u8(&out, FORMAT);
    wr_var(&out, w.n);
    struct bytes dictionary = block_history_content(ref->history);
    if (ZSTD_isError(ZSTD_CCtx_reset(c->compress, ZSTD_reset_session_and_parameters)) ||
        ZSTD_isError(ZSTD_CCtx_setParameter(c->compress, ZSTD_c_compressionLevel, LEVEL)) ||
        ZSTD_isError(ZSTD_CCtx_refPrefix(c->compress, dictionary.p, dictionary.n)))
        return ERR_MEMORY;
    size_t n = ZSTD_compress2(c->compress, out.p + out.n, wr_left(&out), w.p, w.n);
    if (ZSTD_isError(n))
        return ZSTD_getErrorCode(n) == ZSTD_error_dstSize_tooSmall ? ERR_LIMIT : ERR_MEMORY;
    enum err e = buf_append(coded, bytes_of(c->coded, out.n + n));
    if (!e && payload)
        e = buf_append(payload, wr_done(&w));
    return e;
}

static enum err read_tile(struct rd *r, const struct pic *shape, const struct pic *ref,
                          struct block_tile *out)
{
    struct rect area = pic_tile_rect(shape, out->index);
    struct tile *same = ref ? ref->tile[out->index] : NULL;
    size_t bytes = shape->alpha ? 4 : 3;
    uint8_t mode = rd_u8(r), px[4];

    if (mode >= MODE_COUNT)
        return ERR_MALFORMED;
    if (mode == MODE_SAME) {
        out->tile = same ? tile_ref(same) : NULL;
        return OK;
    }
    struct tile *t = tile_new(shape->pool);
    if (!t)
        return ERR_MEMORY;
    out->tile = t;
    memset(t->px, 0, sizeof t->px);
    for (uint32_t y = 0; y < area.height; y++)
        for (uint32_t x = 0; x < area.width; x++) {
            if (mode == MODE_RAW || (x == 0 && y == 0))
                rd_copy(r, px, bytes);
            t->px[y * TILE_SIDE_PX + x] = (uint32_t)num_get_le(px, bytes);
        }
    return r->bad ? ERR_MALFORMED : OK;
}

static enum err read_tiles(struct rd r, const struct pic *shape, const struct pic *ref,
                           struct block_tile out[BLOCK_MAX_TILES], size_t *count)
{
    uint64_t n = rd_var(&r), next = 0;

    if (n < 1 || n > BLOCK_MAX_TILES)
        return ERR_MALFORMED;
    for (uint64_t i = 0; i < n; i++) {
        next += rd_var(&r);
        if (next >= pic_tiles(shape))
            return ERR_MALFORMED;
        out[i] = (struct block_tile){.index = (uint32_t)next++};
        *count = i + 1;
        enum err e = read_tile(&r, shape, ref, &out[i]);
        if (e)
            return e;
    }
    return rd_done(&r);
}

enum err block_decode(struct block_coder *c, const struct pic *shape,
                      const struct block_reference *ref, struct bytes coded,
                      struct block_tile out[BLOCK_MAX_TILES], size_t *count, struct buf *payload)
{
    struct rd r = rd_of(coded);
    struct bytes dictionary = block_history_content(ref->history);
    size_t made = 0;

    *count = 0;
    if (coded.n > BLOCK_MAX_BYTES || rd_u8(&r) != FORMAT)
        return ERR_MALFORMED;
    uint64_t size = rd_var(&r);
    if (size > sizeof c->payload || r.bad)
        return ERR_MALFORMED;
    if (ZSTD_isError(ZSTD_DCtx_reset(c->expand, ZSTD_reset_session_and_parameters)) ||
        ZSTD_isError(ZSTD_DCtx_refPrefix(c->expand, dictionary.p, dictionary.n)))
        return ERR_MEMORY;
    size_t n = ZSTD_decompressDCtx(c->expand, c->payload, size, r.p, r.left);
    if (ZSTD_isError(n) || n != size)
        return ZSTD_getErrorCode(n) == ZSTD_error_memory_allocation ? ERR_MEMORY : ERR_MALFORMED;
    enum err e = read_tiles(rd_of(bytes_of(c->payload, n)), shape, ref->pic, out, &made);
    if (!e)
        e = buf_append(payload, bytes_of(c->payload, n));
    if (e) {
        while (made > 0)
            tile_unref(shape->pool, out[--made].tile);
        return e;
    }
    *count = made;
    return OK;
}
