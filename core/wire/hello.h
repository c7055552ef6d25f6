/* hello: what the Noise messages of a handshake carry inside. */
#ifndef FARSPAN_HELLO_H
#define FARSPAN_HELLO_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/base/limits.h"
#include "core/base/wr.h"

enum { HELLO_TOKEN_ID_BYTES = 8 };

/* What each end tells the other about itself. */
struct hello_params {
    uint32_t compatible;       /* feature bits that the other may ignore */
    uint32_t incompatible;     /* feature bits that the other must know, else it refuses */
    uint64_t max_data;         /* session flow-control window it starts with, bytes */
    uint64_t max_stream_data;  /* the same for each stream, bytes */
    uint64_t max_ack_delay_us; /* it acknowledges within this time */
};

/* Inside message 1. */
struct hello_client {
    struct hello_params params;
    bool has_token;
    uint8_t token_id[HELLO_TOKEN_ID_BYTES]; /* names the psk; the secret never travels */
};

enum hello_verdict {
    HELLO_WELCOME = 0,
    HELLO_REFUSED = 1, /* no rights: `reason` says why (unknown, used, expired, not authorised) */
    HELLO_BUSY = 2     /* no room now */
};

/* Inside message 2. */
struct hello_server {
    struct hello_params params;
    enum hello_verdict verdict;
    uint32_t roles;                      /* granted, bit set of core/crypt/role.h */
    char reason[LIMIT_REASON_CHARS + 1]; /* decoded: fit to print */
};

/* Encodes what message 1 carries. */
void hello_put_client(struct wr *w, const struct hello_client *h);

/* Decodes it. ERR_MALFORMED; unknown bytes at the end are allowed (compatible additions). */
enum err hello_get_client(struct bytes b, struct hello_client *out) MUST_USE;

/* Encodes what message 2 carries. */
void hello_put_server(struct wr *w, const struct hello_server *h);

/* Decodes it, as hello_get_client. */
enum err hello_get_server(struct bytes b, struct hello_server *out) MUST_USE;

#endif
