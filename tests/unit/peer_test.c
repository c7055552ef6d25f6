/* A client and a listener joined by a little link: delay, loss and a rate, all from a seed. The
 * simulator has the large version; these are the smallest cases of each mechanism. */
#include <stdio.h>
#include <string.h>

#include "core/base/heap.h"
#include "core/base/num.h"
#include "core/crypt/crypt.h"
#include "core/crypt/role.h"
#include "core/peer/listener.h"
#include "core/peer/peer.h"
#include "tests/unit/test.h"

enum { QUEUE = 8192, DELAY_US = 30000 };

struct flying {
    uint64_t due_us;
    bool to_server;
    struct addr from;
    size_t n;
    uint8_t data[LIMIT_DATAGRAM_BYTES];
};

static struct {
    struct rng rng;
    uint64_t now_us;
    struct key_pair server_key, client_key, stranger_key;
    struct listener *listener;
    struct peer *client, *server;
    struct addr client_addr, server_addr;
    struct flying *queue;
    size_t first, count;
    uint32_t loss; /* millionths, each way */
    uint64_t wire_bytes[2];
    bool welcome;
    const char *enrol_refusal;
    const uint8_t *token_psk;
    uint64_t rate_bytes_s, link_free_us, queued_max_us, cut_until_us;
    /* what the ends saw */
    struct peer_event client_closed, server_closed;
    bool client_up, server_up, asked;
    uint32_t roles;
    uint64_t messages, acked, gone, message_bytes;
    uint8_t got[4096];
    size_t got_bytes;
    uint64_t paths;
    struct peer_config client_config, server_config;
    bool auto_accept;
} w;

static void judge(void *context, uint64_t now_us, const uint8_t *key, const uint8_t *token_id,
                  struct listener_verdict *out)
{
    (void)context;
    (void)now_us;
    out->welcome = w.welcome && memcmp(key, w.client_key.public, KEY_BYTES) == 0;
    out->roles = ROLE_VIEW | ROLE_CONTROL;
    out->reason = "this key is not authorised";
    if (token_id)
        out->psk = w.token_psk;
}

static const char *enrol(void *context, uint64_t now_us, const uint8_t *key,
                         const uint8_t *token_id)
{
    (void)context;
    (void)now_us;
    (void)key;
    (void)token_id;
    return w.enrol_refusal;
}

static void setup(void)
{
    memset(&w, 0, sizeof w);
    rng_seed(&w.rng, 42);
    w.now_us = 1000000;
    w.welcome = w.auto_accept = true;
    w.queue = heap_array(QUEUE, sizeof *w.queue);
    w.client_addr = (struct addr){.family = ADDR_IP4, .port = 1000, .ip = {10, 0, 0, 1}};
    w.server_addr = (struct addr){.family = ADDR_IP4, .port = 7470, .ip = {10, 0, 0, 2}};
    if (crypt_init())
        test_fail(__FILE__, __LINE__, "crypt_init");
    key_generate(&w.server_key, &w.rng);
    key_generate(&w.client_key, &w.rng);
    key_generate(&w.stranger_key, &w.rng);
}

static void start(const uint8_t *expected, const struct key_pair *identity, const uint8_t *token)
{
    struct listener_config lc = {.identity = &w.server_key,
                                 .auth = {.judge = judge, .enrol = enrol},
                                 .peer = w.server_config};
    static const uint8_t token_id[8];
    struct peer_dial dial = {.to = w.server_addr,
                             .identity = identity ? identity : &w.client_key,
                             .expected_key = expected,
                             .token_id = token ? token_id : NULL,
                             .token_secret = token};

    if (listener_new(&lc, &w.rng, w.now_us, &w.listener))
        test_fail(__FILE__, __LINE__, "listener_new");
    struct rng other;
    rng_seed(&other, 43);
    if (peer_new(&w.client_config, &dial, &other, w.now_us, &w.client))
        test_fail(__FILE__, __LINE__, "peer_new");
}

static void teardown(void)
{
    peer_free(w.client);
    listener_free(w.listener);
    heap_free(w.queue);
}

static void fly(bool to_server, const uint8_t *data, size_t n)
{
    uint64_t leaves = w.now_us;

    w.wire_bytes[to_server] += n;
    if (w.now_us < w.cut_until_us || rng_chance(&w.rng, w.loss) || w.count == QUEUE)
        return;
    if (w.rate_bytes_s && !to_server) {
        if (num_sub0(w.link_free_us, w.now_us) > 100000)
            return; /* 100 ms of queue, drop-tail */
        leaves = num_max(w.link_free_us, w.now_us) + (n + 28) * 1000000 / w.rate_bytes_s;
        w.queued_max_us = num_max(w.queued_max_us, leaves - w.now_us);
        w.link_free_us = leaves;
    }
    struct flying *f = &w.queue[(w.first + w.count++) % QUEUE];
    f->due_us = leaves + DELAY_US;
    f->to_server = to_server;
    f->from = to_server ? w.client_addr : w.server_addr;
    f->n = n;
    memcpy(f->data, data, n);
}

static void drain_events(struct peer *p, bool is_client)
{
    struct peer_event e;

    while (peer_next_event(p, &e)) {
        switch (e.kind) {
        case PEER_EVENT_HOST_KEY:
            w.asked = memcmp(e.key, w.server_key.public, KEY_BYTES) == 0;
            if (w.auto_accept)
                peer_accept_key(p, w.now_us);
            break;
        case PEER_EVENT_CONNECTED:
            *(is_client ? &w.client_up : &w.server_up) = true;
            w.roles = e.roles;
            break;
        case PEER_EVENT_CLOSED:
            *(is_client ? &w.client_closed : &w.server_closed) = e;
            break;
        case PEER_EVENT_MESSAGE:
            w.messages++;
            w.message_bytes += e.data.n;
            break;
        case PEER_EVENT_ACKED:
            w.acked++;
            break;
        case PEER_EVENT_GONE:
            w.gone++;
            break;
        case PEER_EVENT_PATH:
            w.paths++;
            break;
        default:
            break;
        }
    }
}

static void pump(void)
{
    uint8_t space[LIMIT_DATAGRAM_BYTES];
    struct addr to;
    size_t n;

    while (peer_output(w.client, w.now_us, space, sizeof space, &n, &to) == OK)
        fly(true, space, n);
    while (listener_output(w.listener, w.now_us, space, sizeof space, &n, &to) == OK)
        if (addr_equal(&to, &w.client_addr))
            fly(false, space, n);
    if (!w.server)
        w.server = listener_next_peer(w.listener);
    if (w.server)
        drain_events(w.server, false);
    drain_events(w.client, true);
}

/* Runs until `stop` says so or the time is over. */
static void run_for(uint64_t us, bool (*stop)(void))
{
    uint64_t end = w.now_us + us;

    pump();
    while (w.now_us < end && !(stop && stop())) {
        uint64_t next = num_min(peer_deadline_us(w.client, w.now_us),
                                listener_deadline_us(w.listener, w.now_us));
        if (w.count)
            next = num_min(next, w.queue[w.first].due_us);
        if (next <= w.now_us) {
            /* What the events brought about may have made it so; then it must end. */
            pump();
            next = num_min(peer_deadline_us(w.client, w.now_us),
                           listener_deadline_us(w.listener, w.now_us));
            if (next <= w.now_us)
                test_fail(__FILE__, __LINE__, "a side wants a turn and does nothing with it");
        }
        w.now_us = num_clamp(next, w.now_us + (next <= w.now_us), end);
        while (w.count && w.queue[w.first].due_us <= w.now_us) {
            struct flying *f = &w.queue[w.first];
            if (f->to_server)
                listener_input(w.listener, w.now_us, &f->from, bytes_of(f->data, f->n), false);
            else
                peer_input(w.client, w.now_us, &f->from, bytes_of(f->data, f->n), false);
            w.first = (w.first + 1) % QUEUE;
            w.count--;
        }
        pump();
    }
}

static bool both_up(void)
{
    return w.client_up && w.server_up;
}

static void a_session_comes_up(void)
{
    setup();
    start(w.server_key.public, NULL, NULL);
    run_for(1000000, both_up);
    EXPECT(both_up());
    EXPECT(!w.asked);
    EXPECT_EQ(w.roles, ROLE_VIEW | ROLE_CONTROL);
    EXPECT(memcmp(peer_binding(w.client), peer_binding(w.server), 64) == 0);
    peer_close(w.client, w.now_us, OK, "that was all");
    run_for(1000000, NULL);
    EXPECT_EQ(w.server_closed.kind, PEER_EVENT_CLOSED);
    EXPECT_EQ(w.server_closed.error, OK);
    EXPECT(strcmp(w.server_closed.reason, "that was all") == 0);
    teardown();
}

static void an_unknown_host_is_asked_about(void)
{
    setup();
    w.auto_accept = false;
    start(NULL, NULL, NULL);
    run_for(500000, both_up);
    EXPECT(w.asked && !w.client_up);
    peer_accept_key(w.client, w.now_us);
    run_for(500000, both_up);
    EXPECT(both_up());
    teardown();
}

static void another_host_key_is_refused(void)
{
    setup();
    start(w.stranger_key.public, NULL, NULL);
    run_for(1000000, both_up);
    EXPECT_EQ(w.client_closed.error, ERR_REFUSED);
    struct listener_counters c;
    listener_count(w.listener, &c);
    EXPECT_EQ(c.handshakes, 0);
    teardown();
}

static void a_wrong_key_is_told_why(void)
{
    setup();
    start(w.server_key.public, &w.stranger_key, NULL);
    run_for(1000000, both_up);
    EXPECT_EQ(w.client_closed.error, ERR_REFUSED);
    EXPECT(strcmp(w.client_closed.reason, "this key is not authorised") == 0);
    EXPECT(w.wire_bytes[0] <= w.wire_bytes[1]);
    teardown();
}

static void invitations_need_their_secret(void)
{
    uint8_t right[32] = {1}, wrong[32] = {2};

    setup();
    w.token_psk = right;
    start(w.server_key.public, NULL, right);
    run_for(1000000, both_up);
    EXPECT(both_up());
    teardown();

    setup();
    w.token_psk = right;
    start(w.server_key.public, NULL, wrong);
    run_for(3000000, both_up);
    EXPECT(!w.client_up && !w.server_up);
    teardown();

    setup();
    w.welcome = false;
    start(w.server_key.public, NULL, wrong);
    run_for(1000000, both_up);
    EXPECT_EQ(w.client_closed.error, ERR_REFUSED);
    teardown();

    setup();
    w.enrol_refusal = "somebody was faster";
    start(w.server_key.public, NULL, NULL);
    run_for(1000000, NULL);
    EXPECT_EQ(w.client_closed.error, ERR_REFUSED);
    EXPECT(strcmp(w.client_closed.reason, "somebody was faster") == 0 && !w.server);
    teardown();
}

static uint64_t stream_read;
static bool stream_ended, stream_bad;

static void read_stream(void)
{
    struct bytes data;
    uint64_t code;
    enum err e;

    if (!w.server)
        return;
    while ((e = peer_stream_peek(w.server, 0, &data, &code)) == OK) {
        for (size_t i = 0; i < data.n; i++)
            stream_bad |= data.p[i] != (uint8_t)((stream_read + i) * 31 >> 3);
        stream_read += data.n;
        peer_stream_consume(w.server, 0, data.n);
    }
    stream_ended |= e == ERR_END;
}

/* Sends `total` patterned bytes from client to server; true when they all came. */
static bool transfer(uint64_t total, uint64_t limit_us)
{
    uint64_t written = 0, id, end = w.now_us + limit_us;
    uint8_t chunk[4096];

    stream_read = 0;
    stream_ended = stream_bad = false;
    if (peer_stream_open(w.client, PEER_BULK, false, &id) || id != 0)
        return false;
    while (w.now_us < end && !stream_ended && !peer_closed(w.client)) {
        while (written < total) {
            size_t n = num_min(sizeof chunk, total - written), taken;
            for (size_t i = 0; i < n; i++)
                chunk[i] = (uint8_t)((written + i) * 31 >> 3);
            if (peer_stream_write(w.client, id, bytes_of(chunk, n), &taken))
                return false;
            written += taken;
            if (taken < n)
                break;
        }
        if (written == total && peer_stream_finish(w.client, id) == ERR_USAGE)
            return false;
        run_for(5000, NULL);
        read_stream();
    }
    return stream_ended && !stream_bad && stream_read == total;
}

static void streams_survive_loss(void)
{
    setup();
    w.client_config.key_update_packets = w.server_config.key_update_packets = 100;
    w.loss = 50000;
    start(w.server_key.public, NULL, NULL);
    run_for(3000000, both_up);
    EXPECT(both_up());
    EXPECT(transfer(3000000, 120000000));
    struct peer_path path;
    peer_path(w.client, w.now_us, &path);
    /* One a round trip at the most: the other must have seen a generation before the next. */
    EXPECT(path.key_updates >= 8);
    EXPECT(path.lost_datagrams > 50);
    uint64_t loss = path.lost_datagrams * 1000 / path.sent_datagrams;
    EXPECT(loss > 30 && loss < 90);
    teardown();
}

static void without_resending_streams_stall(void)
{
    setup();
    w.client_config.without = PEER_WITHOUT_RESEND;
    w.loss = 50000;
    start(w.server_key.public, NULL, NULL);
    run_for(3000000, both_up);
    EXPECT(both_up());
    EXPECT(!transfer(1000000, 20000000));
    teardown();
}

static void messages_arrive_or_are_superseded(void)
{
    uint8_t big[20000] = {7};

    setup();
    w.loss = 20000;
    start(w.server_key.public, NULL, NULL);
    run_for(3000000, both_up);
    EXPECT(both_up());
    for (int i = 0; i < 100; i++) {
        struct peer_message m = {
            .class = PEER_TEXT, .tag = 1 + (uint64_t)i, .data = bytes_of(big, sizeof big)};
        EXPECT_EQ(peer_message_send(w.client, &m, NULL), OK);
        run_for(20000, NULL);
    }
    run_for(3000000, NULL);
    EXPECT_EQ(w.messages, 100);
    EXPECT_EQ(w.acked, 100);
    EXPECT_EQ(w.message_bytes, 100 * sizeof big);
    for (int i = 0; i < 50; i++) {
        struct peer_message m = {.class = PEER_TEXT,
                                 .supersedes = 9,
                                 .tag = 1000 + (uint64_t)i,
                                 .data = bytes_of(big, sizeof big)};
        EXPECT_EQ(peer_message_send(w.client, &m, NULL), OK);
    }
    run_for(3000000, NULL);
    EXPECT(w.gone >= 40);
    EXPECT(w.messages > 100 && w.messages < 112);
    struct peer_message empty = {.class = PEER_INPUT, .tag = 5};
    uint64_t before = w.acked;
    EXPECT_EQ(peer_message_send(w.client, &empty, NULL), OK);
    run_for(1000000, NULL);
    EXPECT_EQ(w.acked, before + 1);
    teardown();
}

static void an_outage_and_a_new_address_are_survived(void)
{
    uint8_t byte = 1;

    setup();
    start(w.server_key.public, NULL, NULL);
    run_for(3000000, both_up);
    EXPECT(both_up());
    w.cut_until_us = w.now_us + 30000000;
    struct peer_message m = {.class = PEER_TEXT, .tag = 1, .data = bytes_of(&byte, 1)};
    EXPECT_EQ(peer_message_send(w.client, &m, NULL), OK);
    run_for(30000000, NULL);
    EXPECT_EQ(w.messages, 0);
    run_for(700000, NULL);
    EXPECT_EQ(w.messages, 1);
    w.client_addr.port = 2222;
    EXPECT_EQ(peer_message_send(w.client, &m, NULL), OK);
    run_for(700000, NULL);
    EXPECT_EQ(w.messages, 2);
    EXPECT_EQ(w.paths, 1);
    EXPECT_EQ(w.acked, 2);
    w.cut_until_us = UINT64_MAX;
    run_for(125000000, NULL);
    EXPECT_EQ(w.client_closed.error, ERR_UNREACHABLE);
    EXPECT_EQ(w.server_closed.error, ERR_UNREACHABLE);
    teardown();
}

static void an_idle_session_is_cheap(void)
{
    setup();
    start(w.server_key.public, NULL, NULL);
    run_for(3000000, both_up);
    run_for(5000000, NULL);
    w.wire_bytes[0] = w.wire_bytes[1] = 0;
    run_for(10000000, NULL);
    struct peer_path path;
    peer_path(w.client, w.now_us, &path);
    EXPECT(w.wire_bytes[0] + w.wire_bytes[1] < 3000);
    EXPECT(w.wire_bytes[0] > 100);
    teardown();
}

/* The downstream goal of the simulator's scenarios in small: fills a lossy link, bounded queue. */
static void the_controller_fills_a_lossy_link(void)
{
    uint8_t chunk[16000] = {3};
    uint64_t start_bytes;

    setup();
    w.loss = 10000;
    w.rate_bytes_s = 2500000;
    start(w.server_key.public, NULL, NULL);
    run_for(3000000, both_up);
    EXPECT(both_up());
    start_bytes = w.message_bytes;
    uint64_t end = w.now_us + 20000000;
    while (w.now_us < end) {
        struct peer_path path;
        peer_path(w.server, w.now_us, &path);
        while (path.queued_bytes < 100000) {
            struct peer_message m = {.class = PEER_TEXT, .data = bytes_of(chunk, sizeof chunk)};
            EXPECT_EQ(peer_message_send(w.server, &m, NULL), OK);
            path.queued_bytes += sizeof chunk;
        }
        run_for(5000, NULL);
    }
    uint64_t goodput = (w.message_bytes - start_bytes) / 20;
    printf("goodput %llu of 2500000 bytes/s\n", (unsigned long long)goodput);
    EXPECT(goodput > 1750000);
    /* The link falls to a tenth. */
    w.rate_bytes_s = 250000;
    end = w.now_us + 4000000;
    uint64_t mark = 0;
    while (w.now_us < end) {
        struct peer_path path;
        peer_path(w.server, w.now_us, &path);
        for (; path.queued_bytes < 100000; path.queued_bytes += sizeof chunk) {
            struct peer_message m = {.class = PEER_TEXT, .data = bytes_of(chunk, sizeof chunk)};
            EXPECT_EQ(peer_message_send(w.server, &m, NULL), OK);
        }
        run_for(5000, NULL);
        if (!mark && w.now_us >= end - 2000000)
            mark = w.wire_bytes[0];
    }
    printf("sending %llu bytes/s after the fall to 250000\n",
           (unsigned long long)(w.wire_bytes[0] - mark) / 2);
    EXPECT((w.wire_bytes[0] - mark) / 2 < 275000);
    teardown();
}

static void garbage_changes_nothing(void)
{
    uint8_t junk[300];

    setup();
    start(w.server_key.public, NULL, NULL);
    run_for(3000000, both_up);
    for (int i = 0; i < 20000; i++) {
        size_t n = rng_below(&w.rng, sizeof junk);
        rng_fill(&w.rng, junk, sizeof junk);
        if (i & 1)
            junk[0] = (uint8_t)(i & 2 ? 0x40 : 1 + (i >> 2) % 4);
        listener_input(w.listener, w.now_us, &w.client_addr, bytes_of(junk, n), false);
        peer_input(w.client, w.now_us, &w.server_addr, bytes_of(junk, n), false);
    }
    EXPECT(transfer(100000, 5000000));
    teardown();
}

static void memory_may_run_out_anywhere(void)
{
    for (uint64_t nth = 1; nth < 400; nth++) {
        setup();
        struct listener_config lc = {.identity = &w.server_key,
                                     .auth = {.judge = judge, .enrol = enrol}};
        struct peer_dial dial = {
            .to = w.server_addr, .identity = &w.client_key, .expected_key = w.server_key.public};
        heap_fail_at(nth);
        if (listener_new(&lc, &w.rng, w.now_us, &w.listener) == OK &&
            peer_new(NULL, &dial, &w.rng, w.now_us, &w.client) == OK) {
            run_for(1000000, both_up);
            if (both_up())
                (void)transfer(50000, 2000000);
            run_for(200000, NULL);
        }
        bool fired = heap_fault_fired();
        heap_fail_at(0);
        teardown();
        if (!fired) {
            EXPECT(nth > 10);
            return;
        }
    }
    EXPECT(!"the loop ends");
}

TEST_MAIN({"a_session_comes_up", a_session_comes_up},
          {"an_unknown_host_is_asked_about", an_unknown_host_is_asked_about},
          {"another_host_key_is_refused", another_host_key_is_refused},
          {"a_wrong_key_is_told_why", a_wrong_key_is_told_why},
          {"invitations_need_their_secret", invitations_need_their_secret},
          {"streams_survive_loss", streams_survive_loss},
          {"without_resending_streams_stall", without_resending_streams_stall},
          {"messages_arrive_or_are_superseded", messages_arrive_or_are_superseded},
          {"an_outage_and_a_new_address_are_survived", an_outage_and_a_new_address_are_survived},
          {"an_idle_session_is_cheap", an_idle_session_is_cheap},
          {"the_controller_fills_a_lossy_link", the_controller_fills_a_lossy_link},
          {"garbage_changes_nothing", garbage_changes_nothing},
          {"memory_may_run_out_anywhere", memory_may_run_out_anywhere})
