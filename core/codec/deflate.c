#include "core/codec/deflate.h"

#include "core/base/heap.h"
#include "core/base/num.h"

enum {
    WINDOW = 32768, /* how far back a match may be */
    ROOM = 4 * WINDOW,
    HASH_BITS = 15,
    MATCH_MIN = 3,
    MATCH_MAX = 258,
    DEPTH = 24, /* candidates looked at */
    GOOD = 64,  /* a match of this length is taken at once */
    OUT_ROOM = 32768,
    LITERALS = 288,
    END_OF_BLOCK = 256
};

struct deflate {
    struct io_out *out; /* borrowed */
    uint64_t bits;      /* not yet written, lowest first */
    unsigned bit_count;
    size_t out_bytes;
    size_t done;           /* bytes of the window that are coded, all of which are in the tables */
    size_t n;              /* bytes in the window */
    uint32_t sum_a, sum_b; /* Adler-32 */
    uint32_t head[1 << HASH_BITS]; /* newest place of a hash, plus 1 */
    uint32_t before[ROOM];         /* the place before with the same hash, plus 1 */
    uint16_t code[LITERALS];       /* fixed literal codes, first bit lowest */
    uint8_t code_bits[LITERALS];
    uint8_t window[ROOM];
    uint8_t space[OUT_ROOM];
};

static uint32_t reversed(uint32_t v, unsigned n)
{
    uint32_t r = 0;

    for (unsigned i = 0; i < n; i++, v >>= 1)
        r = r << 1 | (v & 1);
    return r;
}

/* RFC 1951, 3.2.6. */
static void make_codes(struct deflate *d)
{
    for (unsigned i = 0; i < LITERALS; i++) {
        unsigned n = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
        unsigned v = i < 144   ? 0x30 + i
                     : i < 256 ? 0x190 + i - 144
                     : i < 280 ? i - 256
                               : 0xc0 + i - 280;
        d->code[i] = (uint16_t)reversed(v, n);
        d->code_bits[i] = (uint8_t)n;
    }
}

static void put_bits(struct deflate *d, uint32_t v, unsigned n)
{
    d->bits |= (uint64_t)v << d->bit_count;
    for (d->bit_count += n; d->bit_count >= 8; d->bit_count -= 8, d->bits >>= 8)
        d->space[d->out_bytes++] = (uint8_t)d->bits;
}

static void put_literal(struct deflate *d, unsigned symbol)
{
    put_bits(d, d->code[symbol], d->code_bits[symbol]);
}

/* RFC 1951, 3.2.5: from 8 on, every power of two is cut in four lengths; distances from 4 in two.
 */
static void put_match(struct deflate *d, unsigned length, unsigned distance)
{
    unsigned v = length - MATCH_MIN, extra = 0;

    if (length == MATCH_MAX) {
        put_literal(d, 285);
    } else {
        if (v >= 8)
            extra = 29 - (unsigned)__builtin_clz(v);
        put_literal(d, 257 + 4 * extra + (v >> extra));
        put_bits(d, v & ((1u << extra) - 1), extra);
    }
    v = distance - 1;
    extra = v >= 4 ? 30 - (unsigned)__builtin_clz(v) : 0;
    put_bits(d, reversed(2 * extra + (v >> extra), 5), 5);
    put_bits(d, v & ((1u << extra) - 1), extra);
}

static enum err flush(struct deflate *d)
{
    enum err e = d->out_bytes ? d->out->write(d->out, bytes_of(d->space, d->out_bytes)) : OK;

    d->out_bytes = 0;
    return e;
}

static uint32_t hash_of(const uint8_t *p)
{
    uint32_t v = p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16;

    return v * 0x9e3779b1u >> (32 - HASH_BITS);
}

static void remember(struct deflate *d, size_t at)
{
    if (d->n - at < MATCH_MIN)
        return;
    uint32_t *head = &d->head[hash_of(d->window + at)];
    d->before[at] = *head;
    *head = (uint32_t)at + 1;
}

/* The longest match for what is at `at`, or 0. */
static unsigned find_match(const struct deflate *d, size_t at, unsigned *distance)
{
    const uint8_t *p = d->window + at;
    unsigned most = (unsigned)num_min(MATCH_MAX, d->n - at), best = MATCH_MIN - 1;

    if (most < MATCH_MIN)
        return 0;
    uint32_t next = d->head[hash_of(p)];
    for (int i = 0; i < DEPTH && next && at - (next - 1) <= WINDOW; i++) {
        const uint8_t *q = d->window + next - 1;
        unsigned n = 0;
        if (q[best] == p[best])
            while (n < most && q[n] == p[n])
                n++;
        if (n > best) {
            best = n;
            *distance = (unsigned)(p - q);
            if (n >= GOOD || n == most)
                break;
        }
        next = d->before[next - 1];
    }
    return best >= MATCH_MIN ? best : 0;
}

/* Codes the window up to `end`, matches reaching beyond it where there are bytes. */
static enum err code_until(struct deflate *d, size_t end)
{
    while (d->done < end) {
        unsigned distance = 0, length = find_match(d, d->done, &distance);

        if (length)
            put_match(d, length, distance);
        else
            put_literal(d, d->window[d->done]);
        for (unsigned i = 0; i < (length ? length : 1); i++)
            remember(d, d->done++);
        if (d->out_bytes > OUT_ROOM - 64) {
            enum err e = flush(d);
            if (e)
                return e;
        }
    }
    return OK;
}

/* Drops what is too old to be matched. */
static void slide(struct deflate *d)
{
    size_t by = d->done - WINDOW;

    memmove(d->window, d->window + by, d->n - by);
    for (size_t i = 0; i < COUNT_OF(d->head); i++)
        d->head[i] = (uint32_t)num_sub0(d->head[i], by);
    for (size_t i = by; i < d->n; i++)
        d->before[i - by] = (uint32_t)num_sub0(d->before[i], by);
    d->done -= by;
    d->n -= by;
}

static void add_sum(struct deflate *d, struct bytes data)
{
    while (data.n) {
        size_t n = num_min(data.n, 5552); /* RFC 1950: the most before a sum may overflow */
        for (size_t i = 0; i < n; i++)
            d->sum_b += d->sum_a += data.p[i];
        d->sum_a %= 65521;
        d->sum_b %= 65521;
        data = bytes_of(data.p + n, data.n - n);
    }
}

struct deflate *deflate_new(struct io_out *out)
{
    struct deflate *d = heap_alloc(sizeof *d);

    if (!d)
        return NULL;
    d->out = out;
    d->sum_a = 1;
    make_codes(d);
    put_bits(d, 0x78, 8);
    put_bits(d, 0x9c, 8);
    put_bits(d, 1 | 1 << 1, 3); /* the last block, fixed codes */
    return d;
}

void deflate_free(struct deflate *d)
{
    heap_free(d);
}

enum err deflate_add(struct deflate *d, struct bytes data)
{
    enum err e = OK;

    add_sum(d, data);
    while (!e && data.n) {
        size_t n = num_min(data.n, ROOM - d->n);
        memcpy(d->window + d->n, data.p, n);
        d->n += n;
        data = bytes_of(data.p + n, data.n - n);
        if (d->n < ROOM)
            break;
        e = code_until(d, d->n - MATCH_MAX);
        slide(d);
    }
    return e;
}

enum err deflate_finish(struct deflate *d)
{
    enum err e = code_until(d, d->n);

    if (e)
        return e;
    put_literal(d, END_OF_BLOCK);
    put_bits(d, 0, (8 - d->bit_count) & 7);
    uint32_t sum = d->sum_b << 16 | d->sum_a;
    for (int shift = 24; shift >= 0; shift -= 8)
        put_bits(d, sum >> shift & 255, 8);
    return flush(d);
}
