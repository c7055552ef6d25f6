#include "core/codec/fsr_writer.h"

#include <stdio.h>
#include <string.h>

#include "core/base/check.h"
#include "core/base/heap.h"
#include "core/base/num.h"
#include "core/codec/block.h"
#include "core/codec/fsr.h"
#include "core/codec/fsr_index.h"

enum {
    VECTORS = 8,
    GROUP_TILES = BLOCK_MAX_TILES, /* what one job encodes, as one block or several */
    GROUP_BYTES = 2 * 1024 * 1024, /* more than any group, coded or not */
    /* A key frame comes when this many times the bytes of the last one were written since, but
     * not before KEY_FLOOR_BYTES; and, when there is a frame at all, after KEY_AGE_US. So key
     * frames add at most an eighth to a recording and reaching a frame costs at most eight. */
    KEY_FACTOR = 8,
    KEY_FLOOR_BYTES = 1024 * 1024,
    KEY_AGE_US = 60 * 1000 * 1000,
};

struct fsr_job {
    struct block_coder *coder; /* owned */
    struct buf coded, payload; /* owned: the blocks one after the other, and what they say */
    size_t block_bytes[GROUP_TILES];
    size_t blocks;
    enum err e;
    /* Borrowed for one frame: */
    const struct pic *now;
    struct block_reference ref;
    const struct block_vector *vectors;
    size_t vector_count;
    const uint32_t *tiles;
    size_t count;
    size_t step; /* tiles to try in one block */
};

struct fsr_writer {
    struct io_out *out;          /* borrowed */
    struct fsr_workers *workers; /* borrowed, may be NULL */
    struct fsr_shape shape;
    struct pic *last; /* the frame before, or NULL */
    struct block_history *history;
    struct fsr_index index;
    uint64_t bytes, frames;
    uint64_t key_bytes, since_key_bytes, key_us;
    enum err failed; /* sticky */
    struct buf part; /* the record being filled */
    uint64_t parts;  /* of this frame that are written */
    struct buf said; /* what this frame's blocks say */
    size_t step;     /* tiles a block, as the last frame had them */
    /* One entry a tile of the picture; owned, made anew when its size changes: */
    uint8_t *changed;
    uint32_t *tiles;
    struct fsr_job **job; /* owned: job_count of them */
    size_t job_count;
};

void fsr_writer_work(struct fsr_job *j)
{
    j->coded.n = j->payload.n = j->blocks = 0;
    j->e = OK;
    for (size_t at = 0; at < j->count;) {
        size_t n = num_min(j->step, j->count - at), coded = j->coded.n, payload = j->payload.n;

        j->e = block_encode(j->coder, j->now, &j->ref, j->tiles + at, n, j->vectors,
                            j->vector_count, &j->coded, &j->payload);
        if (j->e == ERR_LIMIT && n > 1) {
            j->coded.n = coded;
            j->payload.n = payload;
            j->step = n / 2;
            continue;
        }
        if (j->e)
            return;
        j->block_bytes[j->blocks++] = j->coded.n - coded;
        at += n;
    }
}

static void job_free(struct fsr_job *j)
{
    if (!j)
        return;
    block_coder_free(j->coder);
    buf_release(&j->coded);
    buf_release(&j->payload);
    heap_free(j);
}

static struct fsr_job *job_new(void)
{
    struct fsr_job *j = heap_alloc(sizeof *j);

    if (!j)
        return NULL;
    buf_init(&j->coded, GROUP_BYTES);
    buf_init(&j->payload, GROUP_BYTES);
    j->coder = block_coder_new();
    if (j->coder)
        return j;
    job_free(j);
    return NULL;
}

static enum err make_jobs(struct fsr_writer *w, size_t count)
{
    w->job = heap_array(count, sizeof(struct fsr_job *));
    if (!w->job)
        return ERR_MEMORY;
    for (; w->job_count < count; w->job_count++) {
        w->job[w->job_count] = job_new();
        if (!w->job[w->job_count])
            return ERR_MEMORY;
    }
    return OK;
}

static enum err put(struct fsr_writer *w, struct bytes b)
{
    enum err e = w->out->write(w->out, b);

    if (!e)
        w->bytes += b.n;
    return e;
}

enum err fsr_writer_new(const struct fsr_writer_config *config, struct fsr_writer **out)
{
    uint8_t header[FSR_HEADER_BYTES];
    size_t workers = config->workers ? config->workers->count : 1;
    struct fsr_writer *w = heap_alloc(sizeof *w);

    *out = NULL;
    if (!w)
        return ERR_MEMORY;
    CHECK(workers >= 1 && workers <= FSR_MAX_WORKERS);
    w->out = config->out;
    w->workers = config->workers;
    w->shape.samples = config->samples;
    w->shape.full_range = config->full_range;
    w->step = GROUP_TILES;
    buf_init(&w->part, FSR_RECORD_BYTES);
    buf_init(&w->said, BLOCK_HISTORY_BYTES);
    if (config->line) {
        CHECK(strlen(config->line) <= FSR_LINE_CHARS);
        snprintf(w->shape.line, sizeof w->shape.line, "%s", config->line);
    }
    enum err e = fsr_index_init(&w->index);
    if (!e)
        e = make_jobs(w, workers);
    if (!e)
        e = buf_reserve(&w->part, FSR_RECORD_BYTES);
    fsr_put_header(header);
    if (!e)
        e = put(w, bytes_of(header, sizeof header));
    if (e)
        fsr_writer_free(w);
    else
        *out = w;
    return e;
}

/* Empties the part and begins the next one with its first fields. */
static void begin_part(struct fsr_writer *w, unsigned flags, uint64_t time_us)
{
    struct fsr_part p = {w->frames, w->parts, time_us, w->shape};
    struct wr to = wr_of(w->part.p, FSR_RECORD_BYTES);

    wr_zeros(&to, FSR_RECORD_HEADER_BYTES);
    fsr_put_part(&to, flags, &p);
    w->part.n = to.n;
}

/* Writes the part. */
static enum err end_part(struct fsr_writer *w, unsigned flags)
{
    struct bytes payload =
        bytes_of(w->part.p + FSR_RECORD_HEADER_BYTES, w->part.n - FSR_RECORD_HEADER_BYTES);

    fsr_put_record(w->part.p, FSR_PART, flags, payload);
    w->parts++;
    return put(w, buf_bytes(&w->part));
}

static unsigned part_flags(const struct fsr_writer *w, bool key)
{
    return (w->parts == 0 ? FSR_FIRST : 0) | (key ? FSR_KEY : 0);
}

/* Appends a block to the part, or to a new one where it does not fit together with the hash. */
static enum err add_block(struct fsr_writer *w, struct bytes block, bool key)
{
    size_t need = wr_var_size(block.n) + block.n + FSR_HASH_BYTES;

    if (w->part.n + need > FSR_RECORD_BYTES) {
        enum err e = end_part(w, part_flags(w, key));
        if (e)
            return e;
        begin_part(w, part_flags(w, key), 0);
    }
    struct wr to = wr_of(w->part.p + w->part.n, FSR_RECORD_BYTES - w->part.n);
    wr_sized(&to, block);
    CHECK(!to.full);
    w->part.n += to.n;
    return OK;
}

/* Appends what a job has made. */
static enum err add_job(struct fsr_writer *w, const struct fsr_job *j, bool key)
{
    enum err e = j->e;
    size_t at = 0;

    for (size_t i = 0; !e && i < j->blocks; at += j->block_bytes[i++])
        e = add_block(w, bytes_of(j->coded.p + at, j->block_bytes[i]), key);
    return e ? e : fsr_said(&w->said, buf_bytes(&j->payload));
}

static void run_jobs(struct fsr_writer *w, size_t n)
{
    if (w->workers && n > 1)
        w->workers->run(w->workers, w->job, n);
    else
        for (size_t i = 0; i < n; i++)
            fsr_writer_work(w->job[i]);
}

/* Encodes the `count` listed tiles in groups, as many at a time as there are workers, and appends
 * them in order. How they are grouped does not depend on the workers. */
static enum err add_tiles(struct fsr_writer *w, const struct pic *now, bool key, size_t count)
{
    struct block_vector vectors[VECTORS];
    struct block_reference ref = {key ? NULL : w->last, key ? NULL : w->history};
    size_t found =
        key || count == 0 ? 0 : block_find_vectors(now, w->last, w->changed, vectors, VECTORS);
    uint64_t bytes = 0;
    enum err e = OK;

    for (size_t at = 0; !e && at < count;) {
        size_t n = 0;
        for (; n < w->job_count && at < count; n++) {
            struct fsr_job *j = w->job[n];
            j->now = now;
            j->ref = ref;
            j->vectors = vectors;
            j->vector_count = found;
            j->tiles = w->tiles + at;
            j->count = num_min(GROUP_TILES, count - at);
            j->step = w->step;
            at += j->count;
        }
        run_jobs(w, n);
        for (size_t i = 0; !e && i < n; bytes += w->job[i++]->coded.n)
            e = add_job(w, w->job[i], key);
    }
    /* So that the next frame's blocks come near their limit and seldom have to be halved. */
    if (count)
        w->step = num_clamp(BLOCK_MAX_BYTES * 3 / 4 * count / (bytes + 1), 1, GROUP_TILES);
    return e;
}

/* Whether two pictures of one size differ in a tile: the same tile is the same content. */
static bool tile_differs(const struct pic *a, const struct pic *b, uint32_t i)
{
    return a->tile[i] != b->tile[i] &&
           (!a->tile[i] || !b->tile[i] ||
            memcmp(a->tile[i]->px, b->tile[i]->px, sizeof a->tile[i]->px) != 0);
}

/* Lists the tiles that a frame has to say: those that are not as the reader has them. */
static size_t list_tiles(struct fsr_writer *w, const struct pic *p, bool key)
{
    size_t n = 0;

    for (uint32_t i = 0; i < pic_tiles(p); i++) {
        w->changed[i] = key ? p->tile[i] != NULL : tile_differs(p, w->last, i);
        if (w->changed[i])
            w->tiles[n++] = i;
    }
    return n;
}

static enum err take_size(struct fsr_writer *w, const struct pic *p)
{
    heap_free(w->changed);
    heap_free(w->tiles);
    w->changed = heap_array(pic_tiles(p), sizeof *w->changed);
    w->tiles = heap_array(pic_tiles(p), sizeof *w->tiles);
    w->shape.width = p->width;
    w->shape.height = p->height;
    return w->changed && w->tiles ? OK : ERR_MEMORY;
}

static bool key_is_due(const struct fsr_writer *w, uint64_t time_us)
{
    return w->since_key_bytes >= KEY_FLOOR_BYTES + KEY_FACTOR * w->key_bytes ||
           num_sub0(time_us, w->key_us) >= KEY_AGE_US;
}

/* What the frame after this one may refer to; *out is the caller's. */
static enum err new_history(const struct fsr_writer *w, bool key, struct block_history **out)
{
    struct bytes said = buf_bytes(&w->said);

    if (!key && said.n == 0)
        *out = block_history_ref(w->history);
    else
        *out = block_history_new(key ? NULL : w->history, &said, 1);
    return *out ? OK : ERR_MEMORY; /* from the first frame on there is one, be it empty */
}

/* Writes the frame's records; `kept` is a copy of the picture. Whatever may fail comes before the
 * last record, which is what makes the frame be there. */
static enum err write_frame(struct fsr_writer *w, struct pic *kept, bool key, uint64_t time_us,
                            uint32_t *tiles)
{
    struct block_history *history = NULL;
    uint8_t hash[FSR_HASH_BYTES];

    w->parts = 0;
    w->said.n = 0;
    *tiles = (uint32_t)list_tiles(w, kept, key);
    begin_part(w, part_flags(w, key), time_us);
    enum err e = add_tiles(w, kept, key, *tiles);
    if (!e)
        e = new_history(w, key, &history);
    if (!e) {
        pic_hash(kept, hash);
        e = buf_append(&w->part, bytes_of(hash, sizeof hash));
    }
    if (!e)
        e = end_part(w, part_flags(w, key) | FSR_LAST);
    if (e) {
        block_history_unref(history);
        return e;
    }
    block_history_unref(w->history);
    w->history = history;
    pic_unref(w->last);
    w->last = pic_ref(kept);
    return OK;
}

static void account(struct fsr_writer *w, bool key, uint64_t begin, uint64_t time_us)
{
    w->since_key_bytes += w->bytes - begin;
    if (key) {
        w->key_bytes = w->bytes - begin;
        w->since_key_bytes = 0;
        w->key_us = time_us;
        fsr_index_add(&w->index, (struct fsr_key){w->frames, begin, time_us});
    }
    w->index.frames = ++w->frames;
    w->index.end_us = time_us;
}

enum err fsr_writer_frame(struct fsr_writer *w, const struct pic *p, uint64_t time_us,
                          struct fsr_frame_cost *cost)
{
    uint64_t begin = w->bytes;
    struct pic *kept = NULL;
    uint32_t tiles = 0;
    bool resized = !w->last || w->last->width != p->width || w->last->height != p->height;
    bool key = resized || key_is_due(w, time_us);
    enum err e = w->failed;

    CHECK(p->alpha == samples_shape(w->shape.samples)->alpha);
    if (!e && time_us > FSR_TIME_MAX)
        e = ERR_LIMIT;
    if (!e && resized)
        e = take_size(w, p);
    if (!e)
        e = pic_copy(p, &kept);
    if (!e)
        e = write_frame(w, kept, key, time_us, &tiles);
    pic_unref(kept);
    w->failed = e;
    if (e)
        return e;
    account(w, key, begin, time_us);
    if (cost)
        *cost = (struct fsr_frame_cost){w->frames - 1, w->bytes - begin, tiles, key};
    return OK;
}

enum err fsr_writer_finish(struct fsr_writer *w)
{
    if (w->failed)
        return w->failed;
    w->part.n = 0;
    w->failed = fsr_index_encode(&w->index, &w->part);
    if (!w->failed)
        w->failed = put(w, buf_bytes(&w->part));
    return w->failed;
}

uint64_t fsr_writer_bytes(const struct fsr_writer *w)
{
    return w->bytes;
}

void fsr_writer_free(struct fsr_writer *w)
{
    if (!w)
        return;
    for (size_t i = 0; i < w->job_count; i++)
        job_free(w->job[i]);
    heap_free(w->job);
    heap_free(w->changed);
    heap_free(w->tiles);
    pic_unref(w->last);
    block_history_unref(w->history);
    fsr_index_release(&w->index);
    buf_release(&w->part);
    buf_release(&w->said);
    heap_free(w);
}
