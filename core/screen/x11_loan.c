#include "core/screen/x11_loan.h"

#include <string.h>

#include <xcb/xtest.h>

#include "core/base/log.h"
#include "core/base/num.h"
#include "core/screen/x11_xkb.h"

/* ---- the note ---- */

static void write_note(const struct x11_loan *l, struct x11_conn *x)
{
    uint32_t pairs[2 * X11_LOAN_SLOTS + 2];
    uint32_t n = 0;

    if (!l->owner)
        return;
    if (l->repeat_off) {
        pairs[n++] = 0;
        pairs[n++] = 1;
    }
    for (size_t i = 0; i < l->count; i++)
        if (l->slot[i].keysym) {
            pairs[n++] = l->slot[i].keycode;
            pairs[n++] = l->slot[i].keysym;
        }
    xcb_change_property(x->c, XCB_PROP_MODE_REPLACE, x->screen->root, l->note, XCB_ATOM_CARDINAL,
                        32, n, pairs);
}

static void switch_repeat(struct x11_conn *x, bool on)
{
    const uint32_t mode = on ? XCB_AUTO_REPEAT_MODE_ON : XCB_AUTO_REPEAT_MODE_OFF;

    xcb_change_keyboard_control(x->c, XCB_KB_AUTO_REPEAT_MODE, &mode);
}

/* Lets go of every key that XTEST holds down; keys held by hand stay down. */
static void release_all(struct x11_conn *x)
{
    xcb_query_keymap_reply_t *r = x11_conn_demand(x, xcb_query_keymap(x->c).sequence);

    for (unsigned k = 8; r && k < 256; k++)
        if (r->keys[k / 8] >> (k % 8) & 1)
            xcb_test_fake_input(x->c, XCB_KEY_RELEASE, (uint8_t)k, 0, x->screen->root, 0, 0, 0);
    x11_conn_drop(r);
}

/* Undoes what the note of a killed process says, as far as it still holds. */
static enum err clean_up(struct x11_loan *l, struct x11_conn *x,
                         const xcb_get_property_reply_t *note)
{
    const uint32_t *v = xcb_get_property_value(note);
    size_t n = note->format == 32 ? (size_t)xcb_get_property_value_length(note) / 4 : 0, count = 0;
    struct x11_keymap_change changes[X11_LOAN_SLOTS];
    enum err e = OK;

    log_info("X display %s: giving back what a killed farspan had borrowed", x->display);
    release_all(x);
    for (size_t i = 0; i + 1 < n && count < X11_LOAN_SLOTS; i += 2) {
        if (v[i] == 0)
            switch_repeat(x, true);
        else if (v[i] <= 255 && v[i + 1] &&
                 x11_keymap_sym(l->map, (uint8_t)v[i], 0, 0) == x11_keymap_canonical(v[i + 1]))
            changes[count++] = (struct x11_keymap_change){(uint8_t)v[i], 0};
    }
    if (count)
        e = x11_xkb_change(x, l->device, l->map, changes, count);
    xcb_delete_property(x->c, x->screen->root, l->note);
    return e;
}

/* Becomes the one who keeps the note, when nobody does, and reads what the last one left. */
static enum err claim(struct x11_loan *l, struct x11_conn *x)
{
    xcb_atom_t input = x11_conn_atom(x, "_FARSPAN_INPUT");
    unsigned asked = xcb_get_selection_owner(x->c, input).sequence;
    unsigned noted = xcb_get_property(x->c, 0, x->screen->root, l->note, XCB_ATOM_CARDINAL, 0,
                                      2 * X11_LOAN_SLOTS + 2)
                         .sequence;
    xcb_get_selection_owner_reply_t *owner = x11_conn_demand(x, asked);
    xcb_get_property_reply_t *note = x11_conn_demand(x, noted);
    enum err e = OK;

    if (owner && owner->owner == XCB_NONE) {
        if (note && note->type != XCB_NONE)
            e = clean_up(l, x, note);
        l->owner = xcb_generate_id(x->c);
        xcb_create_window(x->c, 0, l->owner, x->screen->root, 0, 0, 1, 1, 0,
                          XCB_WINDOW_CLASS_INPUT_ONLY, XCB_COPY_FROM_PARENT, 0, NULL);
        xcb_set_selection_owner(x->c, l->owner, input, XCB_CURRENT_TIME);
        write_note(l, x);
    }
    x11_conn_drop(owner);
    x11_conn_drop(note);
    return e;
}

enum err x11_loan_init(struct x11_loan *l, struct x11_conn *x, uint16_t device,
                       struct x11_keymap *map)
{
    *l = (struct x11_loan){.device = device, .map = map};
    l->note = x11_conn_atom(x, "_FARSPAN_LOAN");
    enum err e = x11_xkb_load(x, device, map);
    if (!e)
        e = claim(l, x);
    return e ? e : x11_loan_refresh(l, x);
}

/* ---- keycodes ---- */

void x11_loan_learn(struct x11_loan *l)
{
    const struct x11_keymap *map = l->map;
    struct x11_loan old = *l;

    l->count = 0;
    for (unsigned k = map->max; k >= map->min && k > 0 && l->count < X11_LOAN_SLOTS; k--) {
        bool ours = false;
        for (size_t i = 0; i < old.count && !ours; i++) {
            uint32_t keysym = x11_keymap_canonical(old.slot[i].keysym);
            ours = old.slot[i].keycode == k && keysym &&
                   x11_keymap_sym(map, (uint8_t)k, 0, 0) == keysym;
            if (ours)
                l->slot[l->count++] = old.slot[i];
        }
        if (!ours && x11_keymap_is_spare(map, (uint8_t)k)) {
            l->slot[l->count].keycode = (uint8_t)k;
            l->slot[l->count].keysym = 0;
            l->slot[l->count++].used_us = 0;
        }
    }
}

/* The slot unused for longest, free ones first; there is at least one. */
static size_t oldest(const struct x11_loan *l)
{
    size_t best = 0;

    for (size_t i = 1; i < l->count; i++)
        if (l->slot[i].used_us < l->slot[best].used_us)
            best = i;
    return best;
}

bool x11_loan_room(const struct x11_loan *l, uint64_t now_us, uint64_t *when_us)
{
    *when_us = UINT64_MAX;
    if (l->count == 0)
        return false;
    size_t i = oldest(l);
    *when_us = l->slot[i].keysym ? l->slot[i].used_us + X11_LOAN_REST_US : 0;
    return *when_us <= now_us;
}

/* Lends as x11_loan_lend does, with the mapping just read: what somebody else changes in the 100 us
 * before ours would be lost. Grabbing the server against that could wait for another's grab. */
static enum err lend(struct x11_loan *l, struct x11_conn *x, const uint32_t *keysyms, size_t count,
                     uint64_t now_us, size_t *lent)
{
    struct x11_keymap_change changes[X11_LOAN_SLOTS];
    uint64_t when_us;

    while (*lent < count && *lent < X11_LOAN_SLOTS && x11_loan_room(l, now_us, &when_us)) {
        size_t i = oldest(l);
        l->slot[i].keysym = keysyms[*lent];
        l->slot[i].used_us = now_us;
        changes[*lent] = (struct x11_keymap_change){l->slot[i].keycode, keysyms[*lent]};
        ++*lent;
    }
    if (*lent == 0)
        return OK;
    l->used = true;
    write_note(l, x);
    return x11_xkb_change(x, l->device, l->map, changes, *lent);
}

enum err x11_loan_lend(struct x11_loan *l, struct x11_conn *x, const uint32_t *keysyms,
                       size_t count, uint64_t now_us, size_t *lent)
{
    *lent = 0;
    enum err e = x11_loan_refresh(l, x);
    if (!e)
        e = lend(l, x, keysyms, count, now_us, lent);
    return e ? e : x11_loan_refresh(l, x);
}

enum err x11_loan_refresh(struct x11_loan *l, struct x11_conn *x)
{
    enum err e = x11_xkb_load(x, l->device, l->map);

    if (!e)
        x11_loan_learn(l);
    return e;
}

void x11_loan_touch(struct x11_loan *l, uint8_t keycode, uint64_t now_us)
{
    for (size_t i = 0; i < l->count; i++)
        if (l->slot[i].keycode == keycode)
            l->slot[i].used_us = now_us;
}

/* ---- repeat ---- */

void x11_loan_stop_repeat(struct x11_loan *l, struct x11_conn *x)
{
    if (l->repeat_off)
        return;
    xcb_get_keyboard_control_reply_t *r =
        x11_conn_demand(x, xcb_get_keyboard_control(x->c).sequence);
    l->repeat_off = r && r->global_auto_repeat == XCB_AUTO_REPEAT_MODE_ON;
    x11_conn_drop(r);
    if (!l->repeat_off)
        return;
    write_note(l, x);
    switch_repeat(x, false);
}

void x11_loan_allow_repeat(struct x11_loan *l, struct x11_conn *x)
{
    if (!l->repeat_off)
        return;
    switch_repeat(x, true);
    l->repeat_off = false;
    write_note(l, x);
}

static void unmap_all(struct x11_loan *l, struct x11_conn *x)
{
    struct x11_keymap_change changes[X11_LOAN_SLOTS];
    size_t n = 0;

    enum err e = x11_loan_refresh(l, x);
    for (size_t i = 0; i < l->count; i++)
        if (l->slot[i].keysym) {
            changes[n++] = (struct x11_keymap_change){l->slot[i].keycode, 0};
            l->slot[i].keysym = 0;
        }
    if (n && !e)
        e = x11_xkb_change(x, l->device, l->map, changes, n);
    if (e)
        log_warn("X display %s: spare keycodes are not given back: %s", x->display, err_text(e));
}

void x11_loan_return(struct x11_loan *l, struct x11_conn *x)
{
    if (x->gone)
        return;
    x11_loan_allow_repeat(l, x);
    if (l->used)
        x11_conn_linger(x, X11_LOAN_REST_US / 1000);
    unmap_all(l, x);
    l->used = false;
    if (l->owner) {
        xcb_delete_property(x->c, x->screen->root, l->note);
        xcb_destroy_window(x->c, l->owner);
        l->owner = 0;
    }
    /* Closing the connection must not overtake what was asked for. */
    x11_conn_drop(x11_conn_demand(x, xcb_get_input_focus(x->c).sequence));
}
