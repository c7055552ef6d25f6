#include "core/screen/x11_keymap.h"

#include <string.h>

#include "core/base/heap.h"
#include "core/base/num.h"
#include "core/base/rd.h"
#include "core/base/wr.h"
#include "core/screen/keysym.h"

enum {
    ISO_LEVEL3_SHIFT = 0xfe03,
    ISO_LEVEL5_SHIFT = 0xfe11,
    MODE_SWITCH = 0xff7e,
    NUM_LOCK = 0xff7f
};

/* ---- decoding ---- */

static enum err decode_types(struct x11_keymap *m, struct rd *r, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct x11_keymap_type *t = &m->type[m->types++];
        t->mask = rd_u8(r);
        (void)rd_bytes(r, 4); /* unresolved modifiers, number of levels */
        uint8_t rows = rd_u8(r);
        bool preserve = rd_u8(r);
        (void)rd_u8(r);
        if (m->entries + rows > X11_KEYMAP_ENTRIES)
            return ERR_LIMIT;
        t->first = (uint16_t)m->entries;
        t->count = rows;
        for (uint8_t j = 0; j < rows; j++) {
            struct x11_keymap_entry *e = &m->entry[m->entries++];
            e->active = rd_u8(r);
            e->mods = rd_u8(r);
            e->level = rd_u8(r);
            (void)rd_bytes(r, 5);
        }
        if (preserve)
            (void)rd_bytes(r, 4u * rows);
    }
    return OK;
}

static enum err decode_keys(struct x11_keymap *m, struct rd *r, const struct x11_keymap_shape *s)
{
    uint32_t *raw = m->sym + s->syms;

    m->raw = raw;
    for (unsigned i = 0; i < s->keys && !r->bad; i++) {
        if (s->first_key + i > 255)
            return ERR_MALFORMED;
        struct x11_keymap_key *k = &m->key[s->first_key + i];
        for (int g = 0; g < X11_KEYMAP_GROUPS; g++)
            k->type[g] = rd_u8(r);
        uint8_t info = rd_u8(r);
        k->width = rd_u8(r);
        uint16_t count = rd_u16(r);
        k->groups = info & 15;
        k->out_of_range = info & 0xf0;
        k->first = (uint32_t)m->syms;
        if (k->groups > X11_KEYMAP_GROUPS || k->groups * k->width > count ||
            m->syms + count > s->syms)
            return ERR_MALFORMED;
        for (uint16_t j = 0; j < count; j++, m->syms++) {
            raw[m->syms] = rd_u32(r);
            m->sym[m->syms] = x11_keymap_canonical(raw[m->syms]);
        }
        for (int g = 0; g < k->groups; g++)
            if (k->type[g] >= m->types)
                return ERR_MALFORMED;
    }
    return OK;
}

static void decode_modmap(struct x11_keymap *m, struct rd *r, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint8_t keycode = rd_u8(r);
        m->key[keycode].modmap = rd_u8(r);
    }
}

/* Finds the keys that choose levels: those that set one of the modifiers which types are made of,
 * and do nothing else. */
static void find_level_keys(struct x11_keymap *m)
{
    static const uint32_t holders[] = {KEYSYM_SHIFT_L, KEYSYM_SHIFT_R, ISO_LEVEL3_SHIFT,
                                       ISO_LEVEL5_SHIFT};

    m->level_mods = X11_KEYMAP_LOCK;
    for (unsigned k = m->min; k <= m->max; k++) {
        uint32_t sym = x11_keymap_sym(m, (uint8_t)k, 0, 0);
        uint8_t mods = m->key[k].modmap;
        if (sym == NUM_LOCK)
            m->level_mods |= mods;
        for (size_t h = 0; h < sizeof holders / sizeof holders[0]; h++)
            if (sym == holders[h] && mods && !(mods & (mods - 1)) &&
                !m->mod_key[__builtin_ctz(mods)]) {
                m->mod_key[__builtin_ctz(mods)] = (uint8_t)k;
                m->level_mods |= mods;
            }
    }
    m->level_mods &= (uint8_t) ~(X11_KEYMAP_CONTROL | X11_KEYMAP_ALT);
}

enum err x11_keymap_decode(struct x11_keymap *m, const struct x11_keymap_shape *shape,
                           struct bytes body)
{
    struct rd r = rd_of(body);
    enum err e;

    memset(m, 0, sizeof *m);
    m->min = shape->min;
    m->max = shape->max;
    if (!(m->sym = heap_array(2 * (size_t)shape->syms, sizeof *m->sym)))
        return ERR_MEMORY;
    if ((e = decode_types(m, &r, shape->types)) || (e = decode_keys(m, &r, shape)))
        goto out;
    decode_modmap(m, &r, shape->modmaps);
    e = r.bad ? ERR_MALFORMED : OK;
out:
    if (e)
        x11_keymap_release(m);
    else
        find_level_keys(m);
    return e;
}

void x11_keymap_release(struct x11_keymap *m)
{
    heap_free(m->sym);
    memset(m, 0, sizeof *m);
}

/* ---- changing ---- */

/* The change of a keycode, NULL when it has none. */
static const struct x11_keymap_change *change_of(const struct x11_keymap_change *changes,
                                                 size_t count, unsigned keycode)
{
    for (size_t i = 0; i < count; i++)
        if (changes[i].keycode == keycode)
            return &changes[i];
    return NULL;
}

size_t x11_keymap_encode(const struct x11_keymap *m, const struct x11_keymap_change *changes,
                         size_t count, uint8_t *to, size_t room, struct x11_keymap_patch *patch)
{
    enum { ONE_LEVEL = 0 }; /* the first of the four types that every keyboard has */
    unsigned low = 255, high = 0;
    size_t bytes = 0, syms = 0;

    for (size_t i = 0; i < count; i++) {
        low = (unsigned)num_min(low, changes[i].keycode);
        high = (unsigned)num_max(high, changes[i].keycode);
    }
    for (unsigned k = low; k <= high; k++) {
        const struct x11_keymap_change *c = change_of(changes, count, k);
        size_t n = c ? c->keysym != 0 : (size_t)m->key[k].groups * m->key[k].width;
        syms += n;
        bytes += 8 + 4 * n;
    }
    *patch = (struct x11_keymap_patch){(uint8_t)low, (uint8_t)(high - low + 1), (uint16_t)syms};
    if (bytes > room)
        return bytes;
    struct wr w = wr_of(to, room);
    for (unsigned k = low; k <= high; k++) {
        const struct x11_keymap_change *c = change_of(changes, count, k);
        const struct x11_keymap_key *old = &m->key[k];
        size_t n = c ? c->keysym != 0 : (size_t)old->groups * old->width;
        for (int g = 0; g < X11_KEYMAP_GROUPS; g++)
            wr_u8(&w, c ? ONE_LEVEL : old->type[g]);
        wr_u8(&w, (uint8_t)(c ? n : old->groups | old->out_of_range));
        wr_u8(&w, (uint8_t)(c ? n : old->width));
        wr_u16(&w, (uint16_t)n);
        for (size_t i = 0; i < n; i++)
            wr_u32(&w, c ? c->keysym : m->raw[old->first + i]);
    }
    return bytes;
}

/* ---- keysyms ---- */

uint32_t x11_keymap_canonical(uint32_t keysym)
{
    uint32_t code = keysym >= 0xfd00 && keysym < KEYSYM_UNICODE ? 0 : keysym_to_code(keysym);

    return code ? keysym_of_code(code) : keysym;
}

bool x11_keymap_is_modifier(uint32_t keysym)
{
    return (keysym >= 0xffe1 && keysym <= 0xffee) || (keysym >= 0xfe01 && keysym <= 0xfe13) ||
           keysym == MODE_SWITCH || keysym == NUM_LOCK;
}

bool x11_keymap_is_spare(const struct x11_keymap *m, uint8_t keycode)
{
    const struct x11_keymap_key *k = &m->key[keycode];

    for (unsigned i = 0; i < (unsigned)k->groups * k->width; i++)
        if (m->sym[k->first + i])
            return false;
    return k->modmap == 0;
}

/* ---- levels ---- */

/* The group of a key that is meant when `group` is in effect. */
static uint8_t group_of(const struct x11_keymap_key *k, uint8_t group)
{
    if (group < k->groups)
        return group;
    switch (k->out_of_range & 0xc0) {
    case 0x40:
        return (uint8_t)(k->groups - 1);
    case 0x80: {
        uint8_t to = k->out_of_range >> 4 & 3;
        return to < k->groups ? to : 0;
    }
    default:
        return (uint8_t)(group % k->groups);
    }
}

static uint8_t level_of(const struct x11_keymap *m, const struct x11_keymap_type *t, uint8_t mods)
{
    for (unsigned i = 0; i < t->count; i++) {
        const struct x11_keymap_entry *e = &m->entry[t->first + i];
        if (e->active && e->mods == (mods & t->mask))
            return e->level;
    }
    return 0;
}

uint32_t x11_keymap_sym(const struct x11_keymap *m, uint8_t keycode, uint8_t mods, uint8_t group)
{
    const struct x11_keymap_key *k = &m->key[keycode];

    if (k->groups == 0)
        return 0;
    uint8_t g = group_of(k, group);
    uint8_t level = level_of(m, &m->type[k->type[g]], mods);
    return level < k->width ? m->sym[k->first + (unsigned)g * k->width + level] : 0;
}

/* ---- finding ---- */

struct search {
    const struct x11_keymap *m;
    const struct x11_keymap_state *state;
    uint32_t keysym;
    uint8_t prefer;
    unsigned best; /* cost so far */
    struct x11_keymap_plan *out;
};

/* A client turns the letter of a level that Lock does not choose into a capital itself. */
static bool lock_spoils(const struct search *s, const struct x11_keymap_type *t, uint8_t mods)
{
    bool letter =
        (s->keysym >= 'a' && s->keysym <= 'z') || (s->keysym >= 0xa0 && keysym_to_code(s->keysym));

    return letter && (mods & ~t->mask & X11_KEYMAP_LOCK);
}

/* Makes a plan for having the modifiers `want` (of those that the type looks at and that may be
 * changed) with one key and group, and keeps it when it is the cheapest. */
static void consider(struct search *s, uint8_t keycode, uint8_t group, uint8_t want)
{
    const struct x11_keymap *m = s->m;
    const struct x11_keymap_state *now = s->state;
    const struct x11_keymap_key *k = &m->key[keycode];
    const struct x11_keymap_type *t = &m->type[k->type[group_of(k, group)]];
    uint8_t choose = t->mask & m->level_mods, extra = now->mods & choose & (uint8_t)~want;
    struct x11_keymap_plan p = {.keycode = keycode, .group = group};

    p.press = want & (uint8_t)~now->mods;
    p.unlock = extra & now->locked;
    p.let_go = extra & now->loose;
    if (extra & ~(p.unlock | p.let_go))
        return;
    for (int i = 0; i < 8; i++)
        if (p.press >> i & 1 && !m->mod_key[i])
            return;
    uint8_t after = (uint8_t)((now->mods | p.press) & ~extra);
    if (lock_spoils(s, t, after)) {
        p.unlock |= X11_KEYMAP_LOCK;
        after &= (uint8_t)~X11_KEYMAP_LOCK;
    }
    /* Control and Alt may choose a level too (that of switching consoles): what is wanted then is
     * the key with them, not what it becomes. */
    if (x11_keymap_sym(m, keycode, after, group) != s->keysym &&
        x11_keymap_sym(m, keycode, after & choose, group) != s->keysym)
        return;
    unsigned cost = 4u * (unsigned)__builtin_popcount(p.press) +
                    6u * (unsigned)__builtin_popcount(p.let_go) +
                    8u * (unsigned)__builtin_popcount(p.unlock) + (group != now->group ? 6u : 0) +
                    (keycode != s->prefer);
    if (cost >= s->best)
        return;
    s->best = cost;
    *s->out = p;
}

/* Whether a group of a key has the keysym at any level. */
static bool group_has(const struct search *s, const struct x11_keymap_key *k, uint8_t group)
{
    const uint32_t *sym = s->m->sym + k->first + (unsigned)group_of(k, group) * k->width;

    for (unsigned l = 0; l < k->width; l++)
        if (sym[l] == s->keysym)
            return true;
    return false;
}

/* Tries every set of the modifiers that a key's type looks at. */
static void try_group(struct search *s, uint8_t keycode, uint8_t group)
{
    const struct x11_keymap_key *k = &s->m->key[keycode];

    if (!group_has(s, k, group))
        return;
    uint8_t choose = s->m->type[k->type[group_of(k, group)]].mask & s->m->level_mods, want = 0;
    do {
        consider(s, keycode, group, want);
        want = (uint8_t)(want - choose) & choose;
    } while (want);
}

/* A modifier's key is the same at every level: pressing it must change nothing else. */
static bool find_modifier(struct search *s)
{
    for (unsigned c = s->m->min; c <= s->m->max; c++) {
        const struct x11_keymap_key *k = &s->m->key[c];
        for (unsigned i = 0; i < (unsigned)k->groups * k->width; i++) {
            unsigned cost = (c != s->prefer ? 1u : 0) + (i ? 2u : 0);
            if (s->m->sym[k->first + i] != s->keysym || cost >= s->best)
                continue;
            s->best = cost;
            *s->out = (struct x11_keymap_plan){.keycode = (uint8_t)c, .group = s->state->group};
        }
    }
    return s->best != UINT32_MAX;
}

bool x11_keymap_find(const struct x11_keymap *m, uint32_t keysym, uint8_t prefer,
                     const struct x11_keymap_state *state, struct x11_keymap_plan *out)
{
    struct search s = {m, state, x11_keymap_canonical(keysym), prefer, UINT32_MAX, out};

    if (s.keysym == 0)
        return false;
    if (x11_keymap_is_modifier(keysym))
        return find_modifier(&s);
    for (unsigned c = m->min; c <= m->max; c++) {
        const struct x11_keymap_key *k = &m->key[c];
        if (k->groups == 0)
            continue;
        try_group(&s, (uint8_t)c, state->group);
        for (uint8_t g = 0; g < k->groups; g++)
            if (g != group_of(k, state->group))
                try_group(&s, (uint8_t)c, g);
    }
    return s.best != UINT32_MAX;
}
