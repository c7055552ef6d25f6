/* Keys that are held down, and the records of the desk that speak of them. */
#include <string.h>

#include "core/base/num.h"
#include "core/screen/held.h"
#include "tests/unit/test.h"

static struct input_event key(uint32_t keysym, uint32_t scancode, bool down)
{
    return (struct input_event){
        .kind = INPUT_KEY, .keysym = keysym, .scancode = scancode, .down = down};
}

static struct input_event button(uint32_t number, bool down)
{
    return (struct input_event){.kind = INPUT_BUTTON, .button = number, .down = down};
}

static bool follow(struct held *h, struct input_event e)
{
    return held_follow(h, &e);
}

static void what_goes_down_comes_up(void)
{
    struct held h = {.count = 0};
    struct input_event up;

    EXPECT(follow(&h, key('a', 30, true)));
    EXPECT(follow(&h, key('a', 30, true))); /* a repeat */
    EXPECT(follow(&h, button(1, true)));
    EXPECT(follow(&h, (struct input_event){.kind = INPUT_MOVE}));
    EXPECT_EQ(h.count, 2);
    /* Known by its scancode, whatever it means now; a button is no key. */
    EXPECT(follow(&h, key('A', 30, false)));
    EXPECT(!follow(&h, key('A', 30, false)));
    EXPECT(!follow(&h, key(1, 0, false)));
    EXPECT_EQ(h.count, 1);
    EXPECT(held_let_go(&h, &up));
    EXPECT(up.kind == INPUT_BUTTON && up.button == 1 && !up.down);
    EXPECT(!held_let_go(&h, &up));
}

static void last_pressed_goes_up_first(void)
{
    struct held h = {.count = 0};
    struct input_event up;

    for (uint32_t i = 1; i <= 3; i++)
        EXPECT(follow(&h, key(i, 0, true)));
    EXPECT(follow(&h, key(2, 0, false)));
    EXPECT(held_let_go(&h, &up));
    EXPECT_EQ(up.keysym, 3);
    EXPECT(held_let_go(&h, &up));
    EXPECT_EQ(up.keysym, 1);
}

static void more_than_two_hands_is_left_out(void)
{
    struct held h = {.count = 0};

    for (uint32_t i = 1; i <= HELD_MAX; i++)
        EXPECT(follow(&h, key(i, 0, true)));
    EXPECT(!follow(&h, key(100, 0, true)));
    EXPECT(follow(&h, key(1, 0, true)));
    EXPECT_EQ(h.count, HELD_MAX);
    EXPECT(follow(&h, key(7, 0, false)));
    EXPECT(follow(&h, key(100, 0, true)));
}

static void modifiers_are_told_from_locks(void)
{
    static const uint32_t are[] = {0xffe1, 0xffe4, 0xffe9, 0xffeb, 0xfe03};
    static const uint32_t are_not[] = {'a', 0xffe5, 0xffe6, 0xff7f, 0xff0d, 0xfe08};

    for (size_t i = 0; i < COUNT_OF(are); i++) {
        struct input_event e = key(are[i], 0, true);
        EXPECT(held_is_modifier(&e));
    }
    for (size_t i = 0; i < COUNT_OF(are_not); i++) {
        struct input_event e = key(are_not[i], 0, true);
        EXPECT(!held_is_modifier(&e));
    }
    struct input_event b = button(0xffe1, true);
    EXPECT(!held_is_modifier(&b));
}

static void a_record_says_what_is_down(void)
{
    struct held h = {.count = 0}, got = {.count = 0};
    struct desk_record r = {.kind = DESK_HELD}, back;
    uint8_t space[DESK_RECORD_BYTES + 16];
    struct wr w = wr_of(space, sizeof space);
    size_t used;

    EXPECT(follow(&h, button(3, true)));
    while (follow(&h, key(0xffffffff - (uint32_t)h.count, 0xffffff00 + (uint32_t)h.count, true)))
        continue;
    held_tell(&h, &r);
    desk_put_record(&w, &r);
    EXPECT(!w.full);
    EXPECT_EQ(desk_get_record(wr_done(&w), &back, &used), OK);
    EXPECT_EQ(used, w.n);
    held_hear(&got, &back);
    EXPECT_EQ(got.count, HELD_MAX);
    for (size_t i = 0; i < HELD_MAX; i++) {
        EXPECT_EQ(got.down[i].kind, h.down[i].kind);
        EXPECT(got.down[i].down);
        EXPECT_EQ(got.down[i].scancode, h.down[i].scancode);
        EXPECT_EQ(got.down[i].keysym, h.down[i].keysym);
        EXPECT_EQ(got.down[i].button, h.down[i].button);
    }
    for (size_t n = 0; n < w.n; n++)
        EXPECT_EQ(desk_get_record(bytes_of(space, n), &back, &used), ERR_AGAIN);
}

static void bad_records_are_refused(void)
{
    struct desk_record r;
    size_t used;
    /* One key more than there may be, a kind of thing that is none, bytes that are not there. */
    static const uint8_t many[] = {DESK_HELD, 2 << 2, (DESK_MAX_HELD + 1) << 2, 0};
    static const uint8_t thing[] = {DESK_HELD, 7 << 2, 1 << 2, 2, 0, 0, 0, 0, 0};
    static const uint8_t cut[] = {DESK_HELD, 3 << 2, 1 << 2, 0, 0};
    static const uint8_t more[] = {DESK_HELD, 8 << 2, 1 << 2, 0, 0, 0, 0, 0, 0, 0};
    static const uint8_t good[] = {DESK_HELD, 7 << 2, 1 << 2, 1, 0, 0, 0, 0, 0};

    EXPECT_EQ(desk_get_record(bytes_of(many, sizeof many), &r, &used), ERR_MALFORMED);
    EXPECT_EQ(desk_get_record(bytes_of(thing, sizeof thing), &r, &used), ERR_MALFORMED);
    EXPECT_EQ(desk_get_record(bytes_of(cut, sizeof cut), &r, &used), ERR_MALFORMED);
    EXPECT_EQ(desk_get_record(bytes_of(more, sizeof more), &r, &used), ERR_MALFORMED);
    EXPECT_EQ(desk_get_record(bytes_of(good, sizeof good), &r, &used), OK);
}

TEST_MAIN({"what_goes_down_comes_up", what_goes_down_comes_up},
          {"last_pressed_goes_up_first", last_pressed_goes_up_first},
          {"more_than_two_hands_is_left_out", more_than_two_hands_is_left_out},
          {"modifiers_are_told_from_locks", modifiers_are_told_from_locks},
          {"a_record_says_what_is_down", a_record_says_what_is_down},
          {"bad_records_are_refused", bad_records_are_refused})
