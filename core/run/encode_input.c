#include "core/run/encode_input.h"

#include <string.h>

#include "core/base/heap.h"
#include "core/base/num.h"
#include "core/codec/y4m.h"

enum { US_PER_S = 1000000 };

struct encode_input {
    const struct parse_list *paths; /* borrowed */
    struct foreground *f;           /* borrowed */
    uint64_t fps;                   /* 0: the user did not say */
    size_t next_path;
    const char *name; /* of the input at hand, for messages */
    struct io_file_in *file;
    struct foreground_in in;
    struct frames *frames;
    uint64_t pictures;         /* given so far */
    uint64_t base_us;          /* where the times of the input at hand begin */
    uint64_t time_us, step_us; /* of the last picture */
    /* The shape of the first picture: */
    uint32_t width, height;
    enum samples samples;
    bool has_line;
    char line[Y4M_LINE_CHARS + 1];
};

struct encode_input *encode_input_new(const struct parse_list *paths, uint64_t fps,
                                      struct foreground *f)
{
    struct encode_input *x = heap_alloc(sizeof *x);

    if (!x)
        return NULL;
    x->paths = paths;
    x->fps = fps;
    x->f = f;
    return x;
}

static void close_input(struct encode_input *x)
{
    frames_free(x->frames);
    io_file_close_in(x->file);
    x->frames = NULL;
    x->file = NULL;
}

void encode_input_free(struct encode_input *x)
{
    if (x)
        close_input(x);
    heap_free(x);
}

static enum err open_input(struct encode_input *x)
{
    const char *path = x->paths->item[x->next_path++];
    struct reason *why = &x->f->run->reason;

    x->name = strcmp(path, "-") == 0 ? "standard input" : path;
    enum err e = io_file_open_in(path, &x->file);
    if (e)
        return reason_give(why, e, "%s: %s", path,
                           e == ERR_NOT_FOUND ? "no such file" : "cannot be opened");
    foreground_in_init(&x->in, x->f, x->file);
    x->frames = frames_new(&x->in.in);
    x->base_us = x->pictures ? x->time_us + x->step_us : 0;
    return x->frames ? OK : reason_give(why, ERR_MEMORY, "out of memory");
}

/* Refuses what is not like the first picture. */
static enum err check_shape(struct encode_input *x, const struct frames_picture *p)
{
    struct reason *why = &x->f->run->reason;

    if (x->pictures == 0) {
        x->width = p->pixels.width;
        x->height = p->pixels.height;
        x->samples = p->samples;
        x->has_line = p->line;
        memcpy(x->line, p->line ? p->line : "", p->line ? strlen(p->line) + 1 : 1);
        return OK;
    }
    if (p->pixels.width != x->width || p->pixels.height != x->height)
        return reason_give(why, ERR_USAGE, "%s: a picture of %ux%u after one of %ux%u", x->name,
                           p->pixels.width, p->pixels.height, x->width, x->height);
    if (p->samples != x->samples)
        return reason_give(why, ERR_USAGE, "%s: a picture in %s after one in %s", x->name,
                           samples_shape(p->samples)->name, samples_shape(x->samples)->name);
    if (!p->line != !x->has_line || (p->line && strcmp(p->line, x->line) != 0))
        return reason_give(why, ERR_USAGE, "%s: another y4m header than the first", x->name);
    return OK;
}

static enum err give_time(struct encode_input *x, struct frames_picture *p)
{
    uint64_t fps = x->fps ? x->fps : ENCODE_INPUT_FPS;

    if (p->timed && x->fps)
        return reason_give(&x->f->run->reason, ERR_USAGE,
                           "%s has times of its own: --fps is for inputs without", x->name);
    if (p->timed)
        p->time_us = num_min(x->base_us + p->time_us, Y4M_TIME_MAX);
    else
        p->time_us = num_mul_div(x->pictures, US_PER_S, fps);
    x->step_us = p->step_us ? p->step_us : US_PER_S / fps;
    x->time_us = p->time_us;
    return OK;
}

enum err encode_input_next(struct encode_input *x, struct frames_picture *out)
{
    for (;;) {
        struct reason why = {""};
        enum err e = OK;

        if (!x->frames && x->next_path == x->paths->n)
            return ERR_END;
        if (!x->frames && (e = open_input(x)) != OK)
            return e;
        e = frames_next(x->frames, out, &why);
        if (e == ERR_END) {
            close_input(x);
            continue;
        }
        if (e == ERR_AGAIN)
            return e;
        if (e)
            return reason_give(&x->f->run->reason, e, "%s: %s", x->name, reason_text(&why, e));
        if ((e = check_shape(x, out)) == OK)
            e = give_time(x, out);
        if (!e)
            x->pictures++;
        return e;
    }
}
