#include "core/run/receive_move.h"

#include <stdio.h>
#include <string.h>

#include "core/base/heap.h"
#include "core/base/log.h"
#include "core/base/num.h"
#include "core/base/utf8.h"
#include "core/os/path.h"
#include "core/os/process.h"
#include "core/os/stream_socket.h"
#include "core/run/move_halt.h"
#include "core/run/receive_acts.h"

_Static_assert((int)CONTENT_SEED_BYTES == (int)KEY_BYTES, "it is told as keys are");

static void act(struct receive_move *m);

void receive_move_hear(struct receive_move *m, enum target_news news)
{
    if (!m->accepted)
        return;
    handover_target_hear(&m->handover, news);
    act(m);
}

void receive_move_say(struct receive_move *m, enum move_kind kind, struct json *body)
{
    m->owner.say(m->owner.ctx, m, kind, body);
}

static void add_problem(void *ctx, const char *text)
{
    struct receive_move *m = ctx;
    struct json *one = json_new();

    json_put_string(one, "says", text);
    json_append(m->problems, one);
}

static void say_found(struct receive_move *m)
{
    struct json *j = json_new();

    json_put(j, "problems", m->problems);
    json_put_string(j, "version", m->qemu.q.facts.version);
    m->problems = NULL;
    receive_move_say(m, MOVE_FOUND, j);
    m->owner.stage(m->owner.ctx, m, "looked");
}

/* What was started for a guest that does not come. */
static void undo_start(struct receive_move *m)
{
    /* One that has closed its monitor has most often ended by itself, and said why. */
    if (m->open && !monitor_lost(m->qemu.q.monitor) &&
        monitor_do(m->qemu.q.monitor, "quit", NULL, NULL, NULL))
        log_warn("the QEMU that was started for %s could not be told to end", m->note.id);
    move_notes_drop(m->notes, m->note.id);
    guest_start_undo(m->note.qmp);
}

/* Before anything was accepted: nothing has happened, but that the QEMU may wait no more. */
static void refuse(struct receive_move *m)
{
    if (m->refused)
        return;
    m->refused = true;
    if (m->start)
        undo_start(m);
    if (m->looks) {
        if (m->run.reason.text[0])
            add_problem(m, m->run.reason.text);
        say_found(m);
        return;
    }
    receive_move_say(m, MOVE_REFUSE, receive_acts_reason(m, "this host cannot take the guest in"));
    m->owner.stage(m->owner.ctx, m, "refused");
}

/* ---- channels ---- */

/* Those of the session, before it goes. */
static void close_channels(struct receive_move *m)
{
    for (; m->asked_n; m->asked_n--)
        channel_end_free(m->asked[m->asked_n - 1]);
    receive_disks_cut(&m->disks);
    known_teller_cut(&m->teller);
    receive_memory_close(&m->memory);
}

static void kick(void *ctx)
{
    struct receive_move *m = ctx;

    m->owner.kick(m->owner.ctx);
}

/* QEMU has taken all in when it says so twice: on its monitor, and at the end of the return path.
 * Then the disks must have come as well, and be QEMU's alone. */
static void see_loaded(struct receive_move *m)
{
    const struct return_path *back = &m->memory.back;

    if (back->shut && back->code) {
        receive_move_hear(m, TARGET_QEMU_FAILED);
    } else if (back->shut && m->loaded && !m->closing && receive_disks_done(&m->disks)) {
        m->closing = true;
        receive_disks_close(&m->disks);
    }
}

/* A channel has said what it is for: it goes there. */
static void place(struct receive_move *m, struct channel_end *end)
{
    if (!receive_memory_take(&m->memory, end) && !receive_disks_take(&m->disks, end) &&
        !known_teller_take(&m->teller, end)) {
        channel_end_answer(end, CHANNEL_UNKNOWN, "there is no such channel");
        channel_end_free(end);
    }
}

static void hear_asked(struct receive_move *m)
{
    for (size_t i = 0; i < m->asked_n;) {
        struct channel_end *end = m->asked[i];
        channel_end_wake(end);
        enum channel_stage stage = channel_end_stage(end);
        if (stage == CHANNEL_ASKED) {
            i++;
            continue;
        }
        m->asked[i] = m->asked[--m->asked_n];
        if (stage == CHANNEL_NAMED)
            place(m, end);
        else
            channel_end_free(end);
    }
}

static bool is_asked(const struct receive_move *m, uint64_t stream)
{
    for (size_t i = 0; i < m->asked_n; i++)
        if (channel_end_stream(m->asked[i]) == stream)
            return true;
    return false;
}

void receive_move_stream(struct receive_move *m, uint64_t stream)
{
    struct channel_end *end;

    if (receive_memory_wake(&m->memory, stream) || receive_disks_wake(&m->disks, stream) ||
        known_teller_wake(&m->teller, stream)) {
        ;
    } else if (is_asked(m, stream)) {
        hear_asked(m);
    } else if (!m->accepted || m->asked_n == COUNT_OF(m->asked) ||
               channel_end_take(m->peer, stream, &end)) {
        peer_stream_reset(m->peer, stream, 1);
    } else {
        m->asked[m->asked_n++] = end;
        hear_asked(m);
    }
    kick(m);
}

static void say_taken(struct receive_move *m, uint64_t bytes)
{
    struct json *j = json_new();

    json_put_int(j, "bytes", (int64_t)bytes);
    receive_move_say(m, MOVE_TAKEN, j);
}

void receive_move_fill(struct receive_move *m, uint64_t now_us)
{
    bool shut = m->memory.back.shut;
    uint64_t taken;

    known_teller_fill(&m->teller, now_us);
    receive_disks_fill(&m->disks, now_us);
    if (receive_memory_taken(&m->memory, now_us, &taken))
        say_taken(m, taken);
    receive_memory_fill(&m->memory, now_us, &m->run.reason);
    if (m->memory.back.shut && !shut)
        see_loaded(m);
}

/* ---- stages ---- */

static void tell_stage(struct receive_move *m)
{
    if (m->told == m->handover.stage)
        return;
    m->told = m->handover.stage;
    m->owner.stage(m->owner.ctx, m, handover_target_name(m->told));
    move_halt(handover_target_name(m->told));
}

static void act(struct receive_move *m)
{
    enum target_act what;

    tell_stage(m);
    while ((what = handover_target_next(&m->handover)) != TARGET_DO_NOTHING) {
        receive_acts_perform(m, what);
        tell_stage(m);
    }
}

/* ---- QEMU ---- */

/* What need not come, and how the source finds it. */
static struct json *accept_body(const struct receive_move *m)
{
    struct json *j = json_new(), *known = json_new();
    char seed[KEY_TEXT_CHARS + 1];
    uint32_t n;

    content_store_names(m->store, &n);
    key_to_text(content_store_key(m->store)->seed, seed);
    json_put_string(known, "seed", seed);
    json_put_int(known, "entries", n);
    json_put(j, "known", known);
    return j;
}

static void accepted(void *ctx, enum err e)
{
    struct receive_move *m = ctx;

    if (!e && receive_acts_note(m, NOTE_LOADING) == TARGET_NOT_NOTED)
        e = reason_give(&m->run.reason, ERR_SYSTEM, "the move cannot be noted on this host's disk");
    if (e || !m->peer) {
        move_notes_drop(m->notes, m->note.id);
        receive_memory_close(&m->memory);
        refuse(m);
        return;
    }
    m->accepted = true;
    m->told = TARGET_STAGES;
    receive_move_say(m, MOVE_ACCEPT, m->store ? accept_body(m) : NULL);
    act(m);
}

static void load(struct receive_move *m)
{
    if (receive_memory_open(&m->memory, m->loop, kick, m, &m->qemu.give, &m->run.reason)) {
        refuse(m);
        return;
    }
    page_decoder_know(m->memory.decoder, m->store);
    receive_qemu_begin(&m->qemu, accepted, m);
}

static void on_disks_open(void *ctx, enum err e)
{
    struct receive_move *m = ctx;

    if (e) {
        refuse(m);
        return;
    }
    m->waits_read = m->copy && m->store && m->owner.looked && !m->owner.looked(m->owner.ctx, m);
    if (!m->waits_read)
        load(m);
}

void receive_move_go_on(struct receive_move *m)
{
    if (!m->waits_read || m->refused)
        return;
    m->waits_read = false;
    load(m);
}

static void on_disks_done(void *ctx)
{
    see_loaded(ctx);
}

static void on_disks_closed(void *ctx, enum err e)
{
    struct receive_move *m = ctx;

    if (e == ERR_UNREACHABLE)
        return; /* that it is lost is told by itself */
    if (!e && !receive_memory_same(&m->memory))
        e = reason_give(&m->run.reason, ERR_VERIFY,
                        "what arrived there is not what QEMU wrote here");
    receive_move_hear(m, e ? TARGET_QEMU_FAILED : TARGET_LOADED);
}

static void on_disks_failed(void *ctx, const char *why)
{
    struct receive_move *m = ctx;

    reason_give(&m->run.reason, ERR_UNSUPPORTED, "%s", why);
    if (m->accepted)
        receive_move_hear(m, TARGET_QEMU_FAILED);
    else
        refuse(m);
}

static void open_disks(struct receive_move *m)
{
    struct receive_disks_owner owner = {.open = on_disks_open,
                                        .done = on_disks_done,
                                        .closed = on_disks_closed,
                                        .failed = on_disks_failed,
                                        .kick = kick,
                                        .ctx = m};
    static const struct guest_facts none;
    enum err e = receive_disks_begin(&m->disks, m->loop, &m->qemu.q, m->copy ? &m->offered : &none,
                                     m->note.id, m->store, &owner);

    if (e) {
        reason_give(&m->run.reason, e, "no way for the disks: %s", err_text(e));
        refuse(m);
    }
}

static void on_ready(void *ctx, enum err e)
{
    struct receive_move *m = ctx;

    m->note.pid = m->qemu.q.pid;
    m->note.started_ticks = m->qemu.q.started_ticks;
    if (!e)
        e = receive_qemu_fits(&m->qemu, &m->offered, m->looks ? add_problem : NULL, m);
    else if (m->start)
        guest_start_why(m->start, &m->run.reason);
    if (e || m->looks)
        refuse(m);
    else
        open_disks(m);
}

static void on_told(void *ctx, const char *name, const struct json_value *data, int64_t at_us)
{
    struct receive_move *m = ctx;
    const char *status = json_text(json_member(data, "status"));

    if (strcmp(name, "RESUME") == 0)
        m->went_us = at_us;
    if (strcmp(name, "MIGRATION") != 0 || !status || !m->qemu.begun)
        return;
    log_debug("QEMU's migration is %s", status);
    if (strcmp(status, "completed") == 0) {
        m->loaded = true;
        see_loaded(m);
    } else if (strcmp(status, "failed") == 0) {
        reason_give(&m->run.reason, ERR_UNSUPPORTED, "QEMU could not take the guest in");
        receive_move_hear(m, TARGET_QEMU_FAILED);
    }
}

static void on_lost(void *ctx, bool gone)
{
    struct receive_move *m = ctx;

    if (!m->accepted) {
        reason_give(&m->run.reason, ERR_UNREACHABLE, "QEMU has died");
        refuse(m);
        return;
    }
    if (!gone && !m->ended)
        log_warn("QEMU has closed its monitor, and cannot be asked any more");
    else
        reason_give(&m->run.reason, ERR_UNREACHABLE, "QEMU has died");
    receive_move_hear(m, gone || m->ended ? TARGET_QEMU_GONE : TARGET_REFUSE);
}

/* ---- life ---- */

static struct receive_move *make(struct loop *l, const struct move_notes *notes,
                                 const struct receive_owner *owner, const struct move_note *n)
{
    struct receive_move *m = heap_alloc(sizeof *m);

    if (!m)
        return NULL;
    m->loop = l;
    m->notes = notes;
    m->owner = *owner;
    m->note = *n;
    m->qemu.give = -1;
    m->told = TARGET_STAGES;
    receive_acts_init(m);
    return m;
}

static void refuse_unnoted(struct receive_move *m)
{
    reason_give(&m->run.reason, ERR_SYSTEM, "the move cannot be noted on this host's disk");
    refuse(m);
}

static void open_qemu(struct receive_move *m)
{
    struct guest_qemu_owner mine = {.ready = on_ready, .told = on_told, .lost = on_lost, .ctx = m};

    if (guest_qemu_open(&m->qemu.q, m->loop, m->note.qmp, &mine, &m->run))
        refuse(m);
    else
        m->open = true;
}

static void on_started(void *ctx, enum err e)
{
    struct receive_move *m = ctx;

    if (e)
        refuse(m);
    else
        open_qemu(m);
}

enum err receive_move_new(struct loop *l, const struct move_notes *notes,
                          const struct receive_owner *owner, const struct move_note *n,
                          const struct guest_facts *offered, bool copy, struct content_store *store,
                          struct guest_start *start, struct peer *p, struct receive_move **out)
{
    struct receive_move *m = make(l, notes, owner, n);

    *out = m;
    if (!m) {
        guest_start_free(start);
        return ERR_MEMORY;
    }
    m->offered = *offered;
    m->copy = copy;
    m->start = start;
    m->note.ours = start;
    m->store = store;
    m->teller.store = store;
    m->peer = p;
    if (!start)
        open_qemu(m);
    else if (receive_acts_note(m, NOTE_LOADING) == TARGET_NOTED)
        guest_start_go(start, l, &m->run.reason, on_started, m);
    else
        refuse_unnoted(m);
    return OK;
}

enum err receive_move_look(struct loop *l, const struct receive_owner *owner, const char *qmp,
                           const struct guest_facts *offered, struct receive_move **out)
{
    struct receive_move *m = make(l, NULL, owner, &(struct move_note){0});

    *out = m;
    if (!m)
        return ERR_MEMORY;
    m->looks = true;
    m->problems = json_new_list();
    m->offered = *offered;
    snprintf(m->note.qmp, sizeof m->note.qmp, "%s", qmp);
    open_qemu(m);
    return OK;
}

static enum target_stage stage_of(enum move_stage s)
{
    return s == NOTE_PREPARED    ? TARGET_PREPARED
           : s == NOTE_STARTING  ? TARGET_STARTING
           : s == NOTE_RUNNING   ? TARGET_RUNNING
           : s == NOTE_ABANDONED ? TARGET_ABANDONED
                                 : TARGET_LOADING;
}

static void go_on(struct receive_move *m, bool runs, bool gone)
{
    m->accepted = true;
    handover_target_resume(&m->handover, stage_of(m->note.stage), runs, gone);
    act(m);
}

static void on_ready_again(void *ctx, enum err e)
{
    struct receive_move *m = ctx;
    bool gone = !m->note.pid || !process_lives(m->note.pid, m->note.started_ticks);

    if (m->accepted)
        return;
    if (e && !gone) {
        log_warn("the move %s cannot go on: %s", m->note.id, reason_text(&m->run.reason, e));
        return;
    }
    /* Another QEMU may have the monitor of that name by now. */
    if (m->note.ours && !m->note.pid && !e) {
        m->note.pid = m->qemu.q.pid;
        m->note.started_ticks = m->qemu.q.started_ticks;
        gone = false;
    }
    gone |= !e && m->qemu.q.pid != m->note.pid;
    go_on(m, !gone && guest_facts_runs(&m->qemu.q.facts), gone);
}

enum err receive_move_again(struct loop *l, const struct move_notes *notes,
                            const struct receive_owner *owner, const struct move_note *n,
                            struct receive_move **out)
{
    struct receive_move *m = make(l, notes, owner, n);
    struct guest_qemu_owner mine = {
        .ready = on_ready_again, .told = on_told, .lost = on_lost, .ctx = m};

    *out = m;
    if (!m)
        return ERR_MEMORY;
    /* One that was started, and then this process was ended, is not known by its number yet. */
    bool unknown = n->ours && !n->pid && path_look(n->qmp) == PATH_SOCKET;
    if (!unknown && (!n->pid || !process_lives(n->pid, n->started_ticks)))
        go_on(m, false, true);
    else if (guest_qemu_open(&m->qemu.q, l, m->note.qmp, &mine, &m->run))
        on_ready_again(m, ERR_UNREACHABLE);
    else
        m->open = true;
    return OK;
}

void receive_move_free(struct receive_move *m)
{
    if (!m)
        return;
    close_channels(m);
    receive_disks_release(&m->disks);
    if (m->open)
        guest_qemu_close(&m->qemu.q);
    stream_socket_close(m->qemu.give);
    loop_timer_release(&m->patience);
    json_free(m->problems);
    guest_start_free(m->start);
    receive_memory_free(&m->memory);
    heap_free(m);
}

/* What the source knows of why it stays there: that its QEMU's connection ended says less. */
static void take_reason(struct receive_move *m, const struct json_value *body)
{
    const char *said = json_text(json_member(body, "reason"));
    char text[LIMIT_REASON_CHARS + 1];

    if (!said || !*said)
        return;
    utf8_clean(bytes_of_string(said), text, sizeof text);
    m->run.reason = (struct reason){0};
    reason_give(&m->run.reason, ERR_REFUSED, "its source says: %s", text);
}

void receive_move_record(struct receive_move *m, enum move_kind kind, const struct json_value *body)
{
    if (kind == MOVE_HANDOVER)
        receive_memory_hear(&m->memory, body);
    if (kind == MOVE_RUNS)
        take_reason(m, body);
    if (kind == MOVE_HANDOVER)
        receive_move_hear(m, TARGET_HANDOVER);
    else if (kind == MOVE_RUNS)
        receive_move_hear(m, TARGET_SOURCE_RUNS);
    else if (kind == MOVE_DONE)
        receive_move_hear(m, TARGET_DONE);
    else if (kind == MOVE_ASK)
        receive_move_hear(m, TARGET_ASKED);
}

void receive_move_cut(struct receive_move *m)
{
    m->peer = NULL;
    close_channels(m);
    receive_move_hear(m, TARGET_CUT);
    if (m->accepted || m->refused)
        return;
    m->refused = true;
    if (m->start)
        undo_start(m);
}

void receive_move_back(struct receive_move *m, struct peer *p)
{
    m->peer = p;
    receive_move_hear(m, TARGET_BACK);
}

void receive_move_refuse(struct receive_move *m, const char *why)
{
    if (!m->run.reason.text[0])
        reason_give(&m->run.reason, ERR_REFUSED, "%s", why);
    if (!m->accepted)
        refuse(m);
    else if (m->handover.stage == TARGET_LOADING || m->handover.stage == TARGET_PREPARING)
        receive_move_hear(m, TARGET_REFUSE);
}

void receive_move_agree(struct receive_move *m, const char *why_not)
{
    if (why_not) {
        reason_give(&m->run.reason, ERR_REFUSED, "%s", why_not);
        receive_move_hear(m, TARGET_REFUSE);
        return;
    }
    m->agreed = true;
    if (m->handover.stage == TARGET_PREPARED)
        receive_acts_perform(m, TARGET_SAY_PREPARED);
}

void receive_move_drop(struct receive_move *m)
{
    receive_move_hear(m, TARGET_REFUSE);
}

bool receive_move_over(const struct receive_move *m)
{
    return m->accepted ? m->handover.stage == TARGET_ENDED : m->refused;
}

bool receive_move_waits(const struct receive_move *m)
{
    enum target_stage s = m->handover.stage;

    return m->accepted ? s != TARGET_PREPARED && s != TARGET_RUNNING && s != TARGET_LOST &&
                             s != TARGET_ABANDONED && s != TARGET_ENDED
                       : !m->refused;
}
