#include "tests/sim/sim_bulk.h"

#include "core/base/check.h"
#include "core/base/heap.h"
#include "core/base/num.h"

enum { STEP_US = 2000, STEPS_MOST = 4096 };

void sim_bulk_windows(struct sim_world_plan *plan)
{
    plan->client.stream_window_bytes = plan->server.stream_window_bytes = 16 << 20;
    plan->client.session_window_bytes = plan->server.session_window_bytes = 16 << 20;
    plan->client.stream_buffer_bytes = plan->server.stream_buffer_bytes = 16 << 20;
}

void sim_bulk_make_as(struct sim_world *w, struct sim *s, uint32_t without,
                      struct sim_world_plan *plan)
{
    sim_bulk_windows(plan);
    sim_world_make(w, s, without, plan);
    sim_world_connect(w, 5 * SECOND_US);
    if (w->session == NULL)
        return;
    sim_app_write(&w->session->app, PEER_BULK, SIM_APP_ENDLESS);
    sim_kick(s, w->server->node);
}

void sim_bulk_make(struct sim_world *w, struct sim *s, uint32_t without,
                   const struct wan_config *up, const struct wan_config *down)
{
    struct wan_config plain = sim_world_link(down->rate_bps, down->delay_us);
    struct sim_world_plan plan = {.up = up ? up : &plain, .down = down};

    sim_bulk_make_as(w, s, without, &plan);
}

struct sim_client *sim_bulk_guest(struct sim_world *w, const char *name, uint8_t host)
{
    struct sim_client *c = sim_world_guest_beside(w, name, host);

    sim_host_trust(w->server, c->identity.public);
    sim_host_dial(c);
    sim_world_expect_connected(w, c, 5 * SECOND_US);
    if (c->app.other == NULL)
        return NULL;
    sim_app_write(c->app.other, PEER_BULK, SIM_APP_ENDLESS);
    sim_kick(w->sim, w->server->node);
    return c;
}

const struct wan_counters *sim_bulk_counters(const struct sim_world *w)
{
    return wan_link_counters(sim_link(w->sim, w->server->node, w->client->node));
}

uint64_t sim_bulk_goodput(struct sim_world *w, uint64_t us)
{
    uint64_t before = w->client->app.read_bytes;

    sim_world_pass(w, us);
    return num_mul_div(w->client->app.read_bytes - before, 8 * (uint64_t)SECOND_US, us);
}

uint64_t sim_bulk_sending(struct sim_world *w, uint64_t us)
{
    const struct wan_counters *n = sim_bulk_counters(w);
    uint64_t bytes = n->in_bytes, count = n->in_count;

    sim_world_pass(w, us);
    bytes = n->in_bytes - bytes + (n->in_count - count) * WAN_OVERHEAD_UDP4;
    return num_mul_div(bytes, 8 * (uint64_t)SECOND_US, us);
}

uint64_t sim_bulk_longest_gap_us(struct sim_world *w, uint64_t us)
{
    uint64_t end_us = sim_now_us(w->sim) + us, since_us = sim_now_us(w->sim), longest_us = 0;

    while (sim_now_us(w->sim) < end_us && !sim_failure(w->sim)) {
        uint64_t before = w->client->app.read_bytes;
        sim_world_pass(w, num_min(STEP_US, end_us - sim_now_us(w->sim)));
        if (w->client->app.read_bytes > before)
            since_us = sim_now_us(w->sim);
        longest_us = num_max(longest_us, sim_now_us(w->sim) - since_us);
    }
    return longest_us;
}

uint64_t sim_bulk_reaches(struct sim_world *w, uint64_t bps, uint64_t over_us, uint64_t within_us)
{
    uint64_t read[STEPS_MOST], begun_us = sim_now_us(w->sim), step_us = over_us / 20;
    uint64_t want = num_mul_div(bps, over_us, 8 * (uint64_t)SECOND_US);

    read[0] = w->client->app.read_bytes;
    for (size_t i = 1; i < STEPS_MOST && !sim_failure(w->sim); i++) {
        sim_world_pass(w, step_us);
        read[i] = w->client->app.read_bytes;
        size_t then = i >= 20 ? i - 20 : 0;
        if (i >= 20 && read[i] - read[then] >= want)
            return then * step_us;
        if (sim_now_us(w->sim) - begun_us >= within_us + over_us)
            break;
    }
    return UINT64_MAX;
}

/* What the queue was since `before` was copied, in place. */
static void subtract(struct stat_hist *before, const struct stat_hist *now)
{
    before->count = now->count - before->count;
    before->max = now->max;
    for (size_t i = 0; i < STAT_BUCKETS; i++)
        before->bucket[i] = now->bucket[i] - before->bucket[i];
}

static struct stat_hist *copy_of(const struct stat_hist *h)
{
    struct stat_hist *copy = heap_alloc(sizeof *copy);

    CHECK(copy);
    *copy = *h;
    return copy;
}

uint64_t sim_bulk_queue_us(struct sim_world *w, uint64_t us, unsigned per_mille)
{
    struct stat_hist *h = copy_of(&sim_bulk_counters(w)->queue_us);

    sim_world_pass(w, us);
    subtract(h, &sim_bulk_counters(w)->queue_us);
    uint64_t value = stat_quantile(h, per_mille);
    heap_free(h);
    return value;
}

void sim_bulk_expect(struct sim_world *w, uint64_t us, struct sim_bulk_bounds bounds)
{
    struct stat_hist *h = copy_of(&sim_bulk_counters(w)->queue_us);
    uint64_t before = w->client->app.read_bytes;
    uint64_t gap_us = sim_bulk_longest_gap_us(w, us);
    uint64_t bps = num_mul_div(w->client->app.read_bytes - before, 8 * (uint64_t)SECOND_US, us);
    struct peer_path p = sim_bulk_path(w);

    subtract(h, &sim_bulk_counters(w)->queue_us);
    uint64_t p95_us = stat_quantile(h, 950);
    sim_note(w->sim,
             "%llu bit/s, queue p50 %llu p95 %llu us, longest gap %llu us; %s, lost %llu of %llu",
             (unsigned long long)bps, (unsigned long long)stat_quantile(h, 500),
             (unsigned long long)p95_us, (unsigned long long)gap_us, p.state ? p.state : "none",
             (unsigned long long)p.lost_datagrams, (unsigned long long)p.sent_datagrams);
    heap_free(h);
    if (bps < bounds.goodput_bps)
        sim_fail(w->sim, "%llu bit/s, not %llu", (unsigned long long)bps,
                 (unsigned long long)bounds.goodput_bps);
    if (bounds.queue_p95_us && p95_us >= bounds.queue_p95_us)
        sim_fail(w->sim, "queue p95 %llu us, not below %llu", (unsigned long long)p95_us,
                 (unsigned long long)bounds.queue_p95_us);
    if (bounds.gap_us && gap_us > bounds.gap_us)
        sim_fail(w->sim, "a gap of %llu us, longer than %llu", (unsigned long long)gap_us,
                 (unsigned long long)bounds.gap_us);
}

void sim_bulk_expect_soon(struct sim_world *w, uint64_t bps, uint64_t within_us)
{
    uint64_t us = sim_bulk_reaches(w, bps, 200000, within_us);

    sim_note(w->sim, "%llu bit/s after %lld us", (unsigned long long)bps, (long long)us);
    if (us > within_us)
        sim_fail(w->sim, "%llu bit/s after %lld us, not within %llu", (unsigned long long)bps,
                 (long long)us, (unsigned long long)within_us);
}

struct peer_path sim_bulk_path(const struct sim_world *w)
{
    struct peer_path p = {0};

    if (w->session && w->session->peer)
        peer_path(w->session->peer, sim_node_now_us(w->sim, w->server->node), &p);
    return p;
}

void sim_bulk_expect_unbroken(struct sim_world *w)
{
    SIM_EXPECT(w, w->client->app.connected == 1 && w->client->app.closed == 0);
    SIM_EXPECT(w, w->session && w->session->app.closed == 0);
    for (size_t i = 0; i < w->client->app.incomings; i++)
        SIM_EXPECT(w, !w->client->app.incoming[i].reset);
}
