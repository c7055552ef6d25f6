#include "core/run/send_disks.h"

#include <stdio.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/num.h"
#include "core/os/stream_socket.h"

static void fail(struct send_disks *s, const char *why)
{
    if (s->failed)
        return;
    s->failed = true;
    s->owner.failed(s->owner.ctx, why);
}

/* ---- NBD, from QEMU ---- */

static bool on_wants(void *ctx)
{
    return disk_near_wants(((struct send_disk *)ctx)->near);
}

static enum err on_input(void *ctx, struct bytes b)
{
    return disk_near_input(((struct send_disk *)ctx)->near, b);
}

static struct bytes on_output(void *ctx)
{
    return disk_near_output(((struct send_disk *)ctx)->near);
}

static void on_sent(void *ctx, size_t n)
{
    disk_near_sent(((struct send_disk *)ctx)->near, n);
}

static void fill(struct send_disk *d, uint64_t now_us)
{
    if (!d->end)
        return;
    enum err e = disk_near_fill(d->near, d->end, now_us);

    if (e && e != ERR_END)
        fail(d->all, "QEMU does not speak NBD as it should");
    else
        nbd_socket_go_on(&d->socket);
}

static void on_heard(void *ctx)
{
    struct send_disk *d = ctx;

    fill(d, loop_now_us(d->all->loop));
    d->all->owner.kick(d->all->owner.ctx);
}

#define name_format "farspan-disk-%zu"

static void on_over(void *ctx, enum err e)
{
    struct send_disk *d = ctx;

    log_debug("%s: QEMU has left: %s", d->name, err_text(e));
    if (!d->drained)
        fail(d->all, "QEMU has ended the connection to its mirror");
}

/* ---- beginning ---- */

static struct send_disk *of_step(void *ctx)
{
    struct send_disks *s = ctx;
    size_t at = s->q->dialog.at;

    return &s->disk[s->step_disk[at]];
}

static struct json *fd_arguments(void *ctx)
{
    struct json *j = json_new();

    json_put_string(j, "fdname", of_step(ctx)->name);
    return j;
}

static int take_fd(void *ctx)
{
    struct send_disk *d = of_step(ctx);
    int fd = d->give;

    d->give = -1;
    return fd;
}

static struct json *node_arguments(void *ctx)
{
    const struct send_disk *d = of_step(ctx);
    struct json *j = json_new(), *server = json_new();

    json_put_string(server, "type", "fd");
    json_put_string(server, "str", d->name);
    json_put_string(j, "driver", "nbd");
    json_put_string(j, "node-name", d->name);
    json_put_string(j, "export", "disk");
    json_put(j, "server", server);
    return j;
}

static struct json *mirror_arguments(void *ctx)
{
    struct send_disk *d = of_step(ctx);
    struct json *j = json_new();

    d->added = true;
    json_put_string(j, "job-id", d->name);
    json_put_string(j, "device", d->disk->node);
    json_put_string(j, "target", d->name);
    json_put_string(j, "sync", "full");
    d->mirrors = true;
    return j;
}

static void on_begun(void *ctx, enum err e)
{
    struct send_disks *s = ctx;

    if (e && e != ERR_UNREACHABLE)
        fail(s, reason_text(&s->q->run->reason, e));
}

static void add_step(struct send_disks *s, size_t *n, size_t disk, struct dialog_step step)
{
    s->step[*n] = step;
    s->step_disk[(*n)++] = disk;
}

static enum err open_disk(struct send_disks *s, struct peer *p, const struct guest_disk *disk,
                          size_t number)
{
    struct send_disk *d = &s->disk[s->n];
    struct nbd_socket_owner owner = {.wants = on_wants,
                                     .input = on_input,
                                     .output = on_output,
                                     .sent = on_sent,
                                     .heard = on_heard,
                                     .over = on_over,
                                     .ctx = d};
    int pair[2];

    *d = (struct send_disk){.all = s, .disk = disk, .give = -1, .socket.fd = -1};
    snprintf(d->name, sizeof d->name, name_format, number);
    s->n++;
    enum err e = disk_near_new(disk->size_bytes, &d->near);
    if (!e) {
        disk_near_know(d->near, s->known);
        e = channel_end_call(p, d->name, &d->end);
    }
    if (!e)
        e = stream_socket_pair(pair, 0);
    if (e)
        return e;
    d->give = pair[1];
    return nbd_socket_init(&d->socket, s->loop, pair[0], &owner);
}

enum err send_disks_begin(struct send_disks *s, struct loop *l, struct guest_qemu *q,
                          struct peer *p, const struct known_list *known,
                          const struct send_disks_owner *owner)
{
    enum err e = OK;
    size_t n = 0;

    *s = (struct send_disks){.loop = l, .q = q, .owner = *owner, .known = known};
    for (size_t i = 0; !e && i < q->facts.disks; i++)
        if (!q->facts.disk[i].read_only)
            e = open_disk(s, p, &q->facts.disk[i], i);
    if (e)
        return e;
    for (size_t i = 0; i < s->n; i++) {
        add_step(s, &n, i,
                 (struct dialog_step){"getfd", .arguments = fd_arguments, .give = take_fd});
        add_step(s, &n, i, (struct dialog_step){"blockdev-add", .arguments = node_arguments});
        add_step(s, &n, i, (struct dialog_step){"blockdev-mirror", .arguments = mirror_arguments});
    }
    guest_qemu_do(q, s->step, n, on_begun, s);
    return OK;
}

/* ---- on the way ---- */

static void see_ready(struct send_disks *s)
{
    for (size_t i = 0; i < s->n; i++)
        if (!s->disk[i].ready)
            return;
    if (!s->told_ready) {
        s->told_ready = true;
        s->owner.ready(s->owner.ctx);
    }
}

static void see_drained(struct send_disks *s)
{
    for (size_t i = 0; i < s->n; i++)
        if (!s->disk[i].drained)
            return;
    if (!s->told_drained) {
        s->told_drained = true;
        s->owner.drained(s->owner.ctx);
    }
}

static struct send_disk *find(struct send_disks *s, const char *name)
{
    for (size_t i = 0; name && i < s->n; i++)
        if (strcmp(s->disk[i].name, name) == 0)
            return &s->disk[i];
    return NULL;
}

static void on_progress(void *ctx, const struct json_value *v, const char *refused)
{
    struct send_disks *s = ctx;

    if (refused)
        return;
    s->total_bytes = s->remaining_bytes = 0;
    for (size_t i = 0; i < json_count(v); i++) {
        const struct json_value *job = json_item(v, i);
        const char *name = json_text(json_member(job, "device"));
        int64_t len = json_int(json_member(job, "len"), 0),
                at = json_int(json_member(job, "offset"), 0);
        if (!name || !find(s, name) || len < 0 || at < 0)
            continue;
        s->total_bytes += (uint64_t)len;
        s->remaining_bytes += num_sub0((uint64_t)len, (uint64_t)at);
    }
}

void send_disks_ask(struct send_disks *s)
{
    if (s->n && !s->told_ready && !s->failed &&
        monitor_do(s->q->monitor, "query-block-jobs", NULL, on_progress, s))
        log_debug("QEMU is not asked for its block jobs");
    if (s->told_ready)
        s->remaining_bytes = 0;
}

void send_disks_told(struct send_disks *s, const char *name, const struct json_value *data)
{
    struct send_disk *d = find(s, json_text(json_member(data, "device")));

    if (!d || strncmp(name, "BLOCK_JOB_", 10) != 0)
        return;
    if (strcmp(name, "BLOCK_JOB_READY") == 0) {
        d->ready = true;
        log_info("%s: the same there as here, but for what is written from now on", d->disk->file);
        see_ready(s);
    } else if (strcmp(name, "BLOCK_JOB_ERROR") == 0) {
        fail(s, "QEMU cannot mirror a disk any more");
    } else if (strcmp(name, "BLOCK_JOB_COMPLETED") == 0 ||
               strcmp(name, "BLOCK_JOB_CANCELLED") == 0) {
        const char *error = json_text(json_member(data, "error"));
        d->mirrors = false;
        if (!s->stopping || error || strcmp(name, "BLOCK_JOB_COMPLETED") != 0) {
            fail(s, error ? error : "QEMU has ended the mirror of a disk");
            return;
        }
        d->drained = true;
        disk_near_finish(d->near);
        fill(d, loop_now_us(s->loop));
        see_drained(s);
    }
}

bool send_disks_wake(struct send_disks *s, uint64_t stream)
{
    for (size_t i = 0; i < s->n; i++) {
        struct send_disk *d = &s->disk[i];
        if (!d->end || channel_end_stream(d->end) != stream)
            continue;
        channel_end_wake(d->end);
        if (channel_end_stage(d->end) == CHANNEL_OPEN ||
            channel_end_stage(d->end) == CHANNEL_OVER) {
            enum err e = disk_near_hear(d->near, d->end);
            if (e == ERR_SYSTEM)
                fail(s, disk_near_error(d->near) == NBD_ENOSPC
                            ? "a disk cannot be written at the destination: no space is left there"
                            : "a disk cannot be written at the destination");
            else if (e != ERR_AGAIN && e != ERR_END)
                fail(s, "the destination takes a disk no more");
        }
        fill(d, loop_now_us(s->loop));
        return true;
    }
    return false;
}

void send_disks_strain(struct send_disks *s, bool strained)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->disk[i].end)
            channel_end_strain(s->disk[i].end, strained);
}

void send_disks_fill(struct send_disks *s, uint64_t now_us)
{
    for (size_t i = 0; i < s->n && !s->failed; i++)
        fill(&s->disk[i], now_us);
}

static void on_cancelled(void *ctx, const struct json_value *v, const char *refused)
{
    struct send_disks *s = ctx;

    (void)v;
    if (refused)
        fail(s, refused);
}

void send_disks_stop(struct send_disks *s)
{
    s->stopping = true;
    for (size_t i = 0; i < s->n; i++) {
        struct json *j = json_new();
        json_put_string(j, "device", s->disk[i].name);
        if (monitor_do(s->q->monitor, "block-job-cancel", j, on_cancelled, s))
            fail(s, "QEMU cannot be told to end a mirror");
    }
}

/* ---- afterwards ---- */

static struct json *cancel_arguments(void *ctx)
{
    struct json *j = json_new();

    json_put_string(j, "device", of_step(ctx)->name);
    json_put_bool(j, "force", true);
    return j;
}

static struct json *delete_arguments(void *ctx)
{
    struct json *j = json_new();

    json_put_string(j, "node-name", of_step(ctx)->name);
    return j;
}

/* A job that is gone already, a node that its job still has: nothing hangs on it. */
static enum err forgive(void *ctx, const struct json_value *v, const char *refused)
{
    (void)ctx;
    (void)v;
    if (refused)
        log_debug("QEMU keeps something of a mirror: %s", refused);
    return OK;
}

static void on_restored(void *ctx, enum err e)
{
    struct send_disks *s = ctx;

    s->ended(s->ended_ctx, e);
}

void send_disks_cut(struct send_disks *s)
{
    s->failed = true; /* from now on nothing is told */
    for (size_t i = 0; i < s->n; i++) {
        nbd_socket_release(&s->disk[i].socket);
        channel_end_free(s->disk[i].end);
        s->disk[i].end = NULL;
    }
}

void send_disks_restore(struct send_disks *s, void (*ended)(void *ctx, enum err e), void *ctx)
{
    size_t n = 0;

    s->ended = ended;
    s->ended_ctx = ctx;
    send_disks_cut(s);
    for (size_t i = 0; i < s->n; i++)
        if (s->disk[i].mirrors)
            add_step(s, &n, i,
                     (struct dialog_step){"block-job-cancel", .arguments = cancel_arguments,
                                          .heard = forgive});
    /* Once more at the end: a job lets go of its node some time after it was told to end. */
    for (int twice = 0; twice < 2; twice++)
        for (size_t i = 0; i < s->n; i++)
            if (s->disk[i].added)
                add_step(s, &n, i,
                         (struct dialog_step){"blockdev-del", .arguments = delete_arguments,
                                              .heard = forgive});
    guest_qemu_do(s->q, s->step, n, on_restored, s);
}

void send_disks_tidy(struct send_disks *s, struct guest_qemu *q,
                     void (*ended)(void *ctx, enum err e), void *ctx)
{
    *s = (struct send_disks){.q = q};
    for (size_t i = 0; i < q->facts.disks; i++) {
        struct send_disk *d = &s->disk[s->n++];
        *d = (struct send_disk){
            .all = s, .give = -1, .socket.fd = -1, .mirrors = true, .added = true};
        snprintf(d->name, sizeof d->name, name_format, i);
    }
    send_disks_restore(s, ended, ctx);
}

struct send_disks_count send_disks_count(const struct send_disks *s)
{
    struct send_disks_count n = {0};

    for (size_t i = 0; i < s->n; i++) {
        if (!s->disk[i].near || !s->disk[i].end)
            continue;
        struct disk_near_counters c = disk_near_counters(s->disk[i].near);
        n.written_bytes += c.written_bytes;
        n.known_bytes += c.known_bytes;
        n.packed_bytes += channel_end_counters(s->disk[i].end).packed_bytes;
    }
    return n;
}

void send_disks_release(struct send_disks *s)
{
    for (size_t i = 0; i < s->n; i++) {
        struct send_disk *d = &s->disk[i];
        nbd_socket_release(&d->socket);
        channel_end_free(d->end);
        disk_near_free(d->near);
        stream_socket_close(d->give);
        *d = (struct send_disk){.give = -1};
    }
    s->n = 0;
}
