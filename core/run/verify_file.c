#include "core/run/verify_file.h"

#include <inttypes.h>

#include "core/base/heap.h"
#include "core/base/limits.h"
#include "core/codec/fsr_reader.h"
#include "core/run/encode_input.h"
#include "core/run/foreground.h"

enum { POOL_TILES = 3 * (LIMIT_PICTURE_PIXELS / TILE_PIXELS + 2 * 257) };

/* One comparison. */
struct verifying {
    const char *path; /* borrowed */
    struct run *run;
    struct foreground f;
    struct tile_pool pool;
    struct io_file_in *file;
    struct fsr_reader *reader;
    struct encode_input *input;
    uint32_t *row; /* owned: room for a row of the recording */
    uint32_t row_px;
    uint64_t frames; /* found equal */
};

static enum err open_recording(struct verifying *v)
{
    struct reason why = {""}, *to = &v->run->reason;
    enum err e = io_file_open_in(v->path, &v->file);

    if (e)
        return reason_give(to, e, "%s: %s", v->path,
                           e == ERR_NOT_FOUND ? "no such file" : "cannot be opened");
    if (!v->file->regular)
        return reason_give(to, ERR_USAGE, "%s is no regular file: recordings are read at places",
                           v->path);
    e = fsr_reader_open(&v->file->at, &v->pool, &v->reader, &why);
    if (e == ERR_MALFORMED)
        e = ERR_VERIFY;
    return e ? reason_give(to, e, "%s: %s", v->path, reason_text(&why, e)) : OK;
}

/* Tells of the first pixel that differs. */
static enum err differs(struct verifying *v, uint32_t x, uint32_t y, uint32_t recorded,
                        uint32_t given)
{
    struct json *j = json_new();

    json_put_string(j, "event", "difference");
    json_put_int(j, "frame", (int64_t)v->frames);
    json_put_int(j, "x", x);
    json_put_int(j, "y", y);
    reason_give(&v->run->reason, ERR_VERIFY,
                "%s: frame %" PRIu64 " differs at x %u, y %u: recorded %08x, input %08x", v->path,
                v->frames, x, y, recorded, given);
    enum err e = run_event(v->run, j);
    return e ? e : ERR_VERIFY;
}

static enum err compare_pixels(struct verifying *v, const struct pic *p, const struct pixels *given)
{
    uint32_t mask = p->alpha ? UINT32_MAX : 0xffffff;

    if (p->width > v->row_px) {
        heap_free(v->row);
        v->row_px = p->width;
        v->row = heap_array(p->width, sizeof *v->row);
        if (!v->row)
            return ERR_MEMORY;
    }
    for (uint32_t y = 0; y < p->height; y++) {
        const uint32_t *row = given->px + y * given->stride_px;
        pic_read(p, (struct rect){0, y, p->width, 1}, v->row, p->width);
        for (uint32_t x = 0; x < p->width; x++)
            if (v->row[x] != (row[x] & mask))
                return differs(v, x, y, v->row[x], row[x] & mask);
    }
    return OK;
}

static enum err compare(struct verifying *v, const struct fsr_frame *f,
                        const struct frames_picture *p)
{
    struct reason *why = &v->run->reason;

    if (f->number != v->frames)
        return reason_give(why, ERR_VERIFY, "%s: frame %" PRIu64 " is missing", v->path, v->frames);
    if (f->pic->width != p->pixels.width || f->pic->height != p->pixels.height)
        return reason_give(why, ERR_VERIFY, "%s: frame %" PRIu64 " is %ux%u, the input %ux%u",
                           v->path, f->number, f->pic->width, f->pic->height, p->pixels.width,
                           p->pixels.height);
    if (f->shape->samples != p->samples || f->shape->full_range != p->full_range)
        return reason_give(why, ERR_VERIFY, "%s: frame %" PRIu64 " is %s, the input %s%s", v->path,
                           f->number, samples_shape(f->shape->samples)->name,
                           samples_shape(p->samples)->name,
                           f->shape->samples == p->samples ? " of another range" : "");
    return compare_pixels(v, f->pic, &p->pixels);
}

/* One step on both sides. ERR_END: both are at their end. */
static enum err step(struct verifying *v)
{
    struct reason why = {""};
    struct fsr_frame f;
    struct frames_picture p;
    enum err given = encode_input_next(v->input, &p);

    if (given && given != ERR_END)
        return given;
    enum err e = fsr_reader_next(v->reader, &f, &why);
    if (e == ERR_END && given == ERR_END)
        return ERR_END;
    if (e == ERR_END)
        return reason_give(&v->run->reason, ERR_VERIFY,
                           "%s ends after %" PRIu64 " frames, the input does not", v->path,
                           v->frames);
    if (e == ERR_SYSTEM || e == ERR_MEMORY)
        return reason_give(&v->run->reason, e, "%s: %s", v->path, reason_text(&why, e));
    if (e)
        return reason_give(&v->run->reason, ERR_VERIFY, "%s: %s", v->path, reason_text(&why, e));
    if (given == ERR_END)
        return reason_give(&v->run->reason, ERR_VERIFY,
                           "%s goes on after %" PRIu64 " frames, the input does not", v->path,
                           v->frames);
    e = compare(v, &f, &p);
    v->frames += e == OK;
    foreground_progress(&v->f, "%s: %" PRIu64 " frames are equal", v->path, v->frames);
    return e;
}

static enum err say_result(struct verifying *v)
{
    struct json *j = json_new();

    json_put_string(j, "event", "result");
    json_put_int(j, "frames", (int64_t)v->frames);
    json_put_bool(j, "exact", true);
    run_say(v->run, "%s: %" PRIu64 " frame%s, all equal", v->path, v->frames,
            v->frames == 1 ? "" : "s");
    return run_event(v->run, j);
}

enum err verify_file(const char *path, const struct parse_list *inputs, struct run *run)
{
    struct verifying v = {.path = path, .run = run};
    enum err e = foreground_begin(&v.f, run);

    tile_pool_init(&v.pool, POOL_TILES);
    if (!e)
        e = open_recording(&v);
    if (!e) {
        v.input = encode_input_new(inputs, 0, &v.f);
        e = v.input ? OK : ERR_MEMORY;
    }
    while (!e && !foreground_stopped(&v.f))
        e = step(&v);
    bool done = e == ERR_END;
    encode_input_free(v.input);
    fsr_reader_free(v.reader);
    io_file_close_in(v.file);
    heap_free(v.row);
    tile_pool_release(&v.pool);
    foreground_end(&v.f);
    if (run->signal)
        return OK;
    return done ? say_result(&v) : e;
}
