#include "core/screen/held.h"

#include <string.h>

#include "core/base/num.h"
#include "core/screen/keysym.h"

enum { MODE_SWITCH = 0xff7e, LEVEL5 = 0xfe11, HYPER_R = 0xffee };

static bool can_be_held(const struct input_event *e)
{
    return e->kind == INPUT_KEY || e->kind == INPUT_BUTTON;
}

static bool same(const struct input_event *a, const struct input_event *b)
{
    if (a->kind != b->kind)
        return false;
    if (a->kind == INPUT_BUTTON)
        return a->button == b->button;
    return a->scancode || b->scancode ? a->scancode == b->scancode : a->keysym == b->keysym;
}

static size_t find(const struct held *h, const struct input_event *e)
{
    size_t i = 0;

    while (i < h->count && !same(&h->down[i], e))
        i++;
    return i;
}

bool held_has(const struct held *h, const struct input_event *e)
{
    return can_be_held(e) && find(h, e) < h->count;
}

bool held_follow(struct held *h, const struct input_event *e)
{
    if (!can_be_held(e))
        return true;
    size_t i = find(h, e);
    if (e->down) {
        if (i == HELD_MAX)
            return false;
        h->down[i] = *e;
        h->count = num_max(h->count, i + 1);
        return true;
    }
    if (i == h->count)
        return false;
    memmove(&h->down[i], &h->down[i + 1], (--h->count - i) * sizeof h->down[0]);
    return true;
}

bool held_let_go(struct held *h, struct input_event *out)
{
    if (h->count == 0)
        return false;
    *out = h->down[--h->count];
    out->down = false;
    return true;
}

bool held_is_modifier(const struct input_event *e)
{
    uint32_t k = e->keysym;

    return e->kind == INPUT_KEY && ((k >= KEYSYM_SHIFT_L && k <= KEYSYM_CONTROL_R) ||
                                    (k >= KEYSYM_META_L && k <= HYPER_R) || k == KEYSYM_LEVEL3 ||
                                    k == LEVEL5 || k == MODE_SWITCH);
}

void held_tell(const struct held *h, struct desk_record *r)
{
    r->kind = DESK_HELD;
    r->held_count = (uint32_t)h->count;
    for (size_t i = 0; i < h->count; i++) {
        const struct input_event *e = &h->down[i];
        bool button = e->kind == INPUT_BUTTON;
        r->held[i] = (struct desk_held){
            .button = button, .keysym = e->keysym, .code = button ? e->button : e->scancode};
    }
}

void held_hear(struct held *h, const struct desk_record *r)
{
    h->count = 0;
    for (uint32_t i = 0; i < r->held_count; i++) {
        const struct desk_held *d = &r->held[i];
        struct input_event e = {.kind = INPUT_KEY, .down = true};
        if (d->button) {
            e.kind = INPUT_BUTTON;
            e.button = d->code;
        } else {
            e.keysym = d->keysym;
            e.scancode = d->code;
        }
        (void)!held_follow(h, &e);
    }
}
