/* scenario_data: streams and messages under each fault, and what each mechanism gives them. */
#include <string.h>

#include "core/base/num.h"
#include "tests/sim/sim_table.h"
#include "tests/sim/sim_world.h"

enum { TRANSFER = 2 << 20 };

/* Connects over `link` and makes both ends write `bytes`; ends when all is through. */
static void transfer_bytes(struct sim *s, uint32_t without, const struct wan_config *link,
                           uint64_t bytes, uint64_t within_us, struct sim_world *w)
{
    sim_world_make(w, s, without, &(struct sim_world_plan){.up = link});
    sim_world_connect(w, 10 * SECOND_US);
    if (w->session == NULL)
        return;
    sim_app_write(&w->client->app, PEER_BULK, bytes);
    sim_app_write(&w->session->app, PEER_BULK, bytes);
    sim_kick(s, w->client->node);
    sim_kick(s, w->server->node);
    sim_world_finish(w, within_us);
}

static void transfer(struct sim *s, uint32_t without, const struct wan_config *link,
                     uint64_t within_us, struct sim_world *w)
{
    transfer_bytes(s, without, link, TRANSFER, within_us, w);
}

static struct peer_path client_path(const struct sim_world *w)
{
    struct peer_path p = {0};

    if (w->client->peer)
        peer_path(w->client->peer, sim_node_now_us(w->sim, w->client->node), &p);
    return p;
}

/* ---- streams under each fault ---- */

static void under_loss(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(20000000, 20000);
    struct sim_world w;

    link.loss = 50000;
    transfer(s, without, &link, 5 * SECOND_US, &w);
    sim_world_end(&w);
}

static void under_bursts(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(20000000, 20000);
    struct sim_world w;

    link.loss = 50000;
    link.burst = 15;
    transfer(s, without, &link, 6 * SECOND_US, &w);
    sim_world_end(&w);
}

static void under_reordering(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(20000000, 20000);
    struct sim_world w;

    link.jitter_us = 4000;
    link.jitter_reorders = 1;
    transfer(s, without, &link, 3 * SECOND_US, &w);
    struct peer_path p = client_path(&w);
    SIM_EXPECT(&w, p.lost_datagrams * 20 < p.sent_datagrams);
    sim_world_end(&w);
}

static void under_duplication(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(20000000, 20000);
    struct sim_world w;

    link.duplicate = 500000;
    transfer(s, without, &link, 3 * SECOND_US, &w);
    struct peer_path p = client_path(&w);
    SIM_EXPECT(&w, p.rejected_datagrams * 4 > p.received_datagrams);
    sim_world_end(&w);
}

static void under_corruption(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(20000000, 20000);
    struct sim_world w;

    link.corrupt = 50000;
    transfer(s, without, &link, 5 * SECOND_US, &w);
    const struct wan_counters *n = wan_link_counters(sim_link(s, w.server->node, w.client->node));
    SIM_EXPECT(&w, n->corrupted > 50 && client_path(&w).rejected_datagrams >= n->corrupted / 2);
    sim_world_end(&w);
}

static void last_datagram(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(0, 50000);
    struct sim_world w;

    sim_world_make(&w, s, without, &(struct sim_world_plan){.up = &link});
    sim_world_connect(&w, SECOND_US);
    sim_world_pass(&w, SECOND_US);
    /* The only datagram of a short message is lost: nothing after it shows the gap. */
    sim_app_send(&w.client->app, PEER_INPUT, 100, SECOND_US, 1);
    sim_change(s, w.client->node, w.server->node, WAN_CHANGE_LOSS, 1000000);
    sim_kick(s, w.client->node);
    sim_world_pass(&w, 1000);
    sim_change(s, w.client->node, w.server->node, WAN_CHANGE_LOSS, 0);
    sim_world_finish(&w, 500000);
    sim_world_end(&w);
}

/* ---- flow control ---- */

static void slow_reader(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(100000000, 5000);
    struct sim_world_plan plan = {.up = &link};
    struct sim_world w;

    plan.client.stream_window_bytes = plan.server.stream_window_bytes = 256 << 10;
    plan.client.stream_buffer_bytes = plan.server.stream_buffer_bytes = 256 << 10;
    sim_world_make(&w, s, without, &plan);
    sim_world_connect(&w, SECOND_US);
    w.session->app.hold = true;
    sim_app_write(&w.client->app, PEER_BULK, TRANSFER);
    sim_kick(s, w.client->node);
    sim_world_pass(&w, 5 * SECOND_US);
    SIM_EXPECT(&w, w.client->app.flow[0]->written <= 512 << 10);
    const struct wan_counters *n = wan_link_counters(sim_link(s, w.client->node, w.server->node));
    SIM_EXPECT(&w, n->in_bytes < 400 << 10);
    w.session->app.hold = false;
    sim_kick(s, w.server->node);
    sim_world_finish(&w, 2 * SECOND_US);
    sim_world_end(&w);
}

static void slow_reader_of_many(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(100000000, 5000);
    struct sim_world_plan plan = {.up = &link};
    struct sim_world w;

    plan.client.session_window_bytes = plan.server.session_window_bytes = 512 << 10;
    sim_world_make(&w, s, without, &plan);
    sim_world_connect(&w, SECOND_US);
    w.session->app.hold = true;
    for (int i = 0; i < SIM_APP_FLOWS; i++)
        sim_app_write(&w.client->app, PEER_BULK, 512 << 10);
    sim_kick(s, w.client->node);
    sim_world_pass(&w, 5 * SECOND_US);
    const struct wan_counters *n = wan_link_counters(sim_link(s, w.client->node, w.server->node));
    SIM_EXPECT(&w, n->in_bytes < 600 << 10);
    w.session->app.hold = false;
    sim_kick(s, w.server->node);
    sim_world_finish(&w, 3 * SECOND_US);
    sim_world_end(&w);
}

static void lossy_limits(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(50000000, 10000);
    struct sim_world_plan plan = {.up = &link};
    struct sim_world w;

    /* Windows far below the path's need: every update of a limit that is lost would stall. */
    link.loss = 100000;
    plan.client.stream_window_bytes = plan.server.stream_window_bytes = 16 << 10;
    sim_world_make(&w, s, without, &plan);
    sim_world_connect(&w, 5 * SECOND_US);
    if (w.session == NULL)
        return;
    sim_app_write(&w.client->app, PEER_BULK, 1 << 20);
    sim_kick(s, w.client->node);
    sim_world_finish(&w, 15 * SECOND_US);
    sim_world_end(&w);
}

/* ---- messages ---- */

static void overload(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(2000000, 20000);
    struct sim_world w;

    /* Four parts of a picture, 5 kB each, 30 times a second, are 4.8 Mbit/s: over twice the link.
     */
    sim_world_make(&w, s, without, &(struct sim_world_plan){.up = &link});
    sim_world_connect(&w, SECOND_US);
    for (uint64_t part = 0; part < SIM_APP_SERIES; part++)
        sim_app_send(&w.session->app, PEER_TEXT, 5000, 33333, 300)->key = 1 + part;
    sim_kick(s, w.server->node);
    sim_world_finish(&w, 12 * SECOND_US);
    for (size_t part = 0; part < SIM_APP_SERIES; part++) {
        const struct sim_app_received *r = w.client->app.received[part];
        sim_note(s, "part %zu: %llu came, delay p95 %llu us, age p95 %llu us", part,
                 r ? (unsigned long long)r->count : 0,
                 r ? (unsigned long long)stat_quantile(&r->delay_us, 950) : 0,
                 r ? (unsigned long long)stat_quantile(&r->age_us, 950) : 0);
        SIM_EXPECT(&w, r && r->newest == 299 && stat_quantile(&r->delay_us, 950) < 300000);
        SIM_EXPECT(&w, r && r->count >= 30 && stat_quantile(&r->age_us, 950) < 600000);
    }
    sim_world_end(&w);
}

/* Numbers that no packet has: none counts as lost ... */
static void left_out(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(0, 20000);
    struct sim_world w;

    transfer_bytes(s, without, &link, 8 * TRANSFER, 5 * SECOND_US, &w);
    struct peer_path p = client_path(&w);
    SIM_EXPECT(&w, p.sent_datagrams > 10000 && p.lost_datagrams == 0);
    sim_world_end(&w);
}

/* ... and none for one that came, whatever happens to the others. */
static void left_out_in_trouble(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(50000000, 20000);
    struct sim_world w;

    link.loss = 50000;
    link.duplicate = 50000;
    link.jitter_us = 4000;
    link.jitter_reorders = 1;
    transfer_bytes(s, without, &link, 8 * TRANSFER, 30 * SECOND_US, &w);
    SIM_EXPECT(&w, client_path(&w).sent_datagrams > 10000);
    sim_world_end(&w);
}

static void states_under_loss(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(20000000, 20000);
    struct sim_world w;

    link.loss = 50000;
    sim_world_make(&w, s, without, &(struct sim_world_plan){.up = &link});
    sim_world_connect(&w, 5 * SECOND_US);
    if (w.session == NULL)
        return;
    sim_app_send(&w.session->app, PEER_TEXT, 5000, 20000, 500)->key = 1;
    sim_app_send(&w.client->app, PEER_TEXT, 5000, 20000, 500);
    sim_kick(s, w.client->node);
    sim_kick(s, w.server->node);
    sim_world_finish(&w, 15 * SECOND_US);
    const struct sim_app_received *newest = w.client->app.received[0];
    SIM_EXPECT(&w, newest && newest->newest == 499);
    /* Without a key every one of them comes. */
    const struct sim_app_received *all = w.session->app.received[0];
    SIM_EXPECT(&w, all && all->count == 500);
    sim_world_end(&w);
}

static void once_only(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(20000000, 20000);
    struct sim_world w;

    link.loss = 100000;
    sim_world_make(&w, s, without, &(struct sim_world_plan){.up = &link});
    sim_world_connect(&w, 5 * SECOND_US);
    if (w.session == NULL)
        return;
    struct sim_app_series *sound = sim_app_send(&w.session->app, PEER_AUDIO, 300, 20000, 500);
    sound->once = true;
    sim_kick(s, w.server->node);
    sim_world_finish(&w, 12 * SECOND_US);
    const struct sim_app_received *r = w.client->app.received[0];
    SIM_EXPECT(&w, r && r->count > 420 && r->count < 480);
    SIM_EXPECT(&w, sound->gone > 20 && sound->gone < 100);
    SIM_EXPECT(&w, r && r->delay_us.max < 60000); /* none of them came a second time */
    sim_world_end(&w);
}

static void late_is_worthless(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(1000000, 20000);
    struct sim_world w;

    sim_world_make(&w, s, without, &(struct sim_world_plan){.up = &link});
    sim_world_connect(&w, SECOND_US);
    struct sim_app_series *m = sim_app_send(&w.session->app, PEER_AUDIO, 1000, 4000, 1000);
    m->deadline_us = 100000;
    sim_kick(s, w.server->node);
    sim_world_finish(&w, 8 * SECOND_US);
    const struct sim_app_received *r = w.client->app.received[0];
    SIM_EXPECT(&w, m->gone > 300);
    SIM_EXPECT(&w, r && r->count > 300 && stat_quantile(&r->delay_us, 990) < 300000);
    sim_world_end(&w);
}

static void large_messages(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(20000000, 20000);
    struct sim_world w;

    link.loss = 20000;
    link.reorder = 20000;
    sim_world_make(&w, s, without, &(struct sim_world_plan){.up = &link});
    sim_world_connect(&w, 5 * SECOND_US);
    if (w.session == NULL)
        return;
    sim_app_send(&w.session->app, PEER_TEXT, LIMIT_MESSAGE_BYTES, 200000, 20);
    sim_kick(s, w.server->node);
    sim_world_finish(&w, 10 * SECOND_US);
    SIM_EXPECT(&w, w.client->app.received[0] && w.client->app.received[0]->count == 20);
    sim_world_end(&w);
}

/* ---- priorities ---- */

static void keys_before_bulk(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(5000000, 20000);
    struct sim_world w;

    sim_world_make(&w, s, without, &(struct sim_world_plan){.up = &link});
    sim_world_connect(&w, SECOND_US);
    sim_app_write(&w.client->app, PEER_BULK, SIM_APP_ENDLESS);
    struct sim_app_flow *keys = sim_app_write(&w.client->app, PEER_INPUT, 16 * 200);
    keys->padded = true;
    keys->each_bytes = 16;
    keys->every_us = 50000;
    sim_kick(s, w.client->node);
    sim_world_finish(&w, 15 * SECOND_US);
    SIM_EXPECT(&w, stat_quantile(&keys->delay_us, 950) < 20000 + 50000);
    sim_world_end(&w);
}

static void newest_before_bulk(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(5000000, 20000);
    struct sim_world w;

    sim_world_make(&w, s, without, &(struct sim_world_plan){.up = &link});
    sim_world_connect(&w, SECOND_US);
    sim_app_write(&w.session->app, PEER_BULK, SIM_APP_ENDLESS);
    sim_app_send(&w.session->app, PEER_TEXT, 3000, 33333, 300);
    sim_kick(s, w.server->node);
    sim_world_finish(&w, 15 * SECOND_US);
    const struct sim_app_received *r = w.client->app.received[0];
    SIM_EXPECT(&w, r && stat_quantile(&r->delay_us, 950) < 20000 + 80000);
    sim_world_end(&w);
}

/* ---- keys ---- */

static void new_keys(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(20000000, 20000);
    struct sim_world_plan plan = {.up = &link};
    struct sim_world w;

    link.loss = 20000;
    link.jitter_us = 10000;
    link.jitter_reorders = 1;
    plan.client.key_update_packets = plan.server.key_update_packets = 1000;
    sim_world_make(&w, s, without, &plan);
    sim_world_connect(&w, 5 * SECOND_US);
    if (w.session == NULL)
        return;
    sim_app_write(&w.client->app, PEER_BULK, 10 << 20);
    sim_app_write(&w.session->app, PEER_BULK, 10 << 20);
    sim_kick(s, w.client->node);
    sim_kick(s, w.server->node);
    sim_world_finish(&w, 20 * SECOND_US);
    struct peer_path p = client_path(&w);
    SIM_EXPECT(&w, p.key_updates >= 8 && p.key_updates <= p.sent_datagrams / 1000);
    SIM_EXPECT(&w, p.rejected_datagrams == 0);
    sim_world_end(&w);
}

/* ---- ends ---- */

static void said_goodbye(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(20000000, 20000);
    struct sim_world w;

    link.loss = 300000;
    sim_world_make(&w, s, without, &(struct sim_world_plan){.up = &link});
    sim_world_connect(&w, 10 * SECOND_US);
    if (w.session == NULL)
        return;
    w.server->keep = true;
    /* Traffic that comes asks for the word again when it was lost. */
    sim_app_write(&w.client->app, PEER_BULK, SIM_APP_ENDLESS);
    sim_kick(s, w.client->node);
    sim_world_pass(&w, SECOND_US);
    peer_close(w.session->peer, sim_node_now_us(s, w.server->node), ERR_BUSY, "somebody else");
    sim_kick(s, w.server->node);
    sim_world_expect_closed(&w, w.client, ERR_BUSY, 3 * SECOND_US);
    SIM_EXPECT(&w, strcmp(w.client->app.reason, "somebody else") == 0);
    sim_world_end(&w);
}

static void all_sent_before_goodbye(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(20000000, 20000);
    struct sim_world w;

    sim_world_make(&w, s, without, &(struct sim_world_plan){.up = &link});
    sim_world_connect(&w, SECOND_US);
    peer_close(w.client->peer, sim_node_now_us(s, w.client->node), OK, "done");
    sim_kick(s, w.client->node);
    sim_world_pass(&w, 5 * SECOND_US);
    SIM_EXPECT(&w, w.session->app.closed == 1 && w.session->app.error == OK);
    SIM_EXPECT(&w, strcmp(w.session->app.reason, "done") == 0);
    struct listener_counters n;
    listener_count(w.server->listener, &n);
    SIM_EXPECT(&w, n.peers == 0 && n.half_open == 0 && w.server->dropped == 1);
    /* Nothing more is sent by anybody. */
    const struct wan_counters *up = wan_link_counters(sim_link(s, w.client->node, w.server->node));
    const struct wan_counters *down =
        wan_link_counters(sim_link(s, w.server->node, w.client->node));
    uint64_t before = up->in_count + down->in_count;
    sim_world_pass(&w, 200 * (uint64_t)SECOND_US);
    SIM_EXPECT(&w, up->in_count + down->in_count == before);
    sim_world_end(&w);
}

const struct sim_scenario scenario_data_table[] = {
    {"loss", "2 MiB each way at 5 % loss", "resend", under_loss},
    {"bursts", "2 MiB each way at 5 % loss in bursts of 15", "resend", under_bursts},
    {"reordering", "reordering is not taken for loss", "reorder", under_reordering},
    {"duplication", "copies are refused", "replay", under_duplication},
    {"corruption", "flipped bits are refused, and made good", "resend", under_corruption},
    {"last_datagram", "a lost datagram with nothing after it is made good soon", "probes",
     last_datagram},
    {"slow_reader", "a reader that does not read stops the writer at its window", "flow",
     slow_reader},
    {"slow_reader_of_many", "the session's window bounds all streams together", "flow",
     slow_reader_of_many},
    {"lossy_limits", "lost updates of limits do not stall a stream", "resend", lossy_limits},
    {"overload", "twice too many states: what comes is new", "supersede", overload},
    {"left_out", "packet numbers that are left out are not lost", NULL, left_out},
    {"left_out_in_trouble", "... nor taken for any that came", NULL, left_out_in_trouble},
    {"states_under_loss", "the newest state comes, and without a key each", "resend",
     states_under_loss},
    {"once_only", "what is worth nothing late is not sent twice", NULL, once_only},
    {"late_is_worthless", "what has waited too long is not sent", NULL, late_is_worthless},
    {"large_messages", "messages of 256 KiB come whole", "resend", large_messages},
    {"keys_before_bulk", "key presses pass a full queue of bulk", "classes", keys_before_bulk},
    {"newest_before_bulk", "pictures pass bulk", "classes", newest_before_bulk},
    {"new_keys", "a new key every 1,000 packets, through loss and reordering", "rekey", new_keys},
    {"goodbye", "the reason for the end comes through 30 % loss", NULL, said_goodbye},
    {"clean_end", "after the end both sides are silent and nothing is left", NULL,
     all_sent_before_goodbye},
    {0},
};
