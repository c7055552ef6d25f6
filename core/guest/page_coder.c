#include "core/guest/page_coder.h"

#include <string.h>

#include "core/base/buf.h"
#include "core/base/heap.h"
#include "core/base/log.h"
#include "core/base/num.h"
#include "core/base/wr.h"
#include "core/guest/page_code.h"
#include "core/guest/page_memory.h"
#include "core/guest/stream_end.h"

enum {
    OUT_BYTES = 64 << 20, /* more than is ever put before it is taken */
    OP_BYTES = 1 + 8,
    WORDS = RAM_PAGE_BYTES / PAGE_WORD_BYTES
};

struct page_coder {
    const char *folder; /* borrowed */
    struct ram_stream stream;
    struct page_memory memory;
    bool remembers;           /* there is a memory; else no page is named */
    struct stream_hash *hash; /* owned */
    uint64_t bytes;
    struct buf raw, out;
    uint64_t fill_run, same_run; /* pages that wait to be told together; one of them is 0 */
    uint8_t head[RAM_HEAD_BYTES];
    bool held; /* a head that was expected: it goes with its page */
    uint8_t page[RAM_PAGE_BYTES];
    size_t page_n;
    const struct known_list *known; /* borrowed; NULL: none */
    uint64_t next_entry;            /* after the one that was named last */
    struct page_counters counters;
    struct stream_end end;
};

enum err page_coder_new(const char *folder, struct page_coder **out)
{
    struct page_coder *c = heap_alloc(sizeof *c);

    *out = c;
    if (!c)
        return ERR_MEMORY;
    c->folder = folder;
    buf_init(&c->raw, OUT_BYTES);
    buf_init(&c->out, OUT_BYTES);
    enum err e = stream_hash_new(&c->hash);
    if (e) {
        page_coder_free(c);
        *out = NULL;
    }
    return e;
}

void page_coder_know(struct page_coder *c, const struct known_list *known)
{
    c->known = known;
}

void page_coder_free(struct page_coder *c)
{
    if (!c)
        return;
    page_memory_close(&c->memory);
    stream_hash_free(c->hash);
    buf_release(&c->raw);
    buf_release(&c->out);
    heap_free(c);
}

struct bytes page_coder_output(const struct page_coder *c)
{
    return buf_bytes(&c->out);
}

void page_coder_sent(struct page_coder *c, size_t n)
{
    buf_drop(&c->out, n);
}

uint64_t page_coder_bytes(const struct page_coder *c)
{
    return c->bytes;
}

void page_coder_digest(const struct page_coder *c, uint8_t hash[STREAM_HASH_BYTES], uint64_t *bytes)
{
    stream_hash_now(c->hash, hash);
    *bytes = c->bytes;
}

bool page_coder_all_written(const struct page_coder *c)
{
    return stream_end_reached(&c->end);
}

struct page_counters page_coder_counters(const struct page_coder *c)
{
    return c->counters;
}

/* ---- words ---- */

static enum err put_op(struct page_coder *c, unsigned op, uint64_t number)
{
    uint8_t space[OP_BYTES];
    struct wr w = wr_of(space, sizeof space);

    wr_u8(&w, (uint8_t)op);
    wr_var(&w, number);
    return buf_append(&c->out, wr_done(&w));
}

static enum err put_plain(struct page_coder *c, unsigned op)
{
    uint8_t byte = (uint8_t)op;

    return buf_append(&c->out, bytes_of(&byte, 1));
}

static enum err flush_runs(struct page_coder *c)
{
    enum err e = OK;

    if (c->fill_run)
        e = put_op(c, PAGE_FILL_RUN, c->fill_run);
    if (!e && c->same_run)
        e = put_op(c, PAGE_SAME_RUN, c->same_run);
    c->fill_run = c->same_run = 0;
    return e;
}

static enum err flush_raw(struct page_coder *c)
{
    if (c->raw.n == 0)
        return OK;
    enum err e = put_op(c, PAGE_RAW, c->raw.n);
    if (!e)
        e = buf_append(&c->out, buf_bytes(&c->raw));
    c->counters.raw_bytes += c->raw.n;
    c->raw.n = 0;
    return e;
}

/* Bytes as they are: after the runs that stand before them. */
static enum err put_raw(struct page_coder *c, struct bytes b)
{
    enum err e = flush_runs(c);

    return e ? e : buf_append(&c->raw, b);
}

/* ---- pages ---- */

static bool in_memory(const struct page_coder *c, uint64_t page)
{
    return c->remembers && page < c->memory.pages;
}

static enum err on_fill(struct page_coder *c, const struct ram_item *i)
{
    uint8_t byte = i->bytes.p[0];

    if (in_memory(c, i->page))
        page_memory_fill(&c->memory, i->page, byte);
    c->counters.fills++;
    if (c->held && byte == 0) {
        c->held = false;
        enum err e = flush_raw(c);
        if (!e && c->same_run)
            e = flush_runs(c);
        c->fill_run++;
        return e;
    }
    enum err e = c->held ? put_raw(c, bytes_of(c->head, sizeof c->head)) : OK;
    c->held = false;
    return e ? e : put_raw(c, i->bytes);
}

/* Writes how `now` differs from `old`; false: in too much. */
static bool make_delta(const uint8_t *old, const uint8_t *now, struct wr *w)
{
    size_t at = 0;

    while (at < WORDS) {
        size_t from = at, stay, change;
        while (at < WORDS && memcmp(old + at * 8, now + at * 8, 8) == 0)
            at++;
        stay = at - from;
        from = at;
        while (at < WORDS && memcmp(old + at * 8, now + at * 8, 8) != 0)
            at++;
        change = at - from;
        wr_var(w, stay);
        wr_var(w, change);
        wr_bytes(w, bytes_of(now + from * 8, change * 8));
        if (w->full)
            return false;
    }
    return true;
}

/* The content of a page that was seen before; false: it is not what the hash says. */
static enum err same_as(const struct page_coder *c, uint64_t other, bool *same)
{
    uint8_t old[RAM_PAGE_BYTES];
    enum err e = page_memory_get(&c->memory, other, old);

    *same = !e && memcmp(old, c->page, sizeof old) == 0;
    return e;
}

static enum err put_literal(struct page_coder *c, unsigned next)
{
    enum err e = put_plain(c, PAGE_LITERAL | next);

    c->counters.literals++;
    return e ? e : buf_append(&c->out, bytes_of(c->page, sizeof c->page));
}

/* Nobody has this content: what has changed, or all of it. */
static enum err put_changed(struct page_coder *c, uint64_t page, unsigned next)
{
    uint8_t old[RAM_PAGE_BYTES], space[PAGE_DELTA_MOST];
    struct wr w = wr_of(space, sizeof space);

    if (!page_memory_has(&c->memory, page))
        return put_literal(c, next);
    enum err e = page_memory_get(&c->memory, page, old);
    if (e || !make_delta(old, c->page, &w))
        return e ? e : put_literal(c, next);
    c->counters.deltas++;
    e = put_op(c, PAGE_DELTA | next, w.n);
    return e ? e : buf_append(&c->out, wr_done(&w));
}

static enum err put_same(struct page_coder *c, unsigned next)
{
    c->counters.same++;
    if (!next)
        return put_plain(c, PAGE_SAME);
    c->same_run++;
    return OK;
}

/* Names the page, when the destination has it. */
static enum err put_known(struct page_coder *c, unsigned next, bool *put)
{
    uint32_t entry;

    *put = c->known && c->known->index.n &&
           content_index_find(&c->known->index, content_print_of(&c->known->key, c->page).name,
                              &entry);
    if (!*put)
        return OK;
    int64_t further = (int64_t)((uint64_t)entry - c->next_entry);
    c->next_entry = (uint64_t)entry + 1;
    c->counters.known++;
    return put_op(c, PAGE_KNOWN | next, num_zigzag(further));
}

static enum err put_page(struct page_coder *c, uint64_t page, unsigned next)
{
    uint64_t hash = stream_hash_once(bytes_of(c->page, sizeof c->page)), other;
    struct page_memory *m = &c->memory;
    bool same = false;
    enum err e = OK;

    if (page_memory_may_be(m, page, hash))
        e = same_as(c, page, &same);
    if (e)
        return e;
    if (!(same && next))
        e = flush_runs(c);
    if (same)
        return e ? e : put_same(c, next);
    if (!e && page_memory_find(m, hash, &other)) {
        e = same_as(c, other, &same);
        if (same) {
            c->counters.copies++;
            e = put_op(c, PAGE_COPY | next, other);
        }
    }
    if (!e && !same) {
        e = put_known(c, next, &same);
        if (same) { /* it can be named again: to keep it too would cost more than it gives */
            page_memory_forget(m, page);
            return e;
        }
    }
    if (!e && !same)
        e = put_changed(c, page, next);
    return e ? e : page_memory_put(m, page, c->page, hash);
}

static enum err on_page(struct page_coder *c, uint64_t page)
{
    unsigned next = c->held ? PAGE_NEXT : 0;

    c->held = false;
    c->page_n = 0;
    enum err e = flush_raw(c);
    if (!e && c->fill_run)
        e = flush_runs(c);
    if (e)
        return e;
    if (in_memory(c, page))
        return put_page(c, page, next);
    e = flush_runs(c);
    return e ? e : put_literal(c, next);
}

static enum err on_head(struct page_coder *c, const struct ram_item *i)
{
    if (!i->expected)
        return put_raw(c, i->bytes);
    c->held = true;
    memcpy(c->head, i->bytes.p, sizeof c->head);
    return OK;
}

static enum err on_item(struct page_coder *c, const struct ram_item *i)
{
    switch (i->kind) {
    case RAM_HEAD:
        return on_head(c, i);
    case RAM_FILL:
        return on_fill(c, i);
    case RAM_PART:
        memcpy(c->page + c->page_n, i->bytes.p, i->bytes.n);
        c->page_n += i->bytes.n;
        return c->page_n == RAM_PAGE_BYTES ? on_page(c, i->page) : OK;
    default:
        return put_raw(c, i->bytes);
    }
}

/* Once it is known how many pages there are. Without a memory all goes over as it is. */
static enum err begin_memory(struct page_coder *c)
{
    if (c->memory.pages || c->stream.pages == 0 || c->stream.announced ||
        c->stream.pages > PAGE_MEMORY_MOST)
        return OK;
    enum err e = page_memory_open(&c->memory, c->folder, c->stream.pages, true);
    c->remembers = e == OK;
    return e;
}

enum err page_coder_put(struct page_coder *c, struct bytes b)
{
    bool opaque = ram_stream_opaque(&c->stream);
    struct ram_item i;
    enum err e = OK;
    size_t used;

    stream_hash_add(c->hash, b);
    c->bytes += b.n;
    if (opaque)
        stream_end_take(&c->end, b);
    while (!e && b.n) {
        if (ram_stream_next(&c->stream, b, &used, &i))
            e = on_item(c, &i);
        if (!e)
            e = begin_memory(c);
        b = bytes_of(b.p + used, b.n - used);
    }
    if (!opaque && ram_stream_opaque(&c->stream))
        log_debug("from here on the stream is not looked into: %llu bytes",
                  (unsigned long long)c->bytes);
    if (!e)
        e = flush_raw(c);
    return e ? e : flush_runs(c);
}

enum err page_coder_end(struct page_coder *c)
{
    enum err e = c->held ? put_raw(c, bytes_of(c->head, sizeof c->head)) : OK;

    if (!e)
        e = put_raw(c, bytes_of(c->page, c->page_n));
    if (!e)
        e = put_raw(c, ram_stream_rest(&c->stream));
    c->held = false;
    c->page_n = 0;
    return e ? e : flush_raw(c);
}
