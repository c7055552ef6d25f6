/* capture_plan: which sessions are captured, as tables. */
#ifndef FARSPAN_CAPTURE_PLAN_H
#define FARSPAN_CAPTURE_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/crypt/cipher.h"
#include "core/peer/peer.h"
#include "core/wan/wan_config.h"
#include "tests/ref/capture_app.h"

enum { CAPTURE_MOVES = 6 };

/* An address that changes. */
struct capture_move {
    uint64_t at_us; /* since the start; 0: there is none */
    uint8_t side;   /* 0 client, 1 server */
    uint8_t host;   /* 10.0.0.host ... */
    uint16_t port;
};

/* One capture. */
struct capture_plan {
    const char *name;
    uint64_t seed;
    enum cipher cipher;
    struct wan_config up, down;
    struct peer_config client, server;
    struct capture_deeds deeds[2]; /* of client and server, in each session */
    struct capture_move move[CAPTURE_MOVES];
    uint32_t sessions; /* one after another, each with the token of the last */
    bool invited, stranger;
    uint8_t closer; /* who ends each */
};

/* The plan with this number; false beyond the last. */
bool capture_plan_get(size_t i, struct capture_plan *out);

#endif
