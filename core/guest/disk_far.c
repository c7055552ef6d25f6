#include "core/guest/disk_far.h"

#include <string.h>

#include "core/base/buf.h"
#include "core/base/heap.h"
#include "core/base/limits.h"
#include "core/base/num.h"
#include "core/wire/disk_record.h"

enum {
    IN_FLIGHT = 64,
    OUT_FULL_BYTES = 4 << 20, /* not sent to QEMU yet: then nothing more is taken */
    PIECE_BYTES = 1 << 20,    /* of a long write: so much is sent at once */
    ZERO_BYTES = 1u << 30,    /* of a long run of zeroes */
    CLEAN_BYTES = 8 << 20     /* so much written, and QEMU is told to make it durable */
};

struct range {
    bool used;
    uint64_t offset, length;
};

struct disk_far {
    struct nbd_client *nbd; /* owned */
    uint64_t size_bytes;
    bool ready;
    uint16_t flags;
    struct buf in; /* a head, or a piece of what is to be written, not whole yet */
    struct disk_record now;
    bool has_now, whole;         /* there is one; the piece of it that is due is in `in` */
    uint64_t left;               /* of it, not given to QEMU yet */
    struct content_store *store; /* borrowed; NULL: none */
    struct range range[IN_FLIGHT];
    uint64_t written; /* since QEMU was told to make it durable, which it is doing (cleaning) */
    bool cleaning;
    bool barrier, flushing, done, told;
    enum nbd_error error;
};

enum { FLUSH_TAG = IN_FLIGHT, CLEAN_TAG };

enum err disk_far_new(const char *name, uint64_t size_bytes, struct disk_far **out)
{
    struct disk_far *d = heap_alloc(sizeof *d);

    *out = d;
    if (!d)
        return ERR_MEMORY;
    d->size_bytes = size_bytes;
    buf_init(&d->in, PIECE_BYTES);
    enum err e = nbd_client_new(name, &d->nbd);
    if (e) {
        disk_far_free(d);
        *out = NULL;
    }
    return e;
}

void disk_far_know(struct disk_far *d, struct content_store *store)
{
    d->store = store;
}

void disk_far_free(struct disk_far *d)
{
    if (!d)
        return;
    nbd_client_free(d->nbd);
    buf_release(&d->in);
    heap_free(d);
}

enum err disk_far_input(struct disk_far *d, struct bytes b)
{
    return nbd_client_input(d->nbd, b);
}

struct bytes disk_far_output(const struct disk_far *d)
{
    return nbd_client_output(d->nbd);
}

void disk_far_sent(struct disk_far *d, size_t n)
{
    nbd_client_sent(d->nbd, n);
}

enum nbd_error disk_far_error(const struct disk_far *d)
{
    return d->error;
}

/* ---- QEMU's answers ---- */

static enum err hear_qemu(struct disk_far *d)
{
    struct nbd_client_news n;
    enum err e;

    while (nbd_client_next(d->nbd, &n, &e)) {
        if (n.kind == NBD_CLIENT_READY) {
            d->ready = true;
            d->flags = n.flags;
            if (n.size_bytes != d->size_bytes || n.flags & NBD_READ_ONLY)
                return ERR_UNSUPPORTED;
            continue;
        }
        if (n.error && !d->error)
            d->error = n.error;
        if (n.tag == FLUSH_TAG)
            d->done = true;
        else if (n.tag == CLEAN_TAG)
            d->cleaning = false;
        else
            d->range[n.tag].used = false;
    }
    return e;
}

enum err disk_far_greet(struct disk_far *d)
{
    enum err e = hear_qemu(d);

    return e ? e : d->ready ? OK : ERR_AGAIN;
}

/* ---- what is to be written ---- */

/* A place for a request to those bytes. NULL: none is free, or one to the same bytes is on its way.
 */
static struct range *place_for(struct disk_far *d, uint64_t offset, uint64_t length)
{
    struct range *free = NULL;

    for (size_t i = 0; i < IN_FLIGHT; i++) {
        struct range *r = &d->range[i];
        if (!r->used)
            free = r;
        else if (offset < r->offset + r->length && r->offset < offset + length)
            return NULL;
    }
    return free;
}

/* Zeroes where the export knows none: written out. */
static enum err write_zeroes(struct disk_far *d, uint64_t tag, uint64_t offset, uint32_t length)
{
    if (d->flags & NBD_SEND_WRITE_ZEROES)
        return nbd_client_do(d->nbd, tag, NBD_WRITE_ZEROES,
                             d->now.hole ? 0 : (uint16_t)NBD_FLAG_NO_HOLE, offset, length,
                             bytes_of(NULL, 0));
    static const uint8_t zeroes[PIECE_BYTES];
    return nbd_client_do(d->nbd, tag, NBD_WRITE, 0, offset, length, bytes_of(zeroes, length));
}

/* What waits in the host's memory until the barrier would all have to be written while the guest
 * stands. */
static enum err clean(struct disk_far *d)
{
    if (d->written < CLEAN_BYTES || d->cleaning || !(d->flags & NBD_SEND_FLUSH))
        return OK;
    d->cleaning = true;
    d->written = 0;
    return nbd_client_do(d->nbd, CLEAN_TAG, NBD_FLUSH, 0, 0, 0, bytes_of(NULL, 0));
}

/* Gives QEMU the next piece. ERR_AGAIN: when something has been answered. */
static enum err write_piece(struct disk_far *d)
{
    uint64_t offset = d->now.offset + d->now.length - d->left;
    bool write = d->now.kind != DISK_ZERO;
    uint32_t most = write || !(d->flags & NBD_SEND_WRITE_ZEROES) ? PIECE_BYTES : ZERO_BYTES;
    uint32_t n = (uint32_t)num_min(d->left, most);
    struct range *r = place_for(d, offset, n);

    if (!r || nbd_client_output(d->nbd).n > OUT_FULL_BYTES)
        return ERR_AGAIN;
    uint64_t tag = (uint64_t)(r - d->range);
    enum err e = write ? nbd_client_do(d->nbd, tag, NBD_WRITE, 0, offset, n, buf_bytes(&d->in))
                       : write_zeroes(d, tag, offset, n);
    if (e)
        return e;
    *r = (struct range){.used = true, .offset = offset, .length = n};
    d->left -= n;
    d->in.n = 0;
    d->written += n;
    return clean(d);
}

/* Takes from the channel until `wanted` bytes are there. */
static enum err take(struct disk_far *d, struct channel_end *c, size_t wanted)
{
    enum err e = buf_reserve(&d->in, wanted - d->in.n);

    while (!e && d->in.n < wanted) {
        struct bytes b;
        e = channel_end_peek(c, &b);
        if (e)
            return e == ERR_END ? ERR_MALFORMED : e;
        size_t n = num_min(b.n, wanted - d->in.n);
        e = buf_append(&d->in, bytes_of(b.p, n));
        if (!e)
            channel_end_consume(c, n);
    }
    return e;
}

/* The blocks of what is written next, for others like them. */
static void keep_blocks(struct disk_far *d)
{
    uint64_t offset = d->now.offset + d->now.length - d->left;
    size_t at = (size_t)(num_sub0(DISK_BLOCK_BYTES, offset % DISK_BLOCK_BYTES) % DISK_BLOCK_BYTES);

    for (; d->store && at + DISK_BLOCK_BYTES <= d->in.n; at += DISK_BLOCK_BYTES)
        content_store_keep(d->store, d->in.p + at);
}

/* What DISK_KNOWN names, in place of what would have come. */
static enum err fetch_known(struct disk_far *d, struct channel_end *c)
{
    struct disk_known known;
    uint64_t sum = 0, check;
    enum err e = take(d, c, DISK_KNOWN_BYTES);

    if (e)
        return e;
    disk_record_get_known(buf_bytes(&d->in), &known);
    d->in.n = 0;
    if (!d->store)
        return ERR_MALFORMED;
    e = buf_reserve(&d->in, d->now.length);
    for (uint64_t i = 0; !e && i < d->now.length / DISK_BLOCK_BYTES; i++) {
        e = content_store_get(d->store, known.first + i, d->in.p + d->in.n, &check);
        d->in.n += DISK_BLOCK_BYTES;
        sum = content_print_join(sum, check);
    }
    if (e == ERR_SYSTEM || (!e && sum != known.check))
        return ERR_VERIFY;
    return e;
}

static enum err next_record(struct disk_far *d, struct channel_end *c)
{
    enum err e = take(d, c, DISK_HEAD_BYTES);

    if (!e)
        e = disk_record_get(buf_bytes(&d->in), d->size_bytes, &d->now);
    if (e)
        return e;
    d->in.n = 0;
    if (d->now.kind == DISK_DONE)
        return ERR_MALFORMED;
    d->has_now = d->now.kind != DISK_BARRIER;
    d->barrier = !d->has_now;
    d->left = d->now.length;
    return OK;
}

/* The barrier: when all before it is written it is made durable. */
static enum err reach_barrier(struct disk_far *d)
{
    if (d->flushing || nbd_client_waiting(d->nbd) > 0)
        return ERR_AGAIN;
    d->flushing = true;
    if (!(d->flags & NBD_SEND_FLUSH)) {
        d->done = true; /* it writes through */
        return OK;
    }
    return nbd_client_do(d->nbd, FLUSH_TAG, NBD_FLUSH, 0, 0, 0, bytes_of(NULL, 0));
}

/* Has the next piece of the record there, and gives it to QEMU. */
static enum err go_on_record(struct disk_far *d, struct channel_end *c)
{
    enum err e = OK;

    if (!d->whole && d->now.kind != DISK_ZERO) {
        e = d->now.kind == DISK_KNOWN ? fetch_known(d, c)
                                      : take(d, c, num_min(d->left, PIECE_BYTES));
        if (e)
            return e;
        if (d->now.kind == DISK_WRITE)
            keep_blocks(d);
        d->whole = true;
    }
    e = write_piece(d);
    d->whole &= e == ERR_AGAIN;
    return e;
}

static enum err write_on(struct disk_far *d, struct channel_end *c)
{
    enum err e = OK;

    while (!e) {
        if (d->barrier)
            e = reach_barrier(d);
        else if (!d->has_now)
            e = next_record(d, c);
        else if (d->left == 0)
            d->has_now = false;
        else
            e = go_on_record(d, c);
    }
    return e;
}

/* Tells the source what came of it. */
static void tell(struct disk_far *d, struct channel_end *c, uint64_t now_us)
{
    uint8_t head[DISK_HEAD_BYTES];
    struct wr w = wr_of(head, sizeof head);

    if (d->told || channel_end_room(c, now_us) < DISK_HEAD_BYTES)
        return;
    disk_record_put(&w, &(struct disk_record){.kind = DISK_DONE, .length = d->error});
    channel_end_give(c, wr_done(&w));
    d->told = true;
}

enum err disk_far_go_on(struct disk_far *d, struct channel_end *c, uint64_t now_us)
{
    enum err e = hear_qemu(d);

    if (!e && d->ready && !d->done && !d->error)
        e = write_on(d, c);
    if (e && e != ERR_AGAIN)
        return e;
    if (!d->done && !d->error)
        return ERR_AGAIN;
    tell(d, c, now_us);
    return d->error ? ERR_SYSTEM : ERR_END;
}
