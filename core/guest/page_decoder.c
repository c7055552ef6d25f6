#include "core/guest/page_decoder.h"

#include <string.h>

#include "core/base/buf.h"
#include "core/base/heap.h"
#include "core/base/num.h"
#include "core/base/rd.h"
#include "core/guest/page_code.h"
#include "core/guest/page_memory.h"

enum {
    OUT_FULL_BYTES = 256 * 1024, /* then nothing more is made before some is taken */
    OUT_BYTES = 2 * OUT_FULL_BYTES,
    WORD_BYTES = 9 /* the longest word without what follows it */
};

_Static_assert((int)RAM_PAGE_BYTES == (int)CONTENT_BLOCK_BYTES, "pages are blocks of the store");

struct page_decoder {
    const char *folder; /* borrowed */
    struct ram_stream stream;
    struct page_memory memory;
    struct stream_hash *hash; /* owned */
    uint64_t bytes;
    struct buf in;  /* a word that is not whole yet, with what follows it */
    struct buf out; /* made, not taken yet */
    uint64_t raw_left, run_left;
    unsigned run; /* PAGE_FILL_RUN or PAGE_SAME_RUN */
    uint8_t page[RAM_PAGE_BYTES];
    size_t page_n;               /* of a page that comes as it is */
    struct content_store *store; /* borrowed; NULL: none */
    uint64_t next_entry;         /* after the one that was named last */
    bool entry;                  /* what comes out is an entry */
};

enum err page_decoder_new(const char *folder, struct page_decoder **out)
{
    struct page_decoder *d = heap_alloc(sizeof *d);

    *out = d;
    if (!d)
        return ERR_MEMORY;
    d->folder = folder;
    buf_init(&d->in, WORD_BYTES + RAM_PAGE_BYTES);
    buf_init(&d->out, OUT_BYTES);
    enum err e = stream_hash_new(&d->hash);
    if (!e)
        e = buf_reserve(&d->out, OUT_BYTES);
    if (e) {
        page_decoder_free(d);
        *out = NULL;
    }
    return e;
}

void page_decoder_know(struct page_decoder *d, struct content_store *store)
{
    d->store = store;
}

void page_decoder_free(struct page_decoder *d)
{
    if (!d)
        return;
    page_memory_close(&d->memory);
    stream_hash_free(d->hash);
    buf_release(&d->in);
    buf_release(&d->out);
    heap_free(d);
}

struct bytes page_decoder_output(const struct page_decoder *d)
{
    return buf_bytes(&d->out);
}

void page_decoder_taken(struct page_decoder *d, size_t n)
{
    buf_drop(&d->out, n);
}

uint64_t page_decoder_given(const struct page_decoder *d)
{
    return d->bytes - d->out.n;
}

void page_decoder_digest(const struct page_decoder *d, uint8_t hash[STREAM_HASH_BYTES],
                         uint64_t *bytes)
{
    stream_hash_now(d->hash, hash);
    *bytes = d->bytes;
}

/* ---- what comes out ---- */

/* As page_coder does it, so that both know the same pages. */
static enum err begin_memory(struct page_decoder *d)
{
    if (d->memory.pages || d->stream.pages == 0 || d->stream.announced ||
        d->stream.pages > PAGE_MEMORY_MOST)
        return OK;
    return page_memory_open(&d->memory, d->folder, d->stream.pages, false);
}

static enum err note(struct page_decoder *d, const struct ram_item *i)
{
    if (i->kind == RAM_FILL && i->page < d->memory.pages)
        page_memory_fill(&d->memory, i->page, i->bytes.p[0]);
    if (i->kind != RAM_PART)
        return OK;
    memcpy(d->page + d->page_n, i->bytes.p, i->bytes.n);
    d->page_n += i->bytes.n;
    if (d->page_n < RAM_PAGE_BYTES)
        return OK;
    d->page_n = 0;
    if (i->page >= d->memory.pages)
        return OK;
    if (!d->entry)
        return page_memory_put(&d->memory, i->page, d->page, 0);
    page_memory_forget(&d->memory, i->page); /* the source has not kept it either */
    return OK;
}

/* Bytes of the stream: out, and what they mean is kept in mind. */
static enum err emit(struct page_decoder *d, struct bytes b)
{
    struct ram_item i;
    enum err e = buf_append(&d->out, b);
    size_t used;

    stream_hash_add(d->hash, b);
    d->bytes += b.n;
    while (!e && b.n) {
        if (ram_stream_next(&d->stream, b, &used, &i))
            e = note(d, &i);
        if (!e)
            e = begin_memory(d);
        b = bytes_of(b.p + used, b.n - used);
    }
    return e;
}

static enum err emit_head(struct page_decoder *d, bool fill)
{
    uint8_t head[RAM_HEAD_BYTES];

    return ram_stream_expect(&d->stream, fill, head) ? emit(d, bytes_of(head, sizeof head))
                                                     : ERR_MALFORMED;
}

/* A page's content, where one is due. */
static enum err emit_page(struct page_decoder *d, const uint8_t *content)
{
    if (!ram_stream_in_page(&d->stream) || d->page_n)
        return ERR_MALFORMED;
    return emit(d, bytes_of(content, RAM_PAGE_BYTES));
}

static enum err emit_known(struct page_decoder *d, uint64_t page)
{
    uint8_t content[RAM_PAGE_BYTES];

    if (!page_memory_has(&d->memory, page))
        return ERR_MALFORMED;
    enum err e = page_memory_get(&d->memory, page, content);
    return e ? e : emit_page(d, content);
}

static enum err emit_changed(struct page_decoder *d, struct bytes delta)
{
    uint8_t content[RAM_PAGE_BYTES];
    struct rd r = rd_of(delta);
    size_t at = 0;

    if (!page_memory_has(&d->memory, d->stream.page))
        return ERR_MALFORMED;
    enum err e = page_memory_get(&d->memory, d->stream.page, content);
    while (!e && at < RAM_PAGE_BYTES) {
        uint64_t stay = rd_var(&r), change = rd_var(&r), left = (RAM_PAGE_BYTES - at) / 8;
        if (r.bad || stay > left || change > left - stay || stay + change == 0)
            return ERR_MALFORMED;
        at += stay * PAGE_WORD_BYTES;
        rd_copy(&r, content + at, change * PAGE_WORD_BYTES);
        at += change * PAGE_WORD_BYTES;
    }
    if (!e)
        e = rd_done(&r);
    return e ? e : emit_page(d, content);
}

/* A page whose content the store has, and that is named by how much further its entry is. */
static enum err emit_entry(struct page_decoder *d, int64_t further)
{
    uint64_t entry = d->next_entry + (uint64_t)further, check;
    uint8_t content[RAM_PAGE_BYTES];
    enum err e = d->store ? content_store_get(d->store, entry, content, &check) : ERR_MALFORMED;

    d->next_entry = entry + 1;
    if (e)
        return e;
    d->entry = true;
    e = emit_page(d, content);
    d->entry = false;
    return e;
}

/* A page that comes as it is, for others like it. */
static enum err emit_literal(struct page_decoder *d, const uint8_t *content)
{
    if (d->store)
        content_store_keep(d->store, content);
    return emit_page(d, content);
}

/* ---- words ---- */

/* One page of a run. */
static enum err go_on_run(struct page_decoder *d)
{
    static const uint8_t zero;
    enum err e = emit_head(d, d->run == PAGE_FILL_RUN);

    d->run_left--;
    if (e)
        return e;
    return d->run == PAGE_FILL_RUN ? emit(d, bytes_of(&zero, 1)) : emit_known(d, d->stream.page);
}

/* Reads the word in `in`: its op, what it says, how many bytes follow. ERR_AGAIN: it is not whole,
 * and *missing bytes at least belong to it. */
static enum err read_word(const struct page_decoder *d, unsigned *op, uint64_t *number,
                          size_t *follow, size_t *missing)
{
    struct rd r = rd_of(buf_bytes(&d->in));

    *number = 0;
    *missing = 1;
    *op = rd_u8(&r);
    unsigned kind = *op & ~(unsigned)PAGE_NEXT;
    if (r.bad)
        return ERR_AGAIN;
    if (kind >= PAGE_OPS || (*op & PAGE_NEXT && kind < PAGE_LITERAL))
        return ERR_MALFORMED;
    if (kind != PAGE_LITERAL && kind != PAGE_SAME)
        *number = rd_var(&r);
    if (r.bad)
        return ERR_AGAIN;
    if (kind == PAGE_DELTA && (*number == 0 || *number > PAGE_DELTA_MOST))
        return ERR_MALFORMED;
    *follow = kind == PAGE_LITERAL ? RAM_PAGE_BYTES : kind == PAGE_DELTA ? (size_t)*number : 0;
    *missing = *follow - r.left;
    return r.left < *follow ? ERR_AGAIN : OK;
}

static enum err act(struct page_decoder *d, unsigned op, uint64_t number, struct bytes follow)
{
    enum err e = op & PAGE_NEXT ? emit_head(d, false) : OK;

    if (e)
        return e;
    switch (op & ~(unsigned)PAGE_NEXT) {
    case PAGE_RAW:
        d->raw_left = number;
        return OK;
    case PAGE_FILL_RUN:
    case PAGE_SAME_RUN:
        d->run = op;
        d->run_left = number;
        return OK;
    case PAGE_LITERAL:
        return emit_literal(d, follow.p);
    case PAGE_KNOWN:
        return emit_entry(d, num_unzigzag(number));
    case PAGE_COPY:
        return emit_known(d, number);
    case PAGE_DELTA:
        return emit_changed(d, follow);
    default:
        return emit_known(d, d->stream.page);
    }
}

/* Takes bytes for the word that is being read, none that may be another's; acts when it is whole.
 * ERR_AGAIN: there are too few. */
static enum err next_word(struct page_decoder *d, struct bytes b, size_t *used)
{
    size_t follow = 0, missing;
    uint64_t number;
    unsigned op;
    enum err e;

    *used = 0;
    while ((e = read_word(d, &op, &number, &follow, &missing)) == ERR_AGAIN && *used < b.n) {
        size_t n = num_min(missing, b.n - *used);
        e = buf_append(&d->in, bytes_of(b.p + *used, n));
        if (e)
            return e;
        *used += n;
    }
    if (e)
        return e;
    e = act(d, op, number, bytes_of(d->in.p + d->in.n - follow, follow));
    d->in.n = 0;
    return e;
}

enum err page_decoder_put(struct page_decoder *d, struct bytes b, size_t *used)
{
    enum err e = OK;

    *used = 0;
    while (!e && d->out.n < OUT_FULL_BYTES) {
        struct bytes rest = bytes_of(b.p ? b.p + *used : NULL, b.n - *used);
        size_t n = 0;
        if (d->run_left) {
            e = go_on_run(d);
        } else if (d->raw_left) {
            n = num_min(num_min(rest.n, d->raw_left), OUT_FULL_BYTES);
            if (n == 0)
                break;
            e = emit(d, bytes_of(rest.p, n));
            d->raw_left -= n;
        } else {
            e = next_word(d, rest, &n);
        }
        *used += n;
    }
    return e == ERR_AGAIN ? OK : e;
}
