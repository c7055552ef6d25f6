#include "core/run/run_migrate_receive.h"

#include <stdio.h>
#include <string.h>

#include "core/base/heap.h"
#include "core/base/log.h"
#include "core/crypt/role.h"
#include "core/os/clock.h"
#include "core/os/path.h"
#include "core/os/process.h"
#include "core/run/host.h"
#include "core/run/known_content.h"
#include "core/run/receive_folder.h"
#include "core/run/receive_hooks.h"
#include "core/run/receive_report.h"
#include "core/run/stop.h"

enum { SEATS = 64, MOVES = 64, STOP_US = 8000000 };

/* A session, with what is said about a move in it. */
struct seat {
    struct peer *peer; /* borrowed; NULL: free */
    uint8_t key[KEY_BYTES];
    struct move_control control; /* its peer NULL: nothing was said yet */
    struct receive_move *move;   /* borrowed: of the table; NULL: none */
    bool checks;                 /* it has asked what stands in a guest's way */
};

struct receive {
    const struct run_migrate_receive_config *config;
    struct run *run;
    struct loop *loop;
    struct stop *stop;
    struct host *host;
    struct move_notes notes;
    struct known_content known;
    struct receive_folder folder; /* unless a person starts the QEMU */
    uint8_t known_key[KEY_BYTES]; /* whose guests have brought what was kept ... */
    bool known_kept;              /* ... if anything may have been */
    struct seat seat[SEATS];
    struct receive_move *move[MOVES]; /* owned */
    size_t moves;
    struct loop_task sweep;
    struct loop_timer give_up;
    struct receive_hooks hooks;
    char qmp[MOVE_PATH_CHARS + 1]; /* config->qmp from the root on, for other processes */
    bool stopping;
    bool came, went_wrong; /* a guest has; one has not */
    struct reason why;     /* it has not */
    enum err failure;
};

static void settle(struct receive *r, enum err e)
{
    if (!e)
        return;
    if (!r->failure)
        r->failure = e;
    loop_stop(r->loop, 1);
}

static struct seat *seat_of(struct receive *r, const struct peer *p)
{
    for (size_t i = 0; i < SEATS; i++)
        if (r->seat[i].peer == p)
            return &r->seat[i];
    return NULL;
}

static struct seat *seat_with(struct receive *r, const struct receive_move *m)
{
    for (size_t i = 0; i < SEATS; i++)
        if (r->seat[i].peer && r->seat[i].move == m)
            return &r->seat[i];
    return NULL;
}

/* ---- moves ---- */

static void say(struct receive *r, struct seat *at, enum move_kind kind, struct json *body)
{
    enum err e = move_control_say(&at->control, kind, body);

    if (e)
        log_warn("the source could not be told: %s", err_text(e));
    host_kick(r->host);
}

static void on_say(void *ctx, struct receive_move *m, enum move_kind kind, struct json *body)
{
    struct receive *r = ctx;
    struct seat *at = seat_with(r, m);

    if (at)
        say(r, at, kind, body);
    else
        json_free(body);
}

/* Whether the guest's source may be told at once that it is prepared. */
static bool on_prepared(void *ctx, struct receive_move *m)
{
    return receive_hooks_prepared(&((struct receive *)ctx)->hooks, m);
}

static void on_stage(void *ctx, struct receive_move *m, const char *name)
{
    struct receive *r = ctx;

    if (m->looks) {
        loop_task_defer(&r->sweep);
        return;
    }
    settle(r, receive_report_stage(r->run, m, name));
    if (strcmp(name, "running") == 0)
        receive_hooks_committed(&r->hooks, m);
    loop_task_defer(&r->sweep);
}

static void on_kick(void *ctx)
{
    struct receive *r = ctx;

    if (r->host)
        host_kick(r->host);
}

/* Reads a disk as its QEMU was given it; false: that is no file, or cannot be read. */
static bool read_disk(struct receive *r, const struct receive_move *m, const char *file)
{
    char path[2 * FOLDER_PATH_CHARS], folder[FOLDER_PATH_CHARS];
    bool whole = file[0] == '/';

    if (!whole && (!m->qemu.q.pid || process_folder(m->qemu.q.pid, folder, sizeof folder)))
        return false;
    snprintf(path, sizeof path, "%s%s%s", whole ? "" : folder, whole ? "" : "/", file);
    enum path_kind kind = path_look(path);
    return (kind == PATH_FILE || kind == PATH_DEVICE) && known_content_copy(&r->known, path) == OK;
}

/* What lies on the disks that will be written over is mostly what comes, when the guest was here
 * before. */
static bool on_looked(void *ctx, struct receive_move *m)
{
    struct receive *r = ctx;
    bool reads = false;

    if (r->config->store_bytes == 0 || !r->config->overwrite)
        return true;
    for (size_t i = 0; i < m->disks.n; i++)
        reads |= read_disk(r, m, m->disks.disk[i].file);
    return !reads;
}

static void on_read(void *ctx)
{
    struct receive *r = ctx;

    for (size_t i = 0; i < r->moves; i++)
        receive_move_go_on(r->move[i]);
}

static const struct receive_owner move_owner = {.say = on_say,
                                                .stage = on_stage,
                                                .prepared = on_prepared,
                                                .looked = on_looked,
                                                .kick = on_kick};

static struct receive_owner owner_of(struct receive *r)
{
    struct receive_owner o = move_owner;

    o.ctx = r;
    return o;
}

static struct receive_move *find_move(const struct receive *r, const char *id)
{
    for (size_t i = 0; i < r->moves; i++)
        if (strcmp(r->move[i]->note.id, id) == 0)
            return r->move[i];
    return NULL;
}

/* What came of a move that is over. */
static void tell_result(struct receive *r, const struct receive_move *m)
{
    bool moved = receive_report_moved(m);

    r->came |= moved;
    if (!moved) {
        receive_hooks_failed(&r->hooks, m, receive_report_outcome(m));
        r->went_wrong = true;
        reason_give(&r->why, ERR_UNSUPPORTED, "%s",
                    m->run.reason.text[0] ? m->run.reason.text : "the source keeps the guest");
    }
    settle(r, receive_report_result(r->run, m));
}

static void on_sweep(void *ctx)
{
    struct receive *r = ctx;
    bool any = false, waits = false;

    for (size_t i = 0; i < r->moves;) {
        struct receive_move *m = r->move[i];
        if (!receive_move_over(m)) {
            waits |= receive_move_waits(m);
            i++;
            continue;
        }
        struct seat *at = seat_with(r, m);
        if (at)
            at->move = NULL;
        if (!m->looks)
            tell_result(r, m);
        any |= m->accepted;
        r->move[i] = r->move[--r->moves];
        receive_hooks_drop(&r->hooks, m);
        receive_move_free(m);
    }
    if ((any && r->config->once) || (r->stopping && !waits))
        loop_stop(r->loop, 0);
}

static void refuse(struct receive *r, struct seat *at, const struct guest_facts *f, const char *why)
{
    struct json *j = json_new();
    char key[KEY_TEXT_CHARS + 1];

    key_to_text(at->key, key);
    log_info("refused %s, of %s: %s", f->name[0] ? f->name : "a guest", key, why);
    json_put_string(j, "reason", why);
    say(r, at, MOVE_REFUSE, j);
}

static bool qemu_taken(const struct receive *r)
{
    for (size_t i = 0; i < r->moves; i++) {
        enum target_stage s = r->move[i]->handover.stage;
        if (r->config->qmp && strcmp(r->move[i]->note.qmp, r->qmp) == 0 &&
            !receive_move_over(r->move[i]) && s != TARGET_RUNNING && s != TARGET_ABANDONED &&
            s != TARGET_LOST)
            return true;
    }
    return false;
}

/* The note of an offer; false: it is not one. */
static bool note_of(const struct receive *r, const struct seat *at, const struct json_value *body,
                    const struct guest_facts *f, struct move_note *n)
{
    const char *id = json_text(json_member(body, "id"));

    memset(n, 0, sizeof *n);
    if (!id || !move_note_id_right(id))
        return false;
    memcpy(n->id, id, sizeof n->id);
    memcpy(n->peer, at->key, KEY_BYTES);
    memcpy(n->guest, f->name, sizeof n->guest);
    if (r->config->qmp)
        snprintf(n->qmp, sizeof n->qmp, "%s", r->qmp);
    else
        receive_folder_monitor(&r->folder, n->id, n->qmp);
    n->stage = NOTE_LOADING;
    n->runs = json_flag(json_member(body, "runs"));
    return true;
}

/* What a move need not bring. Whoever is told of a block can have it put into a guest of its own:
 * so what one source has brought is never told to another. Seeds are for all. */
static struct content_store *store_for(struct receive *r, const uint8_t key[KEY_BYTES])
{
    bool others = r->known_kept && memcmp(r->known_key, key, KEY_BYTES) != 0;

    if (!r->known.store || r->config->store_bytes == 0)
        return r->known.store;
    if (others && r->moves)
        return NULL; /* it is in use */
    if (others) {
        known_content_release(&r->known);
        if (known_content_begin(&r->known, r->loop, &r->config->seeds, r->config->store_bytes)) {
            known_content_release(&r->known);
            return NULL;
        }
    }
    memcpy(r->known_key, key, KEY_BYTES);
    r->known_kept = true;
    return r->known.store;
}

/* Whether the disks of a guest that is offered come as well. */
static bool copies(const struct json_value *body)
{
    const char *disks = json_text(json_member(body, "disks"));

    return disks && strcmp(disks, "copy") == 0;
}

/* Whether a move is of the same guest, as far as names tell; one without any may be any. */
static bool same_guest(const struct receive_move *m, const struct move_note *n,
                       const struct guest_facts *f)
{
    return memcmp(m->note.peer, n->peer, KEY_BYTES) == 0 && n->guest[0] &&
           strcmp(m->note.guest, n->guest) == 0 &&
           (!m->offered.uuid[0] || strcmp(m->offered.uuid, f->uuid) == 0);
}

/* A source that brings a guest anew knows what became of it before: it would not, else. What it has
 * begun and left is given up; true: that goes on. */
static bool ends_before(struct receive *r, const struct move_note *n, const struct guest_facts *f)
{
    bool ends = false;

    for (size_t i = 0; i < r->moves; i++) {
        struct receive_move *m = r->move[i];
        if (!m->accepted || !same_guest(m, n, f))
            continue;
        if (m->handover.stage == TARGET_ABANDONED)
            receive_move_record(m, MOVE_RUNS, NULL);
        receive_move_refuse(m, "its source brings it anew");
        ends |= receive_move_waits(m);
    }
    return ends;
}

static void on_offer(struct receive *r, struct seat *at, const struct json_value *body)
{
    struct guest_facts *f = heap_alloc(sizeof *f);
    struct receive_owner owner = owner_of(r);
    struct move_note n, other;
    struct guest_start *start = NULL;
    struct reason why = {0};

    if (!f || guest_facts_get(json_member(body, "guest"), f) || !note_of(r, at, body, f, &n)) {
        heap_free(f);
        peer_close(at->peer, loop_now_us(r->loop), ERR_MALFORMED, "the offer is not understood");
        return;
    }
    const char *mode = json_text(json_member(body, "mode"));
    bool copy = copies(body);
    if (!mode || (strcmp(mode, "safe") != 0 && strcmp(mode, "fast") != 0))
        refuse(r, at, f, "this farspan does not know that kind of hand-over");
    else if (r->stopping)
        refuse(r, at, f, "the destination is being stopped");
    else if (find_move(r, n.id) || move_notes_get(&r->notes, n.id, &other) != ERR_NOT_FOUND)
        refuse(r, at, f, "that move has been before");
    else if (ends_before(r, &n, f))
        refuse(r, at, f, "an earlier move of this guest is being given up there: send it again");
    else if (qemu_taken(r) || r->moves == MOVES)
        refuse(r, at, f, "another guest is on its way to that QEMU");
    else if (receive_folder_plan(&r->folder, body, copy, f, n.qmp, &why, &start))
        refuse(r, at, f, why.text[0] ? why.text : "out of memory");
    else if (receive_move_new(r->loop, &r->notes, &owner, &n, f, copy, store_for(r, at->key), start,
                              at->peer, &at->move))
        refuse(r, at, f, "out of memory");
    else
        r->move[r->moves++] = at->move;
    heap_free(f);
}

/* Whether a QEMU could be started for it; none is. */
static void check_start(struct receive *r, struct seat *at, const struct json_value *body,
                        const struct guest_facts *f)
{
    struct json *j = json_new();

    json_put(j, "problems", receive_folder_look(&r->folder, body, copies(body), f));
    say(r, at, MOVE_FOUND, j);
}

static void on_check(struct receive *r, struct seat *at, const struct json_value *body)
{
    struct guest_facts *f = heap_alloc(sizeof *f);
    struct receive_owner owner = owner_of(r);

    at->checks = true;
    if (!f || guest_facts_get(json_member(body, "guest"), f)) {
        peer_close(at->peer, loop_now_us(r->loop), ERR_MALFORMED, "the question is not understood");
    } else if (qemu_taken(r) || r->moves == MOVES) {
        refuse(r, at, f, "another guest is on its way to that QEMU");
    } else if (!r->config->qmp) {
        check_start(r, at, body, f);
    } else if (receive_move_look(r->loop, &owner, r->config->qmp, f, &at->move)) {
        refuse(r, at, f, "out of memory");
    } else {
        r->move[r->moves++] = at->move;
    }
    heap_free(f);
}

/* What shows what the path takes is read, and that is all. */
static void drop_bytes(struct peer *p, uint64_t stream)
{
    struct bytes b;
    uint64_t code;

    while (peer_stream_peek(p, stream, &b, &code) == OK)
        peer_stream_consume(p, stream, b.n);
}

/* A source that was cut off, or whose host was, comes back. */
static void on_ask(struct receive *r, struct seat *at, const struct json_value *body)
{
    const char *id = json_text(json_member(body, "id"));
    struct receive_move *m = id ? find_move(r, id) : NULL;

    if (!m || memcmp(m->note.peer, at->key, KEY_BYTES) != 0) {
        say(r, at, MOVE_UNKNOWN, NULL);
        return;
    }
    if (at->move != m) {
        struct seat *before = seat_with(r, m);
        if (before)
            before->move = NULL;
        at->move = m;
        receive_move_back(m, at->peer);
    }
    receive_move_record(m, MOVE_ASK, NULL);
}

static void on_record(struct receive *r, struct seat *at, enum move_kind kind,
                      const struct json_value *body)
{
    struct json *j;

    switch (kind) {
    case MOVE_OFFER:
        if (!at->move)
            on_offer(r, at, body);
        break;
    case MOVE_ASK:
        on_ask(r, at, body);
        break;
    case MOVE_CHECK:
        if (!at->move)
            on_check(r, at, body);
        break;
    case MOVE_TIME:
        j = json_new();
        json_put_int(j, "asked_us", json_int(json_member(body, "us"), 0));
        json_put_int(j, "us", (int64_t)clock_real_us());
        say(r, at, MOVE_CLOCK, j);
        break;
    default:
        if (at->move)
            receive_move_record(at->move, kind, body);
        break;
    }
}

/* ---- sessions ---- */

static void welcome(struct receive *r, struct peer *p, const struct peer_event *e)
{
    struct seat *at = seat_of(r, NULL);
    char text[ADDR_CHARS];

    if (!at) {
        peer_close(p, loop_now_us(r->loop), ERR_BUSY, "too many callers at once");
        return;
    }
    *at = (struct seat){.peer = p};
    memcpy(at->key, e->key, KEY_BYTES);
    log_info("%s has come", addr_print(&e->path, text));
}

static void part(struct receive *r, struct seat *at, const struct peer_event *e)
{
    log_info("a session has ended: %s", e->reason[0] ? e->reason : err_text(e->error));
    if (at->move)
        receive_move_cut(at->move);
    move_control_release(&at->control);
    *at = (struct seat){0};
    loop_task_defer(&r->sweep);
}

static void read_control(struct receive *r, struct seat *at)
{
    enum move_kind kind;
    const struct json_value *body;
    enum err e;

    while ((e = move_control_next(&at->control, &kind, &body)) == OK)
        on_record(r, at, kind, body);
    if (e != ERR_AGAIN && e != ERR_END)
        peer_close(at->peer, loop_now_us(r->loop), e, "what the source says is not understood");
}

/* The first stream is for talking, the next for the guest's memory. */
static void on_stream(struct receive *r, struct seat *at, uint64_t id)
{
    if (!at->control.peer) {
        move_control_init(&at->control, at->peer, id);
        peer_stream_prefer(at->peer, id, PEER_INPUT, false);
    }
    if (id == at->control.stream)
        read_control(r, at);
    else if (at->checks)
        drop_bytes(at->peer, id);
    else if (at->move)
        receive_move_stream(at->move, id);
    else
        peer_stream_reset(at->peer, id, 1);
}

static void on_writable(struct seat *at, uint64_t id)
{
    if (at->control.peer && id == at->control.stream) {
        if (move_control_flush(&at->control))
            log_debug("the source does not listen any more");
    } else if (at->move) {
        receive_move_stream(at->move, id);
    }
}

static void on_event(void *ctx, struct peer *p, const struct peer_event *e)
{
    struct receive *r = ctx;
    struct seat *at = e->kind == PEER_EVENT_CONNECTED ? NULL : seat_of(r, p);

    if (e->kind == PEER_EVENT_CONNECTED)
        welcome(r, p, e);
    else if (!at)
        return;
    else if (e->kind == PEER_EVENT_STREAM)
        on_stream(r, at, e->id);
    else if (e->kind == PEER_EVENT_WRITABLE)
        on_writable(at, e->id);
    else if (e->kind == PEER_EVENT_CLOSED)
        part(r, at, e);
    host_kick(r->host);
}

static void on_fill(void *ctx, uint64_t now_us)
{
    struct receive *r = ctx;

    for (size_t i = 0; i < r->moves; i++)
        receive_move_fill(r->move[i], now_us);
}

/* ---- life ---- */

static void on_reread(void *ctx)
{
    host_reload(((struct receive *)ctx)->host);
}

static void on_give_up(void *ctx)
{
    loop_stop(((struct receive *)ctx)->loop, 0);
}

/* What has not been decided is ended; what stands here whole is not ours to end. */
static void on_asked(void *ctx)
{
    struct receive *r = ctx;

    r->stopping = true;
    for (size_t i = 0; i < r->moves; i++)
        receive_move_refuse(r->move[i], "the destination is being stopped");
    loop_timer_set(&r->give_up, loop_now_us(r->loop) + STOP_US);
    loop_task_defer(&r->sweep);
}

static enum err take_note(void *ctx, const struct move_note *n)
{
    struct receive *r = ctx;
    struct receive_owner owner = owner_of(r);

    struct move_note mine;

    if (move_note_of_source(n) || r->moves == MOVES)
        return OK;
    enum err e = move_notes_take(&r->notes, n->id, &mine);
    if (e == ERR_BUSY || e == ERR_NOT_FOUND)
        return OK; /* another receive has it, or has ended it just now */
    if (!e)
        e = receive_move_again(r->loop, &r->notes, &owner, &mine, &r->move[r->moves]);
    if (!e)
        r->moves++;
    return e;
}

static enum err check_config(struct receive *r)
{
    const struct run_migrate_receive_config *c = r->config;

    if (c->qmp && path_whole(c->qmp, r->qmp, sizeof r->qmp)) /* it may come later */
        snprintf(r->qmp, sizeof r->qmp, "%s", c->qmp);
    if (!c->qmp && !c->dir)
        return reason_give(&r->run->reason, ERR_USAGE,
                           "say which QEMU takes the guest in: --dir FOLDER, where one is started "
                           "as the guest's own was, or --qmp SOCKET, the monitor of one that was "
                           "started with -incoming defer");
    if (c->qmp && c->dir)
        return reason_give(&r->run->reason, ERR_USAGE,
                           "--qmp is a QEMU that is there, --dir starts one: give one of them");
    if (c->qmp && c->rules)
        return reason_give(&r->run->reason, ERR_USAGE, "--rules goes with --dir");
    return c->dir ? receive_folder_open(&r->folder, c->dir, c->rules, c->overwrite, &r->run->reason)
                  : OK;
}

static enum err begin(struct receive *r)
{
    const struct run_migrate_receive_config *c = r->config;
    struct host_owner owner = {.event = on_event, .fill = on_fill, .ctx = r};
    struct host_config hc = {
        .listen = c->listen,
        .advertise = c->advertise,
        .gate = {.authorized = c->authorized,
                 .invite_roles = c->invite ? ROLE_MIGRATE : 0,
                 .needed = ROLE_MIGRATE},
        .peer = channel_end_peer_config(),
    };
    struct receive_hooks_config hooks = {
        .prepared = c->on_prepared, .committed = c->on_committed, .failed = c->on_failed};
    struct stop_owner signals = {.asked = on_asked, .reread = on_reread, .ctx = r};

    hc.peer.idle_timeout_us = c->patience_us;
    enum err e = check_config(r);
    if (!e)
        e = move_notes_open(&r->notes);
    if (!e)
        e = loop_new(&r->loop);
    if (e)
        return e;
    loop_task_init(&r->sweep, r->loop, on_sweep, r);
    r->known.ended = on_read;
    r->known.ctx = r;
    loop_timer_init(&r->give_up, r->loop, on_give_up, r);
    e = stop_new(r->loop, &signals, NULL, &r->stop);
    if (!e)
        e = receive_hooks_begin(&r->hooks, r->loop, &hooks, r->run);
    if (!e && (c->store_bytes || c->seeds.n))
        e = known_content_begin(&r->known, r->loop, &c->seeds, c->store_bytes);
    if (!e)
        e = host_new(r->loop, &hc, &owner, r->run, &r->host);
    if (!e)
        e = move_notes_each(&r->notes, take_note, r);
    return e ? e : host_say_listening(r->host);
}

static const struct receive_move *undecided(const struct receive *r)
{
    for (size_t i = 0; i < r->moves; i++)
        if (r->move[i]->accepted && r->move[i]->handover.stage == TARGET_PREPARED)
            return r->move[i];
    return NULL;
}

static enum err conclude(const struct receive *r)
{
    const struct receive_move *m = undecided(r);

    if (m)
        return reason_give(&r->run->reason, ERR_UNDECIDED,
                           "%.60s stands here whole, and its source has not handed it over: start "
                           "receive again, or: farspan migrate resolve %s",
                           m->note.guest[0] ? m->note.guest : "a guest", m->note.id);
    if (r->config->once && r->went_wrong && !r->came)
        return reason_give(&r->run->reason, ERR_UNSUPPORTED, "%s", r->why.text);
    return OK;
}

static void end(struct receive *r)
{
    host_free(r->host);
    r->host = NULL;
    for (size_t i = 0; i < r->moves; i++)
        receive_move_free(r->move[i]);
    for (size_t i = 0; i < SEATS; i++)
        move_control_release(&r->seat[i].control);
    known_content_release(&r->known);
    receive_folder_release(&r->folder);
    receive_hooks_release(&r->hooks);
    if (r->loop) {
        loop_task_release(&r->sweep);
        loop_timer_release(&r->give_up);
    }
    stop_free(r->stop);
    loop_free(r->loop);
    heap_free(r);
}

enum err run_migrate_receive(const struct run_migrate_receive_config *config, struct run *run)
{
    struct receive *r = heap_alloc(sizeof *r);

    if (!r)
        return ERR_MEMORY;
    r->config = config;
    r->run = run;
    enum err e = begin(r);
    if (!e) {
        if (loop_run(r->loop) && !r->failure)
            r->failure = ERR_SYSTEM; /* the socket: the reason is given */
        e = r->failure ? r->failure : conclude(r);
        host_close_all(r->host, OK, "the destination has ended");
        host_part(r->host, OK, "the destination has ended");
        receive_hooks_drain(&r->hooks);
    }
    end(r);
    return e;
}
