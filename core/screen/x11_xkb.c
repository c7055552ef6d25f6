#include "core/screen/x11_xkb.h"

#include <string.h>

#include <xcb/xkb.h>

#include "core/base/heap.h"
#include "core/base/num.h"

uint16_t x11_xkb_find_test(struct x11_conn *x)
{
    static const char name[] = "Virtual core XTEST keyboard";
    enum { IDS = 32 };
    unsigned asked[IDS];
    uint16_t found = X11_XKB_CORE;

    for (uint16_t id = 2; id < IDS; id++)
        asked[id] = xcb_xkb_get_device_info(x->c, id, 0, 0, 0, 0, XCB_XKB_LED_CLASS_DFLT_XI_CLASS,
                                            XCB_XKB_ID_DFLT_XI_ID)
                        .sequence;
    for (uint16_t id = 2; id < IDS; id++) {
        xcb_xkb_get_device_info_reply_t *r = x11_conn_demand(x, asked[id]);
        if (r && (size_t)xcb_xkb_get_device_info_name_length(r) >= sizeof name - 1 &&
            !memcmp(xcb_xkb_get_device_info_name(r), name, sizeof name - 1))
            found = id;
        x11_conn_drop(r);
    }
    return found;
}

void x11_xkb_watch(struct x11_conn *x, uint16_t device)
{
    const uint16_t which = XCB_XKB_EVENT_TYPE_NEW_KEYBOARD_NOTIFY | XCB_XKB_EVENT_TYPE_MAP_NOTIFY;
    const uint16_t parts =
        XCB_XKB_MAP_PART_KEY_TYPES | XCB_XKB_MAP_PART_KEY_SYMS | XCB_XKB_MAP_PART_MODIFIER_MAP;

    xcb_xkb_select_events(x->c, X11_XKB_CORE, which, 0, which, parts, parts, NULL);
    if (device != X11_XKB_CORE)
        xcb_xkb_select_events(x->c, device, which, 0, which, parts, parts, NULL);
}

bool x11_xkb_is_change(const struct x11_conn *x, const xcb_generic_event_t *e)
{
    uint8_t type = e->response_type & 0x7f;

    if (type == XCB_MAPPING_NOTIFY)
        return ((const xcb_mapping_notify_event_t *)e)->request != XCB_MAPPING_POINTER;
    return x->xkb && type == x->xkb_event &&
           (e->pad0 == XCB_XKB_NEW_KEYBOARD_NOTIFY || e->pad0 == XCB_XKB_MAP_NOTIFY);
}

enum err x11_xkb_load(struct x11_conn *x, uint16_t device, struct x11_keymap *m)
{
    const uint16_t parts =
        XCB_XKB_MAP_PART_KEY_TYPES | XCB_XKB_MAP_PART_KEY_SYMS | XCB_XKB_MAP_PART_MODIFIER_MAP;

    x11_keymap_release(m);
    xcb_xkb_get_map_reply_t *r = x11_conn_demand(
        x, xcb_xkb_get_map(x->c, device, parts, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
               .sequence);
    if (!r)
        return x->gone ? ERR_UNREACHABLE : ERR_MALFORMED;
    struct x11_keymap_shape shape = {
        .min = r->minKeyCode,
        .max = r->maxKeyCode,
        .types = r->nTypes,
        .first_key = r->firstKeySym,
        .keys = r->nKeySyms,
        .modmaps = r->totalModMapKeys,
        .syms = r->totalSyms,
    };
    /* Counted from the end of the 32 bytes that every reply has. */
    size_t whole = 32 + 4 * (size_t)r->length;
    struct bytes body = {(const uint8_t *)r + sizeof *r, num_sub0(whole, sizeof *r)};
    enum err e = (r->present & parts) == parts ? x11_keymap_decode(m, &shape, body) : ERR_MALFORMED;
    x11_conn_drop(r);
    return e;
}

static void send_change(struct x11_conn *x, uint16_t device, const struct x11_keymap *m,
                        const struct x11_keymap_patch *p, const uint8_t *body)
{
    xcb_xkb_set_map(x->c, device, XCB_XKB_MAP_PART_KEY_SYMS, 0, m->min, m->max, 0, 0, p->first_key,
                    p->keys, p->syms, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, body);
}

enum err x11_xkb_change(struct x11_conn *x, uint16_t device, const struct x11_keymap *m,
                        const struct x11_keymap_change *changes, size_t count)
{
    struct x11_keymap_patch patch;
    /* The core keyboard's stands for those of several devices, which may differ in between. */
    size_t step = device == X11_XKB_CORE ? 1 : count;

    for (size_t i = 0; i < count; i += step) {
        size_t bytes = x11_keymap_encode(m, &changes[i], step, NULL, 0, &patch);
        uint8_t *body = heap_alloc(bytes);
        if (!body)
            return ERR_MEMORY;
        x11_keymap_encode(m, &changes[i], step, body, bytes, &patch);
        send_change(x, device, m, &patch, body);
        heap_free(body);
    }
    return OK;
}

enum err x11_xkb_state(struct x11_conn *x, struct x11_xkb_state *out)
{
    xcb_xkb_get_state_reply_t *r =
        x11_conn_demand(x, xcb_xkb_get_state(x->c, X11_XKB_CORE).sequence);

    if (!r)
        return ERR_UNREACHABLE;
    *out = (struct x11_xkb_state){
        .mods = r->mods,
        .base = r->baseMods,
        .latched = r->latchedMods,
        .locked = r->lockedMods,
        .group = r->group,
        .locked_group = r->lockedGroup,
        .group_unlocked = (int8_t)(r->baseGroup + r->latchedGroup),
    };
    x11_conn_drop(r);
    return OK;
}

void x11_xkb_lock(struct x11_conn *x, uint8_t affect, uint8_t mods, int group)
{
    xcb_xkb_latch_lock_state(x->c, X11_XKB_CORE, affect, mods, group >= 0,
                             (uint8_t)(group >= 0 ? group : 0), 0, 0, 0);
}

void x11_xkb_detectable_repeat(struct x11_conn *x)
{
    const uint32_t flag = XCB_XKB_PER_CLIENT_FLAG_DETECTABLE_AUTO_REPEAT;

    xcb_discard_reply(x->c,
                      xcb_xkb_per_client_flags(x->c, X11_XKB_CORE, flag, flag, 0, 0, 0).sequence);
}

bool x11_xkb_is_evdev(struct x11_conn *x)
{
    xcb_xkb_get_names_value_list_t names;
    bool evdev = false;
    xcb_xkb_get_names_reply_t *r = x11_conn_demand(
        x, xcb_xkb_get_names(x->c, X11_XKB_CORE, XCB_XKB_NAME_DETAIL_KEYCODES).sequence);

    if (!r)
        return false;
    xcb_xkb_get_names_value_list_unpack(xcb_xkb_get_names_value_list(r), r->nTypes, r->indicators,
                                        r->virtualMods, r->groupNames, r->nKeys, r->nKeyAliases,
                                        r->nRadioGroups, r->which, &names);
    xcb_get_atom_name_reply_t *name =
        x11_conn_demand(x, xcb_get_atom_name(x->c, names.keycodesName).sequence);
    if (name)
        evdev = xcb_get_atom_name_name_length(name) >= 5 &&
                !memcmp(xcb_get_atom_name_name(name), "evdev", 5);
    x11_conn_drop(name);
    x11_conn_drop(r);
    return evdev;
}
