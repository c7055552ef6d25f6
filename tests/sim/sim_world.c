#include "tests/sim/sim_world.h"

#include <malloc.h>
#include <string.h>

#include "core/base/check.h"
#include "core/crypt/crypt.h"

struct wan_config sim_world_link(uint64_t rate_bps, uint64_t delay_us)
{
    struct wan_config c;

    wan_config_init(&c);
    c.rate_bps = rate_bps;
    c.delay_us = delay_us;
    return c;
}

static struct sim_client *guest(struct sim_world *w, const char *name, uint8_t host)
{
    struct addr address = sim_addr(host, 40000);
    struct sim_client *c = sim_host_client(w->sim, name, &address, &w->client->config, w->without);

    c->dial =
        (struct peer_dial){.to = w->client->dial.to, .expected_key = w->server->identity.public};
    CHECK(w->guests < SIM_WORLD_GUESTS);
    return w->guest[w->guests++] = c;
}

struct sim_client *sim_world_guest(struct sim_world *w, const char *name, uint8_t host,
                                   const struct wan_config *up, const struct wan_config *down)
{
    struct sim_client *c = guest(w, name, host);

    sim_join(w->sim, c->node, w->server->node, up, down ? down : up);
    return c;
}

struct sim_client *sim_world_guest_beside(struct sim_world *w, const char *name, uint8_t host)
{
    struct sim_client *c = guest(w, name, host);

    sim_share(w->sim, c->node, w->server->node, w->client->node, w->server->node);
    return c;
}

void sim_world_welcome(struct sim_server *sv, struct sim_session *session, void *context)
{
    struct sim_world *w = context;
    const uint8_t *key = session->app.other_key;

    (void)sv;
    if (memcmp(key, w->client->identity.public, KEY_BYTES) == 0) {
        w->session = session;
        session->app.other = &w->client->app;
        w->client->app.other = &session->app;
    }
    for (size_t i = 0; i < w->guests; i++)
        if (memcmp(key, w->guest[i]->identity.public, KEY_BYTES) == 0) {
            session->app.other = &w->guest[i]->app;
            w->guest[i]->app.other = &session->app;
        }
}

void sim_world_make(struct sim_world *w, struct sim *s, uint32_t without,
                    const struct sim_world_plan *plan)
{
    static const struct sim_world_plan usual;
    struct addr client = sim_addr(1, 40000), server = sim_addr(2, 7470);

    CHECK(crypt_init() == OK);
    if (plan == NULL)
        plan = &usual;
    struct listener_config listener = plan->listener;
    listener.peer = plan->server;
    *w = (struct sim_world){.sim = s, .without = without};
    w->server = sim_host_server(s, "server", &server, &listener, without);
    w->client = sim_host_client(s, "client", &client, &plan->client, without);
    w->server->welcome = sim_world_welcome;
    w->server->context = w;
    w->client->dial = (struct peer_dial){.to = server, .expected_key = w->server->identity.public};
    if (!plan->stranger)
        sim_host_trust(w->server, w->client->identity.public);
    sim_join(s, w->client->node, w->server->node, plan->up, plan->down ? plan->down : plan->up);
}

void sim_world_end(struct sim_world *w)
{
    sim_host_client_free(w->client);
    for (size_t i = 0; i < w->guests; i++)
        sim_host_client_free(w->guest[i]);
    sim_host_server_free(w->server);
}

static bool is_connected(void *arg)
{
    const struct sim_world *w = arg;

    return w->client->app.connected && w->session && w->session->app.connected;
}

static bool is_closed(void *arg)
{
    const struct sim_client *c = arg;

    return c->app.closed > 0;
}

static bool is_finished(void *arg)
{
    const struct sim_world *w = arg;

    return sim_app_is_done(&w->client->app) && sim_app_is_done(&w->session->app);
}

void sim_world_connect(struct sim_world *w, uint64_t within_us)
{
    sim_host_dial(w->client);
    if (!sim_run(w->sim, sim_now_us(w->sim) + within_us, is_connected, w))
        sim_fail(w->sim, "not connected after %llu us%s%s", (unsigned long long)within_us,
                 w->client->app.closed ? ": " : "", w->client->app.reason);
}

bool sim_world_pass(struct sim_world *w, uint64_t us)
{
    sim_run(w->sim, sim_now_us(w->sim) + us, NULL, NULL);
    return sim_failure(w->sim) == NULL;
}

void sim_world_finish(struct sim_world *w, uint64_t within_us)
{
    if (sim_failure(w->sim))
        return;
    CHECK(w->session);
    if (sim_run(w->sim, sim_now_us(w->sim) + within_us, is_finished, w) || sim_failure(w->sim))
        return;
    sim_app_note(&w->client->app, sim_node_now_us(w->sim, w->client->node));
    sim_app_note(&w->session->app, sim_node_now_us(w->sim, w->server->node));
    sim_fail(w->sim, "not everything is through after %llu us", (unsigned long long)within_us);
}

void sim_world_expect_closed(struct sim_world *w, struct sim_client *c, enum err error,
                             uint64_t within_us)
{
    if (sim_failure(w->sim))
        return;
    if (!sim_run(w->sim, sim_now_us(w->sim) + within_us, is_closed, c))
        sim_fail(w->sim, "%s: the session is not over after %llu us", c->app.name,
                 (unsigned long long)within_us);
    else if (c->app.error != error)
        sim_fail(w->sim, "%s ended with: %s: %s", c->app.name, err_text(c->app.error),
                 c->app.reason);
}

static bool is_guest_connected(void *arg)
{
    const struct sim_client *c = arg;

    return c->app.connected > 0 && c->app.other;
}

void sim_world_expect_connected(struct sim_world *w, struct sim_client *c, uint64_t within_us)
{
    if (sim_failure(w->sim))
        return;
    if (!sim_run(w->sim, sim_now_us(w->sim) + within_us, is_guest_connected, c))
        sim_fail(w->sim, "%s: not connected after %llu us%s%s", c->app.name,
                 (unsigned long long)within_us, c->app.closed ? ": " : "", c->app.reason);
}

uint64_t sim_world_memory_bytes(void)
{
    struct mallinfo2 m = mallinfo2();

    return m.uordblks + m.hblkhd;
}
