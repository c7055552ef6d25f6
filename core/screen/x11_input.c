#include "core/screen/x11_input.h"

#include <string.h>

#include <xcb/xtest.h>

#include "core/base/log.h"
#include "core/base/num.h"
#include "core/screen/x11_xkb.h"

enum {
    GATHER_US = 2 * 1000,
    REPEAT_BACK_US = 1000 * 1000,
    MOST_NOTCHES = 32,
    EVDEV_OFFSET = 8,
    MOST_BUTTON = 31
};

/* ---- one act at the server ---- */

static void fake(struct x11_conn *x, uint8_t type, uint8_t detail)
{
    xcb_test_fake_input(x->c, type, detail, XCB_CURRENT_TIME, XCB_NONE, 0, 0, 0);
}

static void tap(struct x11_conn *x, bool press, uint8_t keycode)
{
    fake(x, press ? XCB_KEY_PRESS : XCB_KEY_RELEASE, keycode);
}

/* Presses or lets go of the keys that we hold and that set one of `mods`. */
static void tap_held(struct x11_input *in, struct x11_conn *x, bool press, uint8_t mods)
{
    for (size_t i = 0; i < in->held_count; i++)
        if (in->map.key[in->held[i].keycode].modmap & mods)
            tap(x, press, in->held[i].keycode);
}

/* Presses or lets go of the keys that stand for the modifiers `mods`. */
static void tap_mods(struct x11_input *in, struct x11_conn *x, bool press, uint8_t mods)
{
    for (int i = 0; i < 8; i++)
        if (mods >> i & 1)
            tap(x, press, in->map.mod_key[i]);
}

static void follow_plan(struct x11_input *in, struct x11_conn *x, const struct x11_xkb_state *now,
                        const struct x11_keymap_plan *p)
{
    bool regroup = p->group != now->group;
    bool relock = p->unlock || regroup;

    if (relock)
        x11_xkb_lock(x, p->unlock, 0,
                     regroup ? (p->group - now->group_unlocked) & (X11_KEYMAP_GROUPS - 1) : -1);
    tap_held(in, x, false, p->let_go);
    tap_mods(in, x, true, p->press);
    tap(x, true, p->keycode);
    tap_mods(in, x, false, p->press);
    tap_held(in, x, true, p->let_go);
    if (relock)
        x11_xkb_lock(x, p->unlock, p->unlock & now->locked, regroup ? now->locked_group : -1);
}

/* ---- keys held ---- */

static void let_go(struct x11_input *in, struct x11_conn *x, size_t i)
{
    tap(x, false, in->held[i].keycode);
    memmove(&in->held[i], &in->held[i + 1], (--in->held_count - i) * sizeof in->held[0]);
}

/* The key that the user lets go of: known by its place on the keyboard, else by its keysym, which
 * may have another level by now (Shift was let go of first). */
static size_t find_held(const struct x11_input *in, const struct input_event *e)
{
    for (size_t i = 0; i < in->held_count; i++)
        if (e->scancode ? in->held[i].scancode == e->scancode : in->held[i].keysym == e->keysym)
            return i;
    return in->held_count;
}

static void release_all(struct x11_input *in, struct x11_conn *x)
{
    while (in->held_count)
        let_go(in, x, in->held_count - 1);
    for (uint8_t b = 1; b <= MOST_BUTTON; b++)
        if (in->buttons >> b & 1)
            fake(x, XCB_BUTTON_RELEASE, b);
    in->buttons = 0;
}

static bool holds_letters(const struct x11_input *in)
{
    for (size_t i = 0; i < in->held_count; i++)
        if (!in->held[i].modifier)
            return true;
    return false;
}

/* ---- a key goes down ---- */

/* Reads the keyboard's state, and its mapping when that may have changed. */
static enum err look(struct x11_input *in, struct x11_conn *x, struct x11_xkb_state *now)
{
    /* The answer comes after all events about earlier changes. */
    enum err e = x11_xkb_state(x, now);

    if (e || !in->stale)
        return e;
    in->stale = false;
    e = x11_loan_refresh(&in->loan, x);
    if (e)
        log_warn("X display %s: its keyboard mapping cannot be read: %s", x->display, err_text(e));
    return e;
}

static bool plan_for(const struct x11_input *in, const struct x11_xkb_state *now,
                     const struct input_event *e, struct x11_keymap_plan *out)
{
    uint8_t ours = 0;

    for (size_t i = 0; i < in->held_count; i++)
        ours |= in->map.key[in->held[i].keycode].modmap;
    uint8_t fixed = now->base & (uint8_t)~ours;
    struct x11_keymap_state state = {
        .mods = now->base | now->locked,
        .locked = now->locked & (uint8_t)~fixed,
        .loose = now->base & ours,
        .group = now->group,
    };
    uint32_t place = e->scancode + EVDEV_OFFSET;
    uint8_t prefer = e->scancode && place <= in->map.max ? (uint8_t)place : 0;
    return x11_keymap_find(&in->map, e->keysym, prefer, &state, out);
}

/* The key at the same place of the keyboard, whatever it says there. */
static bool plan_by_place(const struct x11_input *in, const struct x11_xkb_state *now,
                          const struct input_event *e, struct x11_keymap_plan *out)
{
    uint32_t place = e->scancode + EVDEV_OFFSET;

    *out = (struct x11_keymap_plan){.keycode = (uint8_t)place, .group = now->group};
    return e->scancode && place >= in->map.min && place <= in->map.max;
}

/* Whether Control, Alt or Super is in effect: a shortcut, which means the key more than its sign.
 */
static bool is_shortcut(const struct x11_input *in, const struct x11_xkb_state *now)
{
    return now->base & ~(in->map.level_mods | X11_KEYMAP_SHIFT | X11_KEYMAP_LOCK);
}

/* Whether the mapping has `keysym` anywhere. */
static bool mapped(const struct x11_input *in, uint32_t keysym)
{
    uint32_t sym = x11_keymap_canonical(keysym);

    for (unsigned k = in->map.min; k <= in->map.max; k++) {
        const struct x11_keymap_key *key = &in->map.key[k];
        for (unsigned i = 0; i < (unsigned)key->groups * key->width; i++)
            if (in->map.sym[key->first + i] == sym)
                return true;
    }
    return false;
}

/* Collects the keysyms that the first event of the queue and later ones need keycodes for. */
static size_t wanted(const struct x11_input *in, uint32_t out[X11_LOAN_SLOTS])
{
    size_t n = 0;

    for (size_t i = 0; i < in->queued && n < X11_LOAN_SLOTS; i++) {
        const struct input_event *e = &in->queue[(in->first + i) % X11_INPUT_QUEUE];
        if (e->kind != INPUT_KEY || !e->down || !e->keysym || (i && mapped(in, e->keysym)))
            continue;
        bool twice = false;
        for (size_t j = 0; j < n; j++)
            twice |= out[j] == e->keysym;
        if (!twice)
            out[n++] = e->keysym;
    }
    return n;
}

/* Gets the first event of the queue a keycode. OK: look again. ERR_AGAIN: at wait_until_us.
 * ERR_NOT_FOUND: there is none to be had. */
static enum err borrow(struct x11_input *in, struct x11_conn *x, uint64_t now_us)
{
    uint32_t keysyms[X11_LOAN_SLOTS];
    uint64_t when_us;

    if (!in->gathered) {
        in->gathered = true;
        in->wait_until_us = now_us + GATHER_US;
        return ERR_AGAIN;
    }
    if (!x11_loan_room(&in->loan, now_us, &when_us)) {
        if (when_us == UINT64_MAX && !in->said_full)
            log_warn("X display %s: its keyboard mapping has no spare keycode for other characters",
                     x->display);
        in->said_full |= when_us == UINT64_MAX;
        in->wait_until_us = when_us;
        return when_us == UINT64_MAX ? ERR_NOT_FOUND : ERR_AGAIN;
    }
    size_t n = wanted(in, keysyms), lent;
    return x11_loan_lend(&in->loan, x, keysyms, n, now_us, &lent);
}

static void press(struct x11_input *in, struct x11_conn *x, const struct x11_xkb_state *now,
                  const struct input_event *e, const struct x11_keymap_plan *p, uint64_t now_us)
{
    bool modifier = x11_keymap_is_modifier(e->keysym) || in->map.key[p->keycode].modmap;

    for (size_t i = 0; i < in->held_count; i++)
        if (in->held[i].keycode == p->keycode) {
            /* A modifier that is down stays down; another sign on the same key takes it over. */
            if (modifier)
                return;
            let_go(in, x, i);
            break;
        }
    if (in->held_count == X11_INPUT_HELD)
        return;
    /* The user's own repeat comes over the network: one made here would go on through a stall. */
    if (!modifier)
        x11_loan_stop_repeat(&in->loan, x);
    follow_plan(in, x, now, p);
    x11_loan_touch(&in->loan, p->keycode, now_us);
    in->held[in->held_count++] =
        (struct x11_input_held){e->keysym, e->scancode, p->keycode, modifier};
}

/* ERR_AGAIN: not before wait_until_us. */
static enum err key_down(struct x11_input *in, struct x11_conn *x, uint64_t now_us,
                         const struct input_event *e)
{
    enum { MOST_TRIES = 3 };
    struct x11_xkb_state now;
    struct x11_keymap_plan plan;
    enum err err = OK;

    in->last_key_us = now_us;
    for (int i = 0; i < MOST_TRIES && !err; i++) {
        if ((err = look(in, x, &now)))
            return err;
        if (plan_for(in, &now, e, &plan) ||
            ((is_shortcut(in, &now) || !e->keysym) && plan_by_place(in, &now, e, &plan))) {
            press(in, x, &now, e, &plan, now_us);
            return OK;
        }
        if (!e->keysym)
            return OK;
        err = borrow(in, x, now_us);
    }
    if (err != ERR_AGAIN && plan_by_place(in, &now, e, &plan))
        press(in, x, &now, e, &plan, now_us);
    return err == ERR_AGAIN ? ERR_AGAIN : OK;
}

/* ---- the queue ---- */

static void button(struct x11_input *in, struct x11_conn *x, uint32_t n, bool down)
{
    if (n < 1 || n > MOST_BUTTON || (n >= 4 && n <= 7))
        return;
    if (down == (in->buttons >> n & 1))
        return;
    fake(x, down ? XCB_BUTTON_PRESS : XCB_BUTTON_RELEASE, (uint8_t)n);
    in->buttons ^= 1u << n;
}

static void scroll(struct x11_conn *x, int32_t notches, uint8_t less, uint8_t more)
{
    uint8_t n = notches < 0 ? less : more;

    for (int i = 0; i < MOST_NOTCHES && notches; i++, notches += notches < 0 ? 1 : -1) {
        fake(x, XCB_BUTTON_PRESS, n);
        fake(x, XCB_BUTTON_RELEASE, n);
    }
}

static void move(struct x11_conn *x, int32_t to_x, int32_t to_y)
{
    xcb_test_fake_input(x->c, XCB_MOTION_NOTIFY, 0, XCB_CURRENT_TIME, x->screen->root,
                        (int16_t)num_clamp((uint64_t)(to_x < 0 ? 0 : to_x), 0, INT16_MAX),
                        (int16_t)num_clamp((uint64_t)(to_y < 0 ? 0 : to_y), 0, INT16_MAX), 0);
}

static enum err act(struct x11_input *in, struct x11_conn *x, uint64_t now_us,
                    const struct input_event *e)
{
    size_t i;

    switch (e->kind) {
    case INPUT_KEY:
        if (e->down)
            return key_down(in, x, now_us, e);
        if ((i = find_held(in, e)) < in->held_count)
            let_go(in, x, i);
        break;
    case INPUT_MOVE:
        move(x, e->x, e->y);
        break;
    case INPUT_BUTTON:
        button(in, x, e->button, e->down);
        break;
    case INPUT_SCROLL:
        scroll(x, e->dy, 4, 5);
        scroll(x, e->dx, 6, 7);
        break;
    case INPUT_RELEASE:
        release_all(in, x);
        break;
    }
    return OK;
}

static void enqueue(struct x11_input *in, struct x11_conn *x, const struct input_event *e)
{
    struct input_event *last =
        &in->queue[(in->first + in->queued + X11_INPUT_QUEUE - 1) % X11_INPUT_QUEUE];

    if (e->kind == INPUT_MOVE && in->queued && last->kind == INPUT_MOVE) {
        *last = *e;
        return;
    }
    if (in->queued == X11_INPUT_QUEUE) {
        log_warn("X display %s: too much input at once, some of it is lost", x->display);
        in->queued = 0;
        release_all(in, x);
    }
    in->queue[(in->first + in->queued++) % X11_INPUT_QUEUE] = *e;
}

void x11_input_work(struct x11_input *in, struct x11_conn *x, uint64_t now_us)
{
    while (in->queued && now_us >= in->wait_until_us && !x->gone) {
        if (act(in, x, now_us, &in->queue[in->first]) == ERR_AGAIN)
            break;
        in->first = (in->first + 1) % X11_INPUT_QUEUE;
        in->queued--;
        in->wait_until_us = 0;
        in->gathered = false;
    }
    if (in->loan.repeat_off && !holds_letters(in) && now_us >= in->last_key_us + REPEAT_BACK_US)
        x11_loan_allow_repeat(&in->loan, x);
    if (!x->gone)
        xcb_flush(x->c);
}

void x11_input_act(struct x11_input *in, struct x11_conn *x, uint64_t now_us,
                   const struct input_event *e)
{
    if (!in->usable || x->gone)
        return;
    enqueue(in, x, e);
    x11_input_work(in, x, now_us);
}

uint64_t x11_input_deadline_us(const struct x11_input *in)
{
    uint64_t at_us = in->queued ? in->wait_until_us : UINT64_MAX;

    if (in->loan.repeat_off && !holds_letters(in))
        at_us = num_min(at_us, in->last_key_us + REPEAT_BACK_US);
    return at_us;
}

/* ---- from beginning to end ---- */

void x11_input_take(struct x11_input *in, const struct x11_conn *x, const xcb_generic_event_t *e)
{
    in->stale |= x11_xkb_is_change(x, e);
}

void x11_input_init(struct x11_input *in, struct x11_conn *x)
{
    memset(in, 0, sizeof *in);
    if (!x->xtest || !x->xkb) {
        log_warn("X display %s has no %s: it takes no input", x->display,
                 x->xtest ? "XKB" : "XTEST");
        return;
    }
    /* Another client's grab of the server must not stop us, nor what we type. */
    xcb_test_grab_control(x->c, 1);
    enum err e = x11_loan_init(&in->loan, x, x11_xkb_find_test(x), &in->map);
    if (e) {
        log_warn("X display %s: its keyboard mapping cannot be read (%s): it takes no input",
                 x->display, err_text(e));
        return;
    }
    x11_xkb_watch(x, in->loan.device);
    in->stale = true;
    in->usable = true;
}

void x11_input_release(struct x11_input *in, struct x11_conn *x)
{
    if (in->usable && !x->gone) {
        release_all(in, x);
        x11_loan_return(&in->loan, x);
    }
    x11_keymap_release(&in->map);
    in->usable = false;
}
