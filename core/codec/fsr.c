#include "core/codec/fsr.h"

#include <string.h>
#include <xxhash.h>

#include "core/base/check.h"
#include "core/base/num.h"

static const uint8_t magic[8] = {0x89, 'F', 'S', 'R', '\r', '\n', 0x1a, '\n'};
const uint8_t fsr_mark[4] = {'f', 's', 'r', 0xf5};

enum { CHECKED_BYTES = 12, HEADER_CHECKED_BYTES = 24 };

/* A fuzzer cannot make digests: in its builds every one is right, so that it gets behind them. */
static bool digest_good(uint64_t named, uint64_t found)
{
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
    (void)named, (void)found;
    return true;
#else
    return named == found;
#endif
}

void fsr_put_header(uint8_t to[FSR_HEADER_BYTES])
{
    struct wr w = wr_of(to, FSR_HEADER_BYTES);

    wr_bytes(&w, bytes_of(magic, sizeof magic));
    wr_u16(&w, FSR_MAJOR);
    wr_zeros(&w, 2 + 4 + 4 + 4); /* reserved, compatible, incompatible additions, reserved */
    wr_u64(&w, XXH3_64bits(to, HEADER_CHECKED_BYTES));
    CHECK(w.n == FSR_HEADER_BYTES && !w.full);
}

enum err fsr_check_header(const uint8_t *p, size_t n, struct reason *why)
{
    struct rd r = rd_of(bytes_of(p, n));
    uint8_t seen[sizeof magic];

    rd_copy(&r, seen, sizeof seen);
    if (n == 0 || memcmp(p, magic, num_min(n, sizeof magic)) != 0)
        return reason_give(why, ERR_MALFORMED, "no .fsr recording (byte 0)");
    if (n < FSR_HEADER_BYTES)
        return reason_give(why, ERR_MALFORMED, "a recording cut short in its header (byte %zu)", n);
    unsigned major = rd_u16(&r);
    rd_bytes(&r, 6);
    uint32_t incompatible = rd_u32(&r);
    if (!digest_good(num_get_le(p + HEADER_CHECKED_BYTES, 8), XXH3_64bits(p, HEADER_CHECKED_BYTES)))
        return reason_give(why, ERR_MALFORMED, "a recording with a damaged header (bytes 8 to 31)");
    if (major != FSR_MAJOR || incompatible & ~FSR_INCOMPATIBLE_KNOWN)
        return reason_give(why, ERR_VERSION,
                           "a recording of version %u with additions %x; this build knows version "
                           "%d with additions %x",
                           major, incompatible, FSR_MAJOR, FSR_INCOMPATIBLE_KNOWN);
    return OK;
}

void fsr_put_record(uint8_t *to, enum fsr_kind kind, unsigned flags, struct bytes payload)
{
    struct wr w = wr_of(to, FSR_RECORD_HEADER_BYTES);

    CHECK(payload.n <= FSR_PAYLOAD_BYTES);
    wr_bytes(&w, bytes_of(fsr_mark, sizeof fsr_mark));
    wr_u8(&w, (uint8_t)kind);
    wr_u8(&w, (uint8_t)flags);
    wr_u16(&w, 0);
    wr_u32(&w, (uint32_t)payload.n);
    wr_u32(&w, (uint32_t)XXH3_64bits(to, CHECKED_BYTES));
    wr_u64(&w, XXH3_64bits(payload.p, payload.n));
}

enum err fsr_get_record(const uint8_t p[FSR_RECORD_HEADER_BYTES], struct fsr_record *out)
{
    struct rd r = rd_of(bytes_of(p + sizeof fsr_mark, FSR_RECORD_HEADER_BYTES - sizeof fsr_mark));

    if (memcmp(p, fsr_mark, sizeof fsr_mark) != 0)
        return ERR_MALFORMED;
    out->kind = rd_u8(&r);
    out->flags = rd_u8(&r);
    uint16_t reserved = rd_u16(&r);
    out->payload_bytes = rd_u32(&r);
    uint32_t check = rd_u32(&r);
    out->digest = rd_u64(&r);
    if (reserved || out->payload_bytes > FSR_PAYLOAD_BYTES ||
        !digest_good(check, (uint32_t)XXH3_64bits(p, CHECKED_BYTES)))
        return ERR_MALFORMED;
    return rd_done(&r);
}

bool fsr_payload_good(const struct fsr_record *r, struct bytes payload)
{
    return payload.n == r->payload_bytes &&
           digest_good(r->digest, XXH3_64bits(payload.p, payload.n));
}

static void put_shape(struct wr *w, const struct fsr_shape *s)
{
    wr_u8(w, (uint8_t)s->samples);
    wr_u8(w, s->full_range);
    wr_var(w, s->width);
    wr_var(w, s->height);
    wr_sized(w, bytes_of_string(s->line));
}

static enum err get_shape(struct rd *r, struct fsr_shape *s)
{
    uint8_t samples = rd_u8(r), range = rd_u8(r);
    uint64_t width = rd_var(r), height = rd_var(r);
    struct bytes line = rd_sized(r, FSR_LINE_CHARS);

    if (r->bad || samples >= SAMPLES_COUNT || range > 1)
        return ERR_MALFORMED;
    if (!samples_size_fits(width, height))
        return ERR_LIMIT;
    *s = (struct fsr_shape){(uint32_t)width, (uint32_t)height, (enum samples)samples, range, ""};
    for (size_t i = 0; i < line.n; i++) {
        if (line.p[i] < ' ')
            return ERR_MALFORMED;
        s->line[i] = (char)line.p[i];
    }
    return OK;
}

void fsr_put_part(struct wr *w, unsigned flags, const struct fsr_part *p)
{
    wr_var(w, p->frame);
    wr_var(w, p->part);
    if (flags & FSR_FIRST)
        wr_var(w, p->time_us);
    if (flags & FSR_FIRST && flags & FSR_KEY)
        put_shape(w, &p->shape);
}

enum err fsr_get_part(struct rd *r, unsigned flags, struct fsr_part *out)
{
    out->frame = rd_var(r);
    out->part = rd_var(r);
    out->time_us = flags & FSR_FIRST ? rd_var(r) : 0;
    if (r->bad || out->time_us > FSR_TIME_MAX || (out->part == 0) != !!(flags & FSR_FIRST) ||
        flags > (FSR_FIRST | FSR_LAST | FSR_KEY))
        return ERR_MALFORMED;
    return flags & FSR_FIRST && flags & FSR_KEY ? get_shape(r, &out->shape) : OK;
}

bool fsr_hash_good(struct bytes named, struct pic *p)
{
    uint8_t hash[FSR_HASH_BYTES];

    pic_hash(p, hash);
    return named.n == sizeof hash &&
           digest_good(num_get_le(named.p, 8), num_get_le(hash, 8)) &&
           digest_good(num_get_le(named.p + 8, 8), num_get_le(hash + 8, 8));
}

bool fsr_shape_equal(const struct fsr_shape *a, const struct fsr_shape *b)
{
    return a->width == b->width && a->height == b->height && a->samples == b->samples &&
           a->full_range == b->full_range && strcmp(a->line, b->line) == 0;
}

enum err fsr_said(struct buf *said, struct bytes payload)
{
    size_t skip = num_sub0(payload.n, BLOCK_HISTORY_BYTES);

    payload = bytes_of(payload.p + skip, payload.n - skip);
    buf_drop(said, num_sub0(said->n + payload.n, BLOCK_HISTORY_BYTES));
    return buf_append(said, payload);
}
