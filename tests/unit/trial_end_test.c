/* Both ends of a trial across a session in virtual time: what is counted, what is lost, what is no
 * trial. */
#include <string.h>

#include "core/base/heap.h"
#include "core/base/num.h"
#include "core/crypt/crypt.h"
#include "core/peer/listener.h"
#include "core/run/trial_end.h"
#include "tests/unit/test.h"

enum {
    MS = 1000,
    S = 1000000,
    QUEUE = 16384,
    DELAY_US = 10 * MS,
    LINK_MBPS = 20,
    QUEUE_US = 20 * MS,
    AHEAD_US = 500 * S
};

struct datagram {
    uint64_t due_us;
    bool to_server;
    size_t n;
    uint8_t data[LIMIT_DATAGRAM_BYTES];
};

/* The two ends, and what is between them. */
static struct world {
    uint64_t now_us;
    struct rng rng;
    struct key_pair server_key, client_key;
    struct addr client_at, server_at;
    struct listener *listener;
    struct peer *client, *server;
    struct trial_log log;
    struct trial_end near, far;
    bool connected;
    uint32_t loss_ppm;
    struct rng chance;
    uint64_t free_us[2]; /* when each way can take the next */
    enum err near_error, far_error;
    struct datagram *queue;
    size_t first, count;
} w;

static void judge(void *context, uint64_t now_us, const uint8_t *key, const uint8_t *token_id,
                  struct listener_verdict *out)
{
    (void)context, (void)now_us, (void)key, (void)token_id;
    *out = (struct listener_verdict){.welcome = true, .roles = 1};
}

static const char *enrol(void *context, uint64_t now_us, const uint8_t *key,
                         const uint8_t *token_id)
{
    (void)context, (void)now_us, (void)key, (void)token_id;
    return NULL;
}

/* The far end's clock is another one. */
static uint64_t far_now(void)
{
    return w.now_us + AHEAD_US;
}

static void take_events(void)
{
    struct peer_event e;

    if (!w.server) {
        w.server = listener_next_peer(w.listener);
        if (w.server)
            trial_end_init(&w.far, w.server, NULL);
    }
    while (peer_next_event(w.client, &e)) {
        w.connected |= e.kind == PEER_EVENT_CONNECTED;
        if (!w.near_error)
            w.near_error = trial_end_event(&w.near, w.now_us, 7 * w.now_us, &e);
    }
    while (w.server && peer_next_event(w.server, &e))
        if (!w.far_error)
            w.far_error = trial_end_event(&w.far, far_now(), 3 * w.now_us, &e);
}

static void post(bool to_server, const uint8_t *data, size_t n)
{
    uint64_t *free_us = &w.free_us[to_server], left_us = num_max(*free_us, w.now_us);

    if (rng_chance(&w.chance, w.loss_ppm) || left_us > w.now_us + QUEUE_US || w.count == QUEUE)
        return;
    *free_us = left_us + n * 8 / LINK_MBPS;
    /* Both ways are one queue, which stays in order: what comes back is small. */
    uint64_t due_us = *free_us + DELAY_US;
    if (w.count)
        due_us = num_max(due_us, w.queue[(w.first + w.count - 1) % QUEUE].due_us);
    struct datagram *d = &w.queue[(w.first + w.count++) % QUEUE];
    *d = (struct datagram){.due_us = due_us, .to_server = to_server, .n = n};
    memcpy(d->data, data, n);
}

static void pump(void)
{
    uint8_t space[LIMIT_DATAGRAM_BYTES];
    struct addr to;
    size_t n;

    for (int turn = 0; turn < 2; turn++) {
        take_events();
        if (!w.near_error)
            w.near_error = trial_end_work(&w.near, w.now_us, 7 * w.now_us);
        if (!w.near_error)
            w.near_error = trial_end_fill(&w.near, w.now_us);
        if (w.server && !w.far_error)
            w.far_error = trial_end_work(&w.far, far_now(), 3 * w.now_us);
        if (w.server && !w.far_error)
            w.far_error = trial_end_fill(&w.far, far_now());
        while (peer_output(w.client, w.now_us, space, sizeof space, &n, &to) == OK)
            post(true, space, n);
        while (listener_output(w.listener, w.now_us, space, sizeof space, &n, &to) == OK)
            post(false, space, n);
    }
}

static void run(uint64_t us)
{
    uint64_t end_us = w.now_us + us;

    for (pump(); w.now_us < end_us; pump()) {
        uint64_t next_us = num_min(peer_deadline_us(w.client, w.now_us),
                                   listener_deadline_us(w.listener, w.now_us));
        uint64_t far_us = w.server ? trial_end_deadline_us(&w.far) : UINT64_MAX;
        next_us = num_min(next_us, trial_end_deadline_us(&w.near));
        next_us = num_min(next_us, far_us == UINT64_MAX ? far_us : far_us - AHEAD_US);
        if (w.count)
            next_us = num_min(next_us, w.queue[w.first].due_us);
        w.now_us = num_clamp(next_us, w.now_us + 1, end_us);
        for (; w.count && w.queue[w.first].due_us <= w.now_us; w.count--) {
            const struct datagram *d = &w.queue[w.first];
            if (d->to_server)
                listener_input(w.listener, w.now_us, &w.client_at, bytes_of(d->data, d->n), false);
            else
                peer_input(w.client, w.now_us, &w.server_at, bytes_of(d->data, d->n), false);
            w.first = (w.first + 1) % QUEUE;
        }
    }
}

static void begin(uint32_t loss_ppm)
{
    struct listener_config lc = {.auth = {.judge = judge, .enrol = enrol},
                                 .peer = trial_end_peer_config()};
    struct peer_config c = trial_end_peer_config();
    struct rng other;

    memset(&w, 0, sizeof w);
    rng_seed(&w.rng, 7);
    rng_seed(&other, 8);
    w.now_us = S;
    w.queue = heap_array(QUEUE, sizeof *w.queue);
    w.client_at = (struct addr){.family = ADDR_IP4, .port = 1, .ip = {10, 0, 0, 1}};
    w.server_at = (struct addr){.family = ADDR_IP4, .port = 2, .ip = {10, 0, 0, 2}};
    if (crypt_init() || trial_log_init(&w.log, 60 * S))
        test_fail(__FILE__, __LINE__, "begin");
    key_generate(&w.server_key, &w.rng);
    key_generate(&w.client_key, &w.rng);
    lc.identity = &w.server_key;
    struct peer_dial dial = {
        .to = w.server_at, .identity = &w.client_key, .expected_key = w.server_key.public};
    if (listener_new(&lc, &w.rng, w.now_us, &w.listener) ||
        peer_new(&c, &dial, &other, w.now_us, &w.client))
        test_fail(__FILE__, __LINE__, "no memory");
    trial_end_init(&w.near, w.client, &w.log);
    run(300 * MS);
    if (!w.connected || !w.server)
        test_fail(__FILE__, __LINE__, "connected");
    w.loss_ppm = loss_ppm;
    rng_seed(&w.chance, 9);
    w.far.mark[0] = 1; /* another clock than the caller's */
}

static void end(void)
{
    trial_end_release(&w.near);
    trial_end_release(&w.far);
    trial_log_release(&w.log);
    peer_free(w.client);
    listener_free(w.listener);
    heap_free(w.queue);
}

/* Agrees on a trial, with a few pings, and begins it; how it ends is seen in w. */
static void start(const struct trial_ask *ask)
{
    uint8_t mark[TRIAL_MARK_BYTES] = {0};
    enum err e = trial_end_ask(&w.near, ask, mark);

    for (int i = 0; i < 5 && !e; i++) {
        trial_end_ping(&w.near, w.now_us);
        run(100 * MS);
    }
    if (!e && w.near.stage == TRIAL_AGREED)
        e = trial_end_go(&w.near, w.now_us, 7 * w.now_us);
    if (e || w.near.stage != TRIAL_RUNNING)
        test_fail(__FILE__, __LINE__, "agreed and begun");
}

static void halt(void)
{
    trial_end_hold(&w.near);
    run(2 * S);
    if (trial_end_stop(&w.near, w.now_us))
        test_fail(__FILE__, __LINE__, "stop");
    run(2 * S);
}

/* As exact as the fastest answer can say. */
static bool near_to(int64_t a, int64_t b)
{
    return a > b - MS && a < b + MS;
}

static void a_stream_is_counted_where_it_arrives(void)
{
    for (int reverse = 0; reverse < 2; reverse++) {
        struct trial_ask ask = {.reverse = reverse, .bulk = true, .report_us = 50 * MS};
        begin(20000);
        start(&ask);
        uint64_t begun_us = w.now_us;
        run(2 * S);
        struct trial_report own;
        trial_end_report(&w.near, w.now_us, 7 * w.now_us, &own);
        halt();
        EXPECT_EQ(w.near_error, OK);
        EXPECT_EQ(w.far_error, OK);
        EXPECT_EQ(w.near.stage, TRIAL_TOLD);
        const struct trial_report *sender = reverse ? &w.near.far : &own;
        uint64_t got = reverse ? w.near.delivered_bytes : w.near.far.delivered_bytes;
        EXPECT(got > 1000000 && sender->sent_bytes > own.delivered_bytes);
        EXPECT(sender->lost_datagrams > 0 && sender->begun_us);
        EXPECT_EQ(reverse ? w.far.delivered_bytes : w.near.delivered_bytes, 0);
        /* The far clock is another, and is seen through. */
        EXPECT(!w.log.one_clock && near_to(w.log.ahead_us, AHEAD_US) &&
               w.log.fastest_us >= 2 * DELAY_US);
        EXPECT(w.log.begun_us >= begun_us && w.log.begun_us <= begun_us + 2 * DELAY_US + MS);
        EXPECT(reverse || (w.log.n > 30 && w.log.counts[w.log.n - 1].at_us < w.now_us));
        EXPECT(reverse || w.log.counts[w.log.n - 1].bytes == got);
        /* Three seconds of processor time in one that has passed. */
        EXPECT(w.near.far.cpu_us > 3 * 3 * S && w.near.far.cpu_us < 3 * 5 * S);
        EXPECT(w.near.far.last && w.near.far.state[0]);
        end();
    }
}

static void messages_are_timed_one_by_one(void)
{
    for (int reverse = 0; reverse < 2; reverse++) {
        struct trial_ask ask = {
            .reverse = reverse, .message_bytes = 200, .message_us = 20 * MS, .report_us = 50 * MS};
        begin(100000);
        start(&ask);
        run(2 * S);
        halt();
        EXPECT_EQ(w.near_error, OK);
        EXPECT_EQ(w.far_error, OK);
        EXPECT_EQ(w.near.stage, TRIAL_TOLD);
        uint64_t sent = reverse ? w.near.far.probes_sent : w.near.probes_sent;
        EXPECT(sent >= 100);
        EXPECT_EQ(w.log.delay_us.count, sent);
        EXPECT_EQ(stat_quantile(&w.log.delay_us, 500) / MS, DELAY_US / MS);
        EXPECT(w.log.delay_us.max > DELAY_US && w.log.delay_us.max < 2 * S);
        end();
    }
}

static void messages_go_beside_a_stream(void)
{
    struct trial_ask ask = {
        .bulk = true, .message_bytes = 1000, .message_us = 20 * MS, .report_us = 50 * MS};

    begin(0);
    start(&ask);
    run(1 * S);
    halt();
    EXPECT_EQ(w.near_error, OK);
    EXPECT_EQ(w.far_error, OK);
    EXPECT(w.near.far.delivered_bytes > 1000000);
    EXPECT_EQ(w.log.delay_us.count, w.near.probes_sent);
    EXPECT_EQ(w.near.far.probes_received, w.near.probes_sent);
    end();
}

/* As much as can be asked for is far more than the link takes, and is no reason to hoard it. */
static void what_does_not_fit_is_left_out(void)
{
    struct trial_ask ask = {.reverse = true,
                            .message_bytes = LIMIT_MESSAGE_BYTES,
                            .message_us = TRIAL_MESSAGE_MIN_US,
                            .report_us = 50 * MS};
    struct peer_path path;

    begin(0);
    start(&ask);
    run(200 * MS);
    peer_path(w.server, w.now_us, &path);
    EXPECT(path.queued_bytes > 15 << 20 && path.queued_bytes <= (16 << 20) + LIMIT_MESSAGE_BYTES);
    halt();
    EXPECT_EQ(w.far_error, OK);
    EXPECT(w.near.far.probes_sent > 1000 && w.log.delay_us.count < 100);
    end();
}

static void other_payload_is_found(void)
{
    struct trial_ask ask = {.bulk = true, .report_us = 50 * MS};

    begin(0);
    start(&ask);
    run(100 * MS);
    w.near.written_bytes++; /* the next bytes are those of another place */
    run(500 * MS);
    EXPECT_EQ(w.far_error, ERR_VERIFY);
    end();
}

/* Says something on the control stream that the far end does not expect now. */
static void say(enum trial_record_kind kind, const struct trial_ask *ask)
{
    struct trial_record r = {.kind = kind};
    uint8_t space[TRIAL_RECORD_BYTES];
    struct wr out = wr_of(space, sizeof space);
    size_t taken;

    if (ask)
        r.ask = *ask;
    if (!w.near.has_control && peer_stream_open(w.client, PEER_INPUT, false, &w.near.control))
        test_fail(__FILE__, __LINE__, "open");
    w.near.has_control = true;
    trial_put_record(&out, &r);
    if (peer_stream_write(w.client, w.near.control, wr_done(&out), &taken) || taken != out.n)
        test_fail(__FILE__, __LINE__, "write");
    run(200 * MS);
}

static void what_comes_out_of_turn_is_refused(void)
{
    static const enum trial_record_kind too_early[] = {TRIAL_GO, TRIAL_STOP, TRIAL_READY,
                                                       TRIAL_REPORT, TRIAL_ARRIVALS_OF};
    struct trial_ask ask = {.bulk = true, .report_us = 50 * MS};

    for (size_t i = 0; i < COUNT_OF(too_early); i++) {
        begin(0);
        say(too_early[i], NULL);
        EXPECT_EQ(w.far_error, ERR_MALFORMED);
        end();
    }
    for (int which = 0; which < 3; which++) {
        begin(0);
        start(&ask);
        run(100 * MS);
        say(which == 0 ? TRIAL_ASK : which == 1 ? TRIAL_GO : TRIAL_REPORT, &ask);
        EXPECT_EQ(w.far_error, ERR_MALFORMED);
        end();
    }
    begin(0);
    ask.report_us = TRIAL_REPORT_MIN_US - 1;
    say(TRIAL_ASK, &ask);
    EXPECT_EQ(w.far_error, ERR_LIMIT);
    end();
}

static void messages_that_nobody_asked_for_are_refused(void)
{
    static const uint8_t data[16];
    struct trial_ask ask = {.bulk = true, .report_us = 50 * MS};

    for (uint8_t channel = 0; channel < 6; channel++) {
        begin(0);
        start(&ask);
        struct peer_message m = {
            .class = PEER_INPUT, .channel = channel, .data = bytes_of(data, sizeof data)};
        EXPECT_EQ(peer_message_send(w.client, &m, NULL), OK);
        run(200 * MS);
        EXPECT_EQ(w.far_error, channel == TRIAL_PING ? OK : ERR_MALFORMED);
        end();
    }
}

TEST_MAIN({"a_stream_is_counted_where_it_arrives", a_stream_is_counted_where_it_arrives},
          {"messages_are_timed_one_by_one", messages_are_timed_one_by_one},
          {"messages_go_beside_a_stream", messages_go_beside_a_stream},
          {"what_does_not_fit_is_left_out", what_does_not_fit_is_left_out},
          {"other_payload_is_found", other_payload_is_found},
          {"what_comes_out_of_turn_is_refused", what_comes_out_of_turn_is_refused},
          {"messages_that_nobody_asked_for_are_refused",
           messages_that_nobody_asked_for_are_refused})
