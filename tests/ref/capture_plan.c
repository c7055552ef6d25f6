#include "tests/ref/capture_plan.h"

#include "core/base/num.h"

enum { MBIT = 1000000, MS = 1000 };

/* The wire is bad in every way at once. */
static struct wan_config bad_link(uint64_t rate_bps)
{
    struct wan_config c;

    wan_config_init(&c);
    c.rate_bps = rate_bps;
    c.delay_us = 20 * MS;
    c.jitter_us = 3 * MS;
    c.loss = 30000;
    c.reorder = 20000;
    c.duplicate = 20000;
    c.corrupt = 10000;
    return c;
}

static struct wan_config good_link(uint64_t rate_bps)
{
    struct wan_config c;

    wan_config_init(&c);
    c.rate_bps = rate_bps;
    c.delay_us = 15 * MS;
    return c;
}

/* Something of everything. */
static const struct capture_deeds busy_client = {
    .flow = {{.class = PEER_INPUT,
              .padded = true,
              .bytes = 600,
              .each_bytes = 12,
              .every_us = 20 * MS,
              .reply = 300},
             {.class = PEER_BULK, .bytes = 150000, .reply = 40000},
             {.class = PEER_BULK,
              .bytes = 90000,
              .each_bytes = 3000,
              .every_us = 10 * MS,
              .reset_at = 30000,
              .reply = 5000},
             {.class = PEER_TEXT, .bytes = 90000, .stop_at = 20000, .reply = 90000}},
    .series = {{.class = PEER_TEXT, .bytes = 9000, .count = 20, .every_us = 25 * MS},
               {.class = PEER_CURSOR,
                .bytes = 40,
                .count = 60,
                .every_us = 8 * MS,
                .supersedes = true,
                .once = true},
               {.class = PEER_BULK,
                .bytes = 700,
                .count = 30,
                .every_us = 5 * MS,
                .deadline_us = 30 * MS}}};
static const struct capture_deeds busy_server = {
    .flow = {{.class = PEER_BULK, .bytes = 120000}, {.class = PEER_MOTION, .bytes = 3000}},
    .series = {{.class = PEER_MOTION,
                .bytes = 20000,
                .count = 15,
                .every_us = 30 * MS,
                .supersedes = true},
               {.class = PEER_INPUT, .bytes = 8, .count = 40, .every_us = 15 * MS},
               {.class = PEER_BULK, .bytes = 0, .count = 0}},
    .read_bytes = 3000,
    .read_every_us = 5 * MS};

static void plan_small(struct capture_plan *p)
{
    p->name = "small";
    p->up = p->down = good_link(20 * MBIT);
    p->up.loss = p->down.loss = 50000;
    p->client.key_update_packets = p->server.key_update_packets = 12;
    p->deeds[0] = (struct capture_deeds){
        .flow = {{.class = PEER_INPUT,
                  .padded = true,
                  .bytes = 60,
                  .each_bytes = 6,
                  .every_us = 10 * MS,
                  .reply = 40},
                 {.class = PEER_BULK,
                  .bytes = 4000,
                  .each_bytes = 500,
                  .every_us = 10 * MS,
                  .reset_at = 1500}},
        .series = {{.class = PEER_TEXT, .bytes = 2600, .count = 2, .every_us = 30 * MS}}};
    p->deeds[1] = (struct capture_deeds){.flow = {{.class = PEER_BULK, .bytes = 3500}}};
}

static void plan_busy(struct capture_plan *p)
{
    p->name = "busy";
    p->up = p->down = bad_link(8 * MBIT);
    p->down.ecn_mark_us = 10 * MS;
    p->client.key_update_packets = p->server.key_update_packets = 60;
    p->client.stream_window_bytes = p->server.stream_window_bytes = 16000;
    p->client.session_window_bytes = p->server.session_window_bytes = 40000;
    p->deeds[0] = busy_client;
    p->deeds[1] = busy_server;
}

static void plan_busy_aes(struct capture_plan *p)
{
    plan_busy(p);
    p->name = "busy-aes";
    p->cipher = CIPHER_AESGCM;
    p->invited = true;
    p->closer = 1;
}

static void plan_roaming(struct capture_plan *p)
{
    plan_busy(p);
    p->name = "roaming";
    p->up.loss = p->down.loss = 5000;
    p->up.change[p->up.changes++] = (struct wan_change){400 * MS, WAN_CHANGE_MTU, 1350};
    p->down.change[p->down.changes++] = (struct wan_change){300 * MS, WAN_CHANGE_MTU, 1300};
    p->move[0] = (struct capture_move){250 * MS, 0, 3, 40000};
    p->move[1] = (struct capture_move){600 * MS, 0, 3, 40001};
    p->move[2] = (struct capture_move){900 * MS, 1, 4, 7470};
    p->move[3] = (struct capture_move){1500 * MS, 0, 1, 40000};
}

static void plan_again(struct capture_plan *p)
{
    plan_small(p);
    p->name = "again";
    p->cipher = CIPHER_AESGCM;
    p->sessions = 3;
    p->up.loss = p->down.loss = 0;
}

static void plan_stranger(struct capture_plan *p)
{
    plan_small(p);
    p->name = "stranger";
    p->stranger = true;
}

/* More messages than may be open at once, and no time for most of them. */
static void plan_crowd(struct capture_plan *p)
{
    p->name = "crowd";
    p->up = p->down = bad_link(4 * MBIT);
    p->client.key_update_packets = p->server.key_update_packets = 500;
    p->deeds[0] = (struct capture_deeds){
        .series = {{.class = PEER_TEXT, .bytes = 12, .count = 4600, .every_us = 300},
                   {.class = PEER_MOTION,
                    .bytes = 40000,
                    .count = 40,
                    .every_us = 30 * MS,
                    .supersedes = true},
                   {.class = PEER_REFINE,
                    .bytes = 300,
                    .count = 300,
                    .every_us = 4 * MS,
                    .deadline_us = 10 * MS}}};
    p->deeds[1] = (struct capture_deeds){
        .flow = {{.class = PEER_INPUT, .bytes = 500, .each_bytes = 10, .every_us = 30 * MS}}};
}

static void plan_outage(struct capture_plan *p)
{
    plan_busy(p);
    p->name = "outage";
    p->up.outage[p->up.outages++] = (struct wan_outage){500 * MS, 1500 * MS};
    p->down.outage[p->down.outages++] = (struct wan_outage){600 * MS, 1600 * MS};
}

bool capture_plan_get(size_t i, struct capture_plan *out)
{
    static void (*const plans[])(struct capture_plan *) = {
        plan_small, plan_busy,     plan_busy_aes, plan_roaming,
        plan_again, plan_stranger, plan_outage,   plan_crowd,
    };

    if (i >= COUNT_OF(plans))
        return false;
    *out = (struct capture_plan){.seed = 1, .cipher = CIPHER_CHACHAPOLY, .sessions = 1};
    plans[i](out);
    return true;
}
