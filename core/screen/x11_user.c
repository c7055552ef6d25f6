#include "core/screen/x11_user.h"

#include <string.h>

#include "core/base/log.h"
#include "core/screen/keysym.h"
#include "core/screen/x11_xkb.h"

enum { EVDEV_OFFSET = 8, GROUP_SHIFT = 13 };

static void push(struct x11_user *u, struct input_event e)
{
    struct input_event *last =
        &u->queue[(u->first + u->queued + X11_USER_QUEUE - 1) % X11_USER_QUEUE];

    if (e.kind == INPUT_MOVE && u->queued && last->kind == INPUT_MOVE) {
        *last = e;
        return;
    }
    /* Nobody takes them: better none than a press without its release. */
    if (u->queued == X11_USER_QUEUE) {
        u->queued = 0;
        push(u, (struct input_event){.kind = INPUT_RELEASE});
    }
    u->queue[(u->first + u->queued++) % X11_USER_QUEUE] = e;
}

static void move_to(struct x11_user *u, const struct x11_view *view, int16_t x, int16_t y)
{
    struct input_event e = {.kind = INPUT_MOVE};

    x11_view_to_picture(view, x, y, &e.x, &e.y);
    push(u, e);
}

static enum x11_user_wish wish_of(uint32_t keysym, uint16_t state)
{
    const uint16_t both = X11_KEYMAP_CONTROL | X11_KEYMAP_ALT;

    if ((state & both) != both)
        return X11_USER_NONE;
    if (keysym == KEYSYM_RETURN)
        return X11_USER_FULL_SCREEN;
    return keysym == 'i' || keysym == 'I' ? X11_USER_STATUS : X11_USER_NONE;
}

static enum x11_user_wish key(struct x11_user *u, struct x11_conn *x,
                              const xcb_key_press_event_t *e, bool down)
{
    if (u->stale) {
        u->stale = false;
        enum err err = x11_xkb_load(x, X11_XKB_CORE, &u->map);
        if (err)
            log_warn("X display %s: its keyboard mapping cannot be read: %s", x->display,
                     err_text(err));
    }
    uint32_t keysym = x11_keymap_sym(&u->map, e->detail, (uint8_t)e->state,
                                     e->state >> GROUP_SHIFT & (X11_KEYMAP_GROUPS - 1));
    enum x11_user_wish wish = down ? wish_of(keysym, e->state) : X11_USER_NONE;
    if (wish)
        return wish;
    /* Its press was not told: it was a wish, or came before the focus. */
    if (!down && !u->pressed[e->detail])
        return X11_USER_NONE;
    if (!down)
        keysym = u->pressed[e->detail];
    uint32_t scancode = u->evdev && e->detail > EVDEV_OFFSET ? e->detail - EVDEV_OFFSET : 0;
    if (!keysym && !scancode)
        return X11_USER_NONE;
    /* A key without a keysym is known as pressed by a value that no keysym has. */
    u->pressed[e->detail] = down ? (keysym ? keysym : UINT32_MAX) : 0;
    push(u, (struct input_event){.kind = INPUT_KEY,
                                 .down = down,
                                 .keysym = keysym == UINT32_MAX ? 0 : keysym,
                                 .scancode = scancode});
    return X11_USER_NONE;
}

static void button(struct x11_user *u, const struct x11_view *view,
                   const xcb_button_press_event_t *e, bool down)
{
    static const int8_t wheel[4][2] = {{0, -1}, {0, 1}, {-1, 0}, {1, 0}};

    move_to(u, view, e->event_x, e->event_y);
    if (e->detail >= 4 && e->detail <= 7) {
        if (down)
            push(u, (struct input_event){.kind = INPUT_SCROLL,
                                         .dx = wheel[e->detail - 4][0],
                                         .dy = wheel[e->detail - 4][1]});
        return;
    }
    push(u, (struct input_event){.kind = INPUT_BUTTON, .down = down, .button = e->detail});
}

enum x11_user_wish x11_user_take(struct x11_user *u, struct x11_conn *x,
                                 const struct x11_view *view, const xcb_generic_event_t *e)
{
    const xcb_motion_notify_event_t *motion = (const void *)e;

    u->stale |= x11_xkb_is_change(x, e);
    switch (e->response_type & 0x7f) {
    case XCB_KEY_PRESS:
    case XCB_KEY_RELEASE:
        return key(u, x, (const void *)e, (e->response_type & 0x7f) == XCB_KEY_PRESS);
    case XCB_BUTTON_PRESS:
    case XCB_BUTTON_RELEASE:
        button(u, view, (const void *)e, (e->response_type & 0x7f) == XCB_BUTTON_PRESS);
        break;
    case XCB_MOTION_NOTIFY:
        move_to(u, view, motion->event_x, motion->event_y);
        break;
    case XCB_FOCUS_OUT:
        memset(u->pressed, 0, sizeof u->pressed);
        push(u, (struct input_event){.kind = INPUT_RELEASE});
        break;
    default:
        break;
    }
    return X11_USER_NONE;
}

bool x11_user_next(struct x11_user *u, struct input_event *out)
{
    if (u->queued == 0)
        return false;
    *out = u->queue[u->first];
    u->first = (u->first + 1) % X11_USER_QUEUE;
    u->queued--;
    return true;
}

void x11_user_init(struct x11_user *u, struct x11_conn *x)
{
    memset(u, 0, sizeof *u);
    if (!x->xkb) {
        log_warn("X display %s has no XKB: its keyboard is not read", x->display);
        return;
    }
    x11_xkb_detectable_repeat(x);
    x11_xkb_watch(x, X11_XKB_CORE);
    u->evdev = x11_xkb_is_evdev(x);
    u->stale = true;
}

void x11_user_release(struct x11_user *u)
{
    x11_keymap_release(&u->map);
}
