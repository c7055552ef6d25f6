#include "core/codec/pack.h"

#include <stdbool.h>
#include <string.h>

#include "core/base/check.h"
#include "core/base/heap.h"
#include "core/base/num.h"
#include "core/codec/zstd_memory.h"

_Static_assert(ZSTD_COMPRESSBOUND(PACK_RAW_BYTES) + ZSTD_FRAMEHEADERSIZE_MAX <=
                   PACK_ROOM_BYTES - PACK_HEAD_BYTES,
               "what zstd writes for one chunk has room");

struct pack {
    ZSTD_CCtx *zstd; /* owned */
    int level;       /* of the frame that is open; 0: none is */
};

enum err pack_new(struct pack **out)
{
    struct pack *p = heap_alloc(sizeof *p);

    *out = p;
    if (p)
        p->zstd = ZSTD_createCCtx_advanced(zstd_memory);
    if (p && p->zstd)
        return OK;
    pack_free(p);
    *out = NULL;
    return ERR_MEMORY;
}

void pack_free(struct pack *p)
{
    if (p)
        ZSTD_freeCCtx(p->zstd);
    heap_free(p);
}

static bool set(struct pack *p, ZSTD_cParameter which, int value)
{
    return !ZSTD_isError(ZSTD_CCtx_setParameter(p->zstd, which, value));
}

/* A frame has one level: a new one begins where it changes, and forgets what came before. */
static enum err begin_frame(struct pack *p, int level)
{
    if (p->level == level)
        return OK;
    p->level = 0;
    if (ZSTD_isError(ZSTD_CCtx_reset(p->zstd, ZSTD_reset_session_and_parameters)) ||
        !set(p, ZSTD_c_format, ZSTD_f_zstd1_magicless) || !set(p, ZSTD_c_compressionLevel, level) ||
        !set(p, ZSTD_c_windowLog, PACK_WINDOW_LOG))
        return ERR_MEMORY;
    p->level = level;
    return OK;
}

static enum err compress(struct pack *p, struct bytes raw, uint8_t *space, size_t *n)
{
    ZSTD_inBuffer in = {raw.p, raw.n, 0};
    ZSTD_outBuffer out = {space, PACK_ROOM_BYTES - PACK_HEAD_BYTES, 0};
    size_t left = ZSTD_compressStream2(p->zstd, &out, &in, ZSTD_e_flush);

    if (ZSTD_isError(left))
        return ERR_MEMORY;
    CHECK(left == 0 && in.pos == in.size);
    *n = out.pos;
    return OK;
}

enum err pack_chunk(struct pack *p, int level, struct bytes raw, uint8_t *space, size_t *n)
{
    enum pack_kind kind = level == 0 ? PACK_RAW : level == p->level ? PACK_NEXT : PACK_FIRST;
    enum err e = OK;

    CHECK(raw.n >= 1 && raw.n <= PACK_RAW_BYTES && level >= 0 && level <= PACK_LEVEL_MOST);
    if (kind == PACK_FIRST)
        e = begin_frame(p, level);
    if (kind == PACK_RAW)
        memcpy(space + PACK_HEAD_BYTES, raw.p, *n = raw.n);
    else if (!e)
        e = compress(p, raw, space + PACK_HEAD_BYTES, n);
    if (e)
        return e;
    num_put_le(space, 4, *n << 8 | kind);
    num_put_le(space + 4, 2, raw.n - 1);
    *n += PACK_HEAD_BYTES;
    return OK;
}
