#include "core/codec/fsr_index.h"

#include <string.h>

#include "core/base/check.h"
#include "core/base/heap.h"
#include "core/base/num.h"
#include "core/base/rd.h"
#include "core/base/wr.h"
#include "core/codec/fsr.h"

static const uint8_t tail_mark[4] = {'f', 's', 'r', 'X'};

enum err fsr_index_init(struct fsr_index *x)
{
    *x = (struct fsr_index){.every = 1};
    x->key = heap_array(FSR_INDEX_ENTRIES, sizeof *x->key);
    return x->key ? OK : ERR_MEMORY;
}

void fsr_index_release(struct fsr_index *x)
{
    heap_free(x->key);
    *x = (struct fsr_index){0};
}

void fsr_index_add(struct fsr_index *x, struct fsr_key key)
{
    if (x->seen++ % x->every)
        return;
    if (x->n == FSR_INDEX_ENTRIES) {
        x->n = FSR_INDEX_ENTRIES / 2;
        for (size_t i = 0; i < x->n; i++)
            x->key[i] = x->key[2 * i];
        x->every *= 2; /* the key at hand is an even one: it is kept */
    }
    x->key[x->n++] = key;
}

const struct fsr_key *fsr_index_find(const struct fsr_index *x, uint64_t frame)
{
    size_t lo = 0, hi = x->n; /* keys below lo are at or before, those from hi on after it */

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (x->key[mid].frame <= frame)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo ? &x->key[lo - 1] : NULL;
}

enum err fsr_index_encode(const struct fsr_index *x, struct buf *out)
{
    struct fsr_key last = {0};
    size_t begin = out->n, most = FSR_RECORD_HEADER_BYTES + 40 + x->n * 24;
    enum err e = buf_reserve(out, most);

    if (e)
        return e;
    struct wr w = wr_of(out->p + begin, most);
    wr_zeros(&w, FSR_RECORD_HEADER_BYTES);
    wr_var(&w, x->frames);
    wr_var(&w, x->end_us);
    wr_var(&w, x->n);
    for (size_t i = 0; i < x->n; last = x->key[i++]) {
        wr_var(&w, x->key[i].frame - last.frame);
        wr_var(&w, x->key[i].offset - last.offset);
        wr_u64(&w, x->key[i].time_us);
    }
    wr_u32(&w, (uint32_t)(w.n + FSR_TAIL_BYTES));
    wr_bytes(&w, bytes_of(tail_mark, sizeof tail_mark));
    CHECK(!w.full);
    fsr_put_record(w.p, FSR_INDEX, 0,
                   bytes_of(w.p + FSR_RECORD_HEADER_BYTES, w.n - FSR_RECORD_HEADER_BYTES));
    out->n += w.n;
    return OK;
}

enum err fsr_index_decode(struct fsr_index *x, struct bytes payload, uint64_t end)
{
    struct rd r = rd_of(payload);
    struct fsr_key last = {0};

    x->frames = rd_var(&r);
    x->end_us = rd_var(&r);
    uint64_t n = rd_var(&r);
    if (r.bad || n > FSR_INDEX_ENTRIES || x->end_us > FSR_TIME_MAX)
        return ERR_MALFORMED;
    for (x->n = 0; x->n < n; last = x->key[x->n++]) {
        uint64_t frames = rd_var(&r), bytes = rd_var(&r), time_us = rd_u64(&r);
        struct fsr_key k = {last.frame + frames, last.offset + bytes, time_us};
        if (r.bad || (x->n && frames == 0) || bytes == 0 || k.frame >= x->frames ||
            k.offset < FSR_HEADER_BYTES || k.offset >= end || time_us > FSR_TIME_MAX)
            return ERR_MALFORMED;
        x->key[x->n] = k;
    }
    rd_bytes(&r, FSR_TAIL_BYTES);
    return rd_done(&r);
}

enum err fsr_index_locate(const uint8_t *tail, uint64_t size_bytes, uint64_t *offset)
{
    uint64_t n = num_get_le(tail, 4);

    if (memcmp(tail + 4, tail_mark, sizeof tail_mark) != 0 || n > FSR_RECORD_BYTES ||
        n < FSR_RECORD_HEADER_BYTES + FSR_TAIL_BYTES || n > num_sub0(size_bytes, FSR_HEADER_BYTES))
        return ERR_MALFORMED;
    *offset = size_bytes - n;
    return OK;
}
