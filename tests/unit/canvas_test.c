#include <string.h>

#include "core/base/heap.h"
#include "core/base/rng.h"
#include "core/screen/canvas.h"
#include "core/screen/font.h"
#include "tests/unit/test.h"

enum { SIDE = 96, BACK = 0x123456 };

static uint32_t px[SIDE * SIDE];

static struct canvas whole(void)
{
    for (int i = 0; i < SIDE * SIDE; i++)
        px[i] = BACK;
    return (struct canvas){px, SIDE, {0, 0, SIDE, SIDE}};
}

static uint32_t at(int x, int y)
{
    return px[y * SIDE + x];
}

static void fonts_have_every_character(void)
{
    static const uint32_t heights[] = {FONT_MIN_PX, 16, 22, FONT_MAX_PX};

    for (size_t i = 1; i < font_table_count; i++)
        EXPECT(font_table[i - 1].code < font_table[i].code);
    for (uint32_t code = 0x20; code < 0x100; code++)
        EXPECT((code >= 0x7f && code < 0xa0) || font_index(code) < font_table_count);
    EXPECT_EQ(font_index(0x1f600), font_table_count);
    for (size_t h = 0; h < sizeof heights / sizeof heights[0]; h++) {
        struct font *f = font_new(heights[h], 70);
        EXPECT(f && f->height_px == heights[h] && f->width_px == heights[h] / 2);
        for (size_t i = 0; i <= font_table_count; i++) {
            uint32_t ink = 0;
            for (size_t k = 0; k < f->width_px * f->height_px; k++)
                ink += font_cell(f, i)[k];
            bool space = i < font_table_count && font_table[i].path && !font_table[i].path[0];
            EXPECT(space == (ink == 0));
            EXPECT(f->left[i] < f->width_px && f->advance[i] > 0);
        }
        font_free(f);
    }
}

static void letters_differ(void)
{
    struct font *f = font_new(16, 70);

    EXPECT(f);
    for (uint32_t a = 0x21; a < 0x7f; a++)
        for (uint32_t b = a + 1; b < 0x7f; b++)
            EXPECT(memcmp(font_cell(f, font_index(a)), font_cell(f, font_index(b)), 8 * 16) != 0);
    /* Stems lie on whole pixels: sharp at 16 px. */
    EXPECT_EQ(font_cell(f, font_index('H'))[6 * 8 + 1], 255);
    EXPECT_EQ(font_cell(f, font_index('H'))[4 * 8 + 3], 0);
    font_free(f);
}

static void fonts_without_memory(void)
{
    for (uint64_t nth = 1; nth <= 4; nth++) {
        heap_fail_at(nth);
        EXPECT(!font_new(16, 70));
    }
    heap_fail_at(0);
    font_free(NULL);
}

static void colours_mix(void)
{
    EXPECT_EQ(canvas_mix(0x102030, 0xffeedd, 0), 0x102030);
    EXPECT_EQ(canvas_mix(0x102030, 0xffeedd, 255), 0xffeedd);
    EXPECT_EQ(canvas_mix(0x000000, 0xffffff, 128), 0x808080);
}

static void boxes_meet_and_join(void)
{
    struct box a = {0, 0, 10, 10}, b = {5, -5, 20, 5}, none = {3, 3, 3, 9};
    struct box m = box_meet(a, b), j = box_join(a, b), k = box_join(none, a), l = box_join(a, none);

    EXPECT(m.x0 == 5 && m.y0 == 0 && m.x1 == 10 && m.y1 == 5);
    EXPECT(j.x0 == 0 && j.y0 == -5 && j.x1 == 20 && j.y1 == 10);
    EXPECT(memcmp(&k, &a, sizeof a) == 0 && memcmp(&l, &a, sizeof a) == 0);
    EXPECT(box_empty(box_meet(a, (struct box){10, 0, 12, 10})) && box_empty(none));
    EXPECT(box_has(a, 9, 9) && !box_has(a, 10, 9));
}

static void shapes_are_where_they_belong(void)
{
    struct canvas c = whole();
    struct canvas_point square[] = {
        {10 * 64, 10 * 64}, {20 * 64, 10 * 64}, {20 * 64, 20 * 64}, {10 * 64, 20 * 64}};

    canvas_convex(&c, square, 4, 0xff0000);
    EXPECT(at(10, 10) == 0xff0000 && at(19, 19) == 0xff0000);
    EXPECT(at(9, 10) == BACK && at(20, 19) == BACK && at(10, 20) == BACK);
    canvas_round(&c, (struct box){40, 40, 80, 60}, 8, 0x00ff00);
    EXPECT(at(40, 50) == 0x00ff00 && at(79, 50) == 0x00ff00 && at(60, 40) == 0x00ff00);
    EXPECT(at(40, 40) == BACK && at(79, 59) == BACK && at(39, 50) == BACK && at(80, 50) == BACK);
    canvas_disc(&c, (struct canvas_point){20 * 64, 80 * 64}, 10 * 64, 0x0000ff, 255);
    EXPECT(at(20, 80) == 0x0000ff && at(12, 80) == 0x0000ff && at(9, 80) == BACK);
    canvas_line(&c, (struct canvas_point){50 * 64, 80 * 64 + 32},
                (struct canvas_point){70 * 64, 80 * 64 + 32}, 32, 0xffffff);
    EXPECT(at(55, 80) == 0xffffff && at(55, 79) == BACK && at(55, 82) == BACK);
    canvas_cap(&c, (struct box){0, 60, 30, 68}, 4, 0xffffff, 0);
    EXPECT(at(0, 60) == BACK && at(15, 60) == 0xffffff && at(0, 67) == 0 && at(29, 67) == 0);
    canvas_shadow(&c, (struct box){60, 10, 80, 20}, 8, 200);
    EXPECT(at(70, 15) == BACK && at(70, 20) != BACK && at(70, 29) == BACK);
}

static void text_is_as_wide_as_it_says(void)
{
    struct canvas c = whole();
    struct font *f = font_new(16, 70);
    struct bytes text = bytes_of_string("Aé€\xff!");

    EXPECT(f);
    EXPECT_EQ(canvas_text(&c, f, 3, 40, 0xffffff, text), 3 + 5 * 8);
    EXPECT_EQ(canvas_label(&c, f, 3, 10, 0xffffff, text), 3 + canvas_label_width(f, text));
    EXPECT_EQ(canvas_label_width(f, bytes_of(NULL, 0)), 0);
    font_free(f);
}

static void draw_anything(struct canvas *c, struct rng *r, const struct font *f)
{
    int32_t v[8];

    for (int i = 0; i < 8; i++)
        v[i] = (int32_t)rng_below(r, 3 * SIDE) - SIDE;
    struct box b = box_at(v[0], v[1], (int32_t)rng_below(r, SIDE), (int32_t)rng_below(r, SIDE));
    struct canvas_point p[] = {
        {v[0] * 64, v[1] * 64}, {v[2] * 64, v[3] * 64}, {v[4] * 64, v[5] * 64}};
    switch (rng_below(r, 9)) {
    case 0:
        canvas_fill(c, b, 0xffffff);
        break;
    case 1:
        canvas_fade(c, b, 0xffffff, 0);
        break;
    case 2:
        canvas_round(c, b, (int32_t)rng_below(r, 20), 0xffffff);
        break;
    case 3:
        canvas_cap(c, b, (int32_t)rng_below(r, 20), 0xffffff, 0);
        break;
    case 4:
        canvas_shadow(c, b, 1 + (int32_t)rng_below(r, 30), 255);
        break;
    case 5:
        canvas_disc(c, p[0], (int32_t)rng_below(r, 60 * 64), 0xffffff, 255);
        break;
    case 6:
        canvas_line(c, p[0], p[1], (int32_t)rng_below(r, 6 * 64), 0xffffff);
        break;
    case 7:
        canvas_convex(c, p, 3, 0xffffff);
        break;
    default:
        canvas_label(c, f, v[0], v[1], 0xffffff, bytes_of_string("clipping"));
    }
}

/* What is drawn in two halves is what is drawn at once, and nothing is touched outside. */
static void clips_are_kept(void)
{
    static uint32_t once[SIDE * SIDE];
    struct font *f = font_new(16, 70);

    EXPECT(f);
    for (int round = 0; round < 3000; round++) {
        struct rng first, second, third;
        int32_t middle = round % (SIDE + 1);
        rng_seed(&first, (uint64_t)round);
        second = third = first;
        struct canvas c = whole();
        draw_anything(&c, &first, f);
        memcpy(once, px, sizeof once);
        c = whole();
        c.clip.x1 = middle;
        draw_anything(&c, &second, f);
        for (int i = 0; i < SIDE * SIDE; i++)
            EXPECT(i % SIDE < middle || px[i] == BACK);
        c.clip = (struct box){middle, 0, SIDE, SIDE};
        draw_anything(&c, &third, f);
        EXPECT(memcmp(once, px, sizeof once) == 0);
    }
    font_free(f);
}

TEST_MAIN({"fonts_have_every_character", fonts_have_every_character},
          {"letters_differ", letters_differ}, {"fonts_without_memory", fonts_without_memory},
          {"colours_mix", colours_mix}, {"boxes_meet_and_join", boxes_meet_and_join},
          {"shapes_are_where_they_belong", shapes_are_where_they_belong},
          {"text_is_as_wide_as_it_says", text_is_as_wide_as_it_says},
          {"clips_are_kept", clips_are_kept})
