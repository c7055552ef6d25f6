#include "core/run/announce.h"

#include <stdio.h>

#include "core/base/addr.h"
#include "core/base/log.h"
#include "core/crypt/key.h"
#include "core/crypt/role.h"

/* Two viewers who act at once do not make an event of every act. */
enum { HOLD_US = 1000000 };

/* One event for both of its readers: a member `key` of the JSON and a variable `name`. */
struct notice {
    struct json *json;
    struct child_env env;
};

static void add(struct notice *n, const char *key, const char *name, const char *value)
{
    json_put_string(n->json, key, value);
    child_env_add(&n->env, name, value);
}

static void add_viewer(struct notice *n, const char *event, uint32_t number)
{
    char text[16];

    n->json = json_new();
    n->env.count = 0;
    json_put_string(n->json, "event", event);
    json_put_int(n->json, "viewer", number);
    snprintf(text, sizeof text, "%u", (unsigned)number);
    child_env_add(&n->env, "FARSPAN_VIEWER", text);
}

static enum err tell(struct announce *a, const char *event, struct notice *n)
{
    hook_event(a->hook, event, &n->env);
    return run_event(a->run, n->json);
}

enum err announce_viewer(struct announce *a, uint32_t number, uint32_t roles,
                         const struct peer_event *e)
{
    char at[ADDR_CHARS], may[ROLE_TEXT_CHARS], key[KEY_TEXT_CHARS + 1];
    const char *event = "disconnected";
    struct notice n;

    if (e->kind == PEER_EVENT_CONNECTED) {
        event = "connected";
        role_print(roles, may);
        key_to_text(e->key, key);
        add_viewer(&n, event, number);
        add(&n, "address", "FARSPAN_ADDRESS", addr_print(&e->path, at));
        add(&n, "transport", "FARSPAN_TRANSPORT", addr_via_name(&e->path));
        add(&n, "key", "FARSPAN_KEY", key);
        add(&n, "roles", "FARSPAN_ROLES", may);
        log_info("viewer %u has come: %s over %s, %s", number, at, addr_via_name(&e->path), may);
    } else if (e->kind == PEER_EVENT_PATH) {
        event = "moved";
        add_viewer(&n, event, number);
        add(&n, "address", "FARSPAN_ADDRESS", addr_print(&e->path, at));
        add(&n, "transport", "FARSPAN_TRANSPORT", addr_via_name(&e->path));
        log_info("viewer %u is at %s over %s now", number, at, addr_via_name(&e->path));
    } else {
        add_viewer(&n, event, number);
        add(&n, "reason", "FARSPAN_REASON", e->reason);
        log_info("viewer %u has gone: %s", number, e->reason);
    }
    return tell(a, event, &n);
}

static enum err change(struct announce *a, uint32_t number)
{
    struct notice n;

    add_viewer(&n, "control", number);
    json_put_int(n.json, "before", a->holder);
    a->holder = number;
    if (number)
        log_info("viewer %u controls", number);
    else
        log_info("nobody controls now");
    return tell(a, "control", &n);
}

enum err announce_acted(struct announce *a, uint32_t number, uint64_t now_us)
{
    enum err e = OK;

    if (a->holder != number && a->holder && now_us - a->acted_us < HOLD_US)
        return OK;
    if (a->holder != number)
        e = change(a, number);
    a->acted_us = now_us;
    return e;
}

enum err announce_left(struct announce *a, uint32_t number)
{
    return a->holder == number ? change(a, 0) : OK;
}
