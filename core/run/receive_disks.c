#include "core/run/receive_disks.h"

#include <stdio.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/num.h"
#include "core/os/file.h"
#include "core/os/folder.h"
#include "core/os/stream_socket.h"
#include "core/os/unix_socket.h"

enum { FIRST_STEP = 4 /* of those that are for a disk each */ };

static const char fd_name[] = "farspan-disks";
static const char export_name[] = "farspan-disk-"; /* and its number */

static void fail(struct receive_disks *r, const char *why)
{
    if (r->failed)
        return;
    r->failed = true;
    r->owner.failed(r->owner.ctx, why);
}

bool receive_disks_done(const struct receive_disks *r)
{
    for (size_t i = 0; i < r->n; i++)
        if (!r->disk[i].done)
            return false;
    return true;
}

/* ---- NBD, to QEMU ---- */

static void go_on(struct receive_disk *d, uint64_t now_us)
{
    struct receive_disks *r = d->all;

    if (r->failed)
        return;
    bool waits = !d->end || channel_end_stage(d->end) == CHANNEL_ASKED;
    enum err e = waits ? disk_far_greet(d->far) : disk_far_go_on(d->far, d->end, now_us);
    nbd_socket_go_on(&d->socket);
    if (waits && !e)
        return;
    if (e == ERR_END) {
        d->done = true;
    } else if (e == ERR_SYSTEM) {
        char why[LIMIT_REASON_CHARS + 1];
        snprintf(why, sizeof why, "%.120s cannot be written: %s", d->file,
                 disk_far_error(d->far) == NBD_ENOSPC ? "no space is left" : "QEMU has an error");
        fail(r, why);
    } else if (e != ERR_AGAIN) {
        fail(r, e == ERR_UNSUPPORTED ? "QEMU serves another disk than it said"
                : e == ERR_VERIFY    ? "what this host was to take of its own files (--seed) has "
                                       "been changed meanwhile"
                                     : "what comes of a disk is not understood, or it is cut off");
    }
    if (d->done && !r->told_done && receive_disks_done(r)) {
        r->told_done = true;
        r->owner.done(r->owner.ctx);
    }
}

static bool on_wants(void *ctx)
{
    (void)ctx;
    return true; /* answers are short */
}

static enum err on_input(void *ctx, struct bytes b)
{
    return disk_far_input(((struct receive_disk *)ctx)->far, b);
}

static struct bytes on_output(void *ctx)
{
    return disk_far_output(((struct receive_disk *)ctx)->far);
}

static void on_sent(void *ctx, size_t n)
{
    disk_far_sent(((struct receive_disk *)ctx)->far, n);
}

/* Before its channel has come, QEMU's greeting is answered. */
static void on_heard(void *ctx)
{
    struct receive_disk *d = ctx;

    go_on(d, loop_now_us(d->all->loop));
    d->all->owner.kick(d->all->owner.ctx);
}

static void on_over(void *ctx, enum err e)
{
    struct receive_disk *d = ctx;

    log_debug("%s: QEMU has left: %s", d->name, err_text(e));
    if (!d->done)
        fail(d->all, "QEMU takes a disk no more");
}

/* ---- beginning ---- */

static enum err hear_exports(void *ctx, const struct json_value *v, const char *refused)
{
    struct receive_disks *r = ctx;
    const char *id;

    (void)refused;
    for (size_t i = 0; v && i < json_count(v); i++)
        if ((id = json_text(json_member(json_item(v, i), "id"))))
            r->left |= strncmp(id, export_name, sizeof export_name - 1) == 0;
    return OK;
}

/* A server that has none of our exports is somebody's, and stays: nbd-server-start says so. */
static bool is_left(void *ctx)
{
    return ((const struct receive_disks *)ctx)->left;
}

static struct receive_disk *of_step(void *ctx)
{
    struct receive_disks *r = ctx;

    return &r->disk[r->q->dialog.at - FIRST_STEP];
}

static int take_fd(void *ctx)
{
    struct receive_disks *r = ctx;
    int fd = r->give;

    r->give = -1;
    return fd;
}

static struct json *server_arguments(void *ctx)
{
    struct json *j = json_new(), *address = json_new(), *data = json_new();

    (void)ctx;
    json_put_string(data, "str", fd_name);
    json_put_string(address, "type", "fd");
    json_put(address, "data", data);
    json_put(j, "addr", address);
    return j;
}

static enum err hear_server(void *ctx, const struct json_value *v, const char *refused)
{
    struct receive_disks *r = ctx;

    (void)v;
    if (!refused)
        return OK;
    return reason_give(&r->q->run->reason, ERR_UNSUPPORTED,
                       "the QEMU there cannot take disks in: %s", refused);
}

static struct json *export_arguments(void *ctx)
{
    struct receive_disk *d = of_step(ctx);
    struct json *j = json_new();

    json_put_string(j, "id", d->name);
    json_put_string(j, "type", "nbd");
    json_put_string(j, "node-name", d->node);
    json_put_string(j, "name", d->name);
    json_put_bool(j, "writable", true);
    return j;
}

static enum err connect_disk(struct receive_disk *d)
{
    struct nbd_socket_owner owner = {.wants = on_wants,
                                     .input = on_input,
                                     .output = on_output,
                                     .sent = on_sent,
                                     .heard = on_heard,
                                     .over = on_over,
                                     .ctx = d};
    int fd;
    enum err e = unix_socket_connect(d->all->path, &fd);

    return e ? e : nbd_socket_init(&d->socket, d->all->loop, fd, &owner);
}

static void on_open(void *ctx, enum err e)
{
    struct receive_disks *r = ctx;

    for (size_t i = 0; !e && i < r->n; i++) {
        e = connect_disk(&r->disk[i]);
        if (e)
            reason_give(&r->q->run->reason, e, "QEMU's NBD server cannot be connected to");
    }
    if (r->path[0])
        unix_socket_remove(r->path);
    r->path[0] = 0;
    r->owner.open(r->owner.ctx, e);
}

static enum err listen_for_qemu(struct receive_disks *r, const char *id)
{
    struct folder_user user = folder_user_here();
    char folder[FOLDER_PATH_CHARS];
    enum err e = folder_path(&user, FOLDER_RUN, "", folder);

    if (!e)
        e = file_make_folder(folder, 0700);
    if (!e && snprintf(r->path, sizeof r->path, "%s/disks-%s", folder, id) >= (int)sizeof r->path) {
        r->path[0] = 0;
        e = ERR_LIMIT;
    }
    return e ? e : unix_socket_listen(r->path, &r->give);
}

static enum err plan(struct receive_disks *r, const struct guest_facts *offered)
{
    const struct guest_facts *mine = &r->q->facts;
    enum err e = OK;

    for (size_t i = 0; !e && i < offered->disks; i++) {
        if (offered->disk[i].read_only)
            continue;
        struct receive_disk *d = &r->disk[r->n++];
        *d = (struct receive_disk){.all = r, .socket.fd = -1};
        snprintf(d->name, sizeof d->name, "%s%zu", export_name, i);
        for (size_t k = 0; k < mine->disks; k++)
            if (strcmp(mine->disk[k].name, offered->disk[i].name) == 0) {
                d->node = mine->disk[k].node;
                d->file = mine->disk[k].file;
            }
        e = d->node ? disk_far_new(d->name, offered->disk[i].size_bytes, &d->far) : ERR_NOT_FOUND;
        if (!e)
            disk_far_know(d->far, r->store);
    }
    return e;
}

enum err receive_disks_begin(struct receive_disks *r, struct loop *l, struct guest_qemu *q,
                             const struct guest_facts *offered, const char *id,
                             struct content_store *store, const struct receive_disks_owner *owner)
{
    *r = (struct receive_disks){.loop = l, .q = q, .owner = *owner, .store = store, .give = -1};
    enum err e = plan(r, offered);
    if (!e && r->n)
        e = listen_for_qemu(r, id);
    if (e)
        return e;
    r->step[0] = (struct dialog_step){"query-block-exports", .heard = hear_exports};
    r->step[1] = (struct dialog_step){"nbd-server-stop", .due = is_left};
    r->step[2] = (struct dialog_step){"getfd", .name = "fdname", .text = fd_name, .give = take_fd};
    r->step[3] = (struct dialog_step){"nbd-server-start", .arguments = server_arguments,
                                      .heard = hear_server};
    for (size_t i = 0; i < r->n; i++)
        r->step[FIRST_STEP + i] =
            (struct dialog_step){"block-export-add", .arguments = export_arguments};
    guest_qemu_do(q, r->step, r->n ? FIRST_STEP + r->n : 0, on_open, r);
    return OK;
}

/* ---- on the way ---- */

bool receive_disks_take(struct receive_disks *r, struct channel_end *end)
{
    for (size_t i = 0; i < r->n; i++) {
        struct receive_disk *d = &r->disk[i];
        if (d->end || d->done || strcmp(d->name, channel_end_name(end)) != 0)
            continue;
        d->end = end;
        channel_end_answer(end, CHANNEL_OPENED, "");
        go_on(d, loop_now_us(r->loop));
        return true;
    }
    return false;
}

bool receive_disks_wake(struct receive_disks *r, uint64_t stream)
{
    for (size_t i = 0; i < r->n; i++) {
        struct receive_disk *d = &r->disk[i];
        if (!d->end || channel_end_stream(d->end) != stream)
            continue;
        channel_end_wake(d->end);
        go_on(d, loop_now_us(r->loop));
        return true;
    }
    return false;
}

void receive_disks_fill(struct receive_disks *r, uint64_t now_us)
{
    for (size_t i = 0; i < r->n; i++)
        go_on(&r->disk[i], now_us);
}

/* ---- the end ---- */

static void on_closed(void *ctx, enum err e)
{
    struct receive_disks *r = ctx;

    r->owner.closed(r->owner.ctx, e);
}

void receive_disks_close(struct receive_disks *r)
{
    /* Which ends the exports, and waits until they have ended. */
    static const struct dialog_step steps[] = {{.command = "nbd-server-stop"}};

    for (size_t i = 0; i < r->n; i++)
        nbd_socket_release(&r->disk[i].socket);
    guest_qemu_do(r->q, steps, r->n ? COUNT_OF(steps) : 0, on_closed, r);
}

void receive_disks_cut(struct receive_disks *r)
{
    for (size_t i = 0; i < r->n; i++) {
        channel_end_free(r->disk[i].end);
        r->disk[i].end = NULL;
    }
}

void receive_disks_release(struct receive_disks *r)
{
    receive_disks_cut(r);
    for (size_t i = 0; i < r->n; i++) {
        nbd_socket_release(&r->disk[i].socket);
        disk_far_free(r->disk[i].far);
        r->disk[i].far = NULL;
    }
    if (r->n)
        stream_socket_close(r->give);
    if (r->path[0])
        unix_socket_remove(r->path);
    r->path[0] = 0;
    r->n = 0;
}
