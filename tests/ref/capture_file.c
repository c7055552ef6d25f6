#include "tests/ref/capture_file.h"

#include <string.h>

#include "core/base/check.h"
#include "core/base/num.h"

static void put(struct capture_file *f, struct bytes data)
{
    CHECK(buf_append(&f->buf, data) == OK);
}

static void put_number(struct capture_file *f, size_t n, uint64_t v)
{
    uint8_t raw[8];

    num_put_le(raw, n, v);
    put(f, bytes_of(raw, n));
}

static void put_data(struct capture_file *f, struct bytes data)
{
    put_number(f, 4, data.n);
    put(f, data);
}

static void put_addr(struct capture_file *f, const struct addr *a)
{
    put_number(f, 1, a->family);
    put(f, bytes_of(a->ip, sizeof a->ip));
    put_number(f, 2, a->port);
}

static void begin(struct capture_file *f, enum capture_kind kind, uint8_t side, uint64_t now_us)
{
    put_number(f, 1, kind);
    put_number(f, 1, side);
    put_number(f, 8, now_us);
}

static void begin_in(struct capture_file *f, enum capture_kind kind, uint8_t side, uint64_t now_us,
                     uint32_t session)
{
    begin(f, kind, side, now_us);
    put_number(f, 4, session);
}

void capture_file_init(struct capture_file *f)
{
    memset(f, 0, sizeof *f);
    buf_init(&f->buf, CAPTURE_BYTES_MAX);
    put(f, bytes_of_string("farspan capture 1\n"));
}

void capture_file_release(struct capture_file *f)
{
    buf_release(&f->buf);
}

void capture_file_given(struct capture_file *f, uint8_t side, enum capture_what what,
                        struct bytes data)
{
    begin(f, CAPTURE_GIVEN, side, 0);
    put_number(f, 1, what);
    put_data(f, data);
}

void capture_file_sent(struct capture_file *f, uint8_t side, uint64_t now_us,
                       const struct addr *from, const struct addr *to, uint8_t ecn,
                       struct bytes data)
{
    begin(f, CAPTURE_SENT, side, now_us);
    put_addr(f, from);
    put_addr(f, to);
    put_number(f, 1, ecn);
    put_number(f, 4, data.n);
    CHECK(f->sent < CAPTURE_SENT_MAX);
    f->at[f->sent] = f->buf.n;
    f->bytes[f->sent] = (uint16_t)data.n;
    f->side[f->sent++] = side;
    put(f, data);
}

/* The newest datagram of the other side that is this one; CAPTURE_SENT_MAX: it was changed. */
static size_t sent_as(const struct capture_file *f, uint8_t side, struct bytes data)
{
    for (size_t i = f->sent; i-- > 0;)
        if (f->side[i] != side && f->bytes[i] == data.n &&
            memcmp(f->buf.p + f->at[i], data.p, data.n) == 0)
            return i;
    return CAPTURE_SENT_MAX;
}

void capture_file_arrived(struct capture_file *f, uint8_t side, uint64_t now_us,
                          const struct addr *from, const struct addr *to, uint8_t ecn,
                          struct bytes data)
{
    size_t index = sent_as(f, side, data);

    begin(f, CAPTURE_ARRIVED, side, now_us);
    put_addr(f, from);
    put_addr(f, to);
    put_number(f, 1, ecn);
    put_number(f, 4, index == CAPTURE_SENT_MAX ? UINT32_MAX : index);
    put_data(f, index == CAPTURE_SENT_MAX ? data : bytes_of(NULL, 0));
}

void capture_file_stream(struct capture_file *f, enum capture_kind kind, uint8_t side,
                         uint64_t now_us, uint32_t session, uint64_t stream, uint64_t value)
{
    begin_in(f, kind, side, now_us, session);
    put_number(f, 8, stream);
    if (kind == CAPTURE_OPENED)
        put_number(f, 1, value);
    else if (kind == CAPTURE_RESET || kind == CAPTURE_STOPPED || kind == CAPTURE_READ_RESET)
        put_number(f, 8, value);
}

void capture_file_bytes(struct capture_file *f, enum capture_kind kind, uint8_t side,
                        uint64_t now_us, uint32_t session, uint64_t stream, struct bytes data)
{
    begin_in(f, kind, side, now_us, session);
    put_number(f, 8, stream);
    put_data(f, data);
}

void capture_file_said(struct capture_file *f, uint8_t side, uint64_t now_us, uint32_t session,
                       uint64_t number, uint8_t channel, struct bytes data)
{
    begin_in(f, CAPTURE_SAID, side, now_us, session);
    put_number(f, 8, number);
    put_number(f, 1, channel);
    put_data(f, data);
}

void capture_file_heard(struct capture_file *f, uint8_t side, uint64_t now_us, uint32_t session,
                        uint8_t channel, struct bytes data)
{
    begin_in(f, CAPTURE_HEARD, side, now_us, session);
    put_number(f, 1, channel);
    put_data(f, data);
}

void capture_file_end(struct capture_file *f, enum capture_kind kind, uint8_t side, uint64_t now_us,
                      uint32_t session, uint32_t error, const char *reason)
{
    begin_in(f, kind, side, now_us, session);
    put_number(f, 4, error);
    put_data(f, bytes_of_string(reason));
}

void capture_file_connected(struct capture_file *f, uint8_t side, uint64_t now_us, uint32_t session)
{
    begin_in(f, CAPTURE_CONNECTED, side, now_us, session);
}
