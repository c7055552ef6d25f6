#include "core/codec/block.h"

#include <string.h>

#include "core/base/check.h"
#include "core/base/num.h"
#include "core/base/rd.h"
#include "core/codec/block_coder.h"
#include "core/codec/block_history.h"

/* One block being decoded. */
struct decoder {
    struct block_coder *c;
    const struct pic *shape, *ref;
    struct rd r; /* the content */
    struct block_tile *tile;
    size_t count; /* tiles listed so far */
    struct block_vector vector[BLOCK_MAX_VECTORS];
    unsigned vectors, detail;
    size_t samples;               /* that the predicted cells need */
    bool shared[BLOCK_MAX_TILES]; /* tiles that are the reference's own */
};

/* The tile index and the visible part of cell `cell` (of all cells of the block); false when
 * nothing of it is visible. */
static bool cell_rect(const struct decoder *d, size_t cell, struct rect *r)
{
    struct rect tile = pic_tile_rect(d->shape, d->tile[cell / TILE_CELLS].index);

    return block_cell_rect(tile, cell % TILE_CELLS, r);
}

static enum err read_head(struct decoder *d)
{
    uint64_t count = rd_var(&d->r), next = 0;

    if (count < 1 || count > BLOCK_MAX_TILES)
        return ERR_MALFORMED;
    for (uint64_t i = 0; i < count; i++) {
        next += rd_var(&d->r);
        if (next >= pic_tiles(d->shape))
            return ERR_MALFORMED;
        d->c->tile[i] = (uint32_t)next;
        d->tile[i] = (struct block_tile){.index = (uint32_t)next++};
        d->count++;
    }
    d->detail = rd_u8(&d->r);
    d->vectors = rd_u8(&d->r);
    if (d->detail >= PREDICT_DETAILS || d->vectors > BLOCK_MAX_VECTORS)
        return ERR_MALFORMED;
    for (unsigned i = 0; i < d->vectors; i++) {
        d->vector[i].dx = (int16_t)rd_u16(&d->r);
        d->vector[i].dy = (int16_t)rd_u16(&d->r);
    }
    return d->r.bad ? ERR_MALFORMED : OK;
}

static enum err read_colours(struct decoder *d)
{
    uint64_t n = rd_var(&d->r);

    if (n > COLOUR_NEW)
        return ERR_MALFORMED;
    for (uint64_t i = 0; i < n; i++) {
        uint8_t v[4] = {0};
        rd_copy(&d->r, v, d->shape->alpha ? 4 : 3);
        uint32_t colour = (uint32_t)num_get_le(v, 4);
        d->c->fresh[d->c->fresh_count++] = colour;
        block_colour_add(&d->c->colours, colour);
    }
    return d->r.bad ? ERR_MALFORMED : OK;
}

static enum err read_kinds(struct decoder *d)
{
    struct rect r;

    for (size_t t = 0; t < d->count; t++) {
        uint8_t all = rd_u8(&d->r);
        for (size_t cell = t * TILE_CELLS; cell < (t + 1) * TILE_CELLS; cell++) {
            if (!cell_rect(d, cell, &r))
                continue;
            uint8_t kind = all == CELL_MIXED ? rd_u8(&d->r) : all;
            if (kind >= CELL_COPIED + d->vectors)
                return ERR_MALFORMED;
            d->c->kind[cell] = kind;
        }
    }
    return d->r.bad ? ERR_MALFORMED : OK;
}

/* Reads the boxes and sets those of cells that are coded whole. */
static enum err read_boxes(struct decoder *d)
{
    struct rect r;

    for (size_t cell = 0; cell < d->count * TILE_CELLS; cell++) {
        if (!cell_rect(d, cell, &r))
            continue;
        struct block_box *b = &d->c->box[cell];
        uint8_t kind = d->c->kind[cell];
        *b = (struct block_box){0, 0, 0, (uint8_t)r.width, (uint8_t)r.height};
        if (block_has_box(kind)) {
            b->base = rd_u8(&d->r);
            uint8_t across = rd_u8(&d->r), down = rd_u8(&d->r);
            *b = (struct block_box){b->base, across >> 4, down >> 4, (across & 15) + 1,
                                    (down & 15) + 1};
            if (b->base > d->vectors || b->x + b->width > r.width || b->y + b->height > r.height)
                return ERR_MALFORMED;
        }
        if (kind == CELL_PREDICTED || kind == CELL_BOX_PREDICTED)
            d->samples += (size_t)b->width * b->height * (d->shape->alpha ? 4 : 3);
    }
    return d->r.bad ? ERR_MALFORMED : OK;
}

/* Whether every visible cell of the tile is as in the reference. */
static bool all_same(const struct decoder *d, size_t t)
{
    struct rect r;

    for (size_t cell = t * TILE_CELLS; cell < (t + 1) * TILE_CELLS; cell++)
        if (cell_rect(d, cell, &r) && d->c->kind[cell] != CELL_SAME)
            return false;
    return true;
}

/* Gives every tile: the reference's where nothing changed, else a black new one. */
static enum err make_tiles(struct decoder *d)
{
    for (size_t t = 0; t < d->count; t++) {
        struct block_tile *b = &d->tile[t];

        if (all_same(d, t)) {
            struct tile *old = d->ref ? d->ref->tile[b->index] : NULL;
            b->tile = old ? tile_ref(old) : NULL;
            d->shared[t] = true;
            continue;
        }
        b->tile = tile_new(d->shape->pool);
        if (!b->tile)
            return ERR_MEMORY;
        memset(b->tile->px, 0, sizeof b->tile->px);
    }
    return OK;
}

/* Copies a cell from the reference: base 0 from the same place, else by vector base - 1. */
static bool copy(const struct decoder *d, size_t cell, struct rect r, unsigned base)
{
    const struct block_tile *b = &d->tile[cell / TILE_CELLS];
    struct rect tile = pic_tile_rect(d->shape, b->index);
    int64_t x = tile.x + r.x, y = tile.y + r.y;

    if (base) {
        x += d->vector[base - 1].dx;
        y += d->vector[base - 1].dy;
    }
    if (x < 0 || y < 0 || x + r.width > d->shape->width || y + r.height > d->shape->height)
        return false;
    return block_cell_copy(b->tile, r, d->ref, x, y);
}

static void fill(struct tile *t, struct rect r, uint32_t colour)
{
    for (uint32_t y = r.y; y < r.y + r.height; y++)
        for (uint32_t x = r.x; x < r.x + r.width; x++)
            t->px[y * TILE_SIDE_PX + x] = colour;
}

/* Does everything but indexed and predicted pixels: same, copied and solid cells, and what is
 * around boxes. */
static enum err fill_plain(struct decoder *d)
{
    struct rect r;

    for (size_t cell = 0; cell < d->count * TILE_CELLS; cell++) {
        struct tile *t = d->tile[cell / TILE_CELLS].tile;
        uint8_t kind = d->c->kind[cell];
        uint32_t colour;

        if (d->shared[cell / TILE_CELLS] || !cell_rect(d, cell, &r))
            continue;
        if (kind == CELL_SOLID) {
            if (!block_colour_get(&d->c->colours, rd_u16(&d->r), &colour))
                return ERR_MALFORMED;
            fill(t, r, colour);
        } else if (kind == CELL_SAME || kind >= CELL_COPIED || block_has_box(kind)) {
            unsigned base = kind == CELL_SAME     ? 0
                            : block_has_box(kind) ? d->c->box[cell].base
                                                  : kind - CELL_COPIED + 1u;
            if (!copy(d, cell, r, base))
                return ERR_MALFORMED;
        }
    }
    return d->r.bad ? ERR_MALFORMED : OK;
}

/* The coded part of a cell, in its tile. */
static struct rect coded_part(const struct decoder *d, size_t cell)
{
    const struct block_box *b = &d->c->box[cell];

    return (struct rect){cell % CELLS_ACROSS * CELL_SIDE_PX + b->x,
                         cell % TILE_CELLS / CELLS_ACROSS * CELL_SIDE_PX + b->y, b->width,
                         b->height};
}

static enum err fill_indexed_cell(struct decoder *d, size_t cell)
{
    struct rect r = coded_part(d, cell);
    struct bytes b = rd_bytes(&d->r, (size_t)r.width * r.height * 2);
    uint32_t *px = d->tile[cell / TILE_CELLS].tile->px;
    const uint8_t *p = b.p;

    if (d->r.bad)
        return ERR_MALFORMED;
    for (uint32_t x = r.x; x < r.x + r.width; x++)
        for (uint32_t y = r.y; y < r.y + r.height; y++, p += 2)
            if (!block_colour_get(&d->c->colours, (uint16_t)(p[0] | p[1] << 8),
                                  &px[y * TILE_SIDE_PX + x]))
                return ERR_MALFORMED;
    return OK;
}

static enum err fill_indexed(struct decoder *d)
{
    if ((d->r.p - d->c->content) % 2 && rd_u8(&d->r) != 0)
        return ERR_MALFORMED;
    block_cell_order(d->c->tile, d->count, d->shape->columns, d->c->order);
    for (size_t i = 0; i < d->count * TILE_CELLS; i++) {
        size_t cell = d->c->order[i];
        uint8_t kind = d->c->kind[cell];
        struct rect r;

        if (!cell_rect(d, cell, &r) || (kind != CELL_INDEXED && kind != CELL_BOX_INDEXED))
            continue;
        enum err e = fill_indexed_cell(d, cell);
        if (e)
            return e;
    }
    return rd_done(&d->r);
}

/* Expands the residuals' sections, which must hold as many samples as the cells need. */
static enum err read_sections(struct decoder *d, struct rd *r, struct predict_reader *s,
                              const uint8_t *end[PREDICT_SECTIONS])
{
    uint8_t *to = d->c->sorted;
    size_t left = d->samples;

    for (unsigned k = 0; k < PREDICT_SECTIONS; k++) {
        bool there = left > 0 && k < block_predict_sections(d->detail);
        uint64_t n = there ? rd_var(r) : 0;
        s->at[k] = end[k] = to;
        if (n == 0)
            continue;
        struct bytes coded = rd_sized(r, BLOCK_MAX_BYTES);
        if (n > left || r->bad)
            return ERR_MALFORMED;
        enum err e = block_coder_expand(d->c, bytes_of(NULL, 0), coded, to, (size_t)n);
        if (e)
            return e;
        to += n;
        left -= (size_t)n;
        end[k] = to;
    }
    return left || r->bad ? ERR_MALFORMED : rd_done(r);
}

/* Fills the predicted cells. Sections that were too short show at the end: what was read instead
 * lies in the same buffer, which has room for every sample twice. */
static enum err fill_predicted(struct decoder *d, struct rd *rest)
{
    const uint8_t *end[PREDICT_SECTIONS];
    struct predict_reader s;
    enum err e = read_sections(d, rest, &s, end);

    if (e || d->samples == 0)
        return e;
    block_predict_start(&s, d->detail);
    for (size_t cell = 0; cell < d->count * TILE_CELLS; cell++) {
        uint8_t kind = d->c->kind[cell];
        struct rect r;

        if (cell_rect(d, cell, &r) && (kind == CELL_PREDICTED || kind == CELL_BOX_PREDICTED))
            block_predict_fill(&s, d->tile[cell / TILE_CELLS].tile, coded_part(d, cell),
                               d->shape->alpha);
    }
    for (unsigned k = 0; k < PREDICT_SECTIONS; k++)
        if (s.at[k] != end[k])
            return ERR_MALFORMED;
    return OK;
}

static enum err decode_content(struct decoder *d, struct rd *rest)
{
    enum err e = read_head(d);

    if (!e)
        e = read_colours(d);
    if (!e)
        e = read_kinds(d);
    if (!e)
        e = read_boxes(d);
    if (!e)
        e = make_tiles(d);
    if (!e)
        e = fill_plain(d);
    if (!e)
        e = fill_indexed(d);
    return e ? e : fill_predicted(d, rest);
}

enum err block_decode(struct block_coder *c, const struct pic *shape,
                      const struct block_reference *ref, struct bytes coded,
                      struct block_tile out[BLOCK_MAX_TILES], size_t *count, struct buf *payload)
{
    struct rd r = rd_of(coded);
    struct decoder d = {.c = c, .shape = shape, .ref = ref->pic, .tile = out};

    CHECK(!d.ref || (d.ref->width == shape->width && d.ref->height == shape->height));
    *count = 0;
    if (coded.n > BLOCK_MAX_BYTES || rd_u8(&r) != BLOCK_FORMAT)
        return ERR_MALFORMED;
    uint8_t near = rd_u8(&r);
    uint64_t size = rd_var(&r);
    struct bytes frame = rd_sized(&r, BLOCK_MAX_BYTES);
    if (r.bad || near > 1 || size > sizeof c->content || size % 2)
        return ERR_MALFORMED;
    struct bytes dictionary =
        block_history_tail(ref->history, near ? BLOCK_NEAR_BYTES : BLOCK_HISTORY_BYTES);
    enum err e = block_coder_expand(c, dictionary, frame, c->content, (size_t)size);
    if (e)
        return e;
    d.r = rd_of(bytes_of(c->content, (size_t)size));
    block_coder_start_colours(c, ref->history);
    e = decode_content(&d, &r);
    if (!e)
        e = block_history_payload(c->fresh, c->fresh_count, bytes_of(c->content, (size_t)size),
                                  payload);
    if (e) {
        while (d.count > 0)
            tile_unref(shape->pool, out[--d.count].tile);
        return e;
    }
    *count = d.count;
    return OK;
}
