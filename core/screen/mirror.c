#include "core/screen/mirror.h"

#include <string.h>

#include "core/base/buf.h"
#include "core/base/heap.h"
#include "core/base/limits.h"
#include "core/base/num.h"
#include "core/codec/block.h"

enum {
    MAX_BLOCKS = LIMIT_DESK_BLOCKS, /* decoded and perhaps not in every snapshot yet */
    PICTURES = 3, /* full of tiles that are in no block: shown, the oldest snapshot's, a sink's */
    PAYLOAD_BYTES = 4 * BLOCK_MAX_TILES * (int)sizeof(uint32_t) * TILE_PIXELS
};

/* A decoded block that a snapshot may still want. */
struct kept {
    uint64_t id; /* 0: free */
    uint32_t version, count;
    struct block_tile tile[BLOCK_MAX_TILES];
    struct buf payload;
};

/* A picture that updates refer to: both ends have made it in the same way. */
struct snapshot {
    struct snapshot *next;
    uint32_t number;
    struct pic *pic;
    uint32_t *version; /* owned; by tile */
    struct block_history *history;
};

struct mirror {
    uint32_t without;
    struct tile_pool pool;
    struct pic *picture;
    uint32_t *version; /* by tile */
    uint8_t *changed;
    uint32_t tiles;
    bool any_changed;
    uint32_t epoch, newest;
    uint64_t captured_us;
    struct snapshot *snapshots; /* newest first */
    uint32_t snapshot_count;
    struct kept *kept[MAX_BLOCKS];
    uint32_t kept_tiles; /* of all of them, black ones too */
    uint64_t floor;      /* the highest that was heard of, and keep as well */
    uint32_t keep;
    struct block_coder *coder;
    struct desk_update head; /* large: not on the stack */
    struct mirror_counters counters;
};

struct mirror *mirror_new(uint32_t without)
{
    struct mirror *m = heap_alloc(sizeof *m);

    if (!m)
        return NULL;
    m->without = without;
    tile_pool_init(&m->pool, 0);
    m->coder = block_coder_new();
    if (!m->coder) {
        mirror_free(m);
        return NULL;
    }
    return m;
}

static void free_snapshot(struct snapshot *s)
{
    if (!s)
        return;
    pic_unref(s->pic);
    block_history_unref(s->history);
    heap_free(s->version);
    heap_free(s);
}

static void free_kept(struct mirror *m, uint64_t slot)
{
    struct kept *k = m->kept[slot];

    if (!k)
        return;
    for (uint32_t i = 0; i < k->count; i++)
        tile_unref(&m->pool, k->tile[i].tile);
    m->kept_tiles -= k->count;
    buf_release(&k->payload);
    heap_free(k);
    m->kept[slot] = NULL;
}

static void drop_references(struct mirror *m)
{
    for (struct snapshot *s = m->snapshots, *next; s; s = next) {
        next = s->next;
        free_snapshot(s);
    }
    m->snapshots = NULL;
    m->snapshot_count = 0;
    for (uint64_t i = 0; i < MAX_BLOCKS; i++)
        free_kept(m, i);
    m->floor = 0;
    m->keep = 0;
}

static void drop_picture(struct mirror *m)
{
    pic_unref(m->picture);
    heap_free(m->version);
    heap_free(m->changed);
    m->picture = NULL;
    m->version = NULL;
    m->changed = NULL;
    m->tiles = 0;
}

void mirror_free(struct mirror *m)
{
    if (!m)
        return;
    drop_references(m);
    drop_picture(m);
    tile_pool_release(&m->pool);
    block_coder_free(m->coder);
    heap_free(m);
}

static enum err new_snapshot(const struct mirror *m, uint32_t number, struct snapshot **out)
{
    struct snapshot *s = heap_alloc(sizeof *s);

    *out = s;
    if (!s)
        return ERR_MEMORY;
    s->number = number;
    s->version = heap_array(m->tiles, sizeof *s->version);
    return s->version ? OK : ERR_MEMORY;
}

static void add_snapshot(struct mirror *m, struct snapshot *s)
{
    s->next = m->snapshots;
    m->snapshots = s;
    m->snapshot_count++;
    m->counters.snapshots++;
}

/* Begins an epoch: a black picture and snapshot 0, which is the same. */
static enum err begin_epoch(struct mirror *m, const struct desk_update *u)
{
    struct snapshot *first = NULL;

    drop_references(m);
    drop_picture(m);
    m->epoch = u->epoch;
    m->newest = 0;
    enum err e = pic_new(&m->pool, u->width, u->height, u->alpha, &m->picture);
    if (e)
        return e;
    m->tiles = pic_tiles(m->picture);
    m->pool.max = PICTURES * (size_t)m->tiles + LIMIT_DESK_TILES + BLOCK_MAX_TILES;
    m->version = heap_array(m->tiles, sizeof *m->version);
    m->changed = heap_array(m->tiles, 1);
    e = m->version && m->changed ? new_snapshot(m, 0, &first) : ERR_MEMORY;
    if (!e)
        e = pic_new(&m->pool, u->width, u->height, u->alpha, &first->pic);
    if (e) {
        free_snapshot(first);
        drop_picture(m);
        return e;
    }
    add_snapshot(m, first);
    memset(m->changed, 1, m->tiles);
    m->any_changed = true;
    return OK;
}

static struct snapshot *find_snapshot(const struct mirror *m, uint32_t number)
{
    struct snapshot *s = m->snapshots;

    while (s && s->number != number)
        s = s->next;
    return s;
}

static struct kept *find_kept(const struct mirror *m, uint64_t id)
{
    struct kept *k = m->kept[id & (MAX_BLOCKS - 1)];

    return k && k->id == id ? k : NULL;
}

static enum err add_blocks(struct mirror *m, struct snapshot *s, const struct snapshot *base,
                           const struct desk_update *u)
{
    static struct bytes payload[DESK_MAX_ADDED]; /* large, and one at a time */

    for (uint32_t i = 0; i < u->added_count; i++) {
        const struct kept *k = find_kept(m, u->added[i]);
        if (!k)
            return ERR_NOT_FOUND;
        payload[i] = buf_bytes(&k->payload);
        for (uint32_t j = 0; j < k->count; j++) {
            uint32_t at = k->tile[j].index;
            if (k->version <= s->version[at])
                continue;
            pic_set(s->pic, at, k->tile[j].tile ? tile_ref(k->tile[j].tile) : NULL);
            s->version[at] = k->version;
        }
    }
    if (u->added_count == 0) {
        s->history = block_history_ref(base->history);
        return OK;
    }
    s->history = block_history_new(base->history, payload, u->added_count);
    return s->history ? OK : ERR_MEMORY;
}

/* Finds the snapshot that an update refers to, making it as the update says if it is not here. */
static enum err reference(struct mirror *m, const struct desk_update *u, struct snapshot **out)
{
    struct snapshot *base, *s = find_snapshot(m, u->snap);

    *out = s;
    if (s)
        return OK;
    base = find_snapshot(m, u->base);
    if (!base)
        return ERR_NOT_FOUND;
    if (m->snapshot_count >= LIMIT_DESK_SNAPSHOTS)
        return ERR_LIMIT;
    enum err e = new_snapshot(m, u->snap, &s);
    if (!e)
        e = pic_copy(base->pic, &s->pic);
    if (!e) {
        memcpy(s->version, base->version, m->tiles * sizeof *s->version);
        e = add_blocks(m, s, base, u);
    }
    if (e) {
        free_snapshot(s);
        return e;
    }
    add_snapshot(m, s);
    *out = s;
    return OK;
}

/* Drops what no update that is not given up refers to. */
static void forget(struct mirror *m, const struct desk_update *u)
{
    m->keep = (uint32_t)num_max(m->keep, u->keep);
    for (struct snapshot **at = &m->snapshots; *at;) {
        struct snapshot *s = *at;
        if (s->number >= m->keep) {
            at = &s->next;
            continue;
        }
        *at = s->next;
        free_snapshot(s);
        m->snapshot_count--;
    }
    uint64_t first = u->floor > MAX_BLOCKS ? num_max(m->floor, u->floor - MAX_BLOCKS) : m->floor;
    for (uint64_t id = first; id < u->floor; id++)
        if (find_kept(m, id))
            free_kept(m, id & (MAX_BLOCKS - 1));
    m->floor = num_max(m->floor, u->floor);
}

/* Puts decoded tiles on the screen, unless what is there is newer. */
static void show(struct mirror *m, const struct kept *k)
{
    for (uint32_t i = 0; i < k->count; i++) {
        uint32_t at = k->tile[i].index;
        if (k->version <= m->version[at] && !(m->without & WITHOUT_VERSIONS)) {
            m->counters.stale_tiles++;
            continue;
        }
        pic_set(m->picture, at, k->tile[i].tile ? tile_ref(k->tile[i].tile) : NULL);
        m->version[at] = k->version;
        m->changed[at] = 1;
        m->any_changed = true;
        m->counters.tiles++;
    }
}

/* Whether the server has given an update up since it was sent: it has said of what the update needs
 * that nothing needs it. Such a one can still come when it was overtaken by others. */
static bool given_up(const struct mirror *m, const struct desk_update *u)
{
    bool gone = !find_snapshot(m, u->base) && u->base < m->keep;

    if (m->without & WITHOUT_GIVEN_UP)
        return false;
    for (uint32_t i = 0; i < u->added_count && !gone; i++)
        gone = u->added[i] < m->floor && !find_kept(m, u->added[i]);
    return gone && !find_snapshot(m, u->snap);
}

static enum err decode(struct mirror *m, const struct desk_update *u)
{
    uint64_t place = u->id & (MAX_BLOCKS - 1);
    struct snapshot *s;
    size_t count;

    if (find_kept(m, u->id) || u->id < m->floor)
        return OK; /* a copy */
    forget(m, u);
    if (given_up(m, u)) {
        m->counters.given_up++;
        return OK;
    }
    if (m->kept[place])
        return ERR_LIMIT;
    enum err e = reference(m, u, &s);
    if (e)
        return e;
    struct kept *k = heap_alloc(sizeof *k);
    if (!k)
        return ERR_MEMORY;
    buf_init(&k->payload, PAYLOAD_BYTES);
    struct block_reference ref = {s->pic, s->history};
    e = block_decode(m->coder, m->picture, &ref, u->block, k->tile, &count, &k->payload);
    if (e) {
        buf_release(&k->payload);
        heap_free(k);
        return e;
    }
    k->id = u->id;
    k->version = u->version;
    k->count = (uint32_t)count;
    m->kept[place] = k;
    m->kept_tiles += k->count;
    if (m->kept_tiles > LIMIT_DESK_TILES) {
        free_kept(m, place);
        return ERR_LIMIT;
    }
    show(m, k);
    if (u->version > m->newest) {
        m->newest = u->version;
        m->captured_us = u->captured_us;
    }
    return OK;
}

enum err mirror_update(struct mirror *m, struct bytes message)
{
    struct desk_update *u = &m->head;
    enum err e = desk_get_update(message, u);

    if (!e && u->epoch < m->epoch && !(m->without & WITHOUT_EPOCHS))
        return OK;
    if (!e && (!m->picture || u->epoch > m->epoch))
        e = begin_epoch(m, u);
    else if (!e && (u->width != m->picture->width || u->height != m->picture->height ||
                    u->alpha != m->picture->alpha))
        e = ERR_MALFORMED;
    if (!e)
        e = decode(m, u);
    m->counters.updates++;
    m->counters.failures += e != OK;
    return e;
}

struct pic *mirror_picture(const struct mirror *m)
{
    return m->picture;
}

const uint8_t *mirror_changed(const struct mirror *m)
{
    return m->changed;
}

bool mirror_has_changed(const struct mirror *m)
{
    return m->any_changed;
}

void mirror_shown(struct mirror *m)
{
    if (m->changed)
        memset(m->changed, 0, m->tiles);
    m->any_changed = false;
}

uint32_t mirror_version(const struct mirror *m)
{
    return m->newest;
}

uint32_t mirror_epoch(const struct mirror *m)
{
    return m->epoch;
}

uint64_t mirror_captured_us(const struct mirror *m)
{
    return m->captured_us;
}

enum mirror_match mirror_check(struct mirror *m, const struct desk_record *exact,
                               uint8_t hash[DESK_HASH_BYTES])
{
    memset(hash, 0, DESK_HASH_BYTES);
    if (exact->epoch < m->epoch || (exact->epoch == m->epoch && exact->version < m->newest))
        return MIRROR_MOVED;
    if (!m->picture || exact->epoch > m->epoch)
        return MIRROR_WRONG;
    pic_hash(m->picture, hash);
    return memcmp(hash, exact->hash, DESK_HASH_BYTES) == 0 ? MIRROR_EXACT : MIRROR_WRONG;
}

void mirror_count(const struct mirror *m, struct mirror_counters *out)
{
    *out = m->counters;
}
