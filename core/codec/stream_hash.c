#define XXH_STATIC_LINKING_ONLY /* the hash state in our own memory: we link the same version */
#include "core/codec/stream_hash.h"

#include <stdio.h>
#include <xxhash.h>

#include "core/base/heap.h"

struct stream_hash {
    XXH3_state_t *state; /* owned */
};

enum err stream_hash_new(struct stream_hash **out)
{
    struct stream_hash *h = heap_alloc(sizeof *h);

    *out = h;
    if (!h)
        return ERR_MEMORY;
    h->state = XXH3_createState();
    if (h->state && XXH3_128bits_reset(h->state) == XXH_OK)
        return OK;
    stream_hash_free(h);
    *out = NULL;
    return ERR_MEMORY;
}

void stream_hash_free(struct stream_hash *h)
{
    if (!h)
        return;
    XXH3_freeState(h->state);
    heap_free(h);
}

void stream_hash_add(struct stream_hash *h, struct bytes b)
{
    if (b.n)
        XXH3_128bits_update(h->state, b.p, b.n);
}

void stream_hash_now(const struct stream_hash *h, uint8_t to[STREAM_HASH_BYTES])
{
    XXH128_canonicalFromHash((XXH128_canonical_t *)(void *)to, XXH3_128bits_digest(h->state));
}

void stream_hash_text(const uint8_t hash[STREAM_HASH_BYTES], char to[2 * STREAM_HASH_BYTES + 1])
{
    for (int i = 0; i < STREAM_HASH_BYTES; i++)
        snprintf(to + 2 * i, 3, "%02x", hash[i]);
}

uint64_t stream_hash_once(struct bytes b)
{
    return XXH3_64bits(b.p, b.n);
}
