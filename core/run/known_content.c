#include "core/run/known_content.h"

#include "core/base/log.h"
#include "core/crypt/crypt.h"
#include "core/run/page_filter.h"

enum { PIECE_BYTES = 1 << 20 /* a turn of the loop */ };

static void on_read(void *ctx)
{
    struct known_content *k = ctx;
    uint32_t n;

    if (content_store_scan(k->store, PIECE_BYTES)) {
        loop_task_defer(&k->read);
        return;
    }
    content_store_names(k->store, &n);
    if (n)
        log_info("%u different blocks of 4 KiB are here already", (unsigned)n);
    if (k->ended)
        k->ended(k->ctx);
}

enum err known_content_begin(struct known_content *k, struct loop *l,
                             const struct parse_list *seeds, uint64_t most_bytes)
{
    char folder[FOLDER_PATH_CHARS];
    uint8_t seed[CONTENT_SEED_BYTES];
    struct rng rng = crypt_rng();

    k->loop = l;
    loop_task_init(&k->read, l, on_read, k);
    rng_fill(&rng, seed, sizeof seed);
    enum err e = page_filter_folder(folder);
    if (!e)
        e = content_store_new(folder, most_bytes, seed, &k->store);
    for (size_t i = 0; !e && i < seeds->n; i++)
        e = content_store_seed(k->store, seeds->item[i]);
    if (!e)
        loop_task_defer(&k->read);
    return e;
}

enum err known_content_copy(struct known_content *k, const char *path)
{
    enum err e = content_store_copy(k->store, path);

    if (!e)
        loop_task_defer(&k->read);
    return e;
}

void known_content_release(struct known_content *k)
{
    if (k->loop)
        loop_task_release(&k->read);
    content_store_free(k->store);
    k->store = NULL;
}
