/* What an X server says of its keyboard: the first 8 bytes are what the reply's head says about its
 * body, the rest is the body. What was read must be fit to be asked and to be changed. */

#include "core/base/check.h"
#include "core/base/rd.h"
#include "core/screen/x11_keymap.h"
#include "tests/fuzz/fuzz.h"

static void ask(const struct x11_keymap *m)
{
    static uint8_t space[64 * 1024];
    struct x11_keymap_state state = {.mods = X11_KEYMAP_LOCK, .locked = X11_KEYMAP_LOCK};
    struct x11_keymap_plan plan;
    struct x11_keymap_patch patch;

    for (unsigned k = 0; k < 256; k++) {
        struct x11_keymap_change change[] = {{(uint8_t)k, 'x'}, {(uint8_t)(k / 2), 0}};
        uint32_t sym = x11_keymap_sym(m, (uint8_t)k, (uint8_t)(k * 7), k % 5);
        if (sym && x11_keymap_find(m, sym, (uint8_t)k, &state, &plan))
            CHECK(plan.group < X11_KEYMAP_GROUPS);
        if (x11_keymap_is_spare(m, (uint8_t)k))
            CHECK(m->key[k].groups == 0 || sym == 0);
        (void)x11_keymap_encode(m, change, 2, space, sizeof space, &patch);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct x11_keymap m;
    struct rd head = rd_of(bytes_of(data, n));
    struct x11_keymap_shape s = {rd_u8(&head), rd_u8(&head), rd_u8(&head), rd_u8(&head),
                                 rd_u8(&head), rd_u8(&head), rd_u16(&head)};
    uint8_t *copy = fuzz_copy(head.p, head.left);

    if (x11_keymap_decode(&m, &s, bytes_of(copy, head.left)) == OK)
        ask(&m);
    CHECK(m.syms <= s.syms);
    x11_keymap_release(&m);
    free(copy);
    return 0;
}
