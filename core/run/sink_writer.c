#include "core/run/sink_writer.h"

#include <string.h>

#include "core/base/check.h"
#include "core/base/heap.h"
#include "core/base/limits.h"
#include "core/base/log.h"
#include "core/run/pool.h"

/* The worker has all but the owner while `busy`; tiles never pass from one thread to the other: the
 * loop's are copied. */
struct sink_writer {
    struct pool_job job;
    struct pool *pool;
    struct sink *sink; /* owned */
    struct sink_writer_owner owner;
    struct tile_pool tiles;
    struct pic *pic;
    uint8_t *changed; /* pic_tiles entries */
    struct sink_frame frame;
    struct log_kept log;
    enum err result;
    bool busy, finishing;
};

/* On the worker. */
static void work(struct pool_job *job)
{
    struct sink_writer *w = (struct sink_writer *)job;

    log_keep(&w->log);
    w->result = w->sink->ops->present(w->sink, &w->frame);
    log_keep(NULL);
}

/* On the loop's thread. */
static void done(struct pool_job *job)
{
    struct sink_writer *w = (struct sink_writer *)job;

    w->busy = false;
    log_tell(&w->log);
    if (!w->finishing)
        w->owner.written(w->owner.ctx, w->result);
}

enum err sink_writer_new(struct loop *l, struct sink *sink, const struct sink_writer_owner *owner,
                         struct sink_writer **out)
{
    struct sink_writer *w = heap_alloc(sizeof *w);

    *out = NULL;
    if (!w)
        return ERR_MEMORY;
    w->job.work = work;
    w->job.done = done;
    w->owner = *owner;
    /* This picture and one that the sink keeps. */
    tile_pool_init(&w->tiles, 2 * (LIMIT_PICTURE_PIXELS / TILE_PIXELS + 1024));
    enum err e = pool_new(l, 1, 1, &w->pool);
    if (e) {
        heap_free(w);
        return e;
    }
    w->sink = sink;
    *out = w;
    return OK;
}

bool sink_writer_busy(const struct sink_writer *w)
{
    return w && w->busy;
}

static enum err copy_tile(struct sink_writer *w, const struct tile *from, uint32_t index)
{
    struct tile *to = NULL;

    if (from) {
        to = tile_new(&w->tiles);
        if (!to)
            return ERR_MEMORY;
        memcpy(to->px, from->px, sizeof to->px);
        memcpy(to->digest, from->digest, sizeof to->digest);
        to->digested = from->digested;
    }
    pic_set(w->pic, index, to);
    return OK;
}

/* Makes the copy have the picture's size. */
static enum err resize(struct sink_writer *w, const struct pic *like)
{
    pic_unref(w->pic);
    heap_free(w->changed);
    w->pic = NULL;
    w->changed = heap_array(pic_tiles(like), 1);
    return w->changed ? pic_new(&w->tiles, like->width, like->height, like->alpha, &w->pic)
                      : ERR_MEMORY;
}

enum err sink_writer_present(struct sink_writer *w, const struct sink_frame *f)
{
    bool all = !w->pic || w->pic->width != f->pic->width || w->pic->height != f->pic->height;
    enum err e = all ? resize(w, f->pic) : OK;

    CHECK(!w->busy);
    all |= !f->changed;
    for (uint32_t i = 0; !e && i < pic_tiles(f->pic); i++) {
        w->changed[i] = all || f->changed[i];
        if (w->changed[i])
            e = copy_tile(w, f->pic->tile[i], i);
    }
    if (e)
        return e;
    w->frame = *f;
    w->frame.pic = w->pic;
    w->frame.changed = all ? NULL : w->changed;
    w->busy = true;
    return pool_submit(w->pool, &w->job);
}

enum err sink_writer_finish(struct sink_writer *w, const struct sink_frame *last)
{
    w->finishing = true;
    pool_drain(w->pool);
    enum err given = !w->result && last ? sink_writer_present(w, last) : OK;
    pool_drain(w->pool);
    enum err ended = w->sink->ops->finish ? w->sink->ops->finish(w->sink, NULL) : OK;
    return w->result ? w->result : given ? given : ended;
}

void sink_writer_free(struct sink_writer *w)
{
    if (!w)
        return;
    w->finishing = true;
    pool_free(w->pool);
    w->sink->ops->free(w->sink);
    pic_unref(w->pic);
    tile_pool_release(&w->tiles);
    heap_free(w->changed);
    heap_free(w);
}
