/* A serving socket and what strangers send to it, over loopback. */
#include "core/run/host.h"

#include <string.h>

#include "core/crypt/crypt.h"
#include "core/crypt/role.h"
#include "core/os/dgram.h"
#include "core/wire/packet.h"
#include "tests/unit/test.h"

enum { STRANGERS_PER_S = 20, GARBAGE = 500, EACH = 5, STEP_US = 1000 };

static struct {
    struct loop *loop;
    struct host *host;
    struct run run;
    struct dgram from;
    struct loop_timer timer;
    unsigned left;
    uint8_t first; /* of what is sent */
} w;

static void ignore(void *ctx, struct peer *p, const struct peer_event *e)
{
    (void)ctx, (void)p, (void)e;
}

static void send_some(void *ctx)
{
    uint8_t data[PACKET_LONG_FLOOR_BYTES] = {w.first, 'f', 's', PACKET_VERSION};
    struct dgram_burst b[EACH];
    size_t done;

    (void)ctx;
    for (int i = 0; i < EACH; i++)
        b[i] = (struct dgram_burst){
            .peer = *host_local(w.host), .p = data, .n = sizeof data, .each = sizeof data};
    if (w.left == 0 || dgram_send(&w.from, b, EACH, &done)) {
        loop_leave(w.loop);
        return;
    }
    w.left -= EACH;
    loop_timer_set(&w.timer, loop_now_us(w.loop) + STEP_US);
}

/* Sends GARBAGE datagrams that begin so, a few a turn of the loop, so that none is lost for want of
 * room; gives how many the listener has seen of them. */
static uint64_t flood(uint8_t first)
{
    struct listener_counters before, after;

    host_counters(w.host, &before);
    w.first = first;
    w.left = GARBAGE;
    loop_timer_set(&w.timer, loop_now_us(w.loop));
    loop_run(w.loop);
    host_counters(w.host, &after);
    return after.received - before.received;
}

static bool begin(uint32_t strangers_per_s)
{
    struct host_config config = {.listen = {.host = "127.0.0.1"},
                                 .gate = {.invite = "view", .needed = ROLE_VIEW},
                                 .strangers_per_s = strangers_per_s};
    struct host_owner owner = {.event = ignore};
    struct addr any = {.family = ADDR_IP4, .ip = {127, 0, 0, 1}};

    memset(&w, 0, sizeof w);
    w.from.fd = -1;
    w.run.quiet = true;
    if (crypt_init() || loop_new(&w.loop) || dgram_open(&w.from, &any) ||
        host_new(w.loop, &config, &owner, &w.run, &w.host))
        return false;
    loop_timer_init(&w.timer, w.loop, send_some, NULL);
    return true;
}

static void end(void)
{
    loop_timer_release(&w.timer);
    host_free(w.host);
    dgram_close(&w.from);
    loop_free(w.loop);
}

static void what_is_too_much_does_not_reach_the_listener(void)
{
    static const uint8_t first[] = {PACKET_DATA, PACKET_HELLO, PACKET_INIT, 0x77};

    for (size_t i = 0; i < sizeof first; i++) {
        EXPECT(begin(STRANGERS_PER_S));
        uint64_t seen = flood(first[i]);
        EXPECT(seen > 0);
        EXPECT(seen < GARBAGE / 2);
        end();
    }
}

static void what_is_not_comes_all(void)
{
    EXPECT(begin(10 * GARBAGE * 10));
    EXPECT(flood(PACKET_DATA) > GARBAGE - 2 * EACH);
    end();
}

TEST_MAIN({"what_is_too_much_does_not_reach_the_listener",
           what_is_too_much_does_not_reach_the_listener},
          {"what_is_not_comes_all", what_is_not_comes_all})
