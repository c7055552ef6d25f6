#include "core/guest/disk_near.h"

#include "core/base/buf.h"
#include "core/base/heap.h"
#include "core/base/num.h"
#include "core/wire/disk_record.h"

enum { LARGE_BYTES = 64 * 1024 };

struct disk_near {
    struct nbd_export export;
    struct nbd_server *nbd; /* owned */
    struct nbd_request now; /* being given to the channel */
    bool busy;
    size_t given; /* of it: its head and data */
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
    bool write = r->command == NBD_WRITE;

    return (struct disk_record){.kind = write ? DISK_WRITE : DISK_ZERO,
                                .hole = !write && !(r->flags & NBD_FLAG_NO_HOLE),
                                .length = r->length,
                                .offset = r->offset};
}

/* Gives more of the request; whether all of it has gone. */
static bool give(struct disk_near *d, struct channel_end *c, uint64_t now_us)
{
    uint8_t head[DISK_HEAD_BYTES];
    struct wr w = wr_of(head, sizeof head);
    struct disk_record r = record_of(&d->now);
    size_t whole = DISK_HEAD_BYTES + d->now.data.n;

    disk_record_put(&w, &r);
    while (d->given < whole) {
        size_t room = channel_end_room(c, now_us);
        if (room < DISK_HEAD_BYTES)
            return false;
        if (d->given == 0) {
            channel_end_give(c, wr_done(&w));
            d->given = DISK_HEAD_BYTES;
            continue;
        }
        size_t at = d->given - DISK_HEAD_BYTES, n = num_min(room, d->now.data.n - at);
        channel_end_give(c, bytes_of(d->now.data.p + at, n));
        d->given += n;
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
        d->busy = false;
        d->given = 0;
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
