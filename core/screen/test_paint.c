#include "core/screen/test_paint.h"

#include <stdio.h>
#include <string.h>

#include "core/base/num.h"
#include "core/screen/keysym.h"
#include "core/screen/test_art.h"
#include "core/screen/test_words.h"

enum {
    INK = 0x24313c,
    PALE = 0x5f7180,
    PAPER = 0xfbfbf8,
    EDGE = 0xc3ccd3,
    ACCENT = 0x1f7a8c,
    ORANGE = 0xe8743b,
    CORNER_PX = 8,
    MARGIN = 16,
    BALL_PX = 13
};

static struct bytes words(const char *s)
{
    return bytes_of_string(s);
}

/* Narrows the clip to `b`; gives what it was. */
static struct box clip_to(struct canvas *c, struct box b)
{
    struct box was = c->clip;

    c->clip = box_meet(was, b);
    return was;
}

/* Eases 0..CYCLE steps in and out: 0..4096. */
static int32_t ease(uint64_t step)
{
    int64_t t = (int64_t)(step % TEST_DESKTOP_CYCLE) * 4096 / TEST_DESKTOP_CYCLE;

    return (int32_t)(t * t * (3 * 4096 - 2 * t) >> 24);
}

static void paint_notes(const struct test_desktop *d, struct canvas *c)
{
    struct box b = test_desktop_part(d, TEST_PART_NOTES);
    int32_t view = b.y1 - b.y0, all = (int32_t)d->notes_count * TEST_DESKTOP_LINE_PX + 2 * MARGIN;
    struct box was = clip_to(c, b), bar = {b.x1 - 12, b.y0 + 4, b.x1 - 4, b.y1 - 4};

    canvas_fill(c, b, PAPER);
    for (size_t i = 0; i < d->notes_count; i++) {
        int32_t y = b.y0 + MARGIN + (int32_t)i * TEST_DESKTOP_LINE_PX - d->notes_top_px;
        if (y + 2 * TEST_DESKTOP_LINE_PX < c->clip.y0 || y - TEST_DESKTOP_LINE_PX > c->clip.y1)
            continue;
        if (d->notes[i].heading)
            canvas_label(c, d->head, b.x0 + MARGIN, y - 4, ACCENT, d->notes[i].text);
        else
            canvas_label(c, d->text, b.x0 + MARGIN, y, INK, d->notes[i].text);
    }
    canvas_round(c, bar, 4, 0xe4e8ea);
    if (all > view) {
        int32_t room = bar.y1 - bar.y0, top = room * d->notes_top_px / all;
        canvas_round(c, box_at(bar.x0, bar.y0 + top, 8, room * view / all), 4, 0x9fb0bb);
    }
    c->clip = was;
}

static void paint_terminal(const struct test_desktop *d, struct canvas *c)
{
    enum { AT_START = 60 };
    struct box b = test_desktop_part(d, TEST_PART_TERMINAL), was = clip_to(c, b);
    uint64_t rows = (uint64_t)(b.y1 - b.y0 - 16) / TEST_DESKTOP_LINE_PX;
    uint64_t first = AT_START + d->step / 2 - num_min(rows, AT_START);

    canvas_fill(c, b, 0x17212b);
    for (uint64_t i = 0; i < num_min(rows, AT_START); i++) {
        const struct test_words_log *l = &test_words_log[(first + i) % test_words_log_count];
        int32_t y = b.y0 + 8 + (int32_t)i * TEST_DESKTOP_LINE_PX;
        char number[16];
        snprintf(number, sizeof number, "%6llu", (unsigned long long)(first + i) % 1000000);
        canvas_text(c, d->text, b.x0 + 10, y, 0x5d7080, words(number));
        canvas_text(c, d->bold, b.x0 + 74, y, l->colour, words(l->distance));
        canvas_text(c, d->text, b.x0 + 166, y, 0xd4dde3, words(l->places));
        canvas_text(c, d->text, b.x0 + 360, y, 0x93a4b0, words(l->time));
    }
    c->clip = was;
}

static void paint_photo(const struct test_desktop *d, struct canvas *c)
{
    canvas_copy(c, test_desktop_part(d, TEST_PART_PHOTO), d->photo, d->photo_width);
}

/* Where the ball is: jumps that get lower, to and fro in turn. */
static struct canvas_point ball_at(const struct test_desktop *d)
{
    static const int32_t jumps[] = {18, 14, 11, 8, 5, 4};
    struct box b = test_desktop_part(d, TEST_PART_BALL);
    int32_t t = (int32_t)(d->step % TEST_DESKTOP_CYCLE), left = t,
            room = b.y1 - b.y0 - 2 * BALL_PX - 16;
    int32_t span = b.x1 - b.x0 - 2 * BALL_PX - 24, x, lift;
    size_t i = 0;

    while (left >= jumps[i])
        left -= jumps[i++];
    lift = room * jumps[i] * jumps[i] / (18 * 18) * 64;
    lift = lift * 4 * left / jumps[i] * (jumps[i] - left) / jumps[i];
    x = span * 64 * t / TEST_DESKTOP_CYCLE;
    if (d->step / TEST_DESKTOP_CYCLE % 2)
        x = span * 64 - x;
    return (struct canvas_point){(b.x0 + 12 + BALL_PX) * 64 + x, (b.y1 - 8 - BALL_PX) * 64 - lift};
}

struct box test_paint_ball_box(const struct test_desktop *d)
{
    struct canvas_point p = ball_at(d);
    struct box lane = test_desktop_part(d, TEST_PART_BALL);
    int32_t x = p.x / 64, y = p.y / 64;

    return box_meet((struct box){x - BALL_PX - 2, y - BALL_PX - 2, x + BALL_PX + 3, lane.y1}, lane);
}

static void paint_ball(const struct test_desktop *d, struct canvas *c)
{
    struct box b = test_desktop_part(d, TEST_PART_BALL), was = clip_to(c, b);
    struct canvas_point p = ball_at(d), shine = {p.x - 4 * 64, p.y - 4 * 64};
    int32_t floor = (b.y1 - 6) * 64, up = (floor - p.y) / 64, reach = 64 * (BALL_PX - 3 - up / 14);

    canvas_fade(c, b, 0xe9f3f5, 0xd3e6ea);
    canvas_fill(c, (struct box){b.x0, b.y1 - 6, b.x1, b.y1}, 0x8fb4bd);
    canvas_line(c, (struct canvas_point){p.x - reach, floor + 150},
                (struct canvas_point){p.x + reach, floor + 150}, 110, 0x6f98a3);
    canvas_disc(c, p, BALL_PX * 64, 0xc9562a, 255);
    canvas_disc(c, (struct canvas_point){p.x - 64, p.y - 64}, (BALL_PX - 2) * 64, ORANGE, 255);
    canvas_disc(c, shine, 3 * 64, 0xffffff, 170);
    c->clip = was;
}

static void paint_cube(const struct test_desktop *d, struct canvas *c)
{
    static const uint8_t faces[6][4] = {{0, 1, 3, 2}, {4, 6, 7, 5}, {0, 4, 5, 1},
                                        {2, 3, 7, 6}, {0, 2, 6, 4}, {1, 5, 7, 3}};
    static const uint32_t colours[6] = {0x2f9aa0, 0x1f7a8c, 0xf2b544, 0x66788a, 0xe8743b, 0x8f6bb3};
    struct box b = test_desktop_part(d, TEST_PART_CUBE), was = clip_to(c, b);
    int32_t turn =
        25 + ease(d->step) * 90 / 4096 + (int32_t)(d->step / TEST_DESKTOP_CYCLE % 4) * 90;
    int32_t s = test_art_sine(turn), k = test_art_sine(turn + 90);
    int32_t ts = test_art_sine(28), tk = test_art_sine(118);
    struct canvas_point p[8];

    canvas_fill(c, b, PAPER);
    for (int i = 0; i < 8; i++) {
        int32_t x = i & 1 ? 32 : -32, y = i & 2 ? 32 : -32, z = i & 4 ? 32 : -32;
        int32_t rx = (x * k - z * s) / 64, rz = (x * s + z * k) / 64;
        int32_t ry = (y * tk * 64 - rz * ts) / 4096;
        p[i] = (struct canvas_point){(b.x0 + b.x1) * 32 + rx, (b.y0 + b.y1) * 32 + ry};
    }
    for (int i = 0; i < 6; i++) {
        struct canvas_point q[4];
        for (int j = 0; j < 4; j++)
            q[j] = p[faces[i][j]];
        int64_t area = (int64_t)(q[1].x - q[0].x) * (q[2].y - q[0].y) -
                       (int64_t)(q[1].y - q[0].y) * (q[2].x - q[0].x);
        if (area <= 0)
            continue;
        canvas_convex(c, q, 4, colours[i]);
        for (int j = 0; j < 4; j++)
            canvas_line(c, q[j], q[(j + 1) % 4], 50, INK);
    }
    c->clip = was;
}

static void paint_state(const struct test_desktop *d, struct canvas *c)
{
    struct box b = test_desktop_part(d, TEST_PART_STATE), was = clip_to(c, b);
    struct box bar = box_at(b.x0, b.y0 + 28, b.x1 - b.x0, 10), done = bar;
    uint64_t step = d->step % TEST_DESKTOP_CYCLE;

    canvas_fill(c, b, PAPER);
    canvas_label(c, d->bold, b.x0, b.y0, d->moving ? ORANGE : ACCENT,
                 words(d->moving ? "moving" : "at rest"));
    canvas_round(c, bar, 5, 0xdfe6e9);
    done.x1 = bar.x0 + (bar.x1 - bar.x0) * (int32_t)step / TEST_DESKTOP_CYCLE;
    if (!d->moving)
        done = bar;
    if (done.x1 - done.x0 >= 10)
        canvas_round(c, done, 5, d->moving ? ORANGE : ACCENT);
    canvas_label(c, d->text, b.x0, b.y0 + 48, PALE, words("30 steps a second"));
    c->clip = was;
}

static void paint_swatches(const struct test_desktop *d, struct canvas *c)
{
    static const uint32_t colours[] = {0xffffff, 0xffff00, 0x00ffff, 0x00ff00,
                                       0xff00ff, 0xff0000, 0x0000ff, 0x000000};
    struct box b = test_desktop_part(d, TEST_PART_SWATCHES);
    int32_t n = COUNT_OF(colours), width = b.x1 - b.x0, half = (b.y1 - b.y0) / 2;

    for (int32_t i = 0; i < n; i++)
        canvas_fill(
            c, (struct box){b.x0 + width * i / n, b.y0, b.x0 + width * (i + 1) / n, b.y0 + half},
            colours[i]);
    for (int32_t i = 0; i < width; i++)
        canvas_fill(c, box_at(b.x0 + i, b.y0 + half, 1, half),
                    (uint32_t)(i * 255 / (width - 1)) * 0x010101);
}

static void paint_motion(const struct test_desktop *d, struct canvas *c)
{
    paint_ball(d, c);
    paint_cube(d, c);
    paint_state(d, c);
    paint_swatches(d, c);
}

static void paint_field(const struct test_desktop *d, struct canvas *c)
{
    struct box b = test_desktop_part(d, TEST_PART_FIELD);
    struct box inner = box_grow(b, -2);
    struct bytes text = bytes_of(d->field.text, d->field.n);
    int32_t width = canvas_label_width(d->text, text), room = inner.x1 - inner.x0 - 16;
    int32_t x = inner.x0 + 8 - (width > room ? width - room : 0);

    canvas_round(c, b, 6, ACCENT);
    canvas_round(c, inner, 5, 0xffffff);
    struct box was = clip_to(c, box_grow(inner, -2));
    if (text.n == 0)
        canvas_label(c, d->text, x + 5, b.y0 + 8, 0xa3b1ba, words("type something"));
    x = canvas_label(c, d->text, x, b.y0 + 8, INK, text);
    canvas_fill(c, box_at(x, b.y0 + 7, 2, 18), ORANGE);
    c->clip = was;
}

static void paint_button(const struct test_desktop *d, struct canvas *c)
{
    struct box b = test_desktop_part(d, TEST_PART_BUTTON);
    const char *label = "Press me";
    int32_t x = (b.x0 + b.x1 - canvas_label_width(d->bold, words(label))) / 2;

    if (!d->pressed)
        canvas_round(c, (struct box){b.x0, b.y0 + 3, b.x1, b.y1}, 8, 0x155766);
    b.y0 += d->pressed ? 3 : 0;
    b.y1 -= d->pressed ? 0 : 3;
    canvas_round(c, b, 8, d->pressed ? 0x155766 : ACCENT);
    canvas_label(c, d->bold, x, b.y0 + 8, 0xffffff, words(label));
}

static void paint_last_key(const struct test_desktop *d, struct canvas *c)
{
    struct box b = test_desktop_part(d, TEST_PART_KEY);
    const char *name = keysym_name(d->last_key);
    char text[80];
    int32_t x = canvas_label(c, d->text, b.x0, b.y0, PALE, words("Last key "));

    if (!d->last_key)
        snprintf(text, sizeof text, "none yet");
    else if (name)
        snprintf(text, sizeof text, "%s", name);
    else if (d->last_key > KEYSYM_UNICODE)
        snprintf(text, sizeof text, "U+%04X", (unsigned)(d->last_key - KEYSYM_UNICODE));
    else
        snprintf(text, sizeof text, "0x%x", (unsigned)d->last_key);
    canvas_label(c, d->text, x + 4, b.y0, INK, words(text));
}

static void paint_try(const struct test_desktop *d, struct canvas *c)
{
    struct box field = test_desktop_part(d, TEST_PART_FIELD),
               echo = test_desktop_part(d, TEST_PART_ECHO);
    struct box count = test_desktop_part(d, TEST_PART_COUNT),
               place = test_desktop_part(d, TEST_PART_PLACE);
    char text[48];
    int32_t x;

    canvas_label(c, d->text, field.x0, field.y0 - 26, INK, words("What you type comes back:"));
    paint_field(d, c);
    for (int i = 0; i < TEST_DESKTOP_ECHO; i++) {
        struct box was = clip_to(c, echo);
        canvas_label(c, d->text, echo.x0 + 2, echo.y0 + i * TEST_DESKTOP_LINE_PX, PALE,
                     bytes_of(d->echo[i].text, d->echo[i].n));
        c->clip = was;
    }
    if (d->echo[0].n == 0)
        canvas_label(c, d->text, echo.x0 + 2, echo.y0, 0xa3b1ba,
                     words("Return keeps the line here"));
    paint_button(d, c);
    snprintf(text, sizeof text, d->clicks == 1 ? "pressed once" : "pressed %u times",
             (unsigned)d->clicks);
    canvas_label(c, d->text, count.x0, count.y0, INK, words(text));
    canvas_fill(c, box_at(field.x0, count.y0 + 40, field.x1 - field.x0, 1), 0xdfe6e9);
    paint_last_key(d, c);
    x = canvas_label(c, d->text, place.x0, place.y0, PALE, words("Pointer "));
    snprintf(text, sizeof text, "%d, %d", (int)d->x, (int)d->y);
    canvas_label(c, d->text, x + 4, place.y0, INK, words(text));
}

static void paint_window(const struct test_desktop *d, struct canvas *c, enum test_desktop_window w)
{
    static const char *const titles[TEST_WINDOWS] = {
        [TEST_NOTES] = "Notes",
        [TEST_PHOTO] = "Evening at the lake",
        [TEST_TERMINAL] = "What light in glass needs, there and back",
        [TEST_MOTION] = "Motion",
        [TEST_TRY] = "Try it"};
    static void (*const contents[TEST_WINDOWS])(const struct test_desktop *, struct canvas *) = {
        [TEST_NOTES] = paint_notes,
        [TEST_PHOTO] = paint_photo,
        [TEST_TERMINAL] = paint_terminal,
        [TEST_MOTION] = paint_motion,
        [TEST_TRY] = paint_try};
    struct box b = d->window[w], title = {b.x0, b.y0, b.x1, b.y0 + TEST_DESKTOP_TITLE_PX};
    bool top = d->order[TEST_WINDOWS - 1] == w;

    if (box_empty(box_meet(c->clip, box_grow(b, TEST_DESKTOP_SHADOW_PX))))
        return;
    canvas_shadow(c, box_grow((struct box){b.x0, b.y0 + 4, b.x1, b.y1}, -2),
                  TEST_DESKTOP_SHADOW_PX - 4, 90);
    canvas_fill(c, (struct box){b.x0, title.y1 - 1, b.x1, b.y1}, EDGE);
    canvas_cap(c, title, CORNER_PX, top ? 0x2f8fa3 : 0xf2f5f6, top ? 0x1f7486 : 0xd9e0e4);
    canvas_disc(c, (struct canvas_point){(b.x0 + 17) * 64, (b.y0 + 14) * 64}, 5 * 64,
                top ? 0xf2b544 : 0xb3c0c8, 255);
    canvas_label(c, d->bold, b.x0 + 32, b.y0 + 6, top ? 0xffffff : PALE, words(titles[w]));
    canvas_fill(c, (struct box){b.x0 + 1, title.y1, b.x1 - 1, b.y1 - 1}, PAPER);
    struct box was = clip_to(c, (struct box){b.x0 + 1, title.y1, b.x1 - 1, b.y1 - 1});
    contents[w](d, c);
    c->clip = was;
}

static void paint_panel(const struct test_desktop *d, struct canvas *c)
{
    struct box b = {0, 0, (int32_t)d->width, TEST_DESKTOP_PANEL_PX};
    struct box clock = test_desktop_part(d, TEST_PART_CLOCK);
    unsigned s = (unsigned)(d->seconds % 360000);
    char text[16];
    int32_t x;

    if (box_empty(box_meet(c->clip, b)))
        return;
    canvas_fill(c, b, 0x14283a);
    canvas_disc(c, (struct canvas_point){18 * 64, 15 * 64}, 5 * 64, ORANGE, 255);
    canvas_line(c, (struct canvas_point){24 * 64, 15 * 64}, (struct canvas_point){36 * 64, 15 * 64},
                64, 0xffffff);
    canvas_disc(c, (struct canvas_point){42 * 64, 15 * 64}, 5 * 64, 0x2f9aa0, 255);
    x = canvas_label(c, d->bold, 56, 7, 0xffffff, words("farspan"));
    canvas_label(c, d->text, x + 10, 7, 0x9fb6c6, words("built-in test desktop"));
    snprintf(text, sizeof text, "%02u:%02u:%02u", s / 3600, s / 60 % 60, s % 60);
    canvas_text(c, d->bold, clock.x0 + 4, 7, 0xffffff, words(text));
}

void test_paint_all(const struct test_desktop *d, struct canvas *c)
{
    canvas_copy(c, (struct box){0, 0, (int32_t)d->width, (int32_t)d->height}, d->wallpaper,
                d->width);
    for (int i = 0; i < TEST_WINDOWS; i++)
        paint_window(d, c, d->order[i]);
    paint_panel(d, c);
}
