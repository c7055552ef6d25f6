#include "core/crypt/exercise.h"

#include "core/base/check.h"
#include "core/base/limits.h"
#include "core/crypt/noise.h"
#include "core/crypt/seal.h"

enum { HEAD_BYTES = 13 };

static const uint8_t head[HEAD_BYTES], zero_key[SEAL_KEY_BYTES];

void exercise_close(enum cipher c, size_t plain_bytes, uint64_t packets)
{
    uint8_t space[LIMIT_DATAGRAM_BYTES + SEAL_TAG_BYTES] = {0};
    struct seal_key k;

    CHECK(plain_bytes <= LIMIT_DATAGRAM_BYTES);
    seal_init(&k, c, zero_key);
    for (uint64_t i = 0; i < packets; i++)
        seal_close(&k, i, bytes_of(head, sizeof head), bytes_of(space, plain_bytes), space);
    seal_wipe(&k);
}

enum err exercise_open(enum cipher c, size_t plain_bytes, uint64_t packets)
{
    uint8_t plain[LIMIT_DATAGRAM_BYTES] = {0}, sealed[LIMIT_DATAGRAM_BYTES + SEAL_TAG_BYTES];
    struct seal_key k;
    enum err e = OK;

    CHECK(plain_bytes <= LIMIT_DATAGRAM_BYTES);
    seal_init(&k, c, zero_key);
    seal_close(&k, 0, bytes_of(head, sizeof head), bytes_of(plain, plain_bytes), sealed);
    for (uint64_t i = 0; i < packets && e == OK; i++)
        e = seal_open(&k, 0, bytes_of(head, sizeof head),
                      bytes_of(sealed, plain_bytes + SEAL_TAG_BYTES), plain);
    seal_wipe(&k);
    return e;
}

static enum err greet(enum cipher c, struct rng *rng, const struct key_pair *client,
                      const struct key_pair *server)
{
    uint8_t first[NOISE_FIRST_OVERHEAD], second[NOISE_SECOND_OVERHEAD], nothing[1];
    struct bytes none = bytes_of(NULL, 0);
    struct wr one = wr_of(first, sizeof first), two = wr_of(second, sizeof second);
    struct wr inside = wr_of(nothing, sizeof nothing);
    struct seal_key keys[4];
    struct noise a, b;
    enum err e = noise_init(&a, c, true, client, server->public, none);

    if (e == OK)
        e = noise_init(&b, c, false, server, NULL, none);
    if (e == OK)
        e = noise_write(&a, rng, none, &one);
    if (e == OK)
        e = noise_read(&b, wr_done(&one), &inside);
    if (e == OK)
        e = noise_write(&b, rng, none, &two);
    if (e == OK)
        e = noise_read(&a, wr_done(&two), &inside);
    if (e != OK)
        return e;
    noise_split(&a, &keys[0], &keys[1]);
    noise_split(&b, &keys[2], &keys[3]);
    return OK;
}

enum err exercise_handshakes(enum cipher c, uint64_t handshakes)
{
    struct key_pair client, server;
    enum err e = OK;
    struct rng rng;

    rng_seed(&rng, 1);
    key_generate(&client, &rng);
    key_generate(&server, &rng);
    for (uint64_t i = 0; i < handshakes && e == OK; i++)
        e = greet(c, &rng, &client, &server);
    return e;
}
