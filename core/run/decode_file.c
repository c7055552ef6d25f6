#include "core/run/decode_file.h"

#include <inttypes.h>
#include <string.h>

#include "core/base/limits.h"
#include "core/base/log.h"
#include "core/base/num.h"
#include "core/base/parse.h"
#include "core/codec/fsr_reader.h"
#include "core/codec/png.h"
#include "core/codec/ppm.h"
#include "core/codec/y4m.h"
#include "core/os/file.h"
#include "core/os/io_file.h"
#include "core/run/foreground.h"

enum {
    POOL_TILES = 3 * (LIMIT_PICTURE_PIXELS / TILE_PIXELS + 2 * 257),
    PNG_BYTES = 512 * 1024 * 1024,
    US_PER_S = 1000000,
};

enum format { PNG, PPM, Y4M };

/* One decoding. */
struct decoding {
    const char *from, *to; /* borrowed */
    struct run *run;
    struct foreground f;
    enum format format;
    bool one; /* only frame `wanted` */
    uint64_t wanted;
    struct io_file_in *in;
    struct tile_pool pool;
    struct fsr_reader *reader;
    struct io_file_out *out; /* ppm, y4m: open from the first frame on */
    struct y4m_head head;
    bool warned;
    uint64_t written, bytes, damages;
    struct reason damage; /* the first one */
};

static enum err take_format(struct decoding *d)
{
    static const struct {
        const char *ending;
        enum format format;
    } formats[] = {{".png", PNG}, {".ppm", PPM}, {".y4m", Y4M}};
    size_t n = strlen(d->to);

    for (size_t i = 0; i < COUNT_OF(formats); i++)
        if (n >= 4 && strcmp(d->to + n - 4, formats[i].ending) == 0) {
            d->format = formats[i].format;
            return OK;
        }
    return reason_give(&d->run->reason, ERR_USAGE, "%s: its ending must be .png, .ppm or .y4m",
                       d->to);
}

static enum err open_recording(struct decoding *d)
{
    struct reason why = {""}, *to = &d->run->reason;
    enum err e = io_file_open_in(d->from, &d->in);

    if (e)
        return reason_give(to, e, "%s: %s", d->from,
                           e == ERR_NOT_FOUND ? "no such file" : "cannot be opened");
    if (!d->in->regular)
        return reason_give(to, ERR_USAGE, "%s is no regular file: recordings are read at places",
                           d->from);
    e = fsr_reader_open(&d->in->at, &d->pool, &d->reader, &why);
    if (e)
        return reason_give(to, e, "%s: %s", d->from, reason_text(&why, e));
    const struct fsr_info *info = fsr_reader_info(d->reader);
    if (info->frames == 0)
        return reason_give(to, ERR_MALFORMED, "%s: no whole frame in it", d->from);
    if (d->format == PNG && !d->one && info->frames > 1)
        return reason_give(to, ERR_USAGE,
                           "%s has %" PRIu64 " frames: --frame N says which one, from 0", d->from,
                           info->frames);
    if (!info->finished)
        log_warn("%s was not finished: it ends with frame %" PRIu64, d->from, info->frames - 1);
    return OK;
}

/* A rate that fits the times of an RGB recording: all but nominal, each frame says its time. */
static void guess_rate(const struct fsr_info *info, uint32_t *num, uint32_t *den)
{
    uint64_t n = (info->frames - 1) * US_PER_S, d = info->end_us, a = n, b = d;

    if (info->frames < 2 || info->frames > 1000000 || d == 0 || d > INT32_MAX) {
        *num = 30;
        *den = 1;
        return;
    }
    while (b) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    for (n /= a, d /= a; n > INT32_MAX; n /= 2)
        d = num_max(d / 2, 1);
    *num = (uint32_t)n;
    *den = (uint32_t)d;
}

/* The y4m header for frames like `f`: the one that they came with, or one of our own. */
static enum err make_head(struct decoding *d, const struct fsr_frame *f)
{
    struct reason why = {""};
    uint32_t num, den;

    if (samples_shape(f->shape->samples)->planes == 0) {
        guess_rate(fsr_reader_info(d->reader), &num, &den);
        y4m_head_for_rgb(&d->head, f->pic->width, f->pic->height, num, den);
        return OK;
    }
    enum err e = y4m_parse_head(bytes_of_string(f->shape->line), &d->head, &why);
    if (e || d->head.width != f->pic->width || d->head.height != f->pic->height ||
        d->head.samples != f->shape->samples)
        return reason_give(&d->run->reason, ERR_MALFORMED,
                           "%s: planes whose y4m header does not fit them", d->from);
    return OK;
}

/* Says once what gets lost on the way to this format. */
static void warn_of_loss(struct decoding *d, enum samples from)
{
    const struct samples_shape *s = samples_shape(from);

    if (d->warned)
        return;
    d->warned = true;
    if (d->format == Y4M && s->planes == 0)
        log_warn("%s: RGB converted to YCbCr, which loses; png and ppm are exact", d->to);
    if (d->format != Y4M && s->planes)
        log_warn("%s: %s planes converted to RGB, which loses; y4m is exact", d->to, s->name);
    if (from == SAMPLES_RGBA && d->format != PNG)
        log_warn("%s: alpha is left out; png keeps it", d->to);
    if (from == SAMPLES_444A && d->format == PPM)
        log_warn("%s: alpha is left out; png and y4m keep it", d->to);
}

static enum err write_png(struct decoding *d, const struct fsr_frame *f)
{
    struct buf file;
    struct io_buf io;

    buf_init(&file, PNG_BYTES);
    io_buf_init(&io, &file);
    enum err e = png_write(&io.out, f->pic, f->shape->samples, f->shape->full_range);
    if (!e)
        e = file_replace(d->to, buf_bytes(&file), 0644);
    d->bytes = file.n;
    buf_release(&file);
    return e;
}

static enum err write_y4m(struct decoding *d, const struct fsr_frame *f)
{
    enum samples from = f->shape->samples;
    uint64_t time_us = f->time_us;

    if (d->head.width != f->pic->width || d->head.height != f->pic->height)
        return reason_give(&d->run->reason, ERR_UNSUPPORTED,
                           "%s: frame %" PRIu64 " has another size, which y4m cannot say: ppm can",
                           d->from, f->number);
    if (samples_shape(from)->planes && y4m_time_us(&d->head, f->number) == time_us)
        time_us = Y4M_NO_TIME; /* the rate says it already */
    return y4m_write_frame(&d->out->out, &d->head, f->pic, from, time_us);
}

static enum err open_stream(struct decoding *d, const struct fsr_frame *f)
{
    enum err e = d->format == Y4M ? make_head(d, f) : OK;

    if (!e)
        e = io_file_open_out(d->to, 0666, false, &d->out);
    if (!e && d->format == Y4M)
        e = y4m_write_head(&d->out->out, &d->head);
    return e;
}

static enum err write_frame(struct decoding *d, const struct fsr_frame *f)
{
    enum err e = d->format == PNG || d->out ? OK : open_stream(d, f);

    warn_of_loss(d, f->shape->samples);
    if (!e && d->format == PNG)
        e = write_png(d, f);
    else if (!e && d->format == PPM)
        e = ppm_write(&d->out->out, f->pic, f->shape->samples, f->shape->full_range);
    else if (!e)
        e = write_y4m(d, f);
    if (!e && d->out)
        e = io_file_keep(d->out);
    if (e)
        return reason_give(&d->run->reason, e, "%s: frame %" PRIu64 " cannot be written: %s", d->to,
                           f->number, err_text(e));
    d->written++;
    foreground_progress(&d->f, "%s: %" PRIu64 " frames", d->to, d->written);
    return OK;
}

/* Notes damage, after which the reader goes on with what is intact. */
static void note_damage(struct decoding *d, const struct reason *why, enum err e)
{
    log_warn("%s: %s", d->from, reason_text(why, e));
    if (d->damages++ == 0)
        d->damage = *why;
}

static bool is_damage(enum err e)
{
    return e == ERR_MALFORMED || e == ERR_VERIFY || e == ERR_LIMIT || e == ERR_VERSION;
}

static enum err write_all(struct decoding *d)
{
    struct fsr_frame f;
    enum err e = OK;

    while (!e && !foreground_stopped(&d->f)) {
        struct reason why = {""};
        e = fsr_reader_next(d->reader, &f, &why);
        if (!e) {
            e = write_frame(d, &f);
        } else if (is_damage(e)) {
            note_damage(d, &why, e);
            e = OK;
        } else if (e != ERR_END) {
            reason_give(&d->run->reason, e, "%s: %s", d->from, reason_text(&why, e));
        }
    }
    return e == ERR_END ? OK : e;
}

static enum err write_one(struct decoding *d)
{
    struct fsr_frame f;
    struct reason why = {""};
    enum err e = fsr_reader_seek(d->reader, d->wanted, &why);

    if (!e)
        e = fsr_reader_next(d->reader, &f, &why);
    if (e == ERR_NOT_FOUND)
        e = ERR_USAGE;
    if (!e && f.number != d->wanted)
        e = ERR_MALFORMED;
    if (e)
        return reason_give(&d->run->reason, e, "%s: %s", d->from, reason_text(&why, e));
    return write_frame(d, &f);
}

static enum err finish(struct decoding *d)
{
    if (d->out)
        d->bytes = d->out->bytes;
    enum err e = io_file_close_out(d->out);
    return e ? reason_give(&d->run->reason, e, "%s cannot be written to its end", d->to) : OK;
}

static enum err say_result(struct decoding *d)
{
    const struct fsr_info *info = fsr_reader_info(d->reader);
    struct json *j = json_new();

    if (!d->run->signal && d->damages) {
        json_free(j);
        return reason_give(&d->run->reason, ERR_MALFORMED,
                           "%s is damaged: %" PRIu64 " of %" PRIu64 " frames written; %s", d->from,
                           d->written, info->frames, d->damage.text);
    }
    json_put_string(j, "event", "result");
    json_put_int(j, "frames", (int64_t)d->written);
    json_put_int(j, "bytes", (int64_t)d->bytes);
    json_put_bool(j, "finished", info->finished);
    run_say(d->run, "%s: %" PRIu64 " frame%s", d->to, d->written, d->written == 1 ? "" : "s");
    return run_event(d->run, j);
}

enum err decode_file(const char *from, const char *to, const char *frame, struct run *run)
{
    struct decoding d = {.from = from, .to = to, .run = run, .one = frame != NULL};
    enum err e = take_format(&d), ended;

    if (!e && frame && parse_number(bytes_of_string(frame), &d.wanted))
        e = reason_give(&run->reason, ERR_USAGE, "--frame %.40s: no number", frame);
    if (e)
        return e;
    tile_pool_init(&d.pool, POOL_TILES);
    e = foreground_begin(&d.f, run);
    if (!e)
        e = open_recording(&d);
    if (!e)
        e = d.one ? write_one(&d) : write_all(&d);
    ended = finish(&d);
    foreground_end(&d.f);
    e = e ? e : ended;
    if (!e)
        e = say_result(&d);
    fsr_reader_free(d.reader);
    io_file_close_in(d.in);
    tile_pool_release(&d.pool);
    return e;
}
