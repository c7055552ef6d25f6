#include "core/run/send_hook.h"

enum err send_hook_begin(struct send_hook *h, struct loop *l, const char *path,
                         const struct move_note *note, struct run *run)
{
    *h = (struct send_hook){.note = note};
    return path ? hook_new(l, path, run, &h->hook) : OK;
}

static void tell(struct send_hook *h, const char *event, const char *reason)
{
    struct child_env env = {0};
    char key[KEY_TEXT_CHARS + 1];

    key_to_text(h->note->peer, key);
    child_env_add(&env, "FARSPAN_MOVE", h->note->id);
    child_env_add(&env, "FARSPAN_GUEST", h->note->guest);
    child_env_add(&env, "FARSPAN_QMP", h->note->qmp);
    child_env_add(&env, "FARSPAN_PEER", key);
    child_env_add(&env, "FARSPAN_REASON", reason);
    hook_event(h->hook, event, &env);
}

void send_hook_stopped(struct send_hook *h)
{
    if (!h->hook || h->stopped)
        return;
    h->stopped = true;
    h->told = false;
    tell(h, "stopped", "");
}

void send_hook_back(struct send_hook *h)
{
    if (!h->hook || !h->stopped)
        return;
    h->stopped = false;
    h->told = true;
    tell(h, "failed", "the guest goes on here");
}

void send_hook_end(struct send_hook *h, bool moved, const char *reason)
{
    if (!h->hook || (h->told && !moved))
        return;
    h->told = true;
    tell(h, moved ? "committed" : "failed", reason);
}

void send_hook_release(struct send_hook *h)
{
    hook_drain(h->hook);
    hook_free(h->hook);
    h->hook = NULL;
}
