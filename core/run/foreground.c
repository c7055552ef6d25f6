#include "core/run/foreground.h"

#include <stdarg.h>
#include <stdio.h>

#include "core/os/clock.h"
#include "core/run/status_line.h"

enum { SHOW_EVERY_US = 200 * 1000 };

/* That it has come stands in run->signal, which the work looks at. */
static void on_asked(void *ctx)
{
    (void)ctx;
}

enum err foreground_begin(struct foreground *f, struct run *run)
{
    *f = (struct foreground){.run = run};
    f->terminal = status_line_begin(run);
    enum err e = loop_new(&f->loop);
    return e ? e : stop_new(f->loop, &(struct stop_owner){.asked = on_asked}, run, &f->stop);
}

void foreground_end(struct foreground *f)
{
    status_line_end();
    stop_free(f->stop);
    f->stop = NULL;
    if (f->loop)
        loop_free(f->loop);
    f->loop = NULL;
}

bool foreground_stopped(struct foreground *f)
{
    if (!f->run->signal)
        loop_turn(f->loop, false);
    return f->run->signal != 0;
}

void foreground_progress(struct foreground *f, const char *format, ...)
{
    uint64_t now_us = f->terminal ? clock_mono_us() : 0;
    char text[256];
    va_list args;

    if (!f->terminal || (f->shown_us && now_us - f->shown_us < SHOW_EVERY_US))
        return;
    f->shown_us = now_us;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    status_line_show(text);
}

/* What a wait for a descriptor has seen. */
static void on_readable(void *ctx, unsigned events)
{
    (void)events;
    *(bool *)ctx = true;
}

/* Waits until there is something to read. ERR_AGAIN: a signal came first. */
static enum err wait_for(struct foreground *f, int fd)
{
    struct loop_io *io;
    bool ready = false;
    enum err e = loop_io_new(f->loop, fd, on_readable, &ready, &io);

    if (e)
        return e;
    loop_io_want(io, LOOP_READ);
    while (!ready && !f->run->signal)
        loop_turn(f->loop, true);
    loop_io_free(io);
    return f->run->signal ? ERR_AGAIN : OK;
}

static enum err read_waiting(struct io_in *in, void *to, size_t room, size_t *got)
{
    struct foreground_in *i = (struct foreground_in *)in;
    enum err e;

    do {
        if (!i->file->regular && (e = wait_for(i->f, i->file->fd)) != OK)
            return e;
        e = i->file->in.read(&i->file->in, to, room, got);
    } while (e == ERR_AGAIN && !foreground_stopped(i->f));
    return e;
}

void foreground_in_init(struct foreground_in *i, struct foreground *f, struct io_file_in *file)
{
    *i = (struct foreground_in){{read_waiting}, f, file};
}
