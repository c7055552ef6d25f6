#include "core/screen/capture.h"

#include <string.h>

#include "core/base/heap.h"
#include "core/base/num.h"

enum { MAX_TILES_IN_MEMORY = 65536 };

void capture_init(struct capture *c)
{
    memset(c, 0, sizeof *c);
    tile_pool_init(&c->pool, MAX_TILES_IN_MEMORY);
}

static void drop_picture(struct capture *c)
{
    pic_unref(c->now);
    heap_free(c->tile_version);
    heap_free(c->changed);
    c->now = NULL;
    c->tile_version = NULL;
    c->changed = NULL;
}

void capture_release(struct capture *c)
{
    drop_picture(c);
    tile_pool_release(&c->pool);
}

static enum err begin_picture(struct capture *c, uint32_t width, uint32_t height)
{
    drop_picture(c);
    enum err e = pic_new(&c->pool, width, height, false, &c->now);
    if (e)
        return e;
    c->tile_version = heap_array(pic_tiles(c->now), sizeof *c->tile_version);
    c->changed = heap_array(pic_tiles(c->now), 1);
    if (!c->tile_version || !c->changed) {
        drop_picture(c);
        return ERR_MEMORY;
    }
    c->epoch++;
    return OK;
}

enum err capture_take(struct capture *c, const struct source_frame *f)
{
    uint32_t width = f->pixels.width, height = f->pixels.height, count = 0;
    bool fresh = !c->now || c->now->width != width || c->now->height != height;
    const struct rect all = {0, 0, width, height};
    enum err e = OK;

    if (fresh) {
        e = begin_picture(c, width, height);
        if (e)
            return e;
    }
    memset(c->changed, 0, pic_tiles(c->now));
    if (fresh || f->whole)
        e = pic_update(c->now, &f->pixels, all, c->changed, &count);
    for (size_t i = 0; !fresh && !f->whole && !e && i < f->damage_count; i++) {
        uint32_t more = 0;
        e = pic_update(c->now, &f->pixels, f->damage[i], c->changed, &more);
        count += more;
    }
    /* Also after a failure: tiles that were replaced must not look unchanged. */
    if (count || fresh) {
        c->version++;
        c->captured_us = f->captured_us;
    }
    for (uint32_t i = 0; i < pic_tiles(c->now); i++)
        if (c->changed[i])
            c->tile_version[i] = c->version;
    c->changed_count = count;
    c->whole = fresh || f->whole || (c->whole && count == 0);
    if (fresh || f->whole)
        c->whole_us = f->captured_us;
    if (f->whole && !fresh)
        c->missed += count;
    return e;
}
