#include "core/screen/test_source.h"

#include <stdio.h>
#include <string.h>

#include "core/base/heap.h"
#include "core/base/limits.h"
#include "core/base/num.h"
#include "core/screen/test_art.h"
#include "core/screen/test_desktop.h"

enum { STEPS_PER_S = 30, REST_STEPS = 60, US_PER_S = 1000000 };

enum pace { PACE_RESTING, PACE_IDLE, PACE_BUSY };

struct test_source {
    struct source source; /* first */
    struct test_desktop *desktop;
    enum pace pace;
    uint64_t opened_us;
    uint64_t frame; /* 30ths of a second since then */
    uint32_t pointer[TEST_ART_POINTER_PX];
};

static struct test_source *test_of(struct source *s)
{
    return (struct test_source *)s;
}

/* How far things have moved by `frame`; *moving when they still do. */
static uint64_t step_at(enum pace pace, uint64_t frame, bool *moving)
{
    uint64_t whole = TEST_DESKTOP_CYCLE + REST_STEPS, in = frame % whole;

    *moving = pace == PACE_BUSY || (pace == PACE_RESTING && in < TEST_DESKTOP_CYCLE);
    if (pace == PACE_IDLE)
        return 0;
    if (pace == PACE_BUSY)
        return frame;
    return frame / whole * TEST_DESKTOP_CYCLE + num_min(in, TEST_DESKTOP_CYCLE);
}

static enum err test_poll(struct source *s, uint64_t now_us)
{
    struct test_source *t = test_of(s);
    uint64_t elapsed_us = num_sub0(now_us, t->opened_us);
    bool moving;

    if (t->pace == PACE_IDLE)
        return OK;
    t->frame = num_mul_div(elapsed_us, STEPS_PER_S, US_PER_S);
    uint64_t step = step_at(t->pace, t->frame, &moving);
    test_desktop_move(t->desktop, step, moving);
    test_desktop_tick(t->desktop, elapsed_us / US_PER_S);
    return OK;
}

static bool test_damaged(const struct source *s)
{
    return ((const struct test_source *)s)->desktop->dirty_count > 0;
}

static enum err test_capture(struct source *s, uint64_t now_us, bool whole,
                             struct source_frame *out)
{
    struct test_source *t = test_of(s);
    struct test_desktop *d = t->desktop;
    struct box painted[TEST_DESKTOP_DIRTY];

    memset(out, 0, sizeof *out);
    out->damage_count = test_desktop_paint(d, whole, painted);
    for (size_t i = 0; i < out->damage_count; i++)
        out->damage[i] = (struct rect){(uint32_t)painted[i].x0, (uint32_t)painted[i].y0,
                                       (uint32_t)(painted[i].x1 - painted[i].x0),
                                       (uint32_t)(painted[i].y1 - painted[i].y0)};
    out->pixels = (struct pixels){d->px, d->width, d->height, d->width};
    out->whole = whole;
    out->captured_us = now_us;
    return OK;
}

static bool test_pointer(struct source *s, struct source_pointer *out)
{
    struct test_source *t = test_of(s);

    memset(out, 0, sizeof *out);
    test_art_pointer(test_desktop_shape(t->desktop), t->pointer, out);
    out->x = t->desktop->x;
    out->y = t->desktop->y;
    out->visible = true;
    return true;
}

static void test_input(struct source *s, uint64_t now_us, const struct input_event *e)
{
    (void)now_us;
    test_desktop_input(test_of(s)->desktop, e);
}

static int test_fd(const struct source *s)
{
    (void)s;
    return -1;
}

/* The start of frame `frame`, rounded up so that poll then counts it. */
static uint64_t frame_us(const struct test_source *t, uint64_t frame)
{
    return t->opened_us + num_div_up(frame * US_PER_S, STEPS_PER_S);
}

static uint64_t test_deadline_us(const struct source *s)
{
    const struct test_source *t = (const struct test_source *)s;
    uint64_t whole = TEST_DESKTOP_CYCLE + REST_STEPS;
    bool moving;

    if (t->pace == PACE_IDLE)
        return UINT64_MAX;
    step_at(t->pace, t->frame, &moving);
    if (moving)
        return frame_us(t, t->frame + 1);
    uint64_t tick = t->opened_us + (t->frame / STEPS_PER_S + 1) * US_PER_S;
    return num_min(tick, frame_us(t, (t->frame / whole + 1) * whole));
}

static void test_free(struct source *s)
{
    test_desktop_free(test_of(s)->desktop);
    heap_free(s);
}

static const struct source_ops ops = {
    .name = "test",
    .poll = test_poll,
    .damaged = test_damaged,
    .capture = test_capture,
    .pointer = test_pointer,
    .input = test_input,
    .fd = test_fd,
    .deadline_us = test_deadline_us,
    .free = test_free,
};

/* Reads up to 5 digits; 0 when there are none or more. */
static uint32_t read_side(const char **at)
{
    uint32_t v = 0;
    int digits = 0;

    for (; **at >= '0' && **at <= '9' && digits <= 5; ++*at, digits++)
        v = v * 10 + (uint32_t)(**at - '0');
    return digits <= 5 ? v : 0;
}

static bool parse_name(const char *name, uint32_t *width, uint32_t *height, enum pace *pace)
{
    const char *at = name + strlen("test");

    if (strncmp(name, "test", 4) != 0)
        return false;
    if (*at == ':') {
        at++;
        *width = read_side(&at);
        if (*at++ != 'x')
            return false;
        *height = read_side(&at);
    }
    if (strcmp(at, ",idle") == 0)
        *pace = PACE_IDLE;
    else if (strcmp(at, ",busy") == 0)
        *pace = PACE_BUSY;
    else
        return *at == 0;
    return true;
}

enum err test_source_open(const char *name, uint64_t now_us, struct source **out, char *reason,
                          size_t room)
{
    uint32_t width = 1280, height = 720;
    enum pace pace = PACE_RESTING;

    if (!parse_name(name, &width, &height, &pace)) {
        snprintf(reason, room,
                 "test takes a size and a pace: test, test:1920x1080, "
                 "test:1280x720,idle (only input changes it), test:1280x720,busy "
                 "(never rests)");
        return ERR_USAGE;
    }
    if (width < TEST_SOURCE_MIN_PX || height < TEST_SOURCE_MIN_PX ||
        width > LIMIT_PICTURE_SIDE_PX || height > LIMIT_PICTURE_SIDE_PX ||
        (uint64_t)width * height > LIMIT_PICTURE_PIXELS) {
        snprintf(reason, room,
                 "test: a size from %dx%d to %d pixels in all (7680x4320), no side "
                 "over %d",
                 TEST_SOURCE_MIN_PX, TEST_SOURCE_MIN_PX, LIMIT_PICTURE_PIXELS,
                 LIMIT_PICTURE_SIDE_PX);
        return ERR_USAGE;
    }
    struct test_source *t = heap_alloc(sizeof *t);
    if (!t)
        return ERR_MEMORY;
    enum err e = test_desktop_new(width, height, &t->desktop);
    if (e) {
        heap_free(t);
        return e;
    }
    t->source.ops = &ops;
    t->pace = pace;
    t->opened_us = now_us;
    e = test_poll(&t->source, now_us);
    *out = &t->source;
    return e;
}
