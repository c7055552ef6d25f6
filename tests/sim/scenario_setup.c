/* scenario_setup: how sessions begin, and who may begin one. */
#include <string.h>

#include "core/base/num.h"
#include "core/crypt/cipher.h"
#include "core/wire/packet.h"
#include "tests/sim/sim_table.h"
#include "tests/sim/sim_world.h"

/* A world with a 20 Mbit/s link of 30 ms each way, with faults to be added. */
static struct wan_config usual_link(void)
{
    return sim_world_link(20000000, 30000);
}

static void exchange(struct sim_world *w, uint64_t bytes, uint64_t within_us)
{
    if (w->session == NULL)
        return;
    sim_app_write(&w->client->app, PEER_BULK, bytes);
    sim_app_write(&w->session->app, PEER_BULK, bytes);
    sim_kick(w->sim, w->client->node);
    sim_kick(w->sim, w->server->node);
    sim_world_finish(w, within_us);
}

/* ---- the network gets in the way ---- */

static void clean(struct sim *s, uint32_t without)
{
    struct wan_config link = usual_link();
    struct sim_world w;

    sim_world_make(&w, s, without, &(struct sim_world_plan){.up = &link});
    sim_world_connect(&w, 200000);
    /* Two round trips and the time to send what is padded. */
    SIM_EXPECT(&w, w.client->app.connected_us - SIM_START_US < 123000);
    SIM_EXPECT(&w, w.client->app.asked == 0 && w.client->app.roles == 3);
    exchange(&w, 1 << 20, 3 * SECOND_US);
    sim_world_end(&w);
}

/* Swallows the first datagram of a kind. */
struct lose_first {
    uint8_t type; /* first byte; PACKET_DATA: any data packet */
    bool from_client, done;
};

static bool swallow_first(void *self, struct sim *s, const struct addr *from, const struct addr *to,
                          struct bytes data)
{
    struct lose_first *l = self;
    bool from_client = from->ip[3] == 1;
    uint8_t type = packet_is_data(data) ? PACKET_DATA : data.p[0];

    (void)s, (void)to;
    if (l->done || from_client != l->from_client || type != l->type)
        return true;
    l->done = true;
    return false;
}

static void lose(struct sim *s, uint32_t without, uint8_t type, bool from_client)
{
    struct lose_first first = {.type = type, .from_client = from_client};
    struct wan_config link = usual_link();
    struct sim_world w;

    sim_world_make(&w, s, without, &(struct sim_world_plan){.up = &link});
    sim_tap(s, &(struct sim_tap){swallow_first, &first});
    sim_world_connect(&w, SECOND_US);
    SIM_EXPECT(&w, first.done);
    exchange(&w, 100000, SECOND_US);
    sim_world_end(&w);
}

static void lost_hello(struct sim *s, uint32_t without)
{
    lose(s, without, PACKET_HELLO, true);
}

static void lost_cookie(struct sim *s, uint32_t without)
{
    lose(s, without, PACKET_COOKIE, false);
}

static void lost_init(struct sim *s, uint32_t without)
{
    lose(s, without, PACKET_INIT, true);
}

static void lost_response(struct sim *s, uint32_t without)
{
    lose(s, without, PACKET_RESPONSE, false);
}

static void lost_proof(struct sim *s, uint32_t without)
{
    lose(s, without, PACKET_DATA, true);
}

static void moved_in_handshake(struct sim *s, uint32_t without)
{
    struct wan_config link = usual_link(), moving = link;
    struct sim_world w;

    /* Message 1 has just left: its answer goes to an address that is no more. */
    moving.change[moving.changes++] = (struct wan_change){70000, WAN_CHANGE_REBIND, 0};
    sim_world_make(&w, s, without, &(struct sim_world_plan){.up = &moving, .down = &link});
    sim_world_connect(&w, SECOND_US);
    exchange(&w, 100000, SECOND_US);
    sim_world_end(&w);
}

static void heavy_loss(struct sim *s, uint32_t without)
{
    struct wan_config link = usual_link();
    struct sim_world w;

    link.loss = 300000;
    sim_world_make(&w, s, without, &(struct sim_world_plan){.up = &link});
    sim_world_connect(&w, 10 * SECOND_US);
    sim_world_end(&w);
}

static void everything_twice(struct sim *s, uint32_t without)
{
    struct wan_config link = usual_link();
    struct listener_counters n;
    struct sim_world w;

    link.duplicate = 1000000;
    link.reorder = 300000;
    sim_world_make(&w, s, without, &(struct sim_world_plan){.up = &link});
    sim_world_connect(&w, SECOND_US);
    exchange(&w, 100000, 2 * SECOND_US);
    listener_count(w.server->listener, &n);
    SIM_EXPECT(&w, w.server->sessions == 1 && n.peers == 1 && n.half_open == 0);
    SIM_EXPECT(&w, n.handshakes == 1);
    struct peer_path path;
    peer_path(w.client->peer, sim_node_now_us(s, w.client->node), &path);
    SIM_EXPECT(&w, path.rejected_datagrams >= path.received_datagrams / 3);
    sim_world_end(&w);
}

static void damaged(struct sim *s, uint32_t without)
{
    struct wan_config link = usual_link();
    struct sim_world w;

    link.corrupt = 200000;
    sim_world_make(&w, s, without, &(struct sim_world_plan){.up = &link});
    sim_world_connect(&w, 10 * SECOND_US);
    exchange(&w, 100000, 20 * SECOND_US);
    sim_world_end(&w);
}

/* ---- keys ---- */

struct watch {
    uint64_t inits, hellos;
};

static bool watch_types(void *self, struct sim *s, const struct addr *from, const struct addr *to,
                        struct bytes data)
{
    struct watch *watch = self;

    (void)s, (void)from, (void)to;
    watch->inits += data.p[0] == PACKET_INIT;
    watch->hellos += data.p[0] == PACKET_HELLO;
    return true;
}

static void wrong_host(struct sim *s, uint32_t without)
{
    struct wan_config link = usual_link();
    struct watch watch = {0};
    struct sim_world w;
    uint8_t other[KEY_BYTES];

    sim_world_make(&w, s, without, &(struct sim_world_plan){.up = &link});
    sim_tap(s, &(struct sim_tap){watch_types, &watch});
    memcpy(other, w.server->identity.public, sizeof other);
    other[0] ^= 1;
    w.client->dial.expected_key = other;
    sim_host_dial(w.client);
    sim_world_expect_closed(&w, w.client, ERR_REFUSED, SECOND_US);
    SIM_EXPECT(&w, watch.inits == 0 && w.client->app.reason[0]);
    sim_world_end(&w);
}

static void unknown_host(struct sim *s, uint32_t without)
{
    struct wan_config link = usual_link();
    struct watch watch = {0};
    struct sim_world w;

    sim_world_make(&w, s, without, &(struct sim_world_plan){.up = &link});
    sim_tap(s, &(struct sim_tap){watch_types, &watch});
    w.client->dial.expected_key = NULL;
    w.client->app.accept_key = (without & SIM_WITHOUT_PINNING) != 0;
    sim_host_dial(w.client);
    sim_world_expect_closed(&w, w.client, ERR_REFUSED, SECOND_US);
    SIM_EXPECT(&w, watch.inits == 0 && w.client->app.asked == 1);
    SIM_EXPECT(&w, memcmp(w.client->app.other_key, w.server->identity.public, KEY_BYTES) == 0);
    w.client->app.accept_key = true;
    sim_world_connect(&w, SECOND_US);
    exchange(&w, 10000, SECOND_US);
    sim_world_end(&w);
}

static void stranger(struct sim *s, uint32_t without)
{
    struct wan_config link = usual_link();
    struct sim_world w;

    sim_world_make(&w, s, without, &(struct sim_world_plan){.up = &link, .stranger = true});
    sim_host_dial(w.client);
    sim_world_expect_closed(&w, w.client, ERR_REFUSED, SECOND_US);
    SIM_EXPECT(&w, strcmp(w.client->app.reason, "this key is not authorised") == 0);
    SIM_EXPECT(&w, w.server->sessions == 0);
    sim_world_end(&w);
}

/* ---- invitations ---- */

static void invited_once(struct sim *s, uint32_t without)
{
    struct wan_config link = usual_link();
    struct sim_world w;

    sim_world_make(&w, s, without, &(struct sim_world_plan){.up = &link, .stranger = true});
    const struct invite *invite = sim_host_invite(w.server, w.client, 1, 600 * (uint64_t)SECOND_US);
    struct sim_client *late = sim_world_guest(&w, "late", 3, &link, NULL);
    late->dial.token_id = invite->id;
    late->dial.token_secret = invite->secret;
    sim_world_connect(&w, SECOND_US);
    SIM_EXPECT(&w, w.client->app.roles == 1);
    sim_host_dial(late);
    sim_world_expect_closed(&w, late, ERR_REFUSED, SECOND_US);
    SIM_EXPECT(&w, strcmp(late->app.reason, invite_reason(INVITE_SPENT)) == 0);
    w.session = NULL;
    sim_world_connect(&w, SECOND_US); /* the key that is bound may come back */
    exchange(&w, 10000, SECOND_US);
    sim_world_end(&w);
}

static void invited_too_late(struct sim *s, uint32_t without)
{
    struct wan_config link = usual_link();
    struct sim_world w;

    sim_world_make(&w, s, without, &(struct sim_world_plan){.up = &link, .stranger = true});
    sim_host_invite(w.server, w.client, 1,
                    without & SIM_WITHOUT_ENROL ? INVITE_NEVER : 5 * SECOND_US);
    sim_world_pass(&w, 6 * SECOND_US);
    sim_host_dial(w.client);
    sim_world_expect_closed(&w, w.client, ERR_REFUSED, SECOND_US);
    SIM_EXPECT(&w, strcmp(w.client->app.reason, invite_reason(INVITE_EXPIRED)) == 0);
    sim_world_end(&w);
}

static void invited_with_a_wrong_secret(struct sim *s, uint32_t without)
{
    struct wan_config link = usual_link();
    struct sim_world w;
    uint8_t secret[INVITE_SECRET_BYTES];

    sim_world_make(&w, s, without, &(struct sim_world_plan){.up = &link, .stranger = true});
    const struct invite *invite = sim_host_invite(w.server, w.client, 1, INVITE_NEVER);
    memcpy(secret, invite->secret, sizeof secret);
    secret[5] ^= 4;
    w.client->dial.token_secret = secret;
    sim_host_dial(w.client);
    sim_world_pass(&w, 5 * SECOND_US);
    SIM_EXPECT(&w, !w.client->app.connected && w.server->sessions == 0);
    /* The invitation is still good for who has it right. */
    struct sim_client *right = sim_world_guest(&w, "right", 3, &link, NULL);
    right->dial.token_id = invite->id;
    right->dial.token_secret = invite->secret;
    sim_host_dial(right);
    sim_world_expect_connected(&w, right, SECOND_US);
    sim_world_end(&w);
}

/* Swallows everything to the client after a RESPONSE: the handshake never ends. */
static bool swallow_responses(void *self, struct sim *s, const struct addr *from,
                              const struct addr *to, struct bytes data)
{
    (void)self, (void)s, (void)from;
    return !(data.p[0] == PACKET_RESPONSE && to->ip[3] == 1);
}

static void unfinished_invitation(struct sim *s, uint32_t without)
{
    struct wan_config link = usual_link();
    struct sim_world w;

    sim_world_make(&w, s, without, &(struct sim_world_plan){.up = &link, .stranger = true});
    const struct invite *invite = sim_host_invite(w.server, w.client, 1, INVITE_NEVER);
    sim_tap(s, &(struct sim_tap){swallow_responses, NULL});
    sim_host_dial(w.client);
    sim_world_pass(&w, 5 * SECOND_US);
    sim_host_hang_up(w.client);
    struct sim_client *other = sim_world_guest(&w, "other", 3, &link, NULL);
    other->dial.token_id = invite->id;
    other->dial.token_secret = invite->secret;
    sim_host_dial(other);
    sim_world_expect_connected(&w, other, SECOND_US);
    sim_world_end(&w);
}

/* ---- address tokens ---- */

static bool has_token(void *arg)
{
    const struct sim_client *c = arg;

    return c->app.token_bytes > 0;
}

/* Connects, gets a token, hangs up and dials again with it. */
static void come_back(struct sim_world *w, bool from_elsewhere)
{
    sim_world_connect(w, SECOND_US);
    if (!sim_run(w->sim, sim_now_us(w->sim) + SECOND_US, has_token, w->client))
        sim_fail(w->sim, "no address token came");
    sim_host_hang_up(w->client);
    if (from_elsewhere)
        sim_move(w->sim, w->client->node,
                 &(struct addr){.ip = {10, 0, 7, 7}, .port = 4, .family = ADDR_IP4});
    w->client->dial.address_token = bytes_of(w->client->app.token, w->client->app.token_bytes);
    w->client->dial.known_ciphers = w->client->app.token_ciphers;
    w->session = NULL;
}

static void token_saves_a_round_trip(struct sim *s, uint32_t without)
{
    struct wan_config link = usual_link();
    struct watch watch = {0};
    struct sim_world w;

    sim_world_make(&w, s, without, &(struct sim_world_plan){.up = &link});
    come_back(&w, false);
    sim_tap(s, &(struct sim_tap){watch_types, &watch});
    uint64_t from_us = sim_now_us(s);
    sim_world_connect(&w, SECOND_US);
    SIM_EXPECT(&w, watch.hellos == 0);
    SIM_EXPECT(&w, w.client->app.connected_us - from_us < 65000);
    exchange(&w, 10000, SECOND_US);
    sim_world_end(&w);
}

static void token_of_another_address(struct sim *s, uint32_t without)
{
    struct wan_config link = usual_link();
    struct listener_counters n;
    struct sim_world w;

    sim_world_make(&w, s, without, &(struct sim_world_plan){.up = &link});
    come_back(&w, true);
    sim_world_connect(&w, SECOND_US);
    exchange(&w, 10000, SECOND_US);
    listener_count(w.server->listener, &n);
    SIM_EXPECT(&w, n.bad_proofs == 1);
    sim_world_end(&w);
}

/* ---- ciphers ---- */

enum { AES = 1 << CIPHER_AESGCM, CHACHA = 1 << CIPHER_CHACHAPOLY };

static void no_cipher_in_common(struct sim *s, uint32_t without)
{
    struct wan_config link = usual_link();
    struct sim_world w;

    sim_world_make(&w, s, without,
                   &(struct sim_world_plan){.up = &link, .listener = {.ciphers = CHACHA}});
    w.client->dial.ciphers = AES;
    sim_host_dial(w.client);
    sim_world_expect_closed(&w, w.client, ERR_UNSUPPORTED, SECOND_US);
    w.client->dial.ciphers = CHACHA;
    sim_world_connect(&w, SECOND_US);
    exchange(&w, 10000, SECOND_US);
    sim_world_end(&w);
}

/* Somebody in between claims that the server has only ChaCha. */
static bool downgrade(void *self, struct sim *s, const struct addr *from, const struct addr *to,
                      struct bytes data)
{
    struct packet_long p;
    uint8_t space[1500];
    struct wr w = wr_of(space, sizeof space);

    (void)self;
    if (packet_is_data(data) || packet_decode_long(data, &p) != OK || p.type != PACKET_COOKIE)
        return true;
    p.ciphers = CHACHA;
    packet_encode_long(&p, &w);
    sim_inject(s, from, to, wr_done(&w));
    return false;
}

static void downgraded_ciphers(struct sim *s, uint32_t without)
{
    struct wan_config link = usual_link();
    struct sim_world w;

    sim_world_make(&w, s, without, &(struct sim_world_plan){.up = &link});
    sim_tap(s, &(struct sim_tap){downgrade, NULL});
    sim_host_dial(w.client);
    sim_world_pass(&w, 5 * SECOND_US);
    SIM_EXPECT(&w, !w.client->app.connected && w.server->sessions == 0);
    sim_world_end(&w);
}

/* ---- the server's side ---- */

static void full_house(struct sim *s, uint32_t without)
{
    struct wan_config link = usual_link();
    struct sim_world w;

    sim_world_make(&w, s, without,
                   &(struct sim_world_plan){.up = &link, .listener = {.max_peers = 2}});
    struct sim_client *second = sim_world_guest(&w, "second", 3, &link, NULL);
    struct sim_client *third = sim_world_guest(&w, "third", 4, &link, NULL);
    sim_host_trust(w.server, second->identity.public);
    sim_host_trust(w.server, third->identity.public);
    sim_world_connect(&w, SECOND_US);
    sim_host_dial(second);
    sim_world_expect_connected(&w, second, SECOND_US);
    sim_host_dial(third);
    sim_world_expect_closed(&w, third, ERR_BUSY, SECOND_US);
    /* Once one has gone there is room again. */
    peer_close(second->peer, sim_node_now_us(s, second->node), OK, "bye");
    sim_kick(s, second->node);
    sim_world_pass(&w, 5 * SECOND_US);
    sim_host_dial(third);
    sim_world_expect_connected(&w, third, SECOND_US);
    sim_world_end(&w);
}

static void nobody_there(struct sim *s, uint32_t without)
{
    struct wan_config link = usual_link();
    struct sim_world w;

    sim_world_make(&w, s, without, &(struct sim_world_plan){.up = &link});
    sim_power(s, w.server->node, false);
    sim_host_dial(w.client);
    sim_world_pass(&w, 10 * SECOND_US);
    const struct wan_counters *n = wan_link_counters(sim_link(s, w.client->node, w.server->node));
    SIM_EXPECT(&w, n->in_count >= 15 && n->in_count <= 60);
    sim_power(s, w.server->node, true);
    sim_world_expect_connected(&w, w.client, SECOND_US);
    sim_world_end(&w);
}

const struct sim_scenario scenario_setup_table[] = {
    {"clean", "two round trips, then data both ways", NULL, clean},
    {"lost_hello", "the first HELLO is lost", "resend", lost_hello},
    {"lost_cookie", "the first COOKIE is lost", "resend", lost_cookie},
    {"lost_init", "the first INIT is lost", "resend", lost_init},
    {"lost_response", "the first RESPONSE is lost", "resend", lost_response},
    {"lost_proof", "the client's first data packet is lost", "probes", lost_proof},
    {"moved_in_handshake", "the client's address changes in the middle of it", "resend",
     moved_in_handshake},
    {"heavy_loss", "30 % loss each way: connected within 10 s", "resend", heavy_loss},
    {"everything_twice", "copies and reordering make one session, copies are refused", "replay",
     everything_twice},
    {"damaged", "every fifth datagram has a flipped bit", "resend", damaged},
    {"wrong_host", "a host key that is not the known one: refused before identity is shown",
     "pinning", wrong_host},
    {"unknown_host", "an unknown host key is asked about, and only then used", "pinning",
     unknown_host},
    {"stranger", "a key that is not authorised gets the reason and nothing else", "trust",
     stranger},
    {"invited_once", "an invitation of one use binds one key, which may come back", "enrol",
     invited_once},
    {"invited_too_late", "an invitation that is over is refused with the reason", "enrol",
     invited_too_late},
    {"invited_wrongly", "a wrong secret gets nothing and spends nothing", NULL,
     invited_with_a_wrong_secret},
    {"unfinished_invitation", "a handshake that never ends spends no invitation", "proof",
     unfinished_invitation},
    {"token", "an address token saves a round trip", "tokens", token_saves_a_round_trip},
    {"token_elsewhere", "an address token of another address costs a cookie, no more", "tokens",
     token_of_another_address},
    {"no_cipher", "no cipher in common: said so", NULL, no_cipher_in_common},
    {"downgrade", "a changed list of ciphers ends the handshake", NULL, downgraded_ciphers},
    {"full_house", "beyond the limit of sessions: busy; room again when one has left", "budget",
     full_house},
    {"nobody_there", "a silent server is asked at a bounded rate until it is there", "resend",
     nobody_there},
    {0},
};
