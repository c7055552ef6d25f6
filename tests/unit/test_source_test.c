#include <string.h>

#include "core/base/heap.h"
#include "core/base/num.h"
#include "core/base/rng.h"
#include "core/screen/keysym.h"
#include "core/screen/source.h"
#include "core/screen/test_source.h"
#include "tests/unit/test.h"

enum { START_US = 5000000, S = 1000000, MAX_PX = 640 * 400 };

static uint32_t before[MAX_PX];

static struct source *open_test(const char *name)
{
    struct source *s = NULL;
    char reason[200];

    return source_open(name, 0, START_US, &s, reason, sizeof reason) == OK ? s : NULL;
}

static enum err try_name(const char *name)
{
    struct source *s = NULL;
    char reason[300] = "";
    enum err e = source_open(name, 0, START_US, &s, reason, sizeof reason);

    if (s)
        s->ops->free(s);
    else if (!reason[0])
        return ERR_COUNT;
    return e;
}

static void names_are_checked(void)
{
    static const char *const good[] = {"test", "test:64x64", "test:640x480,idle", "test,busy"};
    static const char *const bad[] = {"test:",
                                      "test:640",
                                      "test:640x",
                                      "test:x480",
                                      "test:63x64",
                                      "test:64x63",
                                      "test:0x0",
                                      "test:640x480x",
                                      "test:640x480,",
                                      "test:640x480,fast",
                                      "test:16385x64",
                                      "test:16384x16384",
                                      "test:999999999999x64",
                                      "test:-1x64",
                                      "test: 64x64",
                                      "testing",
                                      "nothing",
                                      ""};

    for (size_t i = 0; i < COUNT_OF(good); i++)
        EXPECT_EQ(try_name(good[i]), OK);
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        EXPECT(try_name(bad[i]) == ERR_USAGE || try_name(bad[i]) == ERR_NOT_FOUND);
}

static void keep(const struct source_frame *f)
{
    memcpy(before, f->pixels.px, (size_t)f->pixels.width * f->pixels.height * sizeof before[0]);
}

/* Whether every pixel that differs from `before` lies in the damage. */
static bool damage_covers(const struct source_frame *f)
{
    for (uint32_t y = 0; y < f->pixels.height; y++)
        for (uint32_t x = 0; x < f->pixels.width; x++) {
            size_t at = (size_t)y * f->pixels.width + x, i = 0;
            if (f->pixels.px[at] == before[at])
                continue;
            for (; i < f->damage_count; i++) {
                const struct rect *r = &f->damage[i];
                if (x >= r->x && x - r->x < r->width && y >= r->y && y - r->y < r->height)
                    break;
            }
            if (i == f->damage_count)
                return false;
        }
    return true;
}

static uint64_t damaged_px(const struct source_frame *f)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < f->damage_count; i++)
        sum += (uint64_t)f->damage[i].width * f->damage[i].height;
    return sum;
}

/* Runs the source until `until_us`, with damage checked against pixels; false where it lies. */
static bool run(struct source *s, uint64_t until_us)
{
    struct source_frame f;
    uint64_t now_us;

    while ((now_us = s->ops->deadline_us(s)) <= until_us) {
        if (s->ops->poll(s, now_us) != OK || !s->ops->damaged(s))
            return false;
        if (s->ops->capture(s, now_us, false, &f) != OK || !damage_covers(&f))
            return false;
        keep(&f);
        if (s->ops->damaged(s) || s->ops->deadline_us(s) <= now_us)
            return false;
    }
    return true;
}

static void damage_tells_all(void)
{
    struct source *s = open_test("test:640x400");
    struct source_frame f;

    EXPECT(s && s->ops->damaged(s));
    EXPECT_EQ(s->ops->capture(s, START_US, false, &f), OK);
    EXPECT_EQ(damaged_px(&f), 640 * 400);
    keep(&f);
    EXPECT(run(s, START_US + 5 * S));
    EXPECT_EQ(s->ops->capture(s, START_US + 5 * S, true, &f), OK);
    EXPECT(f.whole && damaged_px(&f) == 640 * 400);
    EXPECT(memcmp(before, f.pixels.px, sizeof(uint32_t) * 640 * 400) == 0);
    s->ops->free(s);
}

static void rests_for_a_second(void)
{
    struct source *s = open_test("test:640x400");
    struct source_frame f;
    uint64_t now_us = START_US, longest_us = 0;

    EXPECT(s);
    while (now_us < START_US + 8 * S) {
        uint64_t next_us = s->ops->deadline_us(s);
        longest_us = num_max(longest_us, next_us - now_us);
        now_us = next_us;
        EXPECT_EQ(s->ops->poll(s, now_us), OK);
        EXPECT_EQ(s->ops->capture(s, now_us, false, &f), OK);
        EXPECT(f.damage_count > 0);
    }
    EXPECT_EQ(longest_us, S);
    s->ops->free(s);
}

static void same_time_same_picture(void)
{
    struct source *a = open_test("test:640x400"), *b = open_test("test:640x400");
    struct source_frame f, g;

    EXPECT(a && b);
    /* One is looked at often, the other once. */
    EXPECT_EQ(a->ops->capture(a, START_US, false, &f), OK);
    keep(&f);
    EXPECT(run(a, START_US + 3 * S + S / 2));
    EXPECT_EQ(b->ops->poll(b, START_US + 3 * S + S / 2), OK);
    EXPECT_EQ(b->ops->capture(b, START_US + 3 * S + S / 2, false, &g), OK);
    EXPECT(memcmp(before, g.pixels.px, sizeof(uint32_t) * 640 * 400) == 0);
    a->ops->free(a);
    b->ops->free(b);
}

static void idle_never_changes(void)
{
    struct source *s = open_test("test:640x400,idle");
    struct source_frame f;

    EXPECT(s && s->ops->deadline_us(s) == UINT64_MAX);
    EXPECT_EQ(s->ops->capture(s, START_US, false, &f), OK);
    EXPECT_EQ(s->ops->poll(s, START_US + 3600ull * S), OK);
    EXPECT(!s->ops->damaged(s));
    s->ops->free(s);
}

static void busy_never_rests(void)
{
    struct source *s = open_test("test:640x400,busy");
    struct source_frame f;

    EXPECT(s);
    EXPECT_EQ(s->ops->capture(s, START_US, false, &f), OK);
    for (int i = 1; i <= 150; i++) {
        uint64_t now_us = s->ops->deadline_us(s);
        EXPECT_EQ(now_us, START_US + num_div_up((uint64_t)i * S, 30));
        EXPECT_EQ(s->ops->poll(s, now_us), OK);
        EXPECT(s->ops->damaged(s));
        EXPECT_EQ(s->ops->capture(s, now_us, false, &f), OK);
    }
    s->ops->free(s);
}

static void act(struct source *s, struct input_event e)
{
    s->ops->input(s, START_US, &e);
}

static void tap(struct source *s, uint32_t keysym)
{
    act(s, (struct input_event){.kind = INPUT_KEY, .keysym = keysym, .down = true});
    act(s, (struct input_event){.kind = INPUT_KEY, .keysym = keysym});
}

/* Captures; gives how many pixels changed, or -1 when the damage does not cover them. */
static int64_t changed(struct source *s)
{
    struct source_frame f;
    int64_t count = 0;

    if (s->ops->capture(s, START_US, false, &f) != OK || !damage_covers(&f))
        return -1;
    for (size_t i = 0; i < (size_t)f.pixels.width * f.pixels.height; i++)
        count += f.pixels.px[i] != before[i];
    keep(&f);
    return count;
}

static void typing_shows_and_backspace_takes_back(void)
{
    static uint32_t empty[MAX_PX], typed[MAX_PX];
    struct source *s = open_test("test:640x400,idle");
    struct source_frame f;

    EXPECT(s && s->ops->capture(s, START_US, false, &f) == OK);
    keep(&f);
    tap(s, 'x'), tap(s, KEYSYM_BACKSPACE);
    EXPECT(changed(s) > 0);
    memcpy(empty, before, sizeof empty);
    tap(s, 'a'), tap(s, KEYSYM_UNICODE + 0x20ac), tap(s, KEYSYM_BACKSPACE);
    EXPECT(changed(s) > 0);
    memcpy(typed, before, sizeof typed);
    EXPECT(memcmp(empty, typed, sizeof empty) != 0);
    tap(s, KEYSYM_BACKSPACE);
    EXPECT(changed(s) > 0);
    EXPECT(memcmp(empty, before, sizeof empty) == 0);
    tap(s, KEYSYM_BACKSPACE);
    EXPECT_EQ(changed(s), 0);
    /* More than the field holds, and a line kept. */
    for (int i = 0; i < 300; i++)
        tap(s, KEYSYM_UNICODE + 0x1f600);
    tap(s, KEYSYM_RETURN);
    EXPECT(changed(s) > 0);
    s->ops->free(s);
}

static void modified_keys_type_nothing(void)
{
    static uint32_t upper[MAX_PX];
    struct source *s = open_test("test:640x400,idle");
    struct source_frame f;

    EXPECT(s && s->ops->capture(s, START_US, false, &f) == OK);
    keep(&f);
    tap(s, 'A');
    EXPECT(changed(s) > 0);
    memcpy(upper, before, sizeof upper);
    act(s, (struct input_event){.kind = INPUT_KEY, .keysym = KEYSYM_CONTROL_L, .down = true});
    tap(s, 'A');
    EXPECT_EQ(changed(s), 0);
    act(s, (struct input_event){.kind = INPUT_RELEASE});
    tap(s, 'A');
    EXPECT(changed(s) > 0);
    s->ops->free(s);
}

static void pointer_has_shapes_and_button_counts(void)
{
    struct source *s = open_test("test:640x400,idle");
    struct source_pointer p;
    struct source_frame f;
    bool seen[8] = {false};
    int64_t counted = 0;

    EXPECT(s && s->ops->capture(s, START_US, false, &f) == OK);
    keep(&f);
    for (int32_t y = 0; y < 400; y += 8)
        for (int32_t x = 0; x < 640; x += 8) {
            act(s, (struct input_event){.kind = INPUT_MOVE, .x = x, .y = y});
            EXPECT(s->ops->pointer(s, &p));
            EXPECT(p.visible && p.x == x && p.y == y && p.serial < 8);
            EXPECT(p.hot_x < p.width && p.hot_y < p.height);
            seen[p.serial] = true;
            if (p.serial != 3 || counted)
                continue;
            EXPECT(changed(s) >= 0);
            act(s, (struct input_event){.kind = INPUT_BUTTON, .button = 1, .down = true});
            EXPECT(changed(s) > 0);
            act(s, (struct input_event){.kind = INPUT_BUTTON, .button = 1});
            counted = changed(s);
            EXPECT(counted > 0);
        }
    EXPECT(counted && seen[1] && seen[2] && seen[3]);
    act(s, (struct input_event){.kind = INPUT_MOVE, .x = INT32_MAX, .y = INT32_MIN});
    EXPECT(s->ops->pointer(s, &p));
    EXPECT(p.x == 639 && p.y == 0);
    s->ops->free(s);
}

static void windows_are_dragged(void)
{
    struct source *s = open_test("test:640x400,idle");
    struct source_frame f;

    EXPECT(s && s->ops->capture(s, START_US, false, &f) == OK);
    keep(&f);
    for (int32_t i = 0; i < 60; i++) {
        act(s, (struct input_event){.kind = INPUT_MOVE, .x = 60 + i * 7, .y = 44 + i * 11});
        act(s, (struct input_event){.kind = INPUT_BUTTON, .button = 1, .down = true});
        act(s, (struct input_event){.kind = INPUT_MOVE, .x = i * 37 % 640, .y = i * 53 % 400});
        act(s, (struct input_event){.kind = INPUT_BUTTON, .button = 1});
        act(s, (struct input_event){.kind = INPUT_SCROLL, .dy = i % 5 - 2});
        EXPECT(changed(s) >= 0);
    }
    EXPECT_EQ(s->ops->capture(s, START_US, true, &f), OK);
    EXPECT(memcmp(before, f.pixels.px, sizeof(uint32_t) * 640 * 400) == 0);
    s->ops->free(s);
}

/* Numbers as somebody hostile would send them, and some that hit. */
static int32_t any_number(struct rng *r)
{
    static const int32_t edges[] = {INT32_MIN, INT32_MIN + 1, -1, 0, 1, 639, 640, INT32_MAX};

    if (rng_below(r, 4) == 0)
        return edges[rng_below(r, COUNT_OF(edges))];
    return rng_below(r, 8) ? (int32_t)rng_below(r, 640) : (int32_t)rng_u64(r);
}

static struct input_event any_event(struct rng *r)
{
    static const uint32_t keys[] = {KEYSYM_BACKSPACE, KEYSYM_RETURN, KEYSYM_HOME,    KEYSYM_END,
                                    KEYSYM_PAGE_UP,   KEYSYM_DOWN,   KEYSYM_SHIFT_L, KEYSYM_ESCAPE};
    struct input_event e = {.kind = (enum input_kind)rng_below(r, INPUT_RELEASE + 1),
                            .down = rng_below(r, 2),
                            .button = rng_below(r, 3) ? 1 : (uint32_t)rng_u64(r),
                            .x = any_number(r),
                            .y = any_number(r),
                            .dx = any_number(r),
                            .dy = any_number(r)};

    switch (rng_below(r, 3)) {
    case 0:
        e.keysym = keys[rng_below(r, COUNT_OF(keys))];
        break;
    case 1:
        e.keysym = KEYSYM_UNICODE + (uint32_t)rng_below(r, 0x120000);
        break;
    default:
        e.keysym = (uint32_t)rng_u64(r);
    }
    return e;
}

static void any_input_is_harmless(void)
{
    struct source *s = open_test("test:640x400,idle");
    struct source_frame f;
    struct rng r;

    EXPECT(s && s->ops->capture(s, START_US, false, &f) == OK);
    keep(&f);
    rng_seed(&r, 2);
    for (int i = 0; i < 4000; i++) {
        struct source_pointer p;
        act(s, any_event(&r));
        EXPECT(s->ops->pointer(s, &p));
        EXPECT(p.x >= 0 && p.x < 640 && p.y >= 0 && p.y < 400);
        EXPECT(i % 16 || changed(s) >= 0);
    }
    EXPECT(changed(s) >= 0);
    EXPECT_EQ(s->ops->capture(s, START_US, true, &f), OK);
    EXPECT(memcmp(before, f.pixels.px, sizeof(uint32_t) * 640 * 400) == 0);
    s->ops->free(s);
}

static void memory_may_run_out(void)
{
    struct source *s = NULL;
    char reason[200];

    for (uint64_t nth = 1;; nth++) {
        heap_fail_at(nth);
        enum err e = source_open("test:64x64", 0, START_US, &s, reason, sizeof reason);
        bool fired = heap_fault_fired();
        heap_fail_at(0);
        if (!fired) {
            EXPECT_EQ(e, OK);
            break;
        }
        EXPECT_EQ(e, ERR_MEMORY);
        EXPECT(!s);
    }
    s->ops->free(s);
}

TEST_MAIN({"names_are_checked", names_are_checked}, {"damage_tells_all", damage_tells_all},
          {"rests_for_a_second", rests_for_a_second},
          {"same_time_same_picture", same_time_same_picture},
          {"idle_never_changes", idle_never_changes}, {"busy_never_rests", busy_never_rests},
          {"typing_shows", typing_shows_and_backspace_takes_back},
          {"modified_keys_type_nothing", modified_keys_type_nothing},
          {"pointer_and_button", pointer_has_shapes_and_button_counts},
          {"windows_are_dragged", windows_are_dragged},
          {"any_input_is_harmless", any_input_is_harmless},
          {"memory_may_run_out", memory_may_run_out})
