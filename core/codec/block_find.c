#include "core/codec/block.h"

#include <string.h>
#include <xxhash.h>

#include "core/base/num.h"
#include "core/codec/block_cell.h"
#include "core/codec/block_kernels.h"

/* What moved is found by its content: both pictures are scanned, inside the changed tiles, for
 * anchors, which are places chosen by the pixels themselves (by a weak hash of a few), so that
 * moved content has the same anchors in both. Anchors that look the same (32x8 pixels, by a strong
 * hash, made only where the other picture has the weak one too) vote for their distance; the
 * vectors with most votes are then tried on real cells. */

enum {
    WINDOW_WIDTH = 32,
    WINDOW_HEIGHT = 8,
    MAX_ANCHORS = 4096,
    SLOTS = 2 * MAX_ANCHORS,
    BALLOTS = 1024,
    CANDIDATES = 32,
    SAMPLE_CELLS = 1024,
    FEW = 512,       /* a vector that fewer than one anchor or cell in so many is for is chance */
    DENSE_TILES = 8, /* up to so many changed tiles one place in eight may be an anchor */
    MANY_TILES = 128,
    ENOUGH = 1024, /* anchors that are a fair sample */
    ALIKE = 16,
    NONE = 0xffff,
    MARKS = 1 << 16,
};

struct anchor {
    uint32_t weak, strong;
    uint16_t x, y;
    uint16_t next, alike; /* the one before that looks the same, and how many there are so far */
};

/* Which weak hashes there are, and a few that there are not. */
struct marks {
    uint64_t bit[MARKS / 64];
};

/* Anchors whose weak hash is below a bound; when there are too many, the bound is halved, so that
 * what is kept is a sample by content and the same in both pictures. */
struct anchors {
    const struct pic *pic; /* borrowed */
    uint32_t below;
    size_t n;
    struct anchor at[MAX_ANCHORS];
};

struct ballot {
    int16_t dx, dy;
    uint32_t votes;
};

static void thin_out(struct anchors *a)
{
    size_t n = 0;

    a->below /= 2;
    for (size_t i = 0; i < a->n; i++)
        if (a->at[i].weak < a->below)
            a->at[n++] = a->at[i];
    a->n = n;
}

/* Weak hashes are below a bound: their high bits say little. */
static uint32_t mark_of(uint32_t weak)
{
    return weak * 0x85ebca6bu >> 16;
}

static void mark(struct marks *m, const struct anchors *a)
{
    memset(m, 0, sizeof *m);
    for (size_t i = 0; i < a->n; i++)
        m->bit[mark_of(a->at[i].weak) / 64] |= 1ull << mark_of(a->at[i].weak) % 64;
}

static bool is_marked(const struct marks *m, uint32_t weak)
{
    return m->bit[mark_of(weak) / 64] >> mark_of(weak) % 64 & 1;
}

static uint32_t strong_hash(const struct pic *p, const struct anchor *a)
{
    const struct tile *t = p->tile[a->y / TILE_SIDE_PX * p->columns + a->x / TILE_SIDE_PX];
    const uint32_t *px = t->px + a->y % TILE_SIDE_PX * TILE_SIDE_PX + a->x % TILE_SIDE_PX;
    uint32_t window[WINDOW_WIDTH * WINDOW_HEIGHT];

    for (uint32_t y = 0; y < WINDOW_HEIGHT; y++)
        memcpy(window + y * WINDOW_WIDTH, px + y * TILE_SIDE_PX, WINDOW_WIDTH * sizeof *px);
    return (uint32_t)XXH3_64bits(window, sizeof window);
}

/* Adds the anchors of one tile, looking at every `step`th row. */
static void scan_tile(struct anchors *a, const struct tile *t, struct rect r, uint32_t step)
{
    const struct block_kernels *k = block_kernels_best();
    uint8_t found[TILE_SIDE_PX];
    uint32_t weak[TILE_SIDE_PX];

    if (r.width < WINDOW_WIDTH)
        return;
    for (uint32_t y = 0; y + WINDOW_HEIGHT <= r.height; y += step) {
        const uint32_t *row = t->px + y * TILE_SIDE_PX;
        size_t n = k->find_anchors(row, r.width - WINDOW_WIDTH + 1, a->below, found, weak);

        for (size_t i = 0; i < n; i++) {
            if (weak[i] >= a->below)
                continue;
            if (a->n == MAX_ANCHORS)
                thin_out(a);
            if (a->n < MAX_ANCHORS && weak[i] < a->below)
                a->at[a->n++] = (struct anchor){
                    .weak = weak[i], .x = (uint16_t)(r.x + found[i]), .y = (uint16_t)(r.y + y)};
        }
    }
}

/* How thoroughly to look, by how much there is to look at. */
struct effort {
    uint32_t below;        /* the first bound of weak hashes */
    uint32_t every_column; /* of tiles */
    uint32_t every_row;    /* of pixels in the new picture */
};

static struct effort effort_for(const struct pic *now, const uint8_t *changed)
{
    struct effort f = {.below = UINT32_MAX / 8, .every_column = 1, .every_row = 2};
    uint32_t tiles = 0;

    for (uint32_t i = 0; i < pic_tiles(now); i++)
        tiles += changed[i] != 0;
    if (tiles > DENSE_TILES) {
        /* Begin with the anchors that would be left over anyway. */
        f.below /= num_max(1, tiles / DENSE_TILES / 4);
        f.every_row = 4;
    }
    for (; tiles > MANY_TILES; tiles /= 2)
        f.every_column++;
    return f;
}

static void scan(struct anchors *a, const struct pic *p, const uint8_t *changed, struct effort f)
{
    a->pic = p;
    a->below = f.below;
    a->n = 0;
    for (uint32_t i = 0; i < pic_tiles(p); i++)
        if (changed[i] && p->tile[i] && i % p->columns % f.every_column == 0)
            scan_tile(a, p->tile[i], pic_tile_rect(p, i), f.every_row);
}

/* Fills the hash table with those of the reference's anchors that the new picture may have; those
 * that look the same hang on each other, and what is there more than ALIKE times cannot vote. */
static void enter_anchors(uint16_t slot[SLOTS], struct anchors *a, const struct marks *wanted)
{
    memset(slot, 0xff, SLOTS * sizeof *slot);
    for (size_t i = 0; i < a->n; i++) {
        struct anchor *at = &a->at[i];

        if (!is_marked(wanted, at->weak))
            continue;
        at->strong = strong_hash(a->pic, at);
        uint32_t s = at->strong % SLOTS;
        while (slot[s] != NONE && a->at[slot[s]].strong != at->strong)
            s = (s + 1) % SLOTS;
        at->next = slot[s];
        at->alike = (uint16_t)(at->next == NONE ? 1 : a->at[at->next].alike + 1);
        slot[s] = (uint16_t)i;
    }
}

/* The last anchor of the reference that looks like that, or NULL. */
static const struct anchor *look_up(const uint16_t slot[SLOTS], const struct anchors *a,
                                    uint32_t strong)
{
    for (uint32_t s = strong % SLOTS; slot[s] != NONE; s = (s + 1) % SLOTS)
        if (a->at[slot[s]].strong == strong)
            return a->at[slot[s]].alike <= ALIKE ? &a->at[slot[s]] : NULL;
    return NULL;
}

static void vote(struct ballot box[BALLOTS], int32_t dx, int32_t dy)
{
    uint32_t at = ((uint32_t)dx * 0x9e3779b1u + (uint32_t)dy * 0x85ebca77u) >> 22;

    for (uint32_t i = 0; i < 8; i++, at = (at + 1) % BALLOTS) {
        if (box[at].votes && (box[at].dx != dx || box[at].dy != dy))
            continue;
        box[at].dx = (int16_t)dx;
        box[at].dy = (int16_t)dy;
        box[at].votes++;
        return;
    }
}

/* Moves the ballots with most votes to the front, best first; gives how many have `least`. */
static size_t rank(struct ballot box[BALLOTS], size_t least)
{
    size_t n = 0;

    for (; n < CANDIDATES; n++) {
        size_t best = n;
        for (size_t i = n + 1; i < BALLOTS; i++)
            if (box[i].votes > box[best].votes)
                best = i;
        if (box[best].votes < least)
            break;
        struct ballot b = box[best];
        box[best] = box[n];
        box[n] = b;
    }
    return n;
}

/* A cell that the vectors should explain. */
struct sample {
    uint32_t tile;
    uint16_t cell;
    uint16_t covered;
};

static bool is_flat(const struct tile *t, struct rect r)
{
    uint32_t first = t->px[r.y * TILE_SIDE_PX + r.x], differs = 0;

    for (uint32_t y = 0; y < r.height; y++)
        for (uint32_t x = 0; x < r.width; x++)
            differs |= t->px[(r.y + y) * TILE_SIDE_PX + r.x + x] ^ first;
    return differs == 0;
}

/* Picks an even sample of the changed cells that are neither flat nor the same as before. */
static size_t sample_cells(const struct pic *now, const struct pic *ref, const uint8_t *changed,
                           struct sample out[SAMPLE_CELLS])
{
    size_t n = 0, total = 0, seen = 0;

    for (uint32_t i = 0; i < pic_tiles(now); i++)
        total += changed[i] ? TILE_CELLS : 0;
    size_t step = total / SAMPLE_CELLS + 1;
    for (uint32_t i = 0; i < pic_tiles(now); i++) {
        if (!changed[i] || !now->tile[i])
            continue;
        struct rect tile = pic_tile_rect(now, i), r;
        for (uint32_t cell = 0; cell < TILE_CELLS && n < SAMPLE_CELLS; cell++) {
            if (seen++ % step || !block_cell_rect(tile, cell, &r) || is_flat(now->tile[i], r) ||
                block_cell_equal(now->tile[i], r, ref, tile.x + r.x, tile.y + r.y))
                continue;
            out[n++] = (struct sample){i, (uint16_t)cell, 0};
        }
    }
    return n;
}

/* How many cells that no vector explains yet this one explains; these count as covered. */
static uint32_t cover(const struct pic *now, const struct pic *ref, struct block_vector v,
                      struct sample *cells, size_t n)
{
    uint32_t hits = 0;

    for (size_t i = 0; i < n; i++) {
        struct rect tile = pic_tile_rect(now, cells[i].tile), r;

        if (cells[i].covered || !block_cell_rect(tile, cells[i].cell, &r))
            continue;
        if (block_cell_equal(now->tile[cells[i].tile], r, ref, (int64_t)tile.x + r.x + v.dx,
                             (int64_t)tile.y + r.y + v.dy)) {
            cells[i].covered = 1;
            hits++;
        }
    }
    return hits;
}

/* Keeps the candidates that explain cells, by how many. */
static size_t choose(const struct pic *now, const struct pic *ref, const uint8_t *changed,
                     const struct ballot *candidate, size_t candidates, struct block_vector *out,
                     size_t max)
{
    struct sample cells[SAMPLE_CELLS];
    uint32_t hits[CANDIDATES];
    size_t n = sample_cells(now, ref, changed, cells), found = 0;

    for (size_t i = 0; i < candidates && found < max; i++) {
        struct block_vector v = {candidate[i].dx, candidate[i].dy};
        uint32_t h = cover(now, ref, v, cells, n);
        size_t at = found;

        if (h < 1 + n / FEW)
            continue;
        for (; at > 0 && hits[at - 1] < h; at--) {
            hits[at] = hits[at - 1];
            out[at] = out[at - 1];
        }
        hits[at] = h;
        out[at] = v;
        found++;
    }
    return found;
}

/* Lets every anchor that both pictures have vote for how far it has come. */
static void vote_all(struct ballot box[BALLOTS], struct anchors *before,
                     const struct anchors *after)
{
    uint16_t slot[SLOTS];
    struct marks in_before, in_after;

    mark(&in_before, before);
    mark(&in_after, after);
    enter_anchors(slot, before, &in_after);
    for (size_t i = 0; i < after->n; i++) {
        const struct anchor *to = &after->at[i], *from;

        if (!is_marked(&in_before, to->weak))
            continue;
        from = look_up(slot, before, strong_hash(after->pic, to));
        for (; from; from = from->next == NONE ? NULL : &before->at[from->next])
            if (from->x != to->x || from->y != to->y)
                vote(box, from->x - to->x, from->y - to->y);
    }
}

size_t block_find_vectors(const struct pic *now, const struct pic *ref, const uint8_t *changed,
                          struct block_vector *out, size_t max)
{
    struct anchors before, after;
    struct ballot box[BALLOTS] = {0};

    if (!ref || now->width != ref->width || now->height != ref->height)
        return 0;
    struct effort f = effort_for(now, changed), every_row = f;
    every_row.every_row = 1;
    scan(&before, ref, changed, every_row);
    if (before.n < ENOUGH) {
        /* Text in two colours has few patterns: take any, and look at every row for them. */
        f.below = every_row.below = UINT32_MAX;
        f.every_row = 1;
        scan(&before, ref, changed, every_row);
    }
    f.below = before.below;
    scan(&after, now, changed, f);
    vote_all(box, &before, &after);
    return choose(now, ref, changed, box, rank(box, 1 + after.n / FEW), out, max);
}
