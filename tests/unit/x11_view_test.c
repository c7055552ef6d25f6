#include <string.h>

#include "core/base/rng.h"
#include "core/screen/x11_view.h"
#include "tests/unit/test.h"

static void a_larger_window_has_margins(void)
{
    struct x11_view v = {100, 50, 201, 60, 0, 0};
    int32_t x, y;

    x11_view_origin(&v, &x, &y);
    EXPECT(x == 50 && y == 5);
    x11_view_to_picture(&v, 50, 5, &x, &y);
    EXPECT(x == 0 && y == 0);
    x11_view_to_picture(&v, 0, 59, &x, &y);
    EXPECT(x == 0 && y == 49);
    x11_view_to_picture(&v, -7, 1000, &x, &y);
    EXPECT(x == 0 && y == 49);
    struct rect r = x11_view_visible(&v, (struct rect){10, 20, 30, 5});
    EXPECT(r.x == 10 && r.y == 20 && r.width == 30 && r.height == 5);
}

static void a_smaller_window_reaches_every_pixel(void)
{
    for (uint32_t window = 8; window < 60; window++) {
        struct x11_view v = {60, 60, window, window, 0, 0};
        uint8_t reached[60] = {0};
        for (int32_t p = 0; p < (int32_t)window; p++) {
            int32_t left, top;
            v.pointer_x = v.pointer_y = p;
            x11_view_origin(&v, &left, &top);
            EXPECT(left <= 0 && left == top);
            struct rect r = x11_view_visible(&v, (struct rect){0, 0, 60, 60});
            EXPECT_EQ(r.width, window);
            EXPECT_EQ(r.x, -left);
            memset(reached + r.x, 1, r.width);
        }
        for (int i = 0; i < 60; i++)
            EXPECT(reached[i]);
    }
}

/* What is visible of a rectangle is inside it and inside the window. */
static void visible_parts_fit(void)
{
    struct rng rng;

    rng_seed(&rng, 9);
    for (int i = 0; i < 20000; i++) {
        uint32_t side[4];
        for (int j = 0; j < 4; j++)
            side[j] = (uint32_t)rng_below(&rng, 200);
        struct x11_view v = {1 + side[0],
                             1 + side[1],
                             side[2],
                             side[3],
                             (int32_t)rng_below(&rng, 300) - 50,
                             (int32_t)rng_below(&rng, 300) - 50};
        struct rect in = {(uint32_t)rng_below(&rng, v.picture_width),
                          (uint32_t)rng_below(&rng, v.picture_height), 0, 0};
        in.width = (uint32_t)rng_below(&rng, v.picture_width - in.x + 1);
        in.height = (uint32_t)rng_below(&rng, v.picture_height - in.y + 1);
        struct rect r = x11_view_visible(&v, in);
        int32_t left, top;
        x11_view_origin(&v, &left, &top);
        if (r.width == 0)
            continue;
        EXPECT(r.x >= in.x && r.x + r.width <= in.x + in.width);
        EXPECT(r.y >= in.y && r.y + r.height <= in.y + in.height);
        EXPECT((int32_t)r.x + left >= 0 &&
               (int32_t)(r.x + r.width) + left <= (int32_t)v.window_width);
        EXPECT((int32_t)r.y + top >= 0 &&
               (int32_t)(r.y + r.height) + top <= (int32_t)v.window_height);
    }
}

TEST_MAIN({"a_larger_window_has_margins", a_larger_window_has_margins},
          {"a_smaller_window_reaches_every_pixel", a_smaller_window_reaches_every_pixel},
          {"visible_parts_fit", visible_parts_fit})
