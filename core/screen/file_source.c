#include "core/screen/file_source.h"

#include <stdio.h>
#include <string.h>

#include "core/base/heap.h"
#include "core/base/log.h"
#include "core/base/num.h"
#include "core/screen/file_player.h"

enum { CATCH_UP = 4 /* pictures read in one poll at most: what is later is shown later */ };

struct file_source {
    struct source source; /* first */
    char *path;           /* owned */
    struct file_player *player;
    bool playing;      /* from the first capture on */
    uint64_t start_us; /* when the picture of time 0 was due */
    bool more;         /* there is a next picture, at next_us from the start */
    uint64_t next_us;
    enum err broken; /* what the file ends in when it does not end well */

    uint32_t *px; /* the picture that is shown; owned */
    size_t room_px;
    uint32_t width, height;
    bool fresh; /* not captured yet */
};

static struct file_source *file_of(struct source *s)
{
    return (struct file_source *)s;
}

/* When the next picture is to be shown; UINT64_MAX: not as far as is known now. */
static uint64_t due_us(const struct file_source *f)
{
    return f->playing && f->more ? f->start_us + f->next_us : UINT64_MAX;
}

/* Asks the player for the next picture's time. */
static void look_ahead(struct file_source *f)
{
    struct pixels px;
    struct reason why = {""};
    enum err e = file_player_next(f->player, &f->next_us, &px, &why);

    f->more = e == OK;
    if (e && e != ERR_END) {
        f->broken = e;
        log_error("%s: %s", f->path, reason_text(&why, e));
    }
}

/* Shows the next picture, which is there, and goes on to the one after it. */
static enum err show(struct file_source *f)
{
    struct pixels px;
    struct reason why = {""};
    uint64_t time_us;
    enum err e = file_player_next(f->player, &time_us, &px, &why);
    size_t n = e ? 0 : (size_t)px.width * px.height;

    if (e)
        return e;
    if (n > f->room_px) {
        heap_free(f->px);
        f->px = heap_array(n, sizeof *f->px);
        f->room_px = f->px ? n : 0;
        if (!f->px)
            return ERR_MEMORY;
    }
    for (uint32_t y = 0; y < px.height; y++)
        memcpy(f->px + (size_t)y * px.width, px.px + y * px.stride_px, px.width * sizeof *px.px);
    f->width = px.width;
    f->height = px.height;
    f->fresh = true;
    file_player_take(f->player);
    look_ahead(f);
    return OK;
}

static enum err file_poll(struct source *s, uint64_t now_us)
{
    struct file_source *f = file_of(s);

    for (int i = 0; i < CATCH_UP && due_us(f) <= now_us; i++) {
        enum err e = show(f);
        if (e)
            return e;
    }
    if (due_us(f) <= now_us)
        f->start_us += now_us - due_us(f) + 1;
    return f->broken && !f->fresh ? f->broken : OK;
}

static bool file_damaged(const struct source *s)
{
    return ((const struct file_source *)s)->fresh;
}

static enum err file_capture(struct source *s, uint64_t now_us, bool whole,
                             struct source_frame *out)
{
    struct file_source *f = file_of(s);

    memset(out, 0, sizeof *out);
    out->pixels = (struct pixels){f->px, f->width, f->height, f->width};
    if (f->fresh || whole) {
        out->damage[0] = (struct rect){0, 0, f->width, f->height};
        out->damage_count = 1;
    }
    out->whole = whole;
    out->ended = !f->more && !f->broken;
    out->captured_us = now_us;
    f->fresh = false;
    if (!f->playing)
        f->start_us = now_us;
    f->playing = true;
    return OK;
}

static bool file_pointer(struct source *s, struct source_pointer *out)
{
    (void)s;
    (void)out;
    return false;
}

static void file_input(struct source *s, uint64_t now_us, const struct input_event *e)
{
    (void)s;
    (void)now_us;
    (void)e;
}

static int file_fd(const struct source *s)
{
    (void)s;
    return -1;
}

static uint64_t file_deadline_us(const struct source *s)
{
    const struct file_source *f = (const struct file_source *)s;

    /* A file that broke is told of as soon as its last good picture was captured. */
    return f->broken && !f->fresh ? 0 : due_us(f);
}

static void file_free(struct source *s)
{
    struct file_source *f = file_of(s);

    file_player_free(f->player);
    heap_free(f->path);
    heap_free(f->px);
    heap_free(f);
}

static const struct source_ops ops = {
    .name = "file",
    .poll = file_poll,
    .damaged = file_damaged,
    .capture = file_capture,
    .pointer = file_pointer,
    .input = file_input,
    .fd = file_fd,
    .deadline_us = file_deadline_us,
    .free = file_free,
};

enum err file_source_open(const char *path, uint32_t fps, struct source **out, char *reason,
                          size_t room)
{
    struct file_source *f = heap_alloc(sizeof *f);
    struct reason why = {""};
    enum err e = ERR_MEMORY;

    if (f && (f->path = heap_string(path)))
        e = file_player_open(path, fps ? fps : FILE_SOURCE_FPS, &f->player, &why);
    if (e == OK) {
        f->source.ops = &ops;
        e = show(f);
    }
    if (e) {
        snprintf(reason, room, "%s", reason_text(&why, e));
        if (f)
            file_free(&f->source);
        return e;
    }
    *out = &f->source;
    return OK;
}
