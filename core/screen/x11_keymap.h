/* x11_keymap: which keycode, group and modifiers give a keysym, and which keysym a press gives. */
#ifndef FARSPAN_X11_KEYMAP_H
#define FARSPAN_X11_KEYMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/bytes.h"
#include "core/base/err.h"

enum { X11_KEYMAP_GROUPS = 4, X11_KEYMAP_TYPES = 256, X11_KEYMAP_ENTRIES = 2048 };

/* Real modifiers, as bits of a state. Those above Control mean what the keymap says. */
enum {
    X11_KEYMAP_SHIFT = 1 << 0,
    X11_KEYMAP_LOCK = 1 << 1,
    X11_KEYMAP_CONTROL = 1 << 2,
    X11_KEYMAP_ALT = 1 << 3
};

/* One key. Level l of group g is sym[first + g * width + l]. */
struct x11_keymap_key {
    uint8_t groups;       /* 0: the key has no meaning */
    uint8_t out_of_range; /* groupInfo of XKB: what a group beyond means */
    uint8_t width;
    uint8_t type[X11_KEYMAP_GROUPS];
    uint8_t modmap; /* the modifiers that the key is bound to */
    uint32_t first;
};

/* A key type: modifiers to levels (The X Keyboard Extension, 7.2). */
struct x11_keymap_type {
    uint8_t mask;
    uint16_t first, count; /* of its entries */
};

/* One row of a type; modifiers that are in no row give level 0. */
struct x11_keymap_entry {
    bool active;
    uint8_t mods, level;
};

/* A keyboard mapping; the caller's storage, all zero when empty. */
struct x11_keymap {
    struct x11_keymap_key key[256];
    struct x11_keymap_type type[X11_KEYMAP_TYPES];
    struct x11_keymap_entry entry[X11_KEYMAP_ENTRIES];
    uint32_t *sym;       /* canonical (below) */
    const uint32_t *raw; /* as the server has them */
    size_t types, entries, syms;
    uint8_t min, max;   /* keycodes */
    uint8_t level_mods; /* modifiers that may be pressed or let go to reach a level */
    uint8_t mod_key[8]; /* the keycode that sets modifier i alone, 0: none */
};

/* What an XkbGetMap reply says about its body. */
struct x11_keymap_shape {
    uint8_t min, max, types, first_key, keys, modmaps;
    uint16_t syms;
};

/* Decodes the body of an XkbGetMap reply (XKB protocol, 16.3.6) that has key types, keysyms and
 * modifier map, all full, little-endian, and nothing else. `m` must be empty or released.
 * ERR_MALFORMED, ERR_LIMIT, ERR_MEMORY; `m` is then empty. */
enum err x11_keymap_decode(struct x11_keymap *m, const struct x11_keymap_shape *shape,
                           struct bytes body) MUST_USE;

/* A new meaning for a keycode: one keysym at every level, or none (0). */
struct x11_keymap_change {
    uint8_t keycode;
    uint32_t keysym;
};

/* What an XkbSetMap request says about its body: all keys from the first changed to the last. */
struct x11_keymap_patch {
    uint8_t first_key, keys;
    uint16_t syms;
};

/* Writes the keysyms of an XkbSetMap request (XKB protocol, 16.3.6) that makes `count` (> 0)
 * changes and leaves what lies between them as `m` has it, and what the request says about them to
 * *patch. Gives the bytes that it takes; nothing is written when that is more than `room`. */
size_t x11_keymap_encode(const struct x11_keymap *m, const struct x11_keymap_change *changes,
                         size_t count, uint8_t *to, size_t room, struct x11_keymap_patch *patch);

/* Frees what a keymap holds; an empty one is fine. */
void x11_keymap_release(struct x11_keymap *m);

/* The keysym that pressing `keycode` gives with these modifiers and this group, 0 for none. */
uint32_t x11_keymap_sym(const struct x11_keymap *m, uint8_t keycode, uint8_t mods, uint8_t group);

/* Whether a key has neither keysyms nor modifiers. */
bool x11_keymap_is_spare(const struct x11_keymap *m, uint8_t keycode);

/* The keyboard as it is before a press. */
struct x11_keymap_state {
    uint8_t mods;   /* in effect */
    uint8_t locked; /* of these, held by a lock, and by no key out of reach */
    uint8_t loose;  /* of these, held by keys that can be let go, and by no key out of reach */
    uint8_t group;
};

/* What to do for a keysym: bring the group and modifiers about, press `keycode`, put them back. */
struct x11_keymap_plan {
    uint8_t keycode;
    uint8_t group;  /* to be in effect */
    uint8_t press;  /* modifiers to press */
    uint8_t let_go; /* modifiers whose keys are to be let go */
    uint8_t unlock; /* modifiers whose locks are to be lifted */
};

/* Finds the cheapest way to type `keysym` (its legacy and Unicode forms count as one), preferring
 * `prefer` (0: none) among equals. Control, Alt and other modifiers that choose no level are left
 * as they are. False when the keymap has none. */
bool x11_keymap_find(const struct x11_keymap *m, uint32_t keysym, uint8_t prefer,
                     const struct x11_keymap_state *state, struct x11_keymap_plan *out);

/* Whether a keysym is a modifier or a lock: its key is pressed as it is, and never repeats. */
bool x11_keymap_is_modifier(uint32_t keysym);

/* One form for all keysyms that type the same character; the keypad's are left alone. */
uint32_t x11_keymap_canonical(uint32_t keysym);

#endif
