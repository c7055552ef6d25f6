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

/* What came before is looked for in the place where it was given, the last window of it: as long as
 * that and what is new lie in one piece, zstd is faster by a third than where it turns around in a
 * buffer as large as the window, as its streams do. */
enum { RING_BYTES = 4 << PACK_WINDOW_LOG, MAGIC_BYTES = 4 };

struct pack {
    ZSTD_CCtx *zstd; /* owned */
    int level;       /* of the frame that is open; 0: none is */
    bool begun;      /* something of it was written */
    size_t at;       /* in the ring: where the next chunk goes */
    uint8_t *ring;   /* owned: RING_BYTES; NULL: nothing was compressed yet */
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
    if (p) {
        ZSTD_freeCCtx(p->zstd);
        heap_free(p->ring);
    }
    heap_free(p);
}

/* A frame has one level: a new one begins where it changes, and forgets what came before. */
static enum err begin_frame(struct pack *p, int level)
{
    if (p->level == level)
        return OK;
    ZSTD_parameters how = ZSTD_getParams(level, 0, 0);
    p->level = 0;
    how.cParams.windowLog = PACK_WINDOW_LOG;
    how.fParams = (ZSTD_frameParameters){.noDictIDFlag = 1};
    if (!p->ring)
        p->ring = heap_array(RING_BYTES, 1);
    if (!p->ring ||
        ZSTD_isError(ZSTD_compressBegin_advanced(p->zstd, NULL, 0, how, ZSTD_CONTENTSIZE_UNKNOWN)))
        return ERR_MEMORY;
    p->level = level;
    p->begun = false;
    p->at = 0;
    return OK;
}

static enum err compress(struct pack *p, struct bytes raw, uint8_t *space, size_t *n)
{
    if (RING_BYTES - p->at < raw.n)
        p->at = 0;
    memcpy(p->ring + p->at, raw.p, raw.n);
    size_t made = ZSTD_compressContinue(p->zstd, space, PACK_ROOM_BYTES - PACK_HEAD_BYTES,
                                        p->ring + p->at, raw.n);
    if (ZSTD_isError(made))
        return ERR_MEMORY;
    p->at += raw.n;
    *n = made;
    if (!p->begun) { /* this interface always writes the magic number */
        CHECK(made > MAGIC_BYTES);
        *n = made - MAGIC_BYTES;
        memmove(space, space + MAGIC_BYTES, *n);
    }
    p->begun = true;
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
