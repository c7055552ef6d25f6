#include "core/codec/block_coder.h"

#include <string.h>
#include <zstd_errors.h>

#include "core/base/check.h"
#include "core/base/heap.h"
#include "core/codec/block_history.h"
#include "core/codec/zstd_memory.h"

enum { SMALL_CONTENT = 96 * 1024 };

/* How hard is looked for matches. Small contents can afford a better search, but for a handful of
 * tiles to index the whole history would be most of the work. */
enum search { SEARCH_NEAR, SEARCH_WELL, SEARCH_FAST };

static const ZSTD_compressionParameters parameters_of[BLOCK_SEARCHES] = {
    {.windowLog = 17,
     .chainLog = 15,
     .hashLog = 16,
     .searchLog = 5,
     .minMatch = 4,
     .targetLength = 8,
     .strategy = ZSTD_lazy},
    {.windowLog = 19,
     .chainLog = 16,
     .hashLog = 17,
     .searchLog = 5,
     .minMatch = 4,
     .targetLength = 8,
     .strategy = ZSTD_lazy},
    {.windowLog = 20,
     .chainLog = 16,
     .hashLog = 17,
     .searchLog = 1,
     .minMatch = 4,
     .targetLength = 0,
     .strategy = ZSTD_dfast},
};
static const int residual_level = 1;

struct block_coder *block_coder_new(void)
{
    struct block_coder *c = heap_alloc(sizeof *c);

    if (!c)
        return NULL;
    c->compress = ZSTD_createCCtx_advanced(zstd_memory);
    c->expand = ZSTD_createDCtx_advanced(zstd_memory);
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
    for (int i = 0; i < BLOCK_SEARCHES; i++)
        heap_free(c->dictionary_space[i]);
    ZSTD_freeCCtx(c->compress);
    ZSTD_freeDCtx(c->expand);
    heap_free(c);
}

/* Compresses with what the context has been set to. */
static enum err compress(struct block_coder *c, struct bytes from, struct wr *to)
{
    size_t n = ZSTD_compress2(c->compress, to->p + to->n, wr_left(to), from.p, from.n);

    if (ZSTD_isError(n))
        return ZSTD_getErrorCode(n) == ZSTD_error_dstSize_tooSmall ? ERR_LIMIT : ERR_MEMORY;
    to->n += n;
    return OK;
}

/* Sets the context to frames without magic and size, which our own heads tell. False without
 * memory. */
static bool reset(struct block_coder *c)
{
    ZSTD_CCtx *z = c->compress;

    return !ZSTD_isError(ZSTD_CCtx_reset(z, ZSTD_reset_session_and_parameters)) &&
           !ZSTD_isError(ZSTD_CCtx_setParameter(z, ZSTD_c_format, ZSTD_f_zstd1_magicless)) &&
           !ZSTD_isError(ZSTD_CCtx_setParameter(z, ZSTD_c_contentSizeFlag, 0));
}

/* The history as zstd wants it, made once for as long as the coder sees the same history, always in
 * the same space: zstd 1.5.4 crashes when it cannot allocate that itself. NULL without memory. */
static const ZSTD_CDict *dictionary_of(struct block_coder *c, const struct block_history *h,
                                       enum search how)
{
    size_t reach = how == SEARCH_NEAR ? BLOCK_NEAR_BYTES : BLOCK_HISTORY_BYTES;
    size_t room = ZSTD_estimateCDictSize_advanced(reach, parameters_of[how], ZSTD_dlm_byCopy);
    struct bytes content = block_history_tail(h, reach);
    uint8_t key[16];

    block_history_key(h, key);
    if (memcmp(key, c->key, sizeof key)) {
        memset(c->dictionary, 0, sizeof c->dictionary);
        memcpy(c->key, key, sizeof key);
    }
    if (c->dictionary[how])
        return c->dictionary[how];
    if (!c->dictionary_space[how])
        c->dictionary_space[how] = heap_aligned(room);
    if (!c->dictionary_space[how])
        return NULL;
    c->dictionary[how] =
        ZSTD_initStaticCDict(c->dictionary_space[how], room, content.p, content.n, ZSTD_dlm_byCopy,
                             ZSTD_dct_rawContent, parameters_of[how]);
    CHECK(c->dictionary[how]);
    return c->dictionary[how];
}

enum err block_coder_compress(struct block_coder *c, const struct block_history *h, bool near,
                              struct bytes from, struct wr *to)
{
    enum search how = near ? SEARCH_NEAR : from.n <= SMALL_CONTENT ? SEARCH_WELL : SEARCH_FAST;

    if (!reset(c))
        return ERR_MEMORY;
    if (block_history_tail(h, SIZE_MAX).n) {
        const ZSTD_CDict *dictionary = dictionary_of(c, h, how);
        if (!dictionary || ZSTD_isError(ZSTD_CCtx_refCDict(c->compress, dictionary)))
            return ERR_MEMORY;
    } else if (ZSTD_isError(ZSTD_CCtx_setParameter(c->compress, ZSTD_c_compressionLevel,
                                                   how == SEARCH_FAST ? 3 : 5))) {
        return ERR_MEMORY;
    }
    return compress(c, from, to);
}

enum err block_coder_compress_residuals(struct block_coder *c, struct bytes from, struct wr *to)
{
    if (!reset(c) ||
        ZSTD_isError(ZSTD_CCtx_setParameter(c->compress, ZSTD_c_compressionLevel, residual_level)))
        return ERR_MEMORY;
    return compress(c, from, to);
}

enum err block_coder_expand(struct block_coder *c, struct bytes dictionary, struct bytes from,
                            uint8_t *to, size_t n)
{
    if (ZSTD_isError(ZSTD_DCtx_reset(c->expand, ZSTD_reset_session_only)) ||
        ZSTD_isError(ZSTD_DCtx_refPrefix_advanced(c->expand, dictionary.p, dictionary.n,
                                                  ZSTD_dct_rawContent)))
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
