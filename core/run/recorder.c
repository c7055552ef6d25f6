#include "core/run/recorder.h"

#include <string.h>

#include "core/base/heap.h"
#include "core/base/limits.h"
#include "core/base/log.h"
#include "core/codec/fsr_writer.h"
#include "core/os/io_file.h"
#include "core/run/pool.h"

enum { FRAME_MAX_BYTES = 256 * 1024 * 1024 };

/* The worker has `job`, `pic` and everything below the writer while `busy`; tiles never pass from
 * one thread to the other: the loop's are copied. */
struct recorder {
    struct pool_job job;
    struct pool *pool;
    struct io_file_out *file;
    struct buf bytes; /* encoded and not yet written */
    struct io_buf into;
    struct fsr_writer *writer;
    struct tile_pool tiles;
    struct pic *pic;
    uint32_t epoch, version; /* that `pic` shows */
    uint64_t time_us, opened_us, pictures;
    enum err result;
    struct log_kept log;
    bool busy, behind, broken;
    const struct capture *newest; /* when `behind` */
    uint64_t newest_us;
    void (*failed)(void *ctx);
    void *ctx;
};

/* What is encoded goes to the file. */
static enum err write_out(struct recorder *r)
{
    enum err e = r->file->out.write(&r->file->out, buf_bytes(&r->bytes));

    if (!e)
        e = io_file_keep(r->file);
    r->bytes.n = 0;
    return e;
}

/* On the worker. */
static void work(struct pool_job *job)
{
    struct recorder *r = (struct recorder *)job;

    log_keep(&r->log);
    r->result = fsr_writer_frame(r->writer, r->pic, r->time_us, NULL);
    if (!r->result)
        r->result = write_out(r);
    log_keep(NULL);
}

static void give_up(struct recorder *r, enum err e)
{
    r->broken = true;
    r->behind = false;
    log_error("%s: holds %llu pictures, what comes after is lost: %s", r->file->path,
              (unsigned long long)r->pictures, err_text(e));
}

/* Puts a copy of the loop's tile in its place in the worker's picture. */
static enum err copy_tile(struct recorder *r, const struct capture *c, uint32_t index)
{
    const struct tile *from = c->now->tile[index];
    struct tile *to = NULL;

    if (from) {
        to = tile_new(&r->tiles);
        if (!to)
            return ERR_MEMORY;
        memcpy(to->px, from->px, sizeof to->px);
        memcpy(to->digest, from->digest, sizeof to->digest);
        to->digested = from->digested;
    }
    pic_set(r->pic, index, to);
    return OK;
}

/* Copies what has changed since the last picture and has it encoded. */
static enum err submit(struct recorder *r, const struct capture *c, uint64_t now_us)
{
    enum err e = OK;

    if (!r->pic || r->epoch != c->epoch) {
        pic_unref(r->pic);
        r->pic = NULL;
        r->version = 0;
        e = pic_new(&r->tiles, c->now->width, c->now->height, false, &r->pic);
    }
    for (uint32_t i = 0; !e && i < pic_tiles(c->now); i++)
        if (c->tile_version[i] > r->version)
            e = copy_tile(r, c, i);
    if (e)
        return e;
    r->epoch = c->epoch;
    r->version = c->version;
    r->time_us = now_us - r->opened_us;
    r->behind = false;
    r->busy = true;
    return pool_submit(r->pool, &r->job);
}

/* On the loop's thread. */
static void done(struct pool_job *job)
{
    struct recorder *r = (struct recorder *)job;
    enum err e = r->result;

    r->busy = false;
    log_tell(&r->log);
    if (!e) {
        r->pictures++;
        if (r->behind)
            e = submit(r, r->newest, r->newest_us);
    }
    if (e) {
        give_up(r, e);
        r->failed(r->ctx);
    }
}

static enum err open_all(struct recorder *r, struct loop *l, const char *path)
{
    enum err e = io_file_open_out(path, 0600, true, &r->file);
    struct fsr_writer_config config = {
        .out = &r->into.out, .samples = SAMPLES_RGB, .full_range = true};

    if (!e)
        e = fsr_writer_new(&config, &r->writer);
    if (!e)
        e = write_out(r);
    if (!e)
        e = pool_new(l, 1, 1, &r->pool);
    return e;
}

static void release(struct recorder *r)
{
    pool_free(r->pool);
    fsr_writer_free(r->writer);
    pic_unref(r->pic);
    tile_pool_release(&r->tiles);
    buf_release(&r->bytes);
    heap_free(r);
}

enum err recorder_new(struct loop *l, const char *path, void (*failed)(void *ctx), void *ctx,
                      struct recorder **out)
{
    struct recorder *r = heap_alloc(sizeof *r);

    *out = NULL;
    if (!r)
        return ERR_MEMORY;
    r->job.work = work;
    r->job.done = done;
    r->failed = failed;
    r->ctx = ctx;
    r->opened_us = loop_now_us(l);
    buf_init(&r->bytes, FRAME_MAX_BYTES);
    io_buf_init(&r->into, &r->bytes);
    /* This picture and the writer's last one. */
    tile_pool_init(&r->tiles, 2 * (LIMIT_PICTURE_PIXELS / TILE_PIXELS + 1024));
    enum err e = open_all(r, l, path);
    if (e) {
        if (io_file_close_out(r->file))
            log_debug("a recording was not begun");
        release(r);
        return e;
    }
    *out = r;
    return OK;
}

enum err recorder_take(struct recorder *r, const struct capture *c, uint64_t now_us)
{
    if (!r || r->broken || !c->now)
        return OK;
    if (r->busy) {
        r->behind = true;
        r->newest = c;
        r->newest_us = now_us;
        return OK;
    }
    enum err e = submit(r, c, now_us);
    if (e)
        give_up(r, e);
    return e;
}

enum err recorder_finish(struct recorder *r)
{
    if (!r)
        return OK;
    pool_drain(r->pool);
    enum err e = r->broken ? ERR_SYSTEM : fsr_writer_finish(r->writer);
    if (!e)
        e = write_out(r);
    if (e && !r->broken)
        log_error("%s: has no index: %s", r->file->path, err_text(e));
    enum err closed = io_file_close_out(r->file);
    release(r);
    return e ? e : closed;
}
