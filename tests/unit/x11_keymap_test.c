#include <string.h>

#include "core/base/rng.h"
#include "core/base/wr.h"
#include "core/screen/keysym.h"
#include "core/screen/x11_keymap.h"
#include "tests/unit/test.h"

enum { SHIFT = 1, LOCK = 2, CONTROL = 4, ALT = 8, NUM = 16, LEVEL3 = 128 };

/* The types of the keyboard below. */
enum { ONE, TWO, ALPHABETIC, FOUR, KEYPAD };

static void put_type(struct wr *w, uint8_t mask, uint8_t levels, const uint8_t (*rows)[2],
                     uint8_t n)
{
    wr_u8(w, mask);
    wr_u8(w, mask);
    wr_u16(w, 0);
    wr_u8(w, levels);
    wr_u8(w, n);
    wr_u8(w, 1);
    wr_u8(w, 0);
    for (int i = 0; i < n; i++) {
        wr_u8(w, 1);
        wr_u8(w, rows[i][0]);
        wr_u8(w, rows[i][1]);
        wr_u8(w, rows[i][0]);
        wr_u32(w, 0);
    }
    for (int i = 0; i < n; i++)
        wr_u32(w, 0);
}

/* Where each key's record begins in the body below. */
static size_t key_at[16];
static unsigned key_count;

static void put_key(struct wr *w, uint8_t type, uint8_t groups, uint8_t width, const uint32_t *syms)
{
    key_at[key_count++] = wr_done(w).n;
    for (int g = 0; g < 4; g++)
        wr_u8(w, type);
    wr_u8(w, groups);
    wr_u8(w, width);
    wr_u16(w, groups * width);
    for (int i = 0; i < groups * width; i++)
        wr_u32(w, syms[i]);
}

#define KEY(type, groups, width, ...)                                                              \
    put_key(&w, type, groups, width, (const uint32_t[]){__VA_ARGS__})

/* A keyboard of keycodes 10 to 21, as XkbGetMap tells it. */
static size_t keyboard(uint8_t *to, size_t room, struct x11_keymap_shape *shape)
{
    struct wr w = wr_of(to, room);

    key_count = 0;

    put_type(&w, 0, 1, NULL, 0);
    put_type(&w, SHIFT, 2, (const uint8_t[][2]){{SHIFT, 1}}, 1);
    put_type(&w, SHIFT | LOCK, 2, (const uint8_t[][2]){{SHIFT, 1}, {LOCK, 1}}, 2);
    put_type(&w, SHIFT | LEVEL3, 4,
             (const uint8_t[][2]){{SHIFT, 1}, {LEVEL3, 2}, {SHIFT | LEVEL3, 3}}, 3);
    put_type(&w, SHIFT | NUM, 2, (const uint8_t[][2]){{SHIFT, 1}, {NUM, 1}}, 2);
    KEY(ALPHABETIC, 1, 2, 'a', 'A');               /* 10 */
    KEY(TWO, 1, 2, '7', '/');                      /* 11 */
    KEY(FOUR, 1, 4, 0xdf, '?', '\\', 0xbf);        /* 12 */
    KEY(ALPHABETIC, 2, 2, 'q', 'Q', 0x6ca, 0x6ea); /* 13: Cyrillic short i */
    KEY(KEYPAD, 1, 2, 0xff9c, 0xffb1);             /* 14: KP_End, KP_1 */
    KEY(ONE, 1, 1, KEYSYM_SHIFT_L);                /* 15 */
    KEY(ONE, 1, 1, KEYSYM_LEVEL3);                 /* 16 */
    KEY(ONE, 1, 1, 0xff7f);                        /* 17: Num_Lock */
    KEY(ONE, 1, 1, KEYSYM_CONTROL_L);              /* 18 */
    KEY(TWO, 1, 2, KEYSYM_ALT_L, KEYSYM_META_L);   /* 19 */
    KEY(ONE, 0, 0, 0);                             /* 20: spare */
    KEY(ONE, 1, 1, 0);                             /* 21: spare */
    static const uint8_t modmap[][2] = {
        {15, SHIFT}, {16, LEVEL3}, {17, NUM}, {18, CONTROL}, {19, ALT}};
    for (size_t i = 0; i < 5; i++) {
        wr_u8(&w, modmap[i][0]);
        wr_u8(&w, modmap[i][1]);
    }
    *shape = (struct x11_keymap_shape){
        .min = 10, .max = 21, .types = 5, .first_key = 10, .keys = 12, .modmaps = 5, .syms = 21};
    return wr_done(&w).n;
}

static bool load(struct x11_keymap *m)
{
    uint8_t body[1024];
    struct x11_keymap_shape shape;
    size_t n = keyboard(body, sizeof body, &shape);

    return x11_keymap_decode(m, &shape, bytes_of(body, n)) == OK;
}

static struct x11_keymap map;

/* A plan as "group keycode +pressed -let_go ~unlocked", -1 when there is none. */
static long long plan(uint32_t keysym, uint8_t prefer, struct x11_keymap_state now)
{
    struct x11_keymap_plan p = {0};

    if (!x11_keymap_find(&map, keysym, prefer, &now, &p))
        return -1;
    return (long long)p.group << 32 | p.keycode << 24 | p.press << 16 | p.let_go << 8 | p.unlock;
}

static long long is(uint8_t group, uint8_t keycode, uint8_t press, uint8_t let_go, uint8_t unlock)
{
    return (long long)group << 32 | keycode << 24 | press << 16 | let_go << 8 | unlock;
}

static void presses_give_keysyms(void)
{
    EXPECT(load(&map));
    EXPECT_EQ(x11_keymap_sym(&map, 10, 0, 0), 'a');
    EXPECT_EQ(x11_keymap_sym(&map, 10, SHIFT, 0), 'A');
    EXPECT_EQ(x11_keymap_sym(&map, 10, LOCK, 0), 'A');
    EXPECT_EQ(x11_keymap_sym(&map, 10, LOCK | SHIFT, 0), 'a');
    EXPECT_EQ(x11_keymap_sym(&map, 10, CONTROL | ALT, 3), 'a');
    EXPECT_EQ(x11_keymap_sym(&map, 12, LEVEL3 | SHIFT, 0), 0xbf);
    EXPECT_EQ(x11_keymap_sym(&map, 13, 0, 1), 0x01000439);
    EXPECT_EQ(x11_keymap_sym(&map, 13, 0, 3), 0x01000439);
    EXPECT_EQ(x11_keymap_sym(&map, 20, 0, 0), 0);
    EXPECT_EQ(x11_keymap_sym(&map, 200, 0, 0), 0);
    EXPECT(x11_keymap_is_spare(&map, 20) && x11_keymap_is_spare(&map, 21));
    EXPECT(!x11_keymap_is_spare(&map, 15) && !x11_keymap_is_spare(&map, 10));
    x11_keymap_release(&map);
}

static void keysyms_are_found(void)
{
    const struct x11_keymap_state none = {0}, caps = {LOCK, LOCK, 0, 0},
                                  shift = {SHIFT, 0, SHIFT, 0}, stuck = {SHIFT, 0, 0, 0},
                                  num = {NUM, NUM, 0, 0}, russian = {0, 0, 0, 1},
                                  ctrl_alt = {CONTROL | ALT, 0, CONTROL | ALT, 0};

    EXPECT(load(&map));
    EXPECT_EQ(plan('a', 0, none), is(0, 10, 0, 0, 0));
    EXPECT_EQ(plan('A', 0, none), is(0, 10, SHIFT, 0, 0));
    EXPECT_EQ(plan('\\', 0, none), is(0, 12, LEVEL3, 0, 0));
    EXPECT_EQ(plan(0xbf, 0, none), is(0, 12, LEVEL3 | SHIFT, 0, 0));
    EXPECT_EQ(plan('b', 0, none), -1);
    EXPECT_EQ(plan(0, 0, none), -1);
    /* Caps Lock. */
    EXPECT_EQ(plan('a', 0, caps), is(0, 10, SHIFT, 0, 0));
    EXPECT_EQ(plan('A', 0, caps), is(0, 10, 0, 0, 0));
    EXPECT_EQ(plan('7', 0, caps), is(0, 11, 0, 0, 0));
    EXPECT_EQ(plan(0xdf, 0, caps), is(0, 12, 0, 0, LOCK));
    /* Shift that we hold, and Shift that somebody else holds. */
    EXPECT_EQ(plan('7', 0, shift), is(0, 11, 0, SHIFT, 0));
    EXPECT_EQ(plan('/', 0, shift), is(0, 11, 0, 0, 0));
    EXPECT_EQ(plan('7', 0, stuck), -1);
    EXPECT_EQ(plan('/', 0, stuck), is(0, 11, 0, 0, 0));
    /* The keypad. */
    EXPECT_EQ(plan(0xffb1, 0, none), is(0, 14, SHIFT, 0, 0));
    EXPECT_EQ(plan(0xffb1, 0, num), is(0, 14, 0, 0, 0));
    EXPECT_EQ(plan(0xff9c, 0, num), is(0, 14, SHIFT, 0, 0));
    /* Groups; Unicode and legacy forms are one. */
    EXPECT_EQ(plan(0x01000439, 0, none), is(1, 13, 0, 0, 0));
    EXPECT_EQ(plan(0x6ca, 0, russian), is(1, 13, 0, 0, 0));
    EXPECT_EQ(plan('q', 0, russian), is(0, 13, 0, 0, 0));
    EXPECT_EQ(plan('a', 0, russian), is(1, 10, 0, 0, 0));
    /* Modifiers are pressed as they are; others than those of levels stay. */
    EXPECT_EQ(plan(KEYSYM_ALT_L, 0, shift), is(0, 19, 0, 0, 0));
    EXPECT_EQ(plan(KEYSYM_META_L, 19, shift), is(0, 19, 0, 0, 0));
    EXPECT_EQ(plan('A', 0, ctrl_alt), is(0, 10, SHIFT, 0, 0));
    x11_keymap_release(&map);
}

static void one_key_is_preferred_among_equals(void)
{
    const struct x11_keymap_state none = {0};

    EXPECT(load(&map));
    map.key[20] = map.key[10];
    EXPECT_EQ(plan('a', 20, none), is(0, 20, 0, 0, 0));
    EXPECT_EQ(plan('a', 10, none), is(0, 10, 0, 0, 0));
    EXPECT_EQ(plan('a', 13, none), is(0, 10, 0, 0, 0));
    x11_keymap_release(&map);
}

/* A changed mapping, put together from the old body and the patch, decodes to what was meant. */
static void changes_leave_the_rest(void)
{
    static const struct x11_keymap_change changes[] = {
        {20, 0x3b1 + KEYSYM_UNICODE}, {12, 0}, {14, 'x'}};
    uint8_t body[1024], patched[2048];
    struct x11_keymap_shape shape;
    struct x11_keymap_patch patch;
    size_t n = keyboard(body, sizeof body, &shape), before = key_at[2], after = key_at[11];

    EXPECT_EQ(x11_keymap_decode(&map, &shape, bytes_of(body, n)), OK);
    size_t size = x11_keymap_encode(&map, changes, 3, NULL, 0, &patch);
    EXPECT_EQ(patch.first_key, 12);
    EXPECT_EQ(patch.keys, 9);
    memcpy(patched, body, before);
    EXPECT_EQ(x11_keymap_encode(&map, changes, 3, patched + before, size, &patch), size);
    memcpy(patched + before + size, body + after, n - after);
    /* Keys 13 and 15 to 19 are in between. */
    size_t same = key_at[4] - key_at[3];
    EXPECT(!memcmp(patched + before + 8, body + key_at[3], same));
    x11_keymap_release(&map);
    shape.syms = 64;
    EXPECT_EQ(x11_keymap_decode(&map, &shape, bytes_of(patched, before + size + n - after)), OK);
    EXPECT(x11_keymap_is_spare(&map, 12));
    EXPECT_EQ(x11_keymap_sym(&map, 14, SHIFT, 0), 'x');
    EXPECT_EQ(x11_keymap_sym(&map, 20, LEVEL3, 1), 0x010003b1);
    EXPECT_EQ(x11_keymap_sym(&map, 13, SHIFT, 1), 0x01000419);
    EXPECT_EQ(x11_keymap_sym(&map, 19, SHIFT, 0), KEYSYM_META_L);
    EXPECT_EQ(x11_keymap_sym(&map, 11, SHIFT, 0), '/');
    EXPECT_EQ(map.key[18].modmap, CONTROL);
    x11_keymap_release(&map);
}

static void bad_bodies_are_refused(void)
{
    uint8_t body[1024];
    struct x11_keymap_shape shape, bent;
    struct rng rng;
    size_t n = keyboard(body, sizeof body, &shape);

    for (size_t cut = 0; cut < n; cut++) {
        EXPECT_EQ(x11_keymap_decode(&map, &shape, bytes_of(body, cut)), ERR_MALFORMED);
        EXPECT(map.sym == NULL);
    }
    bent = shape;
    bent.syms--;
    EXPECT_EQ(x11_keymap_decode(&map, &bent, bytes_of(body, n)), ERR_MALFORMED);
    bent = shape;
    bent.first_key = 250;
    EXPECT_EQ(x11_keymap_decode(&map, &bent, bytes_of(body, n)), ERR_MALFORMED);
    /* Whatever a server says: nothing is read or written outside. */
    rng_seed(&rng, 3);
    for (int i = 0; i < 20000; i++) {
        uint8_t copy[1024];
        memcpy(copy, body, n);
        for (int j = 0; j < 3; j++)
            copy[rng_below(&rng, n)] = (uint8_t)rng_u64(&rng);
        if (x11_keymap_decode(&map, &shape, bytes_of(copy, n)) == OK) {
            for (unsigned k = 0; k < 256; k++)
                (void)x11_keymap_sym(&map, (uint8_t)k, (uint8_t)i, (uint8_t)(i & 3));
            (void)plan('A', 0, (struct x11_keymap_state){(uint8_t)i, 0, 0, (uint8_t)(i & 3)});
            x11_keymap_release(&map);
        }
    }
}

TEST_MAIN({"presses_give_keysyms", presses_give_keysyms}, {"keysyms_are_found", keysyms_are_found},
          {"one_key_is_preferred_among_equals", one_key_is_preferred_among_equals},
          {"changes_leave_the_rest", changes_leave_the_rest},
          {"bad_bodies_are_refused", bad_bodies_are_refused})
