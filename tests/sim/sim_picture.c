#include "tests/sim/sim_picture.h"

#include <string.h>

#include "core/base/num.h"

enum { LINE_PX = 14, GLYPH_PX = 8, INK = 0x101010, PAPER = 0xf8f8f0 };

static struct sim_picture *self_of(struct source *s)
{
    return (struct sim_picture *)s;
}

static const struct sim_picture *self_of_const(const struct source *s)
{
    return (const struct sim_picture *)s;
}

/* ---- changes ---- */

static struct rect everything(const struct sim_picture *p)
{
    return (struct rect){0, 0, p->canvas.width, p->canvas.height};
}

/* The terminal takes the upper left two thirds. */
static struct rect terminal(const struct sim_picture *p)
{
    return (struct rect){0, 0, p->canvas.width * 2 / 3, p->canvas.height * 2 / 3};
}

static void stamp(struct sim_picture *p, struct rect r, uint64_t now_us)
{
    for (uint32_t y = r.y & ~63u; y < r.y + r.height; y += TILE_SIDE_PX)
        for (uint32_t x = r.x & ~63u; x < r.x + r.width; x += TILE_SIDE_PX)
            scene_dot(&p->canvas, x, y, (uint32_t)(now_us / 1000) & 0xffffff);
}

static void changed(struct sim_picture *p, struct rect r, uint64_t now_us)
{
    if (p->stamped) {
        stamp(p, r, now_us);
        r.width += r.x & 63u;
        r.height += r.y & 63u;
        r.x &= ~63u;
        r.y &= ~63u;
    }
    p->changes++;
    p->stirred_us = now_us;
    if (p->secret)
        return;
    if (p->damages == SOURCE_MAX_RECTS) {
        p->damages = 0;
        r = everything(p);
    }
    p->damage[p->damages++] = r;
}

static struct rect any_rect(struct sim_picture *p, uint32_t most)
{
    struct rect r = {.width = 1 + (uint32_t)rng_below(&p->rng, num_min(most, p->canvas.width)),
                     .height = 1 + (uint32_t)rng_below(&p->rng, num_min(most, p->canvas.height))};

    r.x = (uint32_t)rng_below(&p->rng, p->canvas.width - r.width + 1);
    r.y = (uint32_t)rng_below(&p->rng, p->canvas.height - r.height + 1);
    return r;
}

static struct rect do_type(struct sim_picture *p)
{
    struct rect t = terminal(p), r = {.width = GLYPH_PX, .height = LINE_PX};
    uint32_t columns = t.width / GLYPH_PX, rows = t.height / LINE_PX;

    if (columns == 0 || rows == 0)
        return any_rect(p, 1);
    p->column++;
    r.x = t.x + p->column % columns * GLYPH_PX;
    r.y = t.y + p->column / columns % rows * LINE_PX;
    scene_fill(&p->canvas, r, PAPER);
    scene_glyph(&p->canvas, r.x, r.y, (uint32_t)rng_below(&p->rng, 26), INK, PAPER);
    return r;
}

static struct rect do_scroll(struct sim_picture *p)
{
    struct rect t = terminal(p);

    scene_text(&p->canvas, t, ++p->line, INK, PAPER);
    return t;
}

static struct rect do_noise(struct sim_picture *p, uint32_t most)
{
    struct rect r = any_rect(p, most);

    for (uint32_t y = 0; y < r.height; y++)
        for (uint32_t x = 0; x < r.width; x++)
            scene_dot(&p->canvas, r.x + x, r.y + y, (uint32_t)rng_u64(&p->rng) & 0xffffff);
    return r;
}

static struct rect do_move(struct sim_picture *p)
{
    struct rect from = any_rect(p, 120), to = from;
    struct scene copy = scene_new(from.width, from.height, 0);

    for (uint32_t y = 0; y < from.height; y++)
        memcpy(copy.px + (size_t)y * from.width,
               p->canvas.px + (size_t)(from.y + y) * p->canvas.width + from.x, from.width * 4);
    to.x = (uint32_t)rng_below(&p->rng, p->canvas.width - to.width + 1);
    to.y = (uint32_t)rng_below(&p->rng, p->canvas.height - to.height + 1);
    for (uint32_t y = 0; y < to.height; y++)
        memcpy(p->canvas.px + (size_t)(to.y + y) * p->canvas.width + to.x,
               copy.px + (size_t)y * from.width, from.width * 4);
    scene_release(&copy);
    return to;
}

static struct rect do_resize(struct sim_picture *p)
{
    uint32_t width = 100 + (uint32_t)rng_below(&p->rng, 300);
    uint32_t height = 60 + (uint32_t)rng_below(&p->rng, 200);

    scene_release(&p->canvas);
    p->canvas = scene_new(width, height, 0);
    scene_desktop(&p->canvas, 0, 0, ++p->line);
    p->damages = 0;
    return everything(p);
}

static struct rect do_all(struct sim_picture *p)
{
    uint64_t x = rng_u64(&p->rng);

    /* Far cheaper than a good generator for each, and as hard to code. */
    for (size_t i = 0; i < (size_t)p->canvas.width * p->canvas.height; i++) {
        x = x * 0x5851f42d4c957f2du + 1;
        p->canvas.px[i] = (uint32_t)(x >> 40);
    }
    return everything(p);
}

void sim_picture_do(struct sim_picture *p, enum sim_picture_act act, uint64_t now_us)
{
    struct rect r = {0, 0, 1, 1};

    switch (act) {
    case SIM_PICTURE_TYPE:
        r = do_type(p);
        break;
    case SIM_PICTURE_SCROLL:
        r = do_scroll(p);
        break;
    case SIM_PICTURE_NOISE:
        r = do_noise(p, 48);
        break;
    case SIM_PICTURE_FILL:
        r = any_rect(p, 200);
        scene_fill(&p->canvas, r, (uint32_t)rng_u64(&p->rng) & 0xffffff);
        break;
    case SIM_PICTURE_MOVE:
        r = do_move(p);
        break;
    case SIM_PICTURE_RESIZE:
        r = do_resize(p);
        break;
    case SIM_PICTURE_ALL:
        r = do_all(p);
        break;
    case SIM_PICTURE_ACTS:
        break;
    }
    changed(p, r, now_us);
}

void sim_picture_slip(struct sim_picture *p, uint32_t x, uint32_t y)
{
    p->canvas.px[(size_t)y * p->canvas.width + x] ^= 0x00ff00;
}

void sim_picture_blacken(struct sim_picture *p, uint64_t now_us)
{
    scene_fill(&p->canvas, everything(p), 0);
    changed(p, everything(p), now_us);
}

/* ---- the source ---- */

static void do_any(struct sim_picture *p, uint64_t now_us)
{
    uint32_t act;

    do
        act = 1u << rng_below(&p->rng, SIM_PICTURE_ACTS);
    while (!(p->acts & act));
    sim_picture_do(p, (enum sim_picture_act)act, now_us);
}

static enum err picture_poll(struct source *s, uint64_t now_us)
{
    struct sim_picture *p = self_of(s);

    for (; p->every_us && p->acts && now_us >= p->next_us;
         p->next_us = num_max(now_us, p->next_us) +
                      (p->steady ? p->every_us : 1 + rng_below(&p->rng, 2 * p->every_us)))
        if (p->next_us)
            do_any(p, now_us);
    while (p->effects < p->effects_begun &&
           now_us >= p->effect_at_us[p->effects % SIM_PICTURE_EFFECTS]) {
        p->effects++;
        sim_picture_do(p, SIM_PICTURE_TYPE, now_us);
    }
    if (p->pointer_us && now_us >= p->pointer_next_us) {
        p->pointer_next_us = now_us + p->pointer_us;
        p->pointer_x++; /* never back, so that what comes late is seen */
    }
    return OK;
}

static bool picture_damaged(const struct source *s)
{
    return self_of_const(s)->damages > 0;
}

static enum err picture_capture(struct source *s, uint64_t now_us, bool whole,
                                struct source_frame *out)
{
    struct sim_picture *p = self_of(s);

    *out = (struct source_frame){.pixels = scene_pixels(&p->canvas),
                                 .damage_count = p->damages,
                                 .whole = whole,
                                 .captured_us = now_us};
    memcpy(out->damage, p->damage, p->damages * sizeof p->damage[0]);
    p->damages = 0;
    p->captures++;
    return OK;
}

static bool picture_pointer(struct source *s, struct source_pointer *out)
{
    static const uint32_t image[2] = {0xffffffff, 0xff000000};
    const struct sim_picture *p = self_of(s);

    *out = (struct source_pointer){.x = p->pointer_x,
                                   .y = 5,
                                   .visible = true,
                                   .serial = 1,
                                   .width = 2,
                                   .height = 1,
                                   .argb = image};
    return p->pointer_us != 0;
}

static size_t find_down(const struct sim_picture *p, const struct input_event *e)
{
    size_t i = 0;

    while (i < p->downs && (p->down[i].kind != e->kind || p->down[i].keysym != e->keysym ||
                            p->down[i].button != e->button))
        i++;
    return i;
}

static void press(struct sim_picture *p, uint64_t now_us, const struct input_event *e)
{
    size_t i = find_down(p, e);

    if (!e->down) {
        if (i < p->downs)
            p->down[i] = p->down[--p->downs];
        return;
    }
    if (i == p->downs && p->downs < SIM_PICTURE_KEYS)
        p->down[p->downs++] = *e;
    if (p->effect_us && p->effects_begun - p->effects < SIM_PICTURE_EFFECTS)
        p->effect_at_us[p->effects_begun++ % SIM_PICTURE_EFFECTS] = now_us + p->effect_us;
}

static void picture_input(struct source *s, uint64_t now_us, const struct input_event *e)
{
    struct sim_picture *p = self_of(s);

    if (p->inputs < SIM_PICTURE_INPUTS) {
        p->input[p->inputs] = *e;
        p->input_us[p->inputs++] = now_us;
    }
    if (e->kind == INPUT_RELEASE)
        p->downs = 0;
    else if (e->kind == INPUT_KEY || e->kind == INPUT_BUTTON)
        press(p, now_us, e);
}

static int picture_fd(const struct source *s)
{
    (void)s;
    return -1;
}

static uint64_t picture_deadline(const struct source *s)
{
    const struct sim_picture *p = self_of_const(s);
    uint64_t at_us = p->every_us && p->acts ? p->next_us : UINT64_MAX;

    if (p->effects < p->effects_begun)
        at_us = num_min(at_us, p->effect_at_us[p->effects % SIM_PICTURE_EFFECTS]);
    return p->pointer_us ? num_min(at_us, p->pointer_next_us) : at_us;
}

static void picture_free(struct source *s)
{
    sim_picture_free(self_of(s));
}

static const struct source_ops ops = {
    .name = "sim",
    .poll = picture_poll,
    .damaged = picture_damaged,
    .capture = picture_capture,
    .pointer = picture_pointer,
    .input = picture_input,
    .fd = picture_fd,
    .deadline_us = picture_deadline,
    .free = picture_free,
};

struct sim_picture *sim_picture_new(uint64_t seed, uint32_t width, uint32_t height)
{
    struct sim_picture *p = heap_alloc(sizeof *p);

    CHECK(p);
    p->source.ops = &ops;
    rng_seed(&p->rng, seed);
    p->canvas = scene_new(width, height, 0);
    scene_desktop(&p->canvas, 0, 0, 1);
    p->line = 1;
    return p;
}

void sim_picture_free(struct sim_picture *p)
{
    if (!p)
        return;
    scene_release(&p->canvas);
    heap_free(p);
}

/* ---- the truth ---- */

bool sim_picture_is(const struct sim_picture *p, const struct pic *pic)
{
    if (!pic || pic->width != p->canvas.width || pic->height != p->canvas.height)
        return false;
    return sim_picture_hash(p) == sim_picture_hash_of(pic);
}

/* Four lanes, so that the sum of products does not wait for itself. */
static uint64_t hash_pixels(const uint32_t *px, size_t n, uint64_t seed)
{
    uint64_t lane[4] = {seed, seed + 1, seed + 2, seed + 3};

    for (size_t i = 0; i < n; i++) {
        lane[i & 3] = (lane[i & 3] ^ (px[i] & 0xffffff)) * 0x9e3779b97f4a7c15u;
        lane[i & 3] ^= lane[i & 3] >> 29;
    }
    return lane[0] ^ lane[1] * 3 ^ lane[2] * 5 ^ lane[3] * 7;
}

uint64_t sim_picture_hash(const struct sim_picture *p)
{
    return hash_pixels(p->canvas.px, (size_t)p->canvas.width * p->canvas.height, p->canvas.width);
}

uint64_t sim_picture_hash_of(const struct pic *pic)
{
    struct scene s = scene_new(pic->width, pic->height, 0);

    pic_read(pic, (struct rect){0, 0, pic->width, pic->height}, s.px, s.width);
    uint64_t hash = hash_pixels(s.px, (size_t)s.width * s.height, s.width);
    scene_release(&s);
    return hash;
}

uint64_t sim_picture_age_us(const struct pic *pic, uint64_t now_us)
{
    uint64_t oldest_us = 0;

    for (uint32_t i = 0; i < pic_tiles(pic); i++) {
        uint32_t then = pic->tile[i] ? pic->tile[i]->px[0] & 0xffffff : 0;
        oldest_us = num_max(oldest_us, (((now_us / 1000) - then) & 0xffffff) * 1000);
    }
    return oldest_us;
}

bool sim_picture_holds(const struct sim_picture *p, uint32_t keysym)
{
    for (size_t i = 0; i < p->downs; i++)
        if (p->down[i].kind == INPUT_KEY && p->down[i].keysym == keysym)
            return true;
    return false;
}
