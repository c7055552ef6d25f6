#include "core/codec/block_coder.h"

#include <string.h>
#define ZSTD_STATIC_LINKING_ONLY /* memory of our own, frames without magic; linked statically */
#include <zstd.h>
#include <zstd_errors.h>

#include "core/base/check.h"
#include "core/base/heap.h"
#include "core/codec/block_history.h"

enum { SMALL_CONTENT = 48 * 1024 };

/* Small contents can afford a better search. */
static const int level_of[BLOCK_LEVELS] = {5, 3};
static const int residual_level = 1;

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

static const ZSTD_customMem memory = {zstd_alloc, zstd_free, NULL};

struct block_coder *block_coder_new(void)
{
    struct block_coder *c = heap_alloc(sizeof *c);

    if (!c)
        return NULL;
    c->compress = ZSTD_createCCtx_advanced(memory);
    c->expand = ZSTD_createDCtx_advanced(memory);
    if (!c->compress || !c->expand ||
        ZSTD_isError(ZSTD_DCtx_setParameter(c->expand, ZSTD_d_format, ZSTD_f_zstd1_magicless))) {
        block_coder_free(c);
        return NULL;
    }
    return c;
}

void block_coder_free(struct block_coder *c)
{
    if (!c)
        return;
    for (int i = 0; i < BLOCK_LEVELS; i++)
        heap_free(c->dictionary_space[i]);
    ZSTD_freeCCtx(c->compress);
    ZSTD_freeDCtx(c->expand);
    heap_free(c);
}

/* Prepares the context and compresses. */
static enum err compress(struct block_coder *c, int level, const ZSTD_CDict *dictionary,
                         struct bytes from, struct wr *to)
{
    ZSTD_CCtx *z = c->compress;

    if (ZSTD_isError(ZSTD_CCtx_reset(z, ZSTD_reset_session_and_parameters)) ||
        ZSTD_isError(ZSTD_CCtx_setParameter(z, ZSTD_c_format, ZSTD_f_zstd1_magicless)) ||
        ZSTD_isError(ZSTD_CCtx_setParameter(z, ZSTD_c_contentSizeFlag, 0)) ||
        ZSTD_isError(ZSTD_CCtx_setParameter(z, ZSTD_c_compressionLevel, level)) ||
        ZSTD_isError(ZSTD_CCtx_refCDict(z, dictionary)))
        return ERR_MEMORY;
    size_t n = ZSTD_compress2(z, to->p + to->n, wr_left(to), from.p, from.n);
    if (ZSTD_isError(n))
        return ZSTD_getErrorCode(n) == ZSTD_error_dstSize_tooSmall ? ERR_LIMIT : ERR_MEMORY;
    to->n += n;
    return OK;
}

/* The history as zstd wants it, made once for as long as the coder sees the same history, always in
 * the same space: zstd 1.5.4 crashes when it cannot allocate that itself. NULL without memory. */
static const ZSTD_CDict *dictionary_of(struct block_coder *c, const struct block_history *h,
                                       int level)
{
    struct bytes content = block_history_content(h);
    size_t room = ZSTD_estimateCDictSize_advanced(
        BLOCK_HISTORY_BYTES, ZSTD_getCParams(level_of[level], 0, BLOCK_HISTORY_BYTES),
        ZSTD_dlm_byCopy);
    uint8_t key[16];

    block_history_key(h, key);
    if (memcmp(key, c->key, sizeof key)) {
        memset(c->dictionary, 0, sizeof c->dictionary);
        memcpy(c->key, key, sizeof key);
    }
    if (c->dictionary[level])
        return c->dictionary[level];
    if (!c->dictionary_space[level])
        c->dictionary_space[level] = heap_aligned(room);
    if (!c->dictionary_space[level])
        return NULL;
    c->dictionary[level] = ZSTD_initStaticCDict(c->dictionary_space[level], room, content.p,
                                                content.n, ZSTD_dlm_byCopy, ZSTD_dct_rawContent,
                                                ZSTD_getCParams(level_of[level], 0, content.n));
    CHECK(c->dictionary[level]);
    return c->dictionary[level];
}

enum err block_coder_compress(struct block_coder *c, const struct block_history *h,
                              struct bytes from, struct wr *to)
{
    int level = from.n <= SMALL_CONTENT ? 0 : 1;
    const ZSTD_CDict *dictionary = NULL;

    if (block_history_content(h).n) {
        dictionary = dictionary_of(c, h, level);
        if (!dictionary)
            return ERR_MEMORY;
    }
    return compress(c, level_of[level], dictionary, from, to);
}

enum err block_coder_compress_residuals(struct block_coder *c, struct bytes from, struct wr *to)
{
    return compress(c, residual_level, NULL, from, to);
}

enum err block_coder_expand(struct block_coder *c, const struct block_history *h, struct bytes from,
                            uint8_t *to, size_t n)
{
    struct bytes content = block_history_content(h);

    if (ZSTD_isError(ZSTD_DCtx_reset(c->expand, ZSTD_reset_session_only)) ||
        ZSTD_isError(
            ZSTD_DCtx_refPrefix_advanced(c->expand, content.p, content.n, ZSTD_dct_rawContent)))
        return ERR_MEMORY;
    size_t made = ZSTD_decompressDCtx(c->expand, to, n, from.p, from.n);
    if (ZSTD_isError(made))
        return ZSTD_getErrorCode(made) == ZSTD_error_memory_allocation ? ERR_MEMORY : ERR_MALFORMED;
    return made == n ? OK : ERR_MALFORMED;
}

void block_coder_start_colours(struct block_coder *c, const struct block_history *h)
{
    size_t n;
    const uint32_t *colour = block_history_colours(h, &n);

    block_colour_reset(&c->colours);
    for (size_t i = 0; i < n; i++)
        block_colour_add(&c->colours, colour[i]);
    c->fresh_count = 0;
}
