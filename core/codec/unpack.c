#include "core/codec/unpack.h"

#include <stdbool.h>
#include <zstd_errors.h>

#include "core/base/heap.h"
#include "core/base/num.h"
#include "core/codec/pack.h"
#include "core/codec/zstd_memory.h"

struct unpack {
    ZSTD_DCtx *zstd; /* owned */
    bool begun;      /* a frame is open */
    uint8_t space[PACK_RAW_BYTES];
};

enum err unpack_new(struct unpack **out)
{
    struct unpack *u = heap_alloc(sizeof *u);

    *out = u;
    if (u)
        u->zstd = ZSTD_createDCtx_advanced(zstd_memory);
    if (u && u->zstd &&
        !ZSTD_isError(ZSTD_DCtx_setParameter(u->zstd, ZSTD_d_format, ZSTD_f_zstd1_magicless)) &&
        !ZSTD_isError(ZSTD_DCtx_setParameter(u->zstd, ZSTD_d_windowLogMax, PACK_WINDOW_LOG)))
        return OK;
    unpack_free(u);
    *out = NULL;
    return ERR_MEMORY;
}

void unpack_free(struct unpack *u)
{
    if (u)
        ZSTD_freeDCtx(u->zstd);
    heap_free(u);
}

static enum err expand(struct unpack *u, bool first, struct bytes body, size_t raw)
{
    ZSTD_inBuffer in = {body.p, body.n, 0};
    ZSTD_outBuffer out = {u->space, raw, 0};

    if (first && ZSTD_isError(ZSTD_DCtx_reset(u->zstd, ZSTD_reset_session_only)))
        return ERR_MEMORY;
    u->begun |= first;
    if (!u->begun)
        return ERR_MALFORMED;
    size_t hint = ZSTD_decompressStream(u->zstd, &out, &in);
    if (ZSTD_isError(hint))
        return ZSTD_getErrorCode(hint) == ZSTD_error_memory_allocation ? ERR_MEMORY : ERR_MALFORMED;
    /* A frame never ends by itself, and what it flushed is all there and nothing more. */
    uint8_t more;
    ZSTD_outBuffer rest = {&more, 1, 0};
    if (!hint || in.pos != in.size || out.pos != raw ||
        ZSTD_isError(ZSTD_decompressStream(u->zstd, &rest, &in)) || rest.pos)
        return ERR_MALFORMED;
    return OK;
}

enum err unpack_chunk(struct unpack *u, struct bytes in, size_t *used, struct bytes *out)
{
    *used = PACK_HEAD_BYTES;
    if (in.n < PACK_HEAD_BYTES)
        return ERR_AGAIN;
    uint64_t head = num_get_le(in.p, 4);
    size_t n = head >> 8, raw = num_get_le(in.p + 4, 2) + 1;
    unsigned kind = head & 0xff;
    if (kind >= PACK_KINDS || n == 0 || n > PACK_ROOM_BYTES - PACK_HEAD_BYTES ||
        (kind == PACK_RAW && n != raw))
        return ERR_MALFORMED;
    *used += n;
    if (in.n < *used)
        return ERR_AGAIN;
    struct bytes body = bytes_of(in.p + PACK_HEAD_BYTES, n);
    *out = kind == PACK_RAW ? body : bytes_of(u->space, raw);
    return kind == PACK_RAW ? OK : expand(u, kind == PACK_FIRST, body, raw);
}
