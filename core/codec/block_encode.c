#include "core/codec/block.h"

#include <string.h>

#include "core/base/check.h"
#include "core/base/num.h"
#include "core/codec/block_coder.h"
#include "core/codec/block_history.h"
#include "core/codec/block_kernels.h"

/* A cell that is not as before and was not moved is coded by what is estimated to cost less: colour
 * numbers, which zstd finds again in the history, or residuals. For the numbers the estimate asks
 * whether four of them in a column have been seen before, in the history or in this block (a set of
 * hashes, `known`): what was seen costs next to nothing. The unit is about a sixteenth of a bit;
 * the weights were fitted on recorded desktops (docs/benchmarks.md). */
enum {
    COST_FRESH = 192, /* a colour that has no number yet */
    COST_KNOWN = 16,  /* four pixels seen before */
    COST_NEAR = 16,   /* a pixel as the one above it or to its left */
    COST_PIXEL = 60,  /* any other */
    COST_BOX = 300,   /* a box, and matches that it cuts off */
    COST_NEVER = 1 << 30,
    MAX_FRESH = 64, /* new colours in a cell: more means that it is no text */
    FRESH_SLOTS = 128,
    NEAR_TILES = 4, /* a block of so few looks only at the end of the history */
};

/* One block being encoded. */
struct encoder {
    struct block_coder *c;
    const struct pic *now;
    const struct block_reference *ref;
    const struct block_vector *vector;
    size_t vectors, count;
    bool near;        /* only the last part of the history is used */
    struct tile cell; /* a cell's pixels copied from elsewhere */
};

/* The colour numbers of one cell: column x at [x * 16]; COLOUR_NONE for new colours. */
struct numbers {
    uint16_t at[CELL_SIDE_PX * CELL_SIDE_PX];
    uint32_t fresh[MAX_FRESH];
    uint32_t fresh_count;
    bool too_many;
};

static const struct tile *tile_at(const struct encoder *e, size_t cell)
{
    return block_cell_tile(e->now, e->c->tile[cell / TILE_CELLS]);
}

static bool cell_rect(const struct encoder *e, size_t cell, struct rect *r)
{
    struct rect tile = pic_tile_rect(e->now, e->c->tile[cell / TILE_CELLS]);

    return block_cell_rect(tile, cell % TILE_CELLS, r);
}

/* Where the pixels of a cell would come from: base 0 the same place, else vector base - 1. False
 * when that lies outside of the picture. */
static bool source(const struct encoder *e, size_t cell, struct rect r, size_t base, int64_t *x,
                   int64_t *y)
{
    struct rect tile = pic_tile_rect(e->now, e->c->tile[cell / TILE_CELLS]);

    *x = tile.x + r.x + (base ? e->vector[base - 1].dx : 0);
    *y = tile.y + r.y + (base ? e->vector[base - 1].dy : 0);
    return *x >= 0 && *y >= 0 && *x + r.width <= e->now->width && *y + r.height <= e->now->height;
}

static bool equals_source(const struct encoder *e, size_t cell, struct rect r, size_t base)
{
    int64_t x, y;

    return source(e, cell, r, base, &x, &y) &&
           block_cell_equal(tile_at(e, cell), r, e->ref->pic, x, y);
}

static bool is_solid(const struct tile *t, struct rect r)
{
    uint32_t first = t->px[r.y * TILE_SIDE_PX + r.x], differs = 0;

    for (uint32_t y = r.y; y < r.y + r.height && !differs; y++)
        for (uint32_t x = r.x; x < r.x + r.width; x++)
            differs |= t->px[y * TILE_SIDE_PX + x] ^ first;
    return differs == 0;
}

/* The number of a colour, which becomes known if it is not and there is room; else COLOUR_NONE. */
static uint16_t number_of(struct block_coder *c, uint32_t colour)
{
    uint16_t slot = block_colour_find(&c->colours, colour);

    if (slot != COLOUR_NONE || c->fresh_count == COLOUR_NEW)
        return slot;
    c->fresh[c->fresh_count++] = colour;
    return block_colour_add(&c->colours, colour);
}

/* Finds cells that are as before, moved, or of one colour. The vector used last is tried first. */
static void classify(struct encoder *e)
{
    size_t last = 0;

    for (size_t cell = 0; cell < e->count * TILE_CELLS; cell++) {
        uint32_t index = e->c->tile[cell / TILE_CELLS];
        const struct tile *t = tile_at(e, cell);
        uint8_t *kind = &e->c->kind[cell];
        struct rect r;

        *kind = CELL_SAME;
        if (t == block_cell_tile(e->ref->pic, index) || !cell_rect(e, cell, &r) ||
            equals_source(e, cell, r, 0))
            continue;
        *kind = CELL_MIXED;
        if (last && equals_source(e, cell, r, last))
            *kind = (uint8_t)(CELL_COPIED + last - 1);
        for (size_t v = 1; v <= e->vectors && *kind == CELL_MIXED; v++)
            if (v != last && equals_source(e, cell, r, v)) {
                last = v;
                *kind = (uint8_t)(CELL_COPIED + v - 1);
            }
        if (*kind == CELL_MIXED && is_solid(t, r) &&
            number_of(e->c, t->px[r.y * TILE_SIDE_PX + r.x]) != COLOUR_NONE)
            *kind = CELL_SOLID;
    }
}

/* The smallest box around what differs from the same or a moved place. */
static struct block_box find_box(struct encoder *e, size_t cell, struct rect r)
{
    const struct block_kernels *k = block_kernels_best();
    size_t at = r.y * TILE_SIDE_PX + r.x;
    struct block_box best = {0, 0, 0, (uint8_t)r.width, (uint8_t)r.height};

    for (size_t base = 0; base <= e->vectors; base++) {
        struct block_kernel_box b;
        int64_t x, y;

        if (!source(e, cell, r, base, &x, &y) || !block_cell_copy(&e->cell, r, e->ref->pic, x, y))
            continue;
        k->find_box(tile_at(e, cell)->px + at, e->cell.px + at, r.width, r.height, &b);
        uint32_t width = b.right - b.left, height = b.bottom - b.top;
        if (width * height < (uint32_t)best.width * best.height)
            best =
                (struct block_box){(uint8_t)base, b.left, b.top, (uint8_t)width, (uint8_t)height};
    }
    return best;
}

/* Notes a colour without a number; false when there are too many. */
static bool note_fresh(struct numbers *n, uint8_t slot[FRESH_SLOTS], uint32_t colour)
{
    uint32_t at = (colour * 0x9e3779b1u) >> 25;

    while (slot[at] && n->fresh[slot[at] - 1] != colour)
        at = (at + 1) % FRESH_SLOTS;
    if (slot[at])
        return true;
    if (n->fresh_count == MAX_FRESH)
        return false;
    n->fresh[n->fresh_count++] = colour;
    slot[at] = (uint8_t)n->fresh_count;
    return true;
}

/* Looks up every pixel of a cell. */
static void look_up(const struct block_colours *t, const uint32_t *px, struct rect r,
                    struct numbers *n)
{
    uint8_t fresh[FRESH_SLOTS] = {0};

    n->fresh_count = 0;
    n->too_many = false;
    for (uint32_t x = 0; x < r.width; x++) {
        uint32_t before = ~px[x];
        uint16_t slot = COLOUR_NONE;

        for (uint32_t y = 0; y < r.height; y++) {
            uint32_t colour = px[y * TILE_SIDE_PX + x];
            if (colour != before) {
                before = colour;
                slot = block_colour_find(t, colour);
                if (slot == COLOUR_NONE && !note_fresh(n, fresh, colour)) {
                    n->too_many = true;
                    return;
                }
            }
            n->at[x * CELL_SIDE_PX + y] = slot;
        }
    }
}

/* The place of four numbers in the set of what is known. */
static inline uint32_t four(const uint16_t *n)
{
    uint64_t v;

    memcpy(&v, n, sizeof v);
    return (uint32_t)((v * 0x9e3779b97f4a7c15u) >> (64 - KNOWN_BITS));
}

static inline bool is_known(const uint64_t *known, uint32_t at)
{
    return known[at / 64] >> (at % 64) & 1;
}

static inline void set_known(uint64_t *known, uint32_t at)
{
    known[at / 64] |= (uint64_t)1 << (at % 64);
}

/* Makes the set of the history's fours ready for a new block. */
static void start_known(struct block_coder *c, const struct block_history *h, size_t reach)
{
    struct bytes b = block_history_tail(h, reach);
    uint8_t key[16];
    uint16_t n[4];

    block_history_key(h, key);
    if (memcmp(key, c->known_of, sizeof key) || reach != c->known_reach) {
        memcpy(c->known_of, key, sizeof key);
        c->known_reach = reach;
        memset(c->known_before, 0, sizeof c->known_before);
        for (size_t i = 0; i + sizeof n <= b.n; i += 2) {
            memcpy(n, b.p + i, sizeof n);
            set_known(c->known_before, four(n));
        }
    }
    memcpy(c->known, c->known_before, sizeof c->known);
}

/* The estimated cost of the box as colour numbers. */
static uint32_t index_cost(const struct block_coder *c, const struct numbers *n, struct block_box b)
{
    uint32_t cost = n->fresh_count * COST_FRESH;

    if (n->too_many)
        return COST_NEVER;
    for (uint32_t x = b.x; x < b.x + b.width; x++) {
        const uint16_t *column = n->at + x * CELL_SIDE_PX;
        const uint16_t *left = x ? column - CELL_SIDE_PX : NULL;

        for (uint32_t y = b.y, step; y < (uint32_t)b.y + b.height; y += step) {
            step = (uint32_t)num_min(4, (uint32_t)b.y + b.height - y);
            bool flat = true;
            for (uint32_t i = 1; i < step; i++)
                flat &= column[y + i] == column[y];
            if (flat && (y > b.y || (left && left[y] == column[y])))
                continue;
            if (step == 4 && is_known(c->known, four(column + y))) {
                cost += COST_KNOWN;
                continue;
            }
            for (uint32_t i = y; i < y + step; i++)
                cost += (i && column[i] == column[i - 1]) || (left && left[i] == column[i])
                            ? COST_NEAR
                            : COST_PIXEL;
        }
    }
    return cost;
}

/* Appends the box's numbers to the block; false, with nothing done, when there is no room for its
 * new colours. */
static bool add_indexed(struct block_coder *c, const uint32_t *px, struct numbers *n,
                        struct block_box b)
{
    if (c->fresh_count + n->fresh_count > COLOUR_NEW)
        return false;
    for (uint32_t x = b.x; x < (uint32_t)b.x + b.width; x++) {
        uint16_t *column = n->at + x * CELL_SIDE_PX;

        for (uint32_t y = b.y; y < (uint32_t)b.y + b.height; y++)
            if (column[y] == COLOUR_NONE)
                column[y] = number_of(c, px[y * TILE_SIDE_PX + x]);
        for (uint32_t y = b.y; y + 4 <= (uint32_t)b.y + b.height; y++)
            set_known(c->known, four(column + y));
        memcpy(c->index + c->index_count, column + b.y, b.height * sizeof *column);
        c->index_count += b.height;
    }
    return true;
}

/* The part of a tile that a box of cell r covers. */
static struct rect part(struct rect r, struct block_box b)
{
    return (struct rect){r.x + b.x, r.y + b.y, b.width, b.height};
}

/* Chooses between colour numbers and residuals, and between the whole cell and a box. */
static void choose(struct encoder *e, size_t cell, struct rect r)
{
    const struct tile *t = tile_at(e, cell);
    const uint32_t *px = t->px + r.y * TILE_SIDE_PX + r.x;
    const struct block_box whole = {0, 0, 0, (uint8_t)r.width, (uint8_t)r.height};
    struct block_box box = find_box(e, cell, r);
    bool boxed = box.width < whole.width || box.height < whole.height;
    struct numbers n;
    uint8_t *kind = &e->c->kind[cell];
    uint32_t best = COST_NEVER, cost;

    look_up(&e->c->colours, px, r, &n);
    e->c->box[cell] = whole;
    *kind = CELL_PREDICTED;
    if (!n.too_many) {
        best = index_cost(e->c, &n, whole);
        *kind = CELL_INDEXED;
        cost = block_predict_cost(t, r, e->now->alpha, best);
        if (cost < best) {
            best = cost;
            *kind = CELL_PREDICTED;
        }
    }
    if (boxed) {
        cost = index_cost(e->c, &n, box);
        uint32_t other =
            block_predict_cost(t, part(r, box), e->now->alpha, (uint32_t)num_min(cost, best));
        if (num_min(cost, other) + COST_BOX < best) {
            *kind = cost < other ? CELL_BOX_INDEXED : CELL_BOX_PREDICTED;
            e->c->box[cell] = box;
        }
    }
    if ((*kind == CELL_INDEXED || *kind == CELL_BOX_INDEXED) &&
        !add_indexed(e->c, px, &n, e->c->box[cell]))
        *kind = *kind == CELL_INDEXED ? CELL_PREDICTED : CELL_BOX_PREDICTED;
}

static void write_head(const struct encoder *e, unsigned detail, struct wr *w)
{
    uint32_t next = 0;

    wr_var(w, e->count);
    for (size_t i = 0; i < e->count; i++) {
        wr_var(w, e->c->tile[i] - next);
        next = e->c->tile[i] + 1;
    }
    wr_u8(w, (uint8_t)detail);
    wr_u8(w, (uint8_t)e->vectors);
    for (size_t i = 0; i < e->vectors; i++) {
        wr_u16(w, (uint16_t)e->vector[i].dx);
        wr_u16(w, (uint16_t)e->vector[i].dy);
    }
    wr_var(w, e->c->fresh_count);
    for (uint32_t i = 0; i < e->c->fresh_count; i++) {
        uint8_t v[4];
        num_put_le(v, 4, e->c->fresh[i]);
        wr_bytes(w, bytes_of(v, e->now->alpha ? 4 : 3));
    }
}

static void write_kinds(const struct encoder *e, struct wr *w)
{
    struct rect r;

    for (size_t first = 0; first < e->count * TILE_CELLS; first += TILE_CELLS) {
        const uint8_t *kind = e->c->kind + first;
        bool alike = true;

        for (size_t i = 1; i < TILE_CELLS; i++)
            alike &= !cell_rect(e, first + i, &r) || kind[i] == kind[0];
        wr_u8(w, alike ? kind[0] : CELL_MIXED);
        for (size_t i = 0; i < TILE_CELLS && !alike; i++)
            if (cell_rect(e, first + i, &r))
                wr_u8(w, kind[i]);
    }
}

/* Writes what the first frame holds. */
static struct bytes write_content(const struct encoder *e, unsigned detail)
{
    struct wr w = wr_of(e->c->content, sizeof e->c->content);
    size_t cells = e->count * TILE_CELLS;
    struct rect r;

    write_head(e, detail, &w);
    write_kinds(e, &w);
    for (size_t cell = 0; cell < cells; cell++) {
        const struct block_box *b = &e->c->box[cell];
        if (cell_rect(e, cell, &r) && block_has_box(e->c->kind[cell])) {
            wr_u8(&w, b->base);
            wr_u8(&w, (uint8_t)(b->x << 4 | (b->width - 1)));
            wr_u8(&w, (uint8_t)(b->y << 4 | (b->height - 1)));
        }
    }
    for (size_t cell = 0; cell < cells; cell++)
        if (cell_rect(e, cell, &r) && e->c->kind[cell] == CELL_SOLID)
            wr_u16(&w, block_colour_find(&e->c->colours,
                                         tile_at(e, cell)->px[r.y * TILE_SIDE_PX + r.x]));
    wr_zeros(&w, w.n % 2);
    /* Two bytes a pixel of a whole screen: in place, not by a call each. */
    CHECK(wr_left(&w) >= e->c->index_count * 2);
    for (uint32_t i = 0; i < e->c->index_count; i++, w.n += 2)
        num_put_le(w.p + w.n, 2, e->c->index[i]);
    CHECK(!w.full);
    return wr_done(&w);
}

/* How finely the residuals are sorted: sections must be long enough to pay for their tables. */
static unsigned choose_detail(size_t samples)
{
    return samples < 2500 ? 0 : samples < 16000 ? 1 : 2;
}

static enum err write_residuals(struct encoder *e, unsigned detail, struct wr *w)
{
    uint32_t size[PREDICT_SECTIONS];
    uint8_t head[16], *from = e->c->sorted;
    size_t left = e->c->samples.n;

    block_predict_sort(&e->c->samples, detail, from, size);
    for (unsigned k = 0; left > 0; k++) {
        wr_var(w, size[k]);
        if (size[k] == 0)
            continue;
        /* The coded size comes first: leave room for the longest number, then close the gap. */
        struct wr body = wr_of(w->p + w->n + sizeof head, num_sub0(wr_left(w), sizeof head));
        enum err err = block_coder_compress_residuals(e->c, bytes_of(from, size[k]), &body);
        if (err)
            return err;
        wr_var(w, body.n);
        memmove(w->p + w->n, body.p, body.n);
        w->n += body.n;
        from += size[k];
        left -= size[k];
    }
    return w->full ? ERR_LIMIT : OK;
}

/* Collects the residuals of the predicted cells, in the decoder's order. */
static void add_residuals(struct encoder *e)
{
    struct predict_samples *s = &e->c->samples;
    struct rect r;

    s->n = 0;
    memset(s->of_context, 0, sizeof s->of_context);
    for (size_t cell = 0; cell < e->count * TILE_CELLS; cell++) {
        uint8_t kind = e->c->kind[cell];
        if (cell_rect(e, cell, &r) && (kind == CELL_PREDICTED || kind == CELL_BOX_PREDICTED))
            block_predict_add(s, tile_at(e, cell), part(r, e->c->box[cell]), e->now->alpha);
    }
}

/* Decides on every cell. */
static void plan(struct encoder *e)
{
    struct rect r;

    block_coder_start_colours(e->c, e->ref->history);
    start_known(e->c, e->ref->history, e->near ? BLOCK_NEAR_BYTES : BLOCK_HISTORY_BYTES);
    e->c->index_count = 0;
    classify(e);
    block_cell_order(e->c->tile, e->count, e->now->columns, e->c->order);
    for (size_t i = 0; i < e->count * TILE_CELLS; i++) {
        size_t cell = e->c->order[i];
        if (e->c->kind[cell] == CELL_MIXED && cell_rect(e, cell, &r))
            choose(e, cell, r);
    }
    add_residuals(e);
}

enum err block_encode(struct block_coder *c, const struct pic *now,
                      const struct block_reference *ref, const uint32_t *tiles, size_t count,
                      const struct block_vector *vectors, size_t vector_count, struct buf *coded,
                      struct buf *payload)
{
    struct encoder e = {.c = c,
                        .now = now,
                        .ref = ref,
                        .vector = vectors,
                        .vectors = num_min(vector_count, BLOCK_MAX_VECTORS),
                        .count = count,
                        .near = count <= NEAR_TILES};
    struct wr w = wr_of(c->coded, sizeof c->coded), body = wr_of(c->sorted, sizeof c->coded);

    CHECK(count >= 1 && count <= BLOCK_MAX_TILES);
    CHECK(!ref->pic || (ref->pic->width == now->width && ref->pic->height == now->height));
    for (size_t i = 0; i < count; i++) {
        CHECK(tiles[i] < pic_tiles(now) && (i == 0 || tiles[i] > tiles[i - 1]));
        c->tile[i] = tiles[i];
    }
    plan(&e);
    unsigned detail = choose_detail(c->samples.n);
    struct bytes content = write_content(&e, detail);
    enum err err = block_coder_compress(c, ref->history, e.near, content, &body);
    if (err)
        return err;
    wr_u8(&w, BLOCK_FORMAT);
    wr_u8(&w, e.near);
    wr_var(&w, content.n);
    wr_sized(&w, wr_done(&body));
    if (w.full)
        return ERR_LIMIT;
    err = write_residuals(&e, detail, &w);
    size_t before = coded->n;
    if (!err)
        err = buf_append(coded, wr_done(&w));
    if (!err) {
        err = block_history_payload(c->fresh, c->fresh_count, content, payload);
        if (err)
            coded->n = before;
    }
    return err;
}
