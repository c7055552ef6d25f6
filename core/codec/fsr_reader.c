#include "core/codec/fsr_reader.h"

#include <inttypes.h>
#include <string.h>

#include "core/base/heap.h"
#include "core/base/num.h"
#include "core/codec/block.h"
#include "core/codec/fsr_index.h"

enum {
    SAYS_BYTES = 2 * 1024 * 1024, /* more than any block says */
};

struct fsr_reader {
    struct io_at *at;       /* borrowed */
    struct tile_pool *pool; /* borrowed */
    struct fsr_index index;
    struct fsr_info info;
    uint64_t end;    /* where records of frames end */
    uint64_t offset; /* of the next record */
    uint64_t frame;  /* the number that comes next, or one that is at most it when not synced */
    bool synced;     /* `last` and `history` are what the next frame refers to */
    struct fsr_shape shape;
    struct pic *last; /* the frame before */
    struct block_history *history;
    struct pic *next;     /* the frame being put together, or NULL between frames */
    struct fsr_part part; /* the newest one of `next` */
    bool key;             /* `next` is a key frame */
    int64_t last_tile;    /* the highest one that `next` was told */
    struct buf said;      /* by the blocks of `next` */
    struct buf says;      /* one block does */
    uint8_t *changed;     /* owned: one a tile of the last key frame's size */
    struct block_coder *coder;
    uint8_t space[FSR_RECORD_BYTES]; /* the record at hand */
};

static enum err damaged(struct fsr_reader *r, struct reason *why, enum err e, uint64_t offset,
                        const char *what)
{
    r->synced = false;
    pic_unref(r->next);
    r->next = NULL;
    if (e == ERR_SYSTEM)
        return reason_give(why, e, "cannot read the recording at byte %" PRIu64, offset);
    if (e == ERR_MEMORY)
        return reason_give(why, e, "out of memory for frame %" PRIu64, r->frame);
    return reason_give(why, e, "frame %" PRIu64 " %s (record at byte %" PRIu64 ")", r->frame, what,
                       offset);
}

/* Reads `n` bytes at `offset`; ERR_END where they end too early. */
static enum err read_exactly(struct fsr_reader *r, uint64_t offset, void *to, size_t n)
{
    size_t got = 0;

    if (offset > r->end || n > r->end - offset)
        return ERR_END;
    enum err e = r->at->read_at(r->at, offset, to, n, &got);
    return e ? e : got < n ? ERR_END : OK;
}

/* The first place from `from` on where a record's head is whole, or r->end. */
static enum err find_record(struct fsr_reader *r, uint64_t from, uint64_t *found)
{
    struct fsr_record record;

    for (*found = from; *found < r->end;) {
        size_t got = 0, n = num_min(sizeof r->space, r->end - *found);
        enum err e = r->at->read_at(r->at, *found, r->space, n, &got);
        if (e)
            return e;
        if (got < FSR_RECORD_HEADER_BYTES)
            break;
        const uint8_t *p = r->space, *end = r->space + got - FSR_RECORD_HEADER_BYTES + 1;
        for (; (p = memmem(p, (size_t)(end - p) + 3, fsr_mark, 4)) != NULL; p++)
            if (fsr_get_record(p, &record) == OK) {
                *found += (uint64_t)(p - r->space);
                return OK;
            }
        *found += (uint64_t)(end - r->space);
    }
    *found = r->end;
    return OK;
}

static struct bytes record_payload(const struct fsr_reader *r, const struct fsr_record *record)
{
    return bytes_of(r->space + FSR_RECORD_HEADER_BYTES, record->payload_bytes);
}

/* Reads a whole record to r->space. ERR_END or ERR_MALFORMED: none is there (any more);
 * ERR_VERIFY: its payload is damaged. With OK and ERR_VERIFY *next is where the next one begins. */
static enum err read_record(struct fsr_reader *r, uint64_t offset, struct fsr_record *out,
                            uint64_t *next)
{
    enum err e = read_exactly(r, offset, r->space, FSR_RECORD_HEADER_BYTES);

    if (!e)
        e = fsr_get_record(r->space, out);
    if (e)
        return e;
    offset += FSR_RECORD_HEADER_BYTES;
    e = read_exactly(r, offset, r->space + FSR_RECORD_HEADER_BYTES, out->payload_bytes);
    if (e)
        return e;
    *next = offset + out->payload_bytes;
    struct bytes payload = bytes_of(r->space + FSR_RECORD_HEADER_BYTES, out->payload_bytes);
    return fsr_payload_good(out, payload) ? OK : ERR_VERIFY;
}

/* Takes one record into account that a scan has met; *open is the frame at hand, which is a key
 * frame when *is_key. */
static void scan_part(struct fsr_reader *r, const struct fsr_record *record, uint64_t offset,
                      struct fsr_key *open, bool *is_key)
{
    struct fsr_part p;
    struct rd rd = rd_of(record_payload(r, record));

    if (record->kind != FSR_PART || fsr_get_part(&rd, record->flags, &p) ||
        p.frame < r->index.frames)
        return;
    if (record->flags & FSR_FIRST) {
        *open = (struct fsr_key){p.frame, offset, p.time_us};
        *is_key = record->flags & FSR_KEY;
    }
    if (!(record->flags & FSR_LAST) || open->frame != p.frame || open->offset == 0)
        return;
    if (*is_key)
        fsr_index_add(&r->index, *open);
    r->index.frames = p.frame + 1;
    r->index.end_us = open->time_us;
}

/* Makes the index by reading every record. */
static enum err scan(struct fsr_reader *r)
{
    struct fsr_key open = {0};
    struct fsr_record record;
    uint64_t offset = FSR_HEADER_BYTES, next = 0;
    bool is_key = false;

    r->index.n = 0;
    r->index.frames = r->index.end_us = r->index.seen = 0;
    r->index.every = 1;
    r->info.finished = false;
    r->end = r->at->size_bytes;
    for (;; offset = next) {
        enum err e = read_record(r, offset, &record, &next);
        if (e == OK)
            scan_part(r, &record, offset, &open, &is_key);
        else if (e == ERR_MALFORMED)
            e = find_record(r, offset + 1, &next);
        if (e == ERR_END)
            return OK;
        if (e && e != ERR_VERIFY)
            return e;
    }
}

/* Reads the index at the end of the file. ERR_MALFORMED: there is none. */
static enum err load_index(struct fsr_reader *r)
{
    uint8_t tail[FSR_TAIL_BYTES];
    uint64_t size = r->at->size_bytes, offset;
    struct fsr_record record;

    r->end = size;
    if (size < FSR_HEADER_BYTES + FSR_RECORD_HEADER_BYTES + FSR_TAIL_BYTES)
        return ERR_MALFORMED;
    enum err e = read_exactly(r, size - FSR_TAIL_BYTES, tail, sizeof tail);
    if (!e)
        e = fsr_index_locate(tail, size, &offset);
    if (!e)
        e = read_exactly(r, offset, r->space, (size_t)(size - offset));
    if (!e)
        e = fsr_get_record(r->space, &record);
    if (e)
        return e == ERR_END ? ERR_MALFORMED : e;
    struct bytes payload = bytes_of(r->space + FSR_RECORD_HEADER_BYTES,
                                    (size_t)(size - offset - FSR_RECORD_HEADER_BYTES));
    if (record.kind != FSR_INDEX || !fsr_payload_good(&record, payload))
        return ERR_MALFORMED;
    e = fsr_index_decode(&r->index, payload, offset);
    if (e)
        return e;
    r->end = offset;
    r->info.finished = true;
    return OK;
}

/* Finds the shape of the first key frame, which tells what the recording is of. */
static enum err look_at_shape(struct fsr_reader *r)
{
    struct fsr_part part;
    struct fsr_record record;
    uint64_t next;

    if (r->index.n == 0)
        return OK;
    enum err e = read_record(r, r->index.key[0].offset, &record, &next);
    if (e == ERR_SYSTEM)
        return e;
    if (e || record.kind != FSR_PART || !(record.flags & FSR_FIRST) || !(record.flags & FSR_KEY))
        return OK;
    struct rd rd = rd_of(record_payload(r, &record));
    r->info.has_shape = fsr_get_part(&rd, record.flags, &part) == OK;
    if (r->info.has_shape)
        r->info.shape = part.shape;
    return OK;
}

static enum err open_file(struct fsr_reader *r, struct reason *why)
{
    size_t got = 0;
    enum err e = r->at->read_at(r->at, 0, r->space, FSR_HEADER_BYTES, &got);

    if (!e)
        e = fsr_check_header(r->space, got, why);
    if (e)
        return e;
    r->offset = FSR_HEADER_BYTES;
    e = load_index(r);
    if (e == ERR_MALFORMED)
        e = scan(r);
    if (!e)
        e = look_at_shape(r);
    r->info.frames = r->index.frames;
    r->info.end_us = r->index.end_us;
    return e;
}

enum err fsr_reader_open(struct io_at *at, struct tile_pool *pool, struct fsr_reader **out,
                         struct reason *why)
{
    struct fsr_reader *r = heap_alloc(sizeof *r);
    enum err e = ERR_MEMORY;

    *out = NULL;
    if (!r)
        return reason_give(why, e, "out of memory for a recording");
    r->at = at;
    r->pool = pool;
    buf_init(&r->said, BLOCK_HISTORY_BYTES);
    buf_init(&r->says, SAYS_BYTES);
    r->coder = block_coder_new();
    if (r->coder)
        e = fsr_index_init(&r->index);
    if (!e)
        e = open_file(r, why);
    if (e) {
        fsr_reader_free(r);
        return reason_give(why, e, "cannot open the recording: %s", err_text(e));
    }
    *out = r;
    return OK;
}

const struct fsr_info *fsr_reader_info(const struct fsr_reader *r)
{
    return &r->info;
}

/* Makes the picture that a key frame fills: black, of its own shape. */
static enum err begin_key(struct fsr_reader *r)
{
    const struct fsr_shape *s = &r->part.shape;
    enum err e = pic_new(r->pool, s->width, s->height, samples_shape(s->samples)->alpha, &r->next);

    if (e)
        return e;
    heap_free(r->changed);
    r->changed = heap_array(pic_tiles(r->next), 1);
    return r->changed ? OK : ERR_MEMORY;
}

static enum err begin_frame(struct fsr_reader *r, unsigned flags)
{
    r->key = flags & FSR_KEY;
    r->last_tile = -1;
    r->said.n = 0;
    r->frame = r->part.frame;
    if (r->key)
        return begin_key(r);
    memset(r->changed, 0, pic_tiles(r->last));
    return pic_copy(r->last, &r->next);
}

/* Puts the tiles of one block in their places, which rise from block to block. */
static enum err take_block(struct fsr_reader *r, struct bytes coded)
{
    struct block_tile tiles[BLOCK_MAX_TILES];
    struct block_reference ref = {r->key ? NULL : r->last, r->key ? NULL : r->history};
    size_t count = 0;

    r->says.n = 0;
    enum err e = block_decode(r->coder, r->next, &ref, coded, tiles, &count, &r->says);
    if (e)
        return e;
    for (size_t i = 0; i < count; i++) {
        if ((int64_t)tiles[i].index <= r->last_tile)
            e = ERR_MALFORMED;
        r->last_tile = tiles[i].index;
        r->changed[tiles[i].index] = 1;
        pic_set(r->next, tiles[i].index, tiles[i].tile);
    }
    return e ? e : fsr_said(&r->said, buf_bytes(&r->says));
}

/* The frame is put together and its hash is right: the next one refers to it. */
static enum err end_frame(struct fsr_reader *r)
{
    if (r->key || r->said.n) {
        struct bytes said = buf_bytes(&r->said);
        struct block_history *h = block_history_new(r->key ? NULL : r->history, &said, 1);
        if (!h)
            return ERR_MEMORY;
        block_history_unref(r->history);
        r->history = h;
    }
    pic_unref(r->last);
    r->last = r->next;
    r->next = NULL;
    if (r->key)
        r->shape = r->part.shape;
    r->frame++;
    r->synced = true;
    return OK;
}

/* Whether a part goes on with what is at hand. */
static bool part_fits(const struct fsr_reader *r, unsigned flags, const struct fsr_part *p)
{
    if (flags & FSR_FIRST)
        return !r->next && p->frame >= r->frame &&
               (flags & FSR_KEY ? !r->synced || p->frame == r->frame
                                : r->synced && p->frame == r->frame);
    return r->next && p->frame == r->part.frame && p->part == r->part.part + 1 &&
           !!(flags & FSR_KEY) == r->key;
}

/* Takes in one part. ERR_AGAIN: the frame has more; ERR_VERIFY: its hash is not the one named. */
static enum err take_part(struct fsr_reader *r, unsigned flags, struct bytes payload)
{
    struct fsr_part p = {0};
    struct rd rd = rd_of(payload);
    size_t hash_bytes = flags & FSR_LAST ? FSR_HASH_BYTES : 0;
    enum err e = fsr_get_part(&rd, flags, &p);

    if (!e && !part_fits(r, flags, &p))
        e = ERR_MALFORMED;
    if (e)
        return e;
    if (!(flags & FSR_FIRST))
        p.time_us = r->part.time_us, p.shape = r->part.shape;
    r->part = p;
    if (flags & FSR_FIRST)
        e = begin_frame(r, flags);
    while (!e && rd.left > hash_bytes) {
        struct bytes block = rd_sized(&rd, BLOCK_MAX_BYTES);
        e = rd.bad ? ERR_MALFORMED : take_block(r, block);
    }
    if (e)
        return e;
    struct bytes named = rd_bytes(&rd, hash_bytes);
    if (rd_done(&rd))
        return ERR_MALFORMED;
    if (!hash_bytes)
        return ERR_AGAIN;
    return fsr_hash_good(named, r->next) ? end_frame(r) : ERR_VERIFY;
}

/* Reads the next record and takes it in. ERR_AGAIN: there is no whole frame yet. */
static enum err step(struct fsr_reader *r, struct reason *why)
{
    struct fsr_record record = {0};
    uint64_t begin = r->offset, next = begin;
    enum err e = read_record(r, begin, &record, &next);

    if (e == ERR_END)
        return e;
    if (e == ERR_MALFORMED) {
        e = find_record(r, begin + 1, &r->offset);
        return damaged(r, why, e ? e : ERR_MALFORMED, begin, "is lost: no record");
    }
    r->offset = next;
    if (e)
        return damaged(r, why, e == ERR_VERIFY ? ERR_MALFORMED : e, begin, "is damaged");
    if (record.kind != FSR_PART) {
        if (record.kind == FSR_INDEX || record.kind >= 128)
            return ERR_AGAIN;
        return damaged(r, why, ERR_VERSION, begin, "is followed by a record of unknown kind");
    }
    bool begins = (record.flags & FSR_FIRST) && (record.flags & FSR_KEY);
    bool lost = !r->synced && !r->next;
    if (lost && !begins)
        return ERR_AGAIN; /* refers to what is lost */
    e = take_part(r, record.flags, record_payload(r, &record));
    if (e == OK || e == ERR_AGAIN)
        return e;
    if (begins && !lost && e == ERR_MALFORMED)
        r->offset = begin; /* perhaps only what should stand before it is missing: once more */
    return damaged(r, why, e, begin,
                   e == ERR_VERIFY ? "does not have the hash named" : "is malformed");
}

enum err fsr_reader_next(struct fsr_reader *r, struct fsr_frame *out, struct reason *why)
{
    enum err e;

    do
        e = step(r, why);
    while (e == ERR_AGAIN);
    if (!e)
        *out = (struct fsr_frame){r->last, r->key ? NULL : r->changed, &r->shape, r->frame - 1,
                                  r->part.time_us};
    return e;
}

/* Goes to a key frame. ERR_MALFORMED: it is not where the index says. */
static enum err jump(struct fsr_reader *r, const struct fsr_key *key)
{
    struct fsr_record record;
    struct fsr_part p;
    uint64_t next;
    enum err e = read_record(r, key->offset, &record, &next);

    if (e == ERR_SYSTEM)
        return e;
    if (e)
        return ERR_MALFORMED;
    struct rd rd = rd_of(record_payload(r, &record));
    if (record.kind != FSR_PART || !(record.flags & FSR_KEY) ||
        fsr_get_part(&rd, record.flags, &p) || p.part != 0 || p.frame != key->frame)
        return ERR_MALFORMED;
    pic_unref(r->next);
    r->next = NULL;
    r->synced = false;
    r->offset = key->offset;
    r->frame = key->frame;
    return OK;
}

/* Goes to the last key frame at or before `n`, unless reading on is the shorter way. */
static enum err approach(struct fsr_reader *r, uint64_t n)
{
    const struct fsr_key *key = fsr_index_find(&r->index, n);

    if (r->synced && r->frame <= n && (!key || key->frame <= r->frame))
        return OK;
    return key ? jump(r, key) : ERR_NOT_FOUND;
}

enum err fsr_reader_seek(struct fsr_reader *r, uint64_t n, struct reason *why)
{
    struct fsr_frame f;

    if (n >= r->index.frames)
        return reason_give(why, ERR_NOT_FOUND,
                           "no frame %" PRIu64 ": the recording has %" PRIu64 " (from 0)", n,
                           r->index.frames);
    enum err e = approach(r, n);
    if (e == ERR_MALFORMED && r->info.finished) {
        e = scan(r); /* the index does not tell the truth */
        if (!e)
            e = approach(r, n);
    }
    while (!e && r->frame < n)
        e = fsr_reader_next(r, &f, why);
    if (!e && r->frame > n)
        e = ERR_MALFORMED;
    if (e)
        return reason_give(why, e == ERR_END ? ERR_MALFORMED : e, "frame %" PRIu64 " is lost", n);
    return OK;
}

void fsr_reader_free(struct fsr_reader *r)
{
    if (!r)
        return;
    pic_unref(r->last);
    pic_unref(r->next);
    block_history_unref(r->history);
    block_coder_free(r->coder);
    fsr_index_release(&r->index);
    buf_release(&r->said);
    buf_release(&r->says);
    heap_free(r->changed);
    heap_free(r);
}
