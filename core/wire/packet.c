#include "core/wire/packet.h"

#include <string.h>

#include "core/base/check.h"
#include "core/base/num.h"
#include "core/base/rd.h"

static const uint8_t magic[2] = {'f', 's'};

bool packet_is_data(struct bytes datagram)
{
    return datagram.n > 0 && (datagram.p[0] & 0xfe) == PACKET_DATA;
}

static void decode_body(struct rd *r, struct packet_long *out)
{
    switch (out->type) {
    case PACKET_HELLO:
        rd_copy(r, out->nonce, sizeof out->nonce);
        break;
    case PACKET_COOKIE:
        rd_copy(r, out->nonce, sizeof out->nonce);
        rd_copy(r, out->server_key, sizeof out->server_key);
        out->ciphers = rd_u8(r);
        out->proof = rd_sized(r, PACKET_PROOF_BYTES);
        break;
    case PACKET_INIT:
        rd_copy(r, out->nonce, sizeof out->nonce);
        out->ciphers = rd_u8(r);
        out->cipher = rd_u8(r);
        out->proof_kind = rd_u8(r);
        out->proof = rd_sized(r, PACKET_PROOF_BYTES);
        out->noise = rd_sized(r, PACKET_NOISE_BYTES);
        break;
    case PACKET_RESPONSE:
        rd_copy(r, out->server_cid, sizeof out->server_cid);
        out->noise = rd_sized(r, PACKET_NOISE_BYTES);
        break;
    default:
        r->bad = true;
    }
}

enum err packet_decode_long(struct bytes datagram, struct packet_long *out)
{
    struct rd r = rd_of(datagram);
    uint8_t mark[2];

    memset(out, 0, sizeof *out);
    out->type = (enum packet_type)rd_u8(&r);
    rd_copy(&r, mark, sizeof mark);
    out->version = rd_u8(&r);
    rd_copy(&r, out->cid, sizeof out->cid);
    if (r.bad || memcmp(mark, magic, sizeof magic) != 0)
        return ERR_MALFORMED;
    bool opening = out->type == PACKET_HELLO || out->type == PACKET_INIT;
    /* What is smaller than its reply may be is dropped before anything else is done. */
    if (opening && datagram.n < PACKET_LONG_FLOOR_BYTES)
        return ERR_MALFORMED;
    if (out->version != PACKET_VERSION)
        return ERR_VERSION;
    decode_body(&r, out);
    if (r.bad || (!opening && r.left))
        return ERR_MALFORMED;
    return OK;
}

void packet_encode_long(const struct packet_long *p, struct wr *w)
{
    wr_u8(w, p->type);
    wr_bytes(w, bytes_of(magic, sizeof magic));
    wr_u8(w, p->version);
    wr_bytes(w, bytes_of(p->cid, sizeof p->cid));
    switch (p->type) {
    case PACKET_HELLO:
        wr_bytes(w, bytes_of(p->nonce, sizeof p->nonce));
        break;
    case PACKET_COOKIE:
        wr_bytes(w, bytes_of(p->nonce, sizeof p->nonce));
        wr_bytes(w, bytes_of(p->server_key, sizeof p->server_key));
        wr_u8(w, p->ciphers);
        wr_sized(w, p->proof);
        break;
    case PACKET_INIT:
        wr_bytes(w, bytes_of(p->nonce, sizeof p->nonce));
        wr_u8(w, p->ciphers);
        wr_u8(w, p->cipher);
        wr_u8(w, p->proof_kind);
        wr_sized(w, p->proof);
        wr_sized(w, p->noise);
        break;
    case PACKET_RESPONSE:
        wr_bytes(w, bytes_of(p->server_cid, sizeof p->server_cid));
        wr_sized(w, p->noise);
        break;
    case PACKET_DATA:
        CHECK(!"a data packet has its own encoder");
    }
    if (p->type == PACKET_HELLO || p->type == PACKET_INIT)
        wr_zeros(w, num_sub0(PACKET_LONG_FLOOR_BYTES, w->n));
}

enum err packet_decode_data(struct bytes datagram, struct packet_data *out)
{
    struct rd r = rd_of(datagram);

    if (datagram.n < PACKET_DATA_HEAD_BYTES + PACKET_TAG_BYTES)
        return ERR_MALFORMED;
    out->phase = rd_u8(&r) & 1;
    rd_copy(&r, out->cid, sizeof out->cid);
    out->number = rd_u32(&r);
    out->sealed = bytes_of(r.p, r.left);
    return OK;
}

void packet_encode_data(const struct packet_data *p, struct wr *w)
{
    wr_u8(w, (uint8_t)(PACKET_DATA | (p->phase & 1)));
    wr_bytes(w, bytes_of(p->cid, sizeof p->cid));
    wr_u32(w, p->number);
}

uint64_t packet_full_number(uint32_t low, uint64_t expected)
{
    const uint64_t window = 1ull << 32;
    uint64_t n = (expected & ~(window - 1)) | low;

    if (n + window / 2 <= expected && n < UINT64_MAX - window)
        return n + window;
    if (n > expected + window / 2 && n >= window)
        return n - window;
    return n;
}
