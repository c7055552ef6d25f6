#include "core/run/run_encode.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/heap.h"
#include "core/base/limits.h"
#include "core/codec/fsr_reader.h"
#include "core/codec/fsr_writer.h"
#include "core/os/clock.h"
#include "core/run/decode_file.h"
#include "core/run/encode_input.h"
#include "core/run/encode_team.h"
#include "core/run/foreground.h"
#include "core/run/verify_file.h"

enum { POOL_TILES = 3 * (LIMIT_PICTURE_PIXELS / TILE_PIXELS + 2 * 257) };

/* One encoding. */
struct encoding {
    const struct run_encode_config *config;
    struct run *run;
    struct foreground f;
    struct encode_team *team;
    struct encode_input *input;
    struct tile_pool pool;
    struct pic *pic; /* the newest picture */
    uint8_t *changed;
    struct io_file_out *file;
    struct fsr_writer *writer;
    uint64_t frames, first_frame_bytes, bytes;
    uint64_t encode_cpu_us, decode_cpu_us;
};

/* Refuses to empty a file that is still to be read. */
static enum err check_output(const struct encoding *x)
{
    struct stat out, in;

    if (stat(x->config->output, &out) < 0 || !S_ISREG(out.st_mode))
        return OK;
    for (size_t i = 0; i < x->config->inputs.n; i++)
        if (stat(x->config->inputs.item[i], &in) == 0 && in.st_dev == out.st_dev &&
            in.st_ino == out.st_ino)
            return reason_give(&x->run->reason, ERR_USAGE, "%s is an input: it stays as it is",
                               x->config->output);
    return OK;
}

/* Makes the recording for pictures like the first one. */
static enum err begin(struct encoding *x, const struct frames_picture *first)
{
    struct fsr_writer_config c = {.workers = encode_team_workers(x->team),
                                  .samples = first->samples,
                                  .full_range = first->full_range,
                                  .line = first->line};
    enum err e = check_output(x);

    if (!e)
        e = pic_new(&x->pool, first->pixels.width, first->pixels.height,
                    samples_shape(first->samples)->alpha, &x->pic);
    if (e)
        return e;
    x->changed = heap_alloc(pic_tiles(x->pic));
    if (!x->changed)
        return ERR_MEMORY;
    e = io_file_open_out(x->config->output, 0600, true, &x->file);
    if (e)
        return reason_give(&x->run->reason, e, "%s cannot be written", x->config->output);
    c.out = &x->file->out;
    return fsr_writer_new(&c, &x->writer);
}

static enum err report_frame(struct encoding *x, const struct fsr_frame_cost *cost, uint64_t cpu_us)
{
    struct json *j = json_new();

    json_put_string(j, "event", "frame");
    json_put_int(j, "n", (int64_t)cost->frame);
    json_put_int(j, "bytes", (int64_t)cost->bytes);
    json_put_int(j, "encode_cpu_us", (int64_t)cpu_us);
    json_put_bool(j, "exact", true);
    json_put_null(j, "psnr_db");
    json_put_bool(j, "key", cost->key);
    json_put_int(j, "tiles", cost->tiles);
    run_say(x->run, "frame %" PRIu64 ": %" PRIu64 " bytes, %u tiles%s, %" PRIu64 " us, exact",
            cost->frame, cost->bytes, cost->tiles, cost->key ? ", key" : "", cpu_us);
    return run_event(x->run, j);
}

static enum err encode_frame(struct encoding *x, const struct frames_picture *p)
{
    struct fsr_frame_cost cost;
    uint64_t begin_us = clock_cpu_us();
    uint32_t count = 0;
    enum err e = x->writer ? OK : begin(x, p);

    if (!e)
        e = pic_update(x->pic, &p->pixels, (struct rect){0, 0, x->pic->width, x->pic->height},
                       x->changed, &count);
    if (!e)
        e = fsr_writer_frame(x->writer, x->pic, p->time_us, &cost);
    if (!e)
        e = io_file_keep(x->file);
    if (e)
        return reason_give(&x->run->reason, e, "%s: frame %" PRIu64 " cannot be written: %s",
                           x->config->output, x->frames, err_text(e));
    uint64_t cpu_us = clock_cpu_us() - begin_us;
    x->encode_cpu_us += cpu_us;
    if (x->frames++ == 0)
        x->first_frame_bytes = cost.bytes;
    foreground_progress(&x->f, "%s: %" PRIu64 " frames, %" PRIu64 " bytes", x->config->output,
                        x->frames, fsr_writer_bytes(x->writer));
    return x->config->report ? report_frame(x, &cost, cpu_us) : OK;
}

/* Reads until the inputs, or the space for what comes of them, end. */
static enum err encode_all(struct encoding *x)
{
    struct frames_picture p;
    enum err e = OK;

    while (!e && !foreground_stopped(&x->f)) {
        e = encode_input_next(x->input, &p);
        if (!e)
            e = encode_frame(x, &p);
    }
    return e == ERR_END || e == ERR_AGAIN ? OK : e;
}

/* Ends the recording, also after a failure: what it has is whole. */
static enum err finish(struct encoding *x)
{
    enum err e = x->writer ? fsr_writer_finish(x->writer) : OK;
    uint64_t bytes = x->writer ? fsr_writer_bytes(x->writer) : 0;
    enum err closed = io_file_close_out(x->file);

    x->file = NULL;
    x->bytes = bytes;
    e = e ? e : closed;
    return e ? reason_give(&x->run->reason, e, "%s cannot be written to its end", x->config->output)
             : OK;
}

/* Reads the recording once more, as a viewer would: what it costs, and that it is right. */
static enum err read_back(struct encoding *x)
{
    struct io_file_in *in = NULL;
    struct fsr_reader *r = NULL;
    struct fsr_frame f;
    struct reason why = {""};
    uint64_t frames = 0;
    enum err e = io_file_open_in(x->config->output, &in);

    if (!e && in->regular) {
        e = fsr_reader_open(&in->at, &x->pool, &r, &why);
        uint64_t begin_us = clock_cpu_us();
        while (!e && !(e = fsr_reader_next(r, &f, &why)) && !foreground_stopped(&x->f))
            frames++;
        x->decode_cpu_us = clock_cpu_us() - begin_us;
        /* What could not be read is a failure; what reads as something else is not the same. */
        if (e != ERR_SYSTEM && e != ERR_MEMORY)
            e = (e == ERR_END && frames == x->frames) || foreground_stopped(&x->f) ? OK
                                                                                   : ERR_VERIFY;
    }
    fsr_reader_free(r);
    io_file_close_in(in);
    return e ? reason_give(&x->run->reason, e, "%s does not read back: %s", x->config->output,
                           reason_text(&why, e))
             : OK;
}

static enum err say_result(struct encoding *x)
{
    struct json *j = json_new();

    json_put_string(j, "event", "result");
    json_put_int(j, "frames", (int64_t)x->frames);
    json_put_int(j, "bytes", (int64_t)x->bytes);
    json_put_int(j, "first_frame_bytes", (int64_t)x->first_frame_bytes);
    json_put_int(j, "encode_cpu_us", (int64_t)x->encode_cpu_us);
    if (x->config->report)
        json_put_int(j, "decode_cpu_us", (int64_t)x->decode_cpu_us);
    run_say(x->run, "%s: %" PRIu64 " frames, %" PRIu64 " bytes, the first one %" PRIu64 ", exact",
            x->config->output, x->frames, x->bytes, x->first_frame_bytes);
    if (x->config->report)
        run_say(x->run, "processor time: %" PRIu64 " us to encode, %" PRIu64 " us to decode",
                x->encode_cpu_us, x->decode_cpu_us);
    return run_event(x->run, j);
}

static enum err encode(const struct run_encode_config *config, struct run *run)
{
    struct encoding x = {.config = config, .run = run};
    enum err e, ended = OK;

    tile_pool_init(&x.pool, POOL_TILES);
    e = foreground_begin(&x.f, run);
    if (!e)
        e = encode_team_new(x.f.loop, &x.team);
    if (!e) {
        x.input = encode_input_new(&config->inputs, config->fps, &x.f);
        e = x.input ? encode_all(&x) : ERR_MEMORY;
        ended = finish(&x);
    }
    e = e ? e : ended;
    pic_unref(x.pic);
    x.pic = NULL;
    fsr_writer_free(x.writer);
    if (!e && config->report)
        e = read_back(&x);
    encode_input_free(x.input);
    encode_team_free(x.team);
    heap_free(x.changed);
    foreground_end(&x.f);
    tile_pool_release(&x.pool);
    return e ? e : say_result(&x);
}

static enum err usage(struct run *run, const char *what)
{
    return reason_give(&run->reason, ERR_USAGE, "encode: %s (see: farspan help encode)", what);
}

enum err run_encode(const struct run_encode_config *config, struct run *run)
{
    bool has_inputs = config->inputs.n > 0;

    if (config->decode && config->verify)
        return usage(run, "--decode or --verify, not both");
    if (config->frame && !config->decode)
        return usage(run, "--frame goes with --decode");
    if (config->report && (config->decode || config->verify))
        return usage(run, "--report goes with encoding");
    if (config->decode)
        return has_inputs       ? usage(run, "--decode FILE takes no other input")
               : config->output ? decode_file(config->decode, config->output, config->frame, run)
                                : usage(run, "-o FILE.png, FILE.ppm or FILE.y4m is needed");
    if (!has_inputs)
        return usage(run, "no INPUT");
    if (config->verify)
        return config->output ? usage(run, "--verify writes nothing: no -o")
                              : verify_file(config->verify, &config->inputs, run);
    return config->output ? encode(config, run) : usage(run, "-o FILE.fsr is needed");
}
