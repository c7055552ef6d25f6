#include "core/screen/feed.h"

#include <string.h>

#include "core/base/buf.h"
#include "core/base/check.h"
#include "core/base/heap.h"
#include "core/base/limits.h"
#include "core/base/num.h"
#include "core/codec/block.h"

enum {
    SLOTS = LIMIT_DESK_BLOCKS, /* blocks that are not settled */
    BRIDGES = 16,              /* of these, and tiles: kept back, see with_room */
    LOG = 2 * DESK_MAX_ADDED,  /* ids in the newest snapshots */
    VECTORS = 6,
    FIRST_TILES = 8,
    HEAD_BYTES = 64 + 9 * DESK_MAX_ADDED
};

enum slot_state { SLOT_FREE, SLOT_SENT, SLOT_ACKED, SLOT_LOGGED };

/* One block on its way or not yet forgotten. */
struct slot {
    enum slot_state state;
    bool forsaken;
    uint64_t id, transport_id;
    uint64_t snap_log, base_log; /* where the log ended at the snapshots that it names */
    uint64_t log_at;             /* its own place in the log, once there */
    uint32_t version, snap, base;
    uint32_t count;
    uint32_t kept; /* tiles that the viewer keeps for it until it hears of a higher floor */
    struct block_tile tile[BLOCK_MAX_TILES];
    struct buf payload; /* what it adds to a history */
};

struct feed {
    const struct capture *capture;
    uint32_t without;
    uint32_t epoch, epoch_offset; /* restarts so far: added to the capture's epoch */
    uint32_t capture_epoch;
    uint32_t tiles;
    uint32_t *sent_version; /* by tile: the version sent last; 0: none */
    uint64_t *sent_id;      /* by tile: the block that carries it */
    uint32_t in_flight;
    struct slot *slot;     /* SLOTS */
    uint64_t oldest, next; /* ids: oldest <= id < next are in slots */
    uint32_t kept_tiles;   /* of these */
    uint64_t *orphan;      /* SLOTS: transport ids of blocks of dropped pictures */
    size_t orphans;

    /* the newest snapshot, which new blocks refer to */
    struct pic *pic;
    uint32_t *pic_version;
    struct block_history *history;
    uint32_t snap, known;        /* known: the newest that the viewer is sure to have made */
    uint64_t log[LOG];           /* ids in the order of their adding; a ring */
    uint64_t log_end, known_log; /* log_end at `snap` and at `known` */
    bool unheard;                /* no block of this epoch is known to have arrived */
    bool acked_more;             /* something was acknowledged that `snap` does not hold */
    uint32_t snap_version;       /* the capture that `snap` was made for */

    uint8_t *dirty;
    uint32_t cursor, tiles_a_block;
    struct block_vector vector[VECTORS];
    size_t vectors;
    uint32_t vectors_version, vectors_snap;
    struct block_coder *coder;
    struct buf message;
    struct feed_counters counters;
};

static struct slot *slot_of(const struct feed *f, uint64_t id)
{
    return &f->slot[id & (SLOTS - 1)];
}

static void clear_slot(const struct feed *f, struct slot *s)
{
    for (uint32_t i = 0; i < s->count; i++)
        tile_unref((struct tile_pool *)(uintptr_t)&f->capture->pool, s->tile[i].tile);
    buf_release(&s->payload);
    s->count = 0;
    s->state = SLOT_FREE;
}

static void drop_picture(struct feed *f)
{
    for (uint64_t id = f->oldest; id < f->next; id++) {
        struct slot *s = slot_of(f, id);
        if (s->state == SLOT_SENT && s->transport_id != UINT64_MAX && f->orphans < SLOTS)
            f->orphan[f->orphans++] = s->transport_id;
        clear_slot(f, s);
    }
    f->oldest = f->next;
    f->kept_tiles = 0;
    pic_unref(f->pic);
    block_history_unref(f->history);
    heap_free(f->pic_version);
    heap_free(f->sent_version);
    heap_free(f->sent_id);
    heap_free(f->dirty);
    f->pic = NULL;
    f->history = NULL;
    f->pic_version = f->sent_version = NULL;
    f->sent_id = NULL;
    f->dirty = NULL;
    f->tiles = f->in_flight = 0;
    f->snap = f->known = 0;
    f->log_end = f->known_log = 0;
    f->acked_more = false;
}

struct feed *feed_new(const struct capture *c, uint32_t without)
{
    struct feed *f = heap_alloc(sizeof *f);

    if (!f)
        return NULL;
    f->capture = c;
    f->without = without;
    f->oldest = f->next = 1;
    buf_init(&f->message, LIMIT_MESSAGE_BYTES);
    f->slot = heap_array(SLOTS, sizeof *f->slot);
    f->orphan = heap_array(SLOTS, sizeof *f->orphan);
    f->coder = block_coder_new();
    if (!f->slot || !f->orphan || !f->coder) {
        feed_free(f);
        return NULL;
    }
    for (size_t i = 0; i < SLOTS; i++)
        buf_init(&f->slot[i].payload, 4 * BLOCK_MAX_TILES * sizeof(uint32_t) * TILE_PIXELS);
    return f;
}

void feed_free(struct feed *f)
{
    if (!f)
        return;
    if (f->slot && f->orphan)
        drop_picture(f);
    heap_free(f->slot);
    heap_free(f->orphan);
    block_coder_free(f->coder);
    buf_release(&f->message);
    heap_free(f);
}

/* Follows the capture into a new epoch. */
static enum err begin_epoch(struct feed *f)
{
    const struct pic *now = f->capture->now;

    drop_picture(f);
    uint32_t tiles = pic_tiles(now);
    f->pic_version = heap_array(tiles, sizeof *f->pic_version);
    f->sent_version = heap_array(tiles, sizeof *f->sent_version);
    f->sent_id = heap_array(tiles, sizeof *f->sent_id);
    f->dirty = heap_array(tiles, 1);
    enum err e = pic_new(now->pool, now->width, now->height, now->alpha, &f->pic);
    if (e || !f->pic_version || !f->sent_version || !f->sent_id || !f->dirty) {
        drop_picture(f);
        return e ? e : ERR_MEMORY;
    }
    f->tiles = tiles;
    f->capture_epoch = f->capture->epoch;
    f->epoch = f->capture->epoch + f->epoch_offset;
    f->tiles_a_block = FIRST_TILES;
    f->unheard = true;
    f->cursor = 0;
    f->vectors_version = 0;
    return OK;
}

static bool current(const struct feed *f)
{
    return f->tiles && f->capture->now && f->capture_epoch == f->capture->epoch;
}

/* A picture that is all black has no tile to send: one goes all the same, to tell its size. */
static bool tile_dirty(const struct feed *f, uint32_t i)
{
    return f->capture->tile_version[i] > f->sent_version[i] ||
           (i == 0 && f->unheard && f->in_flight == 0 && !(f->without & WITHOUT_BLACK));
}

bool feed_dirty(const struct feed *f)
{
    if (!f->capture->now)
        return false;
    if (!current(f))
        return true;
    for (uint32_t i = 0; i < f->tiles; i++)
        if (tile_dirty(f, i))
            return true;
    return false;
}

bool feed_complete(const struct feed *f)
{
    return current(f) && f->in_flight == 0 && !feed_dirty(f);
}

uint32_t feed_epoch(const struct feed *f)
{
    return f->epoch;
}

void feed_restart(struct feed *f)
{
    drop_picture(f);
    f->epoch_offset++;
}

/* The oldest snapshot that a block on its way may still be based on. */
static uint32_t oldest_base(const struct feed *f)
{
    uint32_t keep = f->known;

    for (uint64_t id = f->oldest; id < f->next; id++)
        if (slot_of(f, id)->state == SLOT_SENT && slot_of(f, id)->base < keep)
            keep = slot_of(f, id)->base;
    return keep;
}

/* Where the log begins that a block on its way, or the next one, may still name. */
static uint64_t oldest_log(const struct feed *f)
{
    uint64_t at = f->known_log;

    for (uint64_t id = f->oldest; id < f->next; id++)
        if (slot_of(f, id)->state == SLOT_SENT)
            at = num_min(at, slot_of(f, id)->base_log);
    return at;
}

/* Forgets blocks that are over: gone, or held by every snapshot that may still be a base. */
static void forget(struct feed *f)
{
    uint64_t log = oldest_log(f);

    while (f->oldest < f->next) {
        struct slot *s = slot_of(f, f->oldest);
        if (s->state == SLOT_LOGGED && s->log_at < log)
            s->state = SLOT_FREE;
        if (s->state != SLOT_FREE)
            return;
        f->kept_tiles -= s->kept;
        f->oldest++;
    }
}

/* Puts a block's tiles into the snapshot, and its payload on the list for the history. */
static void add_to_snapshot(struct feed *f, struct slot *s)
{
    for (uint32_t i = 0; i < s->count; i++) {
        uint32_t at = s->tile[i].index;
        if (s->version <= f->pic_version[at])
            continue;
        pic_set(f->pic, at, s->tile[i].tile ? tile_ref(s->tile[i].tile) : NULL);
        f->pic_version[at] = s->version;
    }
    for (uint32_t i = 0; i < s->count; i++)
        tile_unref(f->pic->pool, s->tile[i].tile);
    s->count = 0;
    s->log_at = f->log_end;
    f->log[f->log_end++ % LOG] = s->id;
}

/* Whether a snapshot is worth its price, an index of the history: once a capture, or once a round
 * trip where a capture has so many blocks that the viewer could not keep them. The viewer has made
 * those from the oldest base on, and this one would be the next. */
static bool wants_snapshot(const struct feed *f)
{
    bool crowded = f->next - f->oldest > SLOTS / 4 || f->kept_tiles > LIMIT_DESK_TILES / 4;

    if (!f->acked_more || f->snap + 2 - oldest_base(f) > LIMIT_DESK_SNAPSHOTS)
        return false;
    return f->snap_version != f->capture->version || (crowded && f->known == f->snap);
}

/* Makes a new snapshot of everything acknowledged so far. */
static enum err make_snapshot(struct feed *f)
{
    struct bytes payload[SLOTS];
    size_t count = 0;
    bool any = f->without & WITHOUT_ACKED;

    if (!wants_snapshot(f))
        return OK;
    for (uint64_t id = f->oldest; id < f->next; id++) {
        const struct slot *s = slot_of(f, id);
        if (s->state == SLOT_ACKED || (any && s->state == SLOT_SENT && s->count))
            payload[count++] = buf_bytes(&s->payload);
    }
    if (f->log_end + count - f->known_log > DESK_MAX_ADDED)
        return OK;
    struct block_history *h = block_history_new(f->history, payload, count);
    if (!h)
        return ERR_MEMORY;
    block_history_unref(f->history);
    f->history = h;
    for (uint64_t id = f->oldest; id < f->next; id++) {
        struct slot *s = slot_of(f, id);
        if (s->state != SLOT_ACKED && !(any && s->state == SLOT_SENT && s->count))
            continue;
        add_to_snapshot(f, s);
        buf_release(&s->payload);
        if (s->state == SLOT_ACKED)
            s->state = SLOT_LOGGED;
    }
    f->snap++;
    f->snap_version = f->capture->version;
    f->acked_more = false;
    f->counters.snapshots++;
    return OK;
}

static void find_vectors(struct feed *f)
{
    uint32_t count = 0;

    if (f->vectors_version == f->capture->version && f->vectors_snap == f->snap)
        return;
    for (uint32_t i = 0; i < f->tiles; i++)
        count += f->dirty[i] = tile_dirty(f, i);
    f->vectors = f->snap && count > 1 && !(f->without & WITHOUT_VECTORS)
                     ? block_find_vectors(f->capture->now, f->pic, f->dirty, f->vector, VECTORS)
                     : 0;
    f->vectors_version = f->capture->version;
    f->vectors_snap = f->snap;
}

/* The next dirty tiles in reading order, going round from where the last block ended. */
static size_t choose(struct feed *f, size_t most, uint32_t *out)
{
    size_t count = 0;
    uint32_t at = f->cursor < f->tiles ? f->cursor : 0, seen = 0;

    if (f->without & WITHOUT_TURNS)
        at = 0;
    for (; seen < f->tiles && count < most; seen++, at = at + 1 == f->tiles ? 0 : at + 1) {
        if (at == 0 && count)
            break; /* a block's indices rise */
        if (tile_dirty(f, at))
            out[count++] = at;
    }
    f->cursor = at;
    return count;
}

static void put_head(struct feed *f, struct wr *w, const struct slot *s)
{
    /* Large, and one at a time: the loop thread alone makes messages. */
    static struct desk_update u;
    const struct capture *c = f->capture;

    u = (struct desk_update){
        .epoch = f->epoch,
        .width = c->now->width,
        .height = c->now->height,
        .alpha = c->now->alpha,
        .id = s->id,
        .version = s->version,
        .captured_us = c->captured_us,
        .snap = s->snap,
        .base = s->base,
        .keep = oldest_base(f),
        .floor = f->oldest,
    };
    for (uint64_t at = f->known_log; at < f->log_end; at++)
        u.added[u.added_count++] = f->log[at % LOG];
    desk_put_update(w, &u);
}

/* Encodes `count` tiles, or fewer when they become too large together. */
static enum err encode(struct feed *f, struct slot *s, const uint32_t *tiles, size_t *count)
{
    struct block_reference ref = {f->pic, f->history};
    size_t head = f->message.n;
    enum err e;

    for (;; *count /= 2) {
        f->message.n = head;
        s->payload.n = 0;
        e = block_encode(f->coder, f->capture->now, &ref, tiles, *count, f->vector, f->vectors,
                         &f->message, &s->payload);
        if (e != ERR_LIMIT || *count == 1)
            return e;
    }
}

/* Half way to what would have fitted, so that one odd tile does not decide. */
static void adapt(struct feed *f, uint64_t goal, size_t bytes, size_t count)
{
    uint64_t fits = num_clamp(goal * count / num_max(bytes, 1), 1, BLOCK_MAX_TILES);

    f->tiles_a_block = (uint32_t)((f->tiles_a_block + fits + (fits > f->tiles_a_block)) / 2);
}

/* How many tiles the next block may have, 0: none now; so that a viewer, which keeps what lies
 * between the floor of the newest block that it has heard of and that block, keeps no more than
 * docs/protocol.md says.
 *
 * When everything has arrived and there is no room all the same, what was acknowledged is in no
 * snapshot that the viewer is known to have. A block of one tile makes the newest one known, and
 * with it room: for that the last places are kept back. */
static size_t with_room(const struct feed *f)
{
    uint64_t slots = SLOTS - (f->next - f->oldest), tiles = LIMIT_DESK_TILES - f->kept_tiles;

    if (slots > BRIDGES && tiles > BRIDGES)
        return num_min(f->tiles_a_block, tiles - BRIDGES);
    return f->in_flight == 0 && slots && tiles;
}

/* Makes ready for the next block and says how many tiles it may have. */
static enum err make_room(struct feed *f, size_t *most)
{
    enum err e = make_snapshot(f);

    *most = with_room(f);
    if (e || *most || f->in_flight)
        return e;
    /* What was kept back is lost as well. */
    feed_restart(f);
    e = begin_epoch(f);
    *most = e ? 0 : with_room(f);
    return e;
}

enum err feed_next(struct feed *f, uint64_t goal, struct bytes *message, uint64_t *id)
{
    uint32_t tiles[BLOCK_MAX_TILES];
    enum err e = OK;
    size_t most;

    if (!f->capture->now)
        return ERR_AGAIN;
    if (!current(f))
        e = begin_epoch(f);
    if (e)
        return e;
    forget(f);
    if (!feed_dirty(f))
        return ERR_AGAIN;
    e = make_room(f, &most);
    if (e || most == 0)
        return e ? e : ERR_AGAIN;
    find_vectors(f);
    struct slot *s = slot_of(f, f->next);
    size_t count = choose(f, most, tiles);
    s->id = f->next;
    s->version = f->capture->version;
    s->snap = f->snap;
    s->base = f->known;
    s->snap_log = f->log_end;
    s->base_log = f->known_log;
    s->forsaken = false;
    s->transport_id = UINT64_MAX;
    f->message.n = 0;
    e = buf_reserve(&f->message, HEAD_BYTES);
    if (e)
        return e;
    struct wr w = wr_of(f->message.p, HEAD_BYTES);
    put_head(f, &w, s);
    CHECK(!w.full);
    f->message.n = w.n;
    e = encode(f, s, tiles, &count);
    if (e)
        return e;
    for (size_t i = 0; i < count; i++) {
        struct tile *t = f->capture->now->tile[tiles[i]];
        s->tile[i] = (struct block_tile){tiles[i], t ? tile_ref(t) : NULL};
        f->sent_version[tiles[i]] = s->version;
        f->sent_id[tiles[i]] = s->id;
    }
    f->cursor = tiles[count - 1] + 1;
    s->count = s->kept = (uint32_t)count;
    f->kept_tiles += s->kept;
    s->state = SLOT_SENT;
    f->in_flight++;
    f->acked_more |= f->without & WITHOUT_ACKED;
    f->next++;
    adapt(f, goal, f->message.n - w.n, count);
    f->counters.blocks++;
    f->counters.tiles += count;
    f->counters.bytes += f->message.n;
    *message = buf_bytes(&f->message);
    *id = s->id;
    return OK;
}

static struct slot *sent_slot(struct feed *f, uint64_t id)
{
    if (id < f->oldest || id >= f->next)
        return NULL;
    struct slot *s = slot_of(f, id);
    return s->state == SLOT_SENT ? s : NULL;
}

void feed_posted(struct feed *f, uint64_t id, uint64_t transport_id)
{
    struct slot *s = sent_slot(f, id);

    if (s)
        s->transport_id = transport_id;
}

/* The viewer makes the snapshot that a block names before it decodes the block. */
void feed_acked(struct feed *f, uint64_t id)
{
    struct slot *s = sent_slot(f, id);

    if (!s)
        return;
    if (s->snap > f->known) {
        f->known = s->snap;
        f->known_log = s->snap_log;
    }
    s->state = s->count ? SLOT_ACKED : SLOT_LOGGED;
    f->in_flight--;
    f->unheard = false;
    f->acked_more = true;
    forget(f);
}

void feed_gone(struct feed *f, uint64_t id)
{
    struct slot *s = sent_slot(f, id);

    if (!s)
        return;
    for (uint32_t i = 0; i < s->count; i++)
        if (f->sent_id[s->tile[i].index] == id)
            f->sent_version[s->tile[i].index] = 0;
    clear_slot(f, s);
    f->in_flight--;
    f->counters.gone++;
    forget(f);
}

static bool outdated(const struct feed *f, const struct slot *s)
{
    for (uint32_t i = 0; i < s->count; i++)
        if (f->capture->tile_version[s->tile[i].index] <= s->version)
            return false;
    return true;
}

bool feed_next_stale(struct feed *f, uint64_t *transport_id)
{
    if (!current(f) || f->without & WITHOUT_NEWEST)
        return false;
    for (uint64_t id = f->oldest; id < f->next; id++) {
        struct slot *s = slot_of(f, id);
        if (s->state != SLOT_SENT || s->forsaken || s->transport_id == UINT64_MAX ||
            !outdated(f, s))
            continue;
        s->forsaken = true;
        f->counters.forsaken++;
        *transport_id = s->transport_id;
        return true;
    }
    return false;
}

bool feed_next_orphan(struct feed *f, uint64_t *transport_id)
{
    if (f->tiles && !current(f))
        drop_picture(f);
    if (f->orphans == 0 || f->without & WITHOUT_NEWEST)
        return false;
    *transport_id = f->orphan[--f->orphans];
    return true;
}

void feed_count(const struct feed *f, struct feed_counters *out)
{
    *out = f->counters;
}
