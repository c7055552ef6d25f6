#include "core/run/receive_hooks.h"

#include "core/base/log.h"
#include "core/os/child.h"

enum {
    LOOK_US = 5000,             /* how often a hook that is waited for is looked after ... */
    PREPARED_US = 60 * 1000000, /* ... and ended, when it takes so long: the guest stands */
};

static void fill_env(struct child_env *env, const struct receive_move *m, const char *outcome)
{
    char key[KEY_TEXT_CHARS + 1];

    key_to_text(m->note.peer, key);
    env->count = 0;
    child_env_add(env, "FARSPAN_MOVE", m->note.id);
    child_env_add(env, "FARSPAN_GUEST", m->note.guest);
    child_env_add(env, "FARSPAN_QMP", m->note.qmp);
    child_env_add(env, "FARSPAN_PEER", key);
    child_env_add(env, "FARSPAN_OUTCOME", outcome);
    child_env_add(env, "FARSPAN_REASON", m->run.reason.text);
}

/* ---- the one that is asked ---- */

static void on_look(void *ctx)
{
    struct receive_hooks *h = ctx;
    struct receive_move *m = h->asks;
    int status = 0;

    if (!m)
        return;
    bool ended = child_ended(h->pid, &status);
    if (!ended && loop_now_us(h->loop) - h->since_us < PREPARED_US) {
        loop_timer_set(&h->look, loop_now_us(h->loop) + LOOK_US);
        return;
    }
    if (!ended)
        child_kill(h->pid);
    h->asks = NULL;
    if (!ended)
        log_warn("the hook for a prepared guest has not ended within a minute");
    else
        log_info("the hook for a prepared guest has ended with %d", status);
    receive_move_agree(m, !ended   ? "the hook at the destination did not end within a minute"
                          : status ? "the hook at the destination does not want it"
                                   : NULL);
}

bool receive_hooks_prepared(struct receive_hooks *h, struct receive_move *m)
{
    struct child_env env;

    if (!h->prepared || h->asks == m)
        return !h->prepared;
    fill_env(&env, m, "prepared");
    child_env_add(&env, "FARSPAN_EVENT", "prepared");
    if (h->asks || child_start(h->prepared, "prepared", &env, &h->pid)) {
        log_warn("the hook for a prepared guest cannot be started: it goes without");
        return true;
    }
    h->asks = m;
    h->since_us = loop_now_us(h->loop);
    loop_timer_set(&h->look, h->since_us + LOOK_US);
    return false;
}

void receive_hooks_drop(struct receive_hooks *h, const struct receive_move *m)
{
    if (h->asks != m)
        return;
    child_kill(h->pid);
    h->asks = NULL;
}

/* ---- those that are told ---- */

static void tell(struct hook *h, const struct receive_move *m, const char *event,
                 const char *outcome)
{
    struct child_env env;

    if (!h)
        return;
    fill_env(&env, m, outcome);
    hook_event(h, event, &env);
}

void receive_hooks_committed(struct receive_hooks *h, const struct receive_move *m)
{
    tell(h->committed, m, "committed", "moved");
}

void receive_hooks_failed(struct receive_hooks *h, const struct receive_move *m,
                          const char *outcome)
{
    tell(h->failed, m, "failed", outcome);
}

/* ---- life ---- */

enum err receive_hooks_begin(struct receive_hooks *h, struct loop *l,
                             const struct receive_hooks_config *config, struct run *run)
{
    enum err e = OK;

    *h = (struct receive_hooks){.loop = l, .prepared = config->prepared};
    loop_timer_init(&h->look, l, on_look, h);
    if (h->prepared && child_check(h->prepared))
        e = reason_give(&run->reason, ERR_USAGE,
                        "--on-prepared %.100s: give the path of a program that can be started",
                        h->prepared);
    if (!e && config->committed)
        e = hook_new(l, config->committed, run, &h->committed);
    if (!e && config->failed)
        e = hook_new(l, config->failed, run, &h->failed);
    return e;
}

void receive_hooks_drain(struct receive_hooks *h)
{
    hook_drain(h->committed);
    hook_drain(h->failed);
}

void receive_hooks_release(struct receive_hooks *h)
{
    if (!h->loop)
        return;
    hook_free(h->committed);
    hook_free(h->failed);
    if (h->asks)
        child_kill(h->pid);
    loop_timer_release(&h->look);
    *h = (struct receive_hooks){0};
}
