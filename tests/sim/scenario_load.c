/* scenario_load: what applications do: rest and burst, many streams, resets, readers that stop. */
#include <inttypes.h>

#include "core/base/num.h"
#include "tests/sim/sim_bulk.h"
#include "tests/sim/sim_pattern.h"
#include "tests/sim/sim_table.h"

enum { MBIT = SIM_BULK_MBIT, RATE = 20 * MBIT, RTT_US = 40000 };

static struct wan_config usual(void)
{
    return sim_world_link(RATE, RTT_US / 2);
}

/* A connected world with the windows of bulk, and nothing to do. */
static void quiet_world(struct sim_world *w, struct sim *s, uint32_t without,
                        const struct wan_config *link)
{
    struct sim_world_plan plan = {.up = link};

    sim_bulk_windows(&plan);
    sim_world_make(w, s, without, &plan);
    sim_world_connect(w, 5 * SECOND_US);
}

static struct sim_app_flow *write_down(struct sim_world *w, enum peer_class class, uint64_t total)
{
    struct sim_app_flow *f = sim_app_write(&w->session->app, class, total);

    sim_kick(w->sim, w->server->node);
    return f;
}

/* So many bytes each so often. */
static struct sim_app_flow *trickle_down(struct sim_world *w, uint64_t total, uint64_t each_bytes,
                                         uint64_t every_us)
{
    struct sim_app_flow *f = sim_app_write(&w->session->app, PEER_TEXT, total);

    f->each_bytes = each_bytes;
    f->every_us = every_us;
    sim_kick(w->sim, w->server->node);
    return f;
}

/* ---- rest and burst ---- */

static void idle_then_burst(struct sim *s, uint32_t without)
{
    struct wan_config link = usual();
    struct sim_world w;

    quiet_world(&w, s, without, &link);
    if (w.session) {
        sim_world_pass(&w, 60 * (uint64_t)SECOND_US);
        write_down(&w, PEER_BULK, 1 << 20);
        /* 0.45 s at the full rate, and what it takes to get there. */
        sim_world_finish(&w, SECOND_US);
    }
    sim_world_end(&w);
}

static void little_then_bulk(struct sim *s, uint32_t without)
{
    struct wan_config link = usual();
    struct sim_world w;

    quiet_world(&w, s, without, &link);
    if (w.session) {
        trickle_down(&w, SIM_APP_ENDLESS, 4000, 33333);
        sim_world_pass(&w, 10 * SECOND_US);
        write_down(&w, PEER_BULK, SIM_APP_ENDLESS);
        sim_bulk_expect_soon(&w, RATE / 100 * 80, SECOND_US);
    }
    sim_world_end(&w);
}

static void bulk_again(struct sim *s, uint32_t without)
{
    struct wan_config link = usual();
    struct sim_world w;

    quiet_world(&w, s, without, &link);
    if (w.session) {
        write_down(&w, PEER_BULK, 5 << 20);
        sim_world_finish(&w, 5 * SECOND_US);
        sim_world_pass(&w, 10 * SECOND_US);
        write_down(&w, PEER_BULK, SIM_APP_ENDLESS);
        /* What was known of the path is still known. */
        sim_bulk_expect_soon(&w, RATE / 100 * 80, 500000);
    }
    sim_world_end(&w);
}

static void bursts_each_second(struct sim *s, uint32_t without)
{
    struct wan_config link = usual();
    struct sim_world w;

    quiet_world(&w, s, without, &link);
    if (w.session) {
        struct sim_app_flow *f = trickle_down(&w, 20 * 250000, 250000, SECOND_US);
        sim_world_finish(&w, 25 * SECOND_US);
        /* A tenth of a second at the full rate each. */
        sim_note(s, "burst p95 %" PRIu64 " us", stat_quantile(&f->delay_us, 950));
        SIM_EXPECT(&w, stat_quantile(&f->delay_us, 950) < 300000);
        SIM_EXPECT(&w, stat_quantile(&sim_bulk_counters(&w)->queue_us, 950) < 80000);
    }
    sim_world_end(&w);
}

static void bulk_both_ways(struct sim *s, uint32_t without)
{
    struct wan_config link = usual();
    struct sim_world w;

    sim_bulk_make(&w, s, without, &link, &link);
    sim_app_write(&w.client->app, PEER_BULK, SIM_APP_ENDLESS);
    sim_kick(s, w.client->node);
    sim_world_pass(&w, 3 * SECOND_US);
    uint64_t before = w.session ? w.session->app.read_bytes : 0;
    sim_bulk_expect(
        &w, 10 * SECOND_US,
        (struct sim_bulk_bounds){.goodput_bps = RATE / 100 * 80, .queue_p95_us = 76000});
    uint64_t bps = ((w.session ? w.session->app.read_bytes : 0) - before) * 8 / 10;
    sim_note(s, "up %" PRIu64 " bit/s", bps);
    SIM_EXPECT(&w, bps >= RATE / 100 * 80);
    sim_world_end(&w);
}

/* ---- readers ---- */

static void reader_stops(struct sim *s, uint32_t without)
{
    struct wan_config link = usual();
    struct sim_world w;

    sim_bulk_make(&w, s, without, &link, &link);
    sim_world_pass(&w, 2 * SECOND_US);
    w.client->app.hold = true;
    const struct wan_counters *n = sim_bulk_counters(&w);
    sim_world_pass(&w, 30 * (uint64_t)SECOND_US);
    uint64_t bytes = n->in_bytes;
    sim_world_pass(&w, 5 * SECOND_US);
    /* The windows are full: nothing but signs of life is sent. */
    SIM_EXPECT(&w, n->in_bytes - bytes < 20000);
    w.client->app.hold = false;
    sim_kick(s, w.client->node);
    sim_world_pass(&w, 100000);
    sim_bulk_expect_soon(&w, RATE / 100 * 80, SECOND_US);
    sim_bulk_expect_unbroken(&w);
    sim_world_end(&w);
}

static void take_turns(struct sim *s, void *arg)
{
    struct sim_world *w = arg;

    w->client->app.hold = !w->client->app.hold;
    sim_kick(s, w->client->node);
    sim_at(s, sim_now_us(s) + 200000, take_turns, w);
}

static void reader_stutters(struct sim *s, uint32_t without)
{
    struct wan_config link = usual();
    struct sim_world w;

    /* A reader that looks away for 200 of each 400 ms: with windows of 16 MiB nobody may notice. */
    sim_bulk_make(&w, s, without, &link, &link);
    sim_world_pass(&w, 2 * SECOND_US);
    sim_at(s, sim_now_us(s), take_turns, &w);
    sim_bulk_expect(&w, 10 * SECOND_US, (struct sim_bulk_bounds){.goodput_bps = RATE / 100 * 85});
    sim_world_end(&w);
}

/* ---- many streams ---- */

enum { SMALL = 1000, STORM = 10000, OPEN_MOST = LIMIT_STREAMS / 2, SEEN_MOST = 4 * LIMIT_STREAMS };

/* Many short streams from the client to the server; some are reset as soon as they are written. */
struct many {
    struct sim_world *w;
    uint64_t total, begun, each_bytes;
    bool resets;
    uint64_t open[OPEN_MOST]; /* at the client */
    size_t opens;
    uint64_t seen[SEEN_MOST]; /* at the server, and not yet ended */
    size_t seens;
    uint64_t read[SEEN_MOST];
    uint64_t whole, cut;
};

static bool client_event(void *context, uint64_t now_us, const struct peer_event *ev)
{
    const struct many *m = context;

    (void)now_us;
    if (ev->kind != PEER_EVENT_STREAM && ev->kind != PEER_EVENT_WRITABLE)
        return false;
    for (size_t i = 0; i < m->opens; i++)
        if (m->open[i] == ev->id)
            return true;
    return false;
}

/* Writes one stream whole, and resets it when that is the story. */
static void begin_one(struct many *m, struct peer *p, uint64_t id)
{
    uint8_t data[STORM];
    size_t taken = 0;

    sim_pattern_fill(id, 0, data, m->each_bytes);
    if (peer_stream_write(p, id, bytes_of(data, m->each_bytes), &taken) != OK ||
        taken != m->each_bytes)
        sim_fail(m->w->sim, "a stream of %" PRIu64 " bytes takes %zu", m->each_bytes, taken);
    if (m->resets)
        peer_stream_reset(p, id, 7);
    else if (peer_stream_finish(p, id) != OK)
        sim_fail(m->w->sim, "a stream cannot be finished");
    m->begun++;
}

static void client_work(void *context, uint64_t now_us)
{
    struct many *m = context;
    struct peer *p = m->w->client->peer;
    struct bytes data;
    uint64_t id, code;

    (void)now_us;
    for (size_t i = 0; i < m->opens;) {
        enum err e = m->resets ? ERR_END : peer_stream_peek(p, m->open[i], &data, &code);
        if (e == ERR_END || e == ERR_NOT_FOUND)
            m->open[i] = m->open[--m->opens];
        else
            i++;
    }
    while (m->begun < m->total && m->opens < OPEN_MOST &&
           peer_stream_open(p, PEER_BULK, false, &id) == OK) {
        m->open[m->opens++] = id;
        begin_one(m, p, id);
    }
}

static bool server_event(void *context, uint64_t now_us, const struct peer_event *ev)
{
    struct many *m = context;

    (void)now_us;
    if (ev->kind != PEER_EVENT_STREAM)
        return false;
    for (size_t i = 0; i < m->seens; i++)
        if (m->seen[i] == ev->id)
            return true;
    if (m->seens == SEEN_MOST) {
        sim_fail(m->w->sim, "more streams at once than may be");
        return true;
    }
    m->read[m->seens] = 0;
    m->seen[m->seens++] = ev->id;
    return true;
}

/* Reads what there is; true when the stream has ended, one way or the other. */
static bool read_one(struct many *m, struct peer *p, size_t i)
{
    struct bytes data;
    uint64_t code = 0;
    enum err e;

    while ((e = peer_stream_peek(p, m->seen[i], &data, &code)) == OK) {
        if (!sim_pattern_match(m->seen[i], m->read[i], data))
            sim_fail(m->w->sim, "stream %" PRIu64 " differs", m->seen[i]);
        m->read[i] += data.n;
        peer_stream_consume(p, m->seen[i], data.n);
    }
    if (e == ERR_AGAIN)
        return false;
    if (e == ERR_END && m->read[i] == m->each_bytes && !m->resets)
        m->whole++;
    else if (e == ERR_REFUSED && code == 7 && m->resets)
        m->cut++;
    else
        sim_fail(m->w->sim, "stream %" PRIu64 " ends after %" PRIu64 " bytes: %s", m->seen[i],
                 m->read[i], err_text(e));
    if (e == ERR_END && peer_stream_finish(p, m->seen[i]) != OK)
        sim_fail(m->w->sim, "the answer to a stream cannot be finished");
    return true;
}

static void server_work(void *context, uint64_t now_us)
{
    struct many *m = context;

    (void)now_us;
    for (size_t i = 0; i < m->seens;) {
        if (!read_one(m, m->w->session->peer, i)) {
            i++;
            continue;
        }
        m->seen[i] = m->seen[--m->seens];
        m->read[i] = m->read[m->seens];
    }
}

static bool many_is_done(void *arg)
{
    const struct many *m = arg;

    return m->begun == m->total && m->seens == 0 && m->opens == 0 && m->whole + m->cut > 0;
}

static void many_begin(struct many *m, struct sim_world *w)
{
    m->w = w;
    w->client->app.extra =
        (struct sim_app_extra){.event = client_event, .work = client_work, .context = m};
    w->session->app.extra =
        (struct sim_app_extra){.event = server_event, .work = server_work, .context = m};
    sim_kick(w->sim, w->client->node);
}

static void thousand_streams(struct sim *s, uint32_t without, uint32_t loss, uint64_t within_us)
{
    struct many m = {.total = 1000, .each_bytes = SMALL};
    struct wan_config link = usual();
    struct sim_world w;

    link.loss = loss;
    quiet_world(&w, s, without, &link);
    if (w.session) {
        uint64_t begun_us = sim_now_us(s);
        many_begin(&m, &w);
        sim_run(s, sim_now_us(s) + within_us, many_is_done, &m);
        sim_note(s, "%" PRIu64 " streams in %" PRIu64 " us", m.whole, sim_now_us(s) - begun_us);
        SIM_EXPECT(&w, m.whole == 1000);
    }
    sim_world_end(&w);
}

static void small_streams(struct sim *s, uint32_t without)
{
    /* A megabyte takes 0.4 s, and each 128 of them a round trip. */
    thousand_streams(s, without, 0, 1200000);
}

static void small_streams_at_loss(struct sim *s, uint32_t without)
{
    thousand_streams(s, without, 50000, 2 * SECOND_US);
}

static void reset_storm(struct sim *s, uint32_t without)
{
    struct many m = {.total = 2000, .each_bytes = STORM, .resets = true};
    struct wan_config link = usual();
    struct sim_world w;

    sim_bulk_make(&w, s, without, &link, &link);
    sim_world_pass(&w, 2 * SECOND_US);
    if (w.session) {
        many_begin(&m, &w);
        /* Whoever begins and drops streams as fast as he can takes nothing from the others. */
        sim_bulk_expect(&w, 5 * SECOND_US,
                        (struct sim_bulk_bounds){.goodput_bps = RATE / 100 * 88, .gap_us = 100000});
        sim_note(s, "%" PRIu64 " begun, %" PRIu64 " seen cut off", m.begun, m.cut);
        SIM_EXPECT(&w, m.begun == 2000);
    }
    sim_bulk_expect_unbroken(&w);
    sim_world_end(&w);
}

static void eight_streams(struct sim *s, uint32_t without)
{
    struct wan_config link = usual();
    uint64_t read[SIM_APP_FLOWS];
    struct sim_world w;

    quiet_world(&w, s, without, &link);
    if (w.session) {
        for (int i = 0; i < SIM_APP_FLOWS; i++)
            write_down(&w, PEER_BULK, SIM_APP_ENDLESS);
        sim_world_pass(&w, 3 * SECOND_US);
        for (size_t i = 0; i < SIM_APP_FLOWS; i++)
            read[i] = sim_app_read_of(&w.session->app, i);
        sim_world_pass(&w, 8 * SECOND_US);
        for (size_t i = 0; i < SIM_APP_FLOWS; i++) {
            /* An eighth each is RATE bits in 8 s. */
            read[i] = (sim_app_read_of(&w.session->app, i) - read[i]) * 8;
            sim_note(s, "stream %zu: %" PRIu64 " bits", i, read[i]);
            SIM_EXPECT(&w, read[i] >= RATE / 100 * 75 && read[i] <= RATE / 100 * 120);
        }
    }
    sim_world_end(&w);
}

static void lower_class_lives(struct sim *s, uint32_t without)
{
    struct wan_config link = usual();
    struct sim_world w;

    quiet_world(&w, s, without, &link);
    if (w.session) {
        write_down(&w, PEER_TEXT, SIM_APP_ENDLESS);
        write_down(&w, PEER_BULK, SIM_APP_ENDLESS);
        sim_world_pass(&w, 3 * SECOND_US);
        uint64_t text = sim_app_read_of(&w.session->app, 0);
        uint64_t bulk = sim_app_read_of(&w.session->app, 1);
        sim_world_pass(&w, 10 * SECOND_US);
        text = (sim_app_read_of(&w.session->app, 0) - text) * 8 / 10;
        bulk = (sim_app_read_of(&w.session->app, 1) - bulk) * 8 / 10;
        sim_note(s, "text %" PRIu64 " bulk %" PRIu64 " bit/s", text, bulk);
        /* What is urgent goes first, and what is not goes on all the same. */
        SIM_EXPECT(&w, text >= RATE / 100 * 80);
        SIM_EXPECT(&w, bulk >= RATE / 100);
    }
    sim_world_end(&w);
}

/* ---- many messages, many viewers ---- */

static void thousand_messages_a_second(struct sim *s, uint32_t without)
{
    struct wan_config link = usual();
    struct sim_world w;

    quiet_world(&w, s, without, &link);
    if (w.session) {
        sim_app_send(&w.session->app, PEER_TEXT, 100, 1000, 10000);
        sim_kick(s, w.server->node);
        sim_world_finish(&w, 12 * SECOND_US);
        const struct sim_app_received *r = w.client->app.received[0];
        SIM_EXPECT(&w, r && r->count == 10000);
        SIM_EXPECT(&w, r && stat_quantile(&r->delay_us, 990) < RTT_US / 2 + 5000);
    }
    sim_world_end(&w);
}

static void dozen_viewers(struct sim *s, uint32_t without)
{
    enum { VIEWERS = 12 };
    struct wan_config link = sim_world_link(4 * MBIT, 25000);
    struct sim_client *viewer[VIEWERS];
    uint64_t read[VIEWERS];
    struct sim_world w;

    sim_bulk_make(&w, s, without, &link, &link);
    for (int i = 0; i < VIEWERS && !sim_failure(s); i++) {
        viewer[i] = sim_world_guest(&w, "viewer", (uint8_t)(20 + i), &link, NULL);
        sim_host_trust(w.server, viewer[i]->identity.public);
        sim_host_dial(viewer[i]);
        sim_world_expect_connected(&w, viewer[i], SECOND_US);
        if (viewer[i]->app.other)
            sim_app_write(viewer[i]->app.other, PEER_BULK, SIM_APP_ENDLESS);
        sim_kick(s, w.server->node);
    }
    sim_world_pass(&w, 3 * SECOND_US);
    for (int i = 0; i < VIEWERS && !sim_failure(s); i++)
        read[i] = viewer[i]->app.read_bytes;
    sim_world_pass(&w, 5 * SECOND_US);
    for (int i = 0; i < VIEWERS && !sim_failure(s); i++) {
        uint64_t bps = (viewer[i]->app.read_bytes - read[i]) * 8 / 5;
        if (bps < 4 * MBIT / 100 * 80)
            sim_fail(s, "viewer %d gets %" PRIu64 " bit/s", i, bps);
    }
    sim_world_end(&w);
}

const struct sim_scenario scenario_load_table[] = {
    {"idle_then_burst", "a megabyte after a minute of rest: within 1 s at 20 Mbit/s", NULL,
     idle_then_burst},
    {"little_then_bulk", "bulk after 10 s of little: 80 % within 1 s", NULL, little_then_bulk},
    {"bulk_again", "bulk again after 10 s of rest: 80 % within 0.5 s", NULL, bulk_again},
    {"bursts_each_second", "250 kB each second: p95 within 0.3 s, no long queue", NULL,
     bursts_each_second},
    {"bulk_both_ways", "80 % both ways at once", NULL, bulk_both_ways},
    {"reader_stops", "silence after the windows are full; 80 % within 1 s of reading on", "flow",
     reader_stops},
    {"reader_stutters", "a reader that looks away for 200 ms at a time: 85 %", NULL,
     reader_stutters},
    {"small_streams", "a thousand streams of 1,000 bytes within 1.2 s", NULL, small_streams},
    {"small_streams_at_loss", "... within 2 s at 5 % loss", "resend", small_streams_at_loss},
    {"reset_storm", "2,000 streams begun and dropped: bulk keeps 88 %", NULL, reset_storm},
    {"eight_streams", "eight streams of one class: each its eighth", NULL, eight_streams},
    {"lower_class_lives", "what is less urgent keeps a hundredth", NULL, lower_class_lives},
    {"thousand_messages_a_second", "none lost, p99 RTT/2 + 5 ms", NULL, thousand_messages_a_second},
    {"dozen_viewers", "twelve viewers on links of their own: each 80 %", NULL, dozen_viewers},
    {0},
};
