#include <string.h>

#include "core/screen/x11_loan.h"
#include "tests/unit/test.h"

/* A mapping of keycodes 8 to 15: all but 10 and 13 to 15 mean something. */
static struct x11_keymap map;
static uint32_t syms[256];

static void make_map(void)
{
    memset(&map, 0, sizeof map);
    map.min = 8;
    map.max = 15;
    map.sym = syms;
    map.types = 1;
    for (unsigned k = 8; k <= 15; k++) {
        bool spare = k == 10 || k >= 13;
        map.key[k] = (struct x11_keymap_key){.groups = 1, .width = 1, .first = k};
        syms[k] = spare ? 0 : 'a' + k;
    }
    map.key[9].modmap = 1;
}

static void spare_keycodes_are_found(void)
{
    struct x11_loan l = {.map = &map};
    uint64_t when_us;

    make_map();
    EXPECT(!x11_loan_room(&l, 1000, &when_us));
    EXPECT(when_us == UINT64_MAX);
    x11_loan_learn(&l);
    EXPECT_EQ(l.count, 4);
    EXPECT(l.slot[0].keycode == 15 && l.slot[3].keycode == 10);
    EXPECT(x11_loan_room(&l, 0, &when_us));
}

static void one_just_used_keeps_its_meaning(void)
{
    struct x11_loan l = {.map = &map};
    uint64_t when_us;

    make_map();
    x11_loan_learn(&l);
    for (size_t i = 0; i < l.count; i++) {
        l.slot[i].keysym = 0x01000400 + (uint32_t)i;
        l.slot[i].used_us = 1000 + i;
    }
    EXPECT(!x11_loan_room(&l, 2000, &when_us));
    EXPECT_EQ(when_us, 1000 + X11_LOAN_REST_US);
    EXPECT(x11_loan_room(&l, when_us, &when_us));
    x11_loan_touch(&l, 15, 3000);
    EXPECT(!x11_loan_room(&l, 1000 + X11_LOAN_REST_US, &when_us));
    EXPECT_EQ(when_us, 1001 + X11_LOAN_REST_US);
    x11_loan_touch(&l, 99, 9000);
    EXPECT(x11_loan_room(&l, 1001 + X11_LOAN_REST_US, &when_us));
}

/* Somebody loads another mapping: what is gone is forgotten, what is taken is not ours. */
static void a_new_mapping_is_learned(void)
{
    struct x11_loan l = {.map = &map};

    make_map();
    x11_loan_learn(&l);
    l.slot[0].keysym = 0x7e1; /* keycode 15: Greek alpha, in its legacy form */
    l.slot[1].keysym = 0x01000401;
    l.slot[2].keysym = 0x01000402;
    syms[15] = 0x010003b1;
    syms[14] = 0;
    syms[13] = 'x';
    x11_loan_learn(&l);
    EXPECT_EQ(l.count, 3);
    EXPECT(l.slot[0].keycode == 15 && l.slot[0].keysym == 0x7e1);
    EXPECT(l.slot[1].keycode == 14 && l.slot[1].keysym == 0);
    EXPECT(l.slot[2].keycode == 10 && l.slot[2].keysym == 0);
}

TEST_MAIN({"spare_keycodes_are_found", spare_keycodes_are_found},
          {"one_just_used_keeps_its_meaning", one_just_used_keeps_its_meaning},
          {"a_new_mapping_is_learned", a_new_mapping_is_learned})
