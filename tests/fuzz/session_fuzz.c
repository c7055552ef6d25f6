/* Sealed frames into both ends of a session (fuzz builds seal with nothing). An input is a list of
 * acts: what the other end says, what the application does, and time that passes. */

#include "core/base/check.h"
#include "core/base/heap.h"
#include "core/base/num.h"
#include "core/crypt/crypt.h"
#include "core/peer/mail.h"
#include "core/peer/ranges.h"
#include "core/peer/session.h"
#include "core/peer/stream.h"
#include "core/wire/frame.h"
#include "tests/fuzz/fuzz.h"

enum { ACTS = 600, STREAMS = 8 };

static const struct addr home = {.family = ADDR_IP4, .port = 1, .ip = {10, 0, 0, 1}};

static uint64_t now_us;

/* An end that is up, without the work of a handshake. */
static struct peer *make_end(bool client)
{
    static const uint8_t key[SEAL_KEY_BYTES] = {1};
    struct peer_config config = {.key_update_packets = 50};
    struct rng rng;

    rng_seed(&rng, client);
    struct peer *p = session_new(&config, &rng, client, now_us);
    CHECK(p);
    seal_init(&p->send.current, CIPHER_CHACHAPOLY, key);
    seal_init(&p->receive.current, CIPHER_CHACHAPOLY, key);
    seal_next(&p->receive.current, &p->following);
    p->other_params.max_stream_data = 1 << 20;
    p->data_limit = 16 << 20;
    p->data_told = p->config.session_window_bytes;
    p->recovery.max_ack_delay_us = 5000;
    p->state = SESSION_READY;
    p->confirmed = true;
    p->remote = home;
    return p;
}

/* Takes what it has to say, and what it tells its application. */
static void settle(struct peer *p)
{
    static uint8_t space[LIMIT_DATAGRAM_BYTES];
    struct peer_event e;
    struct addr to;
    size_t n;

    for (int turn = 0; turn < 2; turn++) {
        while (peer_output(p, now_us, space, sizeof space, &n, &to) == OK)
            CHECK(n >= 38 && n <= LIMIT_DATAGRAM_BYTES);
        while (peer_next_event(p, &e))
            CHECK(e.kind != PEER_EVENT_MESSAGE || e.data.n <= LIMIT_MESSAGE_BYTES);
    }
    /* A turn that it wants at once must come to something. */
    CHECK(peer_deadline_us(p, now_us) > now_us);
    CHECK(p->stream_count <= LIMIT_STREAMS);
    CHECK(p->data_consumed <= p->data_received);
    CHECK(p->recovery.in_flight_bytes >= p->recovery.eliciting_in_flight);
    CHECK(p->inbox.held_bytes <= 16 << 20);
}

/* How a packet comes: under other keys than the newest (the ones before, or after), opened by a
 * worker, under the keys before the present ones, and so in vain. */
enum manner { AS_USUAL, OTHER_KEYS, OPENED, OPENED_BEFORE, OPENED_IN_VAIN };

static void take(struct peer *p, uint8_t *datagram, size_t n, const struct addr *from,
                 enum manner manner)
{
    struct peer_sealing how;

    if (manner < OPENED || !peer_opening(p, bytes_of(datagram, n), &how)) {
        peer_input(p, now_us, from, bytes_of(datagram, n), 0);
        return;
    }
    bool good = peer_open(how.key, how.number, datagram, n) && manner != OPENED_IN_VAIN;
    how.key = NULL;
    how.generation -= manner == OPENED_BEFORE && how.generation;
    peer_input_opened(p, now_us, from, bytes_of(datagram, n), 0, &how, good);
}

static void hear(struct peer *p, struct bytes frames, uint64_t *number, const struct addr *from,
                 enum manner manner)
{
    uint8_t *datagram = malloc(PACKET_DATA_HEAD_BYTES + frames.n + PACKET_TAG_BYTES);
    struct packet_data head = {.phase = (p->receive.phase + (manner == OTHER_KEYS)) & 1,
                               .number = (uint32_t)(*number)++};

    CHECK(datagram);
    struct wr w = wr_of(datagram, PACKET_DATA_HEAD_BYTES + frames.n + PACKET_TAG_BYTES);
    memcpy(head.cid, p->own_cid, sizeof head.cid);
    packet_encode_data(&head, &w);
    wr_bytes(&w, frames);
    wr_zeros(&w, PACKET_TAG_BYTES);
    take(p, datagram, w.n, from, manner);
    free(datagram);
}

/* The right answer to its challenge. */
static void answer(struct peer *p, uint64_t *number, const struct addr *from)
{
    uint8_t frame[1 + sizeof p->challenge] = {FRAME_PATH_RESPONSE};

    memcpy(frame + 1, p->challenge, sizeof p->challenge);
    hear(p, bytes_of(frame, sizeof frame), number, from, AS_USUAL);
}

static void read_all(struct peer *p)
{
    struct bytes data;
    uint64_t code;

    for (uint64_t id = 0; id < STREAMS; id++)
        while (peer_stream_peek(p, id, &data, &code) == OK)
            peer_stream_consume(p, id, data.n);
}

static void act(struct peer *p, uint8_t what, struct bytes data)
{
    static uint64_t id;
    struct peer_message m = {.class = (enum peer_class)(data.n % PEER_CLASSES),
                             .once = what & 1,
                             .supersedes = what & 2,
                             .tag = 1 + data.n,
                             .data = data};
    uint64_t stream = data.n ? data.p[0] % STREAMS : 0;
    size_t taken;

    switch (what % 8) {
    case 0:
        (void)!peer_stream_open(p, m.class, what & 16, &id);
        break;
    case 1:
        (void)!peer_stream_write(p, stream, data, &taken);
        break;
    case 2:
        (void)!peer_stream_finish(p, stream);
        break;
    case 3:
        peer_stream_reset(p, stream, data.n);
        break;
    case 4:
    case 5:
        m.deadline_us = what & 32 ? now_us + 10000 : 0;
        (void)!peer_message_send(p, &m, &id);
        break;
    case 6:
        if (what & 8)
            peer_message_cancel(p, stream);
        else
            peer_message_forsake(p, stream);
        break;
    default:
        read_all(p);
    }
}

/* Acts: 0..3 frames (1: after a gap in the numbers, 2: from elsewhere, 3: an older number), 4, 5
 * the application, 6 time, 7 an end, the answer to a challenge, the next keys, or frames that a
 * worker has opened. Then a length and so many bytes. */
static void run(struct peer *p, struct bytes script)
{
    struct rd r = rd_of(script);
    struct addr elsewhere = home;
    uint64_t number = 0;

    elsewhere.port = 9;
    for (int i = 0; i < ACTS && r.left && p->state != SESSION_CLOSED; i++) {
        uint8_t kind = rd_u8(&r);
        struct bytes data = rd_bytes(&r, num_min(rd_u8(&r), r.left));
        uint64_t old = num_sub0(number, 1 + kind / 8);
        switch (kind % 8) {
        case 0:
            hear(p, data, &number, &home, AS_USUAL);
            break;
        case 1:
            number += kind / 8;
            hear(p, data, &number, &home, AS_USUAL);
            break;
        case 2:
            hear(p, data, &number, &elsewhere, AS_USUAL);
            break;
        case 3:
            hear(p, data, &old, &home, kind / 8 == 31 ? OTHER_KEYS : AS_USUAL);
            break;
        case 4:
        case 5:
            act(p, kind / 8, data);
            break;
        case 6:
            now_us += (uint64_t)1 << kind / 8;
            break;
        default:
            if (kind / 8 == 31)
                peer_close(p, now_us, OK, "over");
            else if (kind / 8 == 30)
                answer(p, &number, &elsewhere);
            else if (kind / 8 == 29)
                hear(p, data, &number, &home, OTHER_KEYS);
            else if (kind / 8 >= 26)
                hear(p, data, &number, &home, (enum manner)(OPENED + kind / 8 - 26));
            else if (kind / 8 == 25)
                hear(p, data, &old, &home, OPENED_BEFORE);
        }
        settle(p);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    CHECK(crypt_init() == OK);
    for (int client = 0; client < 2; client++) {
        now_us = 1000000;
        uint8_t *copy = fuzz_copy(data, n);
        struct peer *p = make_end(client);
        run(p, bytes_of(copy, n));
        peer_free(p);
        free(copy);
    }
    return 0;
}
