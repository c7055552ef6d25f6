#include "core/guest/disk_near.h"

#include <string.h>

#include "core/base/buf.h"
#include "core/base/heap.h"
#include "core/base/num.h"
#include "core/wire/disk_record.h"

enum { LARGE_BYTES = 64 * 1024 };

_Static_assert((int)DISK_BLOCK_BYTES == (int)CONTENT_BLOCK_BYTES,
               "blocks are known by their prints");

struct disk_near {
    struct nbd_export export;
    struct nbd_server *nbd; /* owned */
    struct nbd_request now; /* being given to the channel */
    bool busy;
    size_t at;           /* of its data: so much has been given ... */
    bool begun, in_part; /* ... and a head at all; the head of a part, and not all of that */
    struct part {
        enum disk_kind kind;
        size_t begin, end; /* of the data */
        struct disk_known known;
    } part;
    const struct known_list *known; /* borrowed; NULL: none */
    uint8_t space[LARGE_BYTES];
    bool finish, barrier_given;
    enum nbd_error error; /* of the other side */
    struct disk_near_counters counters;
    struct buf back; /* an answer that is not whole yet */
};

enum err disk_near_new(uint64_t size_bytes, struct disk_near **out)
{
    struct disk_near *d = heap_alloc(sizeof *d);

    *out = d;
    if (!d)
        return ERR_MEMORY;
    d->export = (struct nbd_export){
        .name = "disk",
        .size_bytes = size_bytes,
        .preferred_bytes = LARGE_BYTES,
        .flags = NBD_SEND_FLUSH | NBD_SEND_FUA | NBD_SEND_TRIM | NBD_SEND_WRITE_ZEROES,
    };
    buf_init(&d->back, DISK_HEAD_BYTES);
    enum err e = nbd_server_new(&d->export, 1, &d->nbd);
    if (e) {
        disk_near_free(d);
        *out = NULL;
    }
    return e;
}

void disk_near_know(struct disk_near *d, const struct known_list *known)
{
    d->known = known;
}

void disk_near_free(struct disk_near *d)
{
    if (!d)
        return;
    nbd_server_free(d->nbd);
    buf_release(&d->back);
    heap_free(d);
}

bool disk_near_wants(const struct disk_near *d)
{
    return !d->busy && nbd_server_wants(d->nbd);
}

enum err disk_near_input(struct disk_near *d, struct bytes b)
{
    return nbd_server_input(d->nbd, b);
}

struct bytes disk_near_output(const struct disk_near *d)
{
    return nbd_server_output(d->nbd);
}

void disk_near_sent(struct disk_near *d, size_t n)
{
    nbd_server_sent(d->nbd, n);
}

struct disk_near_counters disk_near_counters(const struct disk_near *d)
{
    return d->counters;
}

enum nbd_error disk_near_error(const struct disk_near *d)
{
    return d->error;
}

static struct disk_record record_of(const struct nbd_request *r)
{
    return (struct disk_record){.kind = DISK_ZERO,
                                .hole = !(r->flags & NBD_FLAG_NO_HOLE),
                                .length = r->length,
                                .offset = r->offset};
}

/* ---- what a write is made of ---- */

static bool is_zero(const uint8_t *block)
{
    return block[0] == 0 && memcmp(block, block + 1, DISK_BLOCK_BYTES - 1) == 0;
}

/* How the block at `at` of the write goes over, when it is one: as zeroes, as entry number *entry,
 * or as it is. */
static enum disk_kind kind_of(const struct disk_near *d, size_t at, uint32_t *entry,
                              struct content_print *print)
{
    const uint8_t *block = d->now.data.p + at;

    if ((d->now.offset + at) % DISK_BLOCK_BYTES || d->now.data.n - at < DISK_BLOCK_BYTES)
        return DISK_WRITE;
    if (is_zero(block))
        return DISK_ZERO;
    if (!d->known || d->known->index.n == 0)
        return DISK_WRITE;
    *print = content_print_of(&d->known->key, block);
    return content_index_find(&d->known->index, print->name, entry) ? DISK_KNOWN : DISK_WRITE;
}

/* How far it is from `at` to the next place where a block can begin. */
static size_t step_at(const struct disk_near *d, size_t at)
{
    size_t over = (d->now.offset + at) % DISK_BLOCK_BYTES;

    return num_min(d->now.data.n - at, DISK_BLOCK_BYTES - over);
}

/* Finds the next run of blocks that go over in the same way. */
static void next_part(struct disk_near *d)
{
    struct part *p = &d->part;
    struct content_print print = {0};
    uint32_t entry = 0;
    size_t at = d->at;

    *p = (struct part){.kind = kind_of(d, at, &entry, &print), .begin = at};
    size_t most = p->kind == DISK_KNOWN ? DISK_KNOWN_MOST : LARGE_BYTES;
    p->known.first = entry;
    for (;;) {
        p->known.check = content_print_join(p->known.check, print.check);
        at += step_at(d, at);
        if (at == d->now.data.n || (p->kind != DISK_ZERO && at - p->begin >= most) ||
            kind_of(d, at, &entry, &print) != p->kind ||
            (p->kind == DISK_KNOWN && entry != p->known.first + (at - p->begin) / DISK_BLOCK_BYTES))
            break;
    }
    p->end = at;
}

/* Appends the head of the part to what is given next. */
static void put_head(struct disk_near *d, struct wr *w)
{
    const struct part *p = &d->part;
    struct disk_record r = {.kind = p->kind,
                            .length = (uint32_t)(p->end - p->begin),
                            .offset = d->now.offset + p->begin};

    if (d->now.command != NBD_WRITE)
        r = record_of(&d->now);
    disk_record_put(w, &r);
    if (p->kind == DISK_KNOWN)
        disk_record_put_known(w, &p->known);
}

/* Puts as much of the request to `w` as has room; whether that was all. */
static bool put_request(struct disk_near *d, struct wr *w)
{
    bool write = d->now.command == NBD_WRITE;
    struct part *p = &d->part;

    while (!d->begun || d->at < d->now.data.n) {
        if (!d->in_part) {
            if (wr_left(w) < DISK_HEAD_BYTES + DISK_KNOWN_BYTES)
                return false;
            *p = (struct part){.kind = DISK_ZERO};
            if (write)
                next_part(d);
            put_head(d, w);
            d->begun = true;
            d->in_part = write && p->kind == DISK_WRITE;
            d->at = d->in_part ? p->begin : write ? p->end : 0;
            d->counters.known_bytes += write && p->kind == DISK_KNOWN ? p->end - p->begin : 0;
            continue;
        }
        size_t n = num_min(wr_left(w), p->end - d->at);
        if (n == 0)
            return false;
        wr_bytes(w, bytes_of(d->now.data.p + d->at, n));
        d->at += n;
        d->in_part = d->at < p->end;
    }
    return !d->in_part;
}

/* Gives more of the request; whether all of it has gone. */
static bool give(struct disk_near *d, struct channel_end *c, uint64_t now_us)
{
    bool all = false;

    while (!all) {
        size_t room = num_min(channel_end_room(c, now_us), sizeof d->space);
        struct wr w = wr_of(d->space, room);
        if (room < DISK_HEAD_BYTES + DISK_KNOWN_BYTES)
            return false;
        all = put_request(d, &w);
        if (w.n)
            channel_end_give(c, wr_done(&w));
    }
    return true;
}

static void count(struct disk_near *d)
{
    if (d->now.command == NBD_WRITE)
        d->counters.written_bytes += d->now.length;
    else
        d->counters.zeroed_bytes += d->now.length;
}

/* A request that changes nothing is answered here: the disk itself is with QEMU. */
static enum err answer_now(struct disk_near *d)
{
    return nbd_server_reply(d->nbd, &d->now, d->now.command == NBD_FLUSH ? NBD_OK : NBD_EINVAL);
}

static void give_barrier(struct disk_near *d, struct channel_end *c, uint64_t now_us)
{
    uint8_t head[DISK_HEAD_BYTES];
    struct wr w = wr_of(head, sizeof head);

    if (!d->finish || d->barrier_given || channel_end_room(c, now_us) < DISK_HEAD_BYTES)
        return;
    disk_record_put(&w, &(struct disk_record){.kind = DISK_BARRIER});
    channel_end_give(c, wr_done(&w));
    d->barrier_given = true;
}

enum err disk_near_fill(struct disk_near *d, struct channel_end *c, uint64_t now_us)
{
    enum err e = OK;

    while (!e) {
        if (!d->busy && !nbd_server_next(d->nbd, &d->now, &e))
            break;
        bool changes = d->now.command == NBD_WRITE || d->now.command == NBD_TRIM ||
                       d->now.command == NBD_WRITE_ZEROES;
        if (!changes) {
            e = answer_now(d);
            continue;
        }
        d->busy = true;
        if (!give(d, c, now_us))
            return OK;
        d->busy = d->begun = d->in_part = false;
        d->at = 0;
        count(d);
        e = nbd_server_reply(d->nbd, &d->now, NBD_OK);
    }
    /* The barrier is behind all that has been written, also when QEMU has left meanwhile. */
    give_barrier(d, c, now_us);
    return e;
}

void disk_near_finish(struct disk_near *d)
{
    d->finish = true;
}

enum err disk_near_hear(struct disk_near *d, struct channel_end *c)
{
    struct disk_record r;
    struct bytes b;

    while (d->back.n < DISK_HEAD_BYTES) {
        enum err e = channel_end_peek(c, &b);
        if (e)
            return e == ERR_END ? ERR_MALFORMED : e;
        size_t n = num_min(b.n, DISK_HEAD_BYTES - d->back.n);
        e = buf_append(&d->back, bytes_of(b.p, n));
        if (e)
            return e;
        channel_end_consume(c, n);
    }
    if (disk_record_get(buf_bytes(&d->back), 0, &r) || r.kind != DISK_DONE)
        return ERR_MALFORMED;
    d->error = (enum nbd_error)r.length;
    return d->error ? ERR_SYSTEM : d->barrier_given ? ERR_END : ERR_MALFORMED;
}
