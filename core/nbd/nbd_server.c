#include "core/nbd/nbd_server.h"

#include <string.h>

#include "core/base/buf.h"
#include "core/base/check.h"
#include "core/base/heap.h"
#include "core/base/limits.h"
#include "core/base/num.h"

enum {
    GREETING_BYTES = 18,
    CLIENT_FLAGS_BYTES = 4,
    OLD_ZEROES = 124,
    IN_BYTES = LIMIT_NBD_PAYLOAD_BYTES + 2 * NBD_REQUEST_BYTES + 256 * 1024,
    OUT_BYTES = LIMIT_NBD_PAYLOAD_BYTES + 1024 * 1024,
    PREFERRED_BYTES = 4096,
    ALLOCATION_ID = 1
};

static const char allocation[] = "base:allocation";

enum stage { GREETED, OPTIONS, TRANSMISSION, PARTED };

struct nbd_server {
    const struct nbd_export *exports; /* borrowed */
    size_t n;
    enum stage stage;
    struct buf in, out;
    size_t at;      /* of `in`: what was taken before stays in its place until more comes */
    bool no_zeroes; /* the client does without them */
    bool structured, status;                /* agreed on */
    const struct nbd_export *status_export; /* for which the context was chosen */
    const struct nbd_export *export;
};

enum err nbd_server_new(const struct nbd_export *exports, size_t n, struct nbd_server **out)
{
    struct nbd_server *s = heap_alloc(sizeof *s);
    uint8_t hello[GREETING_BYTES];

    CHECK(n > 0);
    *out = s;
    if (!s)
        return ERR_MEMORY;
    s->exports = exports;
    s->n = n;
    buf_init(&s->in, IN_BYTES);
    buf_init(&s->out, OUT_BYTES);
    num_put_be(hello, 8, NBD_MAGIC);
    num_put_be(hello + 8, 8, NBD_OPTION_MAGIC);
    num_put_be(hello + 16, 2, NBD_FIXED_NEWSTYLE | NBD_NO_ZEROES);
    enum err e = buf_append(&s->out, bytes_of(hello, sizeof hello));
    if (!e)
        return OK;
    nbd_server_free(s);
    *out = NULL;
    return e;
}

void nbd_server_free(struct nbd_server *s)
{
    if (!s)
        return;
    buf_release(&s->in);
    buf_release(&s->out);
    heap_free(s);
}

const struct nbd_export *nbd_server_export(const struct nbd_server *s)
{
    return s->export;
}

struct bytes nbd_server_output(const struct nbd_server *s)
{
    return buf_bytes(&s->out);
}

void nbd_server_sent(struct nbd_server *s, size_t n)
{
    buf_drop(&s->out, n);
}

enum err nbd_server_input(struct nbd_server *s, struct bytes b)
{
    buf_drop(&s->in, s->at);
    s->at = 0;
    return buf_append(&s->in, b);
}

/* What has not been taken yet. */
static struct bytes rest(const struct nbd_server *s)
{
    return s->at < s->in.n ? bytes_of(s->in.p + s->at, s->in.n - s->at) : bytes_of(NULL, 0);
}

/* ---- the handshake ---- */

static enum err say_option(struct nbd_server *s, uint32_t option, uint32_t reply, struct bytes one,
                           struct bytes two)
{
    uint8_t head[NBD_OPTION_REPLY_BYTES];

    num_put_be(head, 8, NBD_OPTION_REPLY_MAGIC);
    num_put_be(head + 8, 4, option);
    num_put_be(head + 12, 4, reply);
    num_put_be(head + 16, 4, one.n + two.n);
    enum err e = buf_append(&s->out, bytes_of(head, sizeof head));
    if (!e)
        e = buf_append(&s->out, one);
    return e ? e : buf_append(&s->out, two);
}

static enum err answer(struct nbd_server *s, uint32_t option, uint32_t reply)
{
    return say_option(s, option, reply, bytes_of(NULL, 0), bytes_of(NULL, 0));
}

static const struct nbd_export *find(const struct nbd_server *s, struct bytes name)
{
    /* An empty name is the default export. */
    for (size_t i = 0; i < s->n; i++)
        if (name.n == 0 || bytes_equal(name, bytes_of_string(s->exports[i].name)))
            return &s->exports[i];
    return NULL;
}

static uint16_t flags_of(const struct nbd_server *s, const struct nbd_export *x)
{
    return (uint16_t)(x->flags | NBD_HAS_FLAGS | (s->structured ? NBD_SEND_DF : 0));
}

static uint32_t least_of(const struct nbd_export *x)
{
    return x->least_bytes ? x->least_bytes : 1;
}

static enum err say_info(struct nbd_server *s, uint32_t option, const struct nbd_export *x)
{
    uint8_t size[12], block[14];

    num_put_be(size, 2, NBD_INFO_EXPORT);
    num_put_be(size + 2, 8, x->size_bytes);
    num_put_be(size + 10, 2, flags_of(s, x));
    num_put_be(block, 2, NBD_INFO_BLOCK_SIZE);
    num_put_be(block + 2, 4, least_of(x));
    num_put_be(block + 6, 4, x->preferred_bytes ? x->preferred_bytes : PREFERRED_BYTES);
    num_put_be(block + 10, 4, LIMIT_NBD_PAYLOAD_BYTES);
    enum err e =
        say_option(s, option, NBD_REP_INFO, bytes_of(size, sizeof size), bytes_of(NULL, 0));
    if (!e)
        e = say_option(s, option, NBD_REP_INFO, bytes_of(block, sizeof block), bytes_of(NULL, 0));
    return e ? e : answer(s, option, NBD_REP_ACK);
}

/* A length of four bytes and so many bytes, taken off `data`. */
static bool take_sized(struct bytes *data, struct bytes *out)
{
    if (data->n < 4)
        return false;
    size_t n = (size_t)num_get_be(data->p, 4);
    if (n > data->n - 4)
        return false;
    *out = bytes_of(data->p + 4, n);
    *data = bytes_of(data->p + 4 + n, data->n - 4 - n);
    return true;
}

static void choose(struct nbd_server *s, const struct nbd_export *x)
{
    s->export = x;
    s->status = s->status && s->status_export == x;
    s->stage = TRANSMISSION;
}

static enum err on_go(struct nbd_server *s, uint32_t option, struct bytes data)
{
    struct bytes name;

    if (!take_sized(&data, &name) || data.n < 2 || data.n != 2 + 2 * num_get_be(data.p, 2))
        return answer(s, option, NBD_REP_ERR_INVALID);
    const struct nbd_export *x = find(s, name);
    if (!x)
        return answer(s, option, NBD_REP_ERR_UNKNOWN);
    enum err e = say_info(s, option, x);
    if (!e && option == NBD_OPT_GO)
        choose(s, x);
    return e;
}

/* The old way: what cannot be had can only be told by hanging up. */
static enum err on_export_name(struct nbd_server *s, struct bytes name)
{
    static const uint8_t zeroes[OLD_ZEROES];
    const struct nbd_export *x = find(s, name);
    uint8_t head[10];

    if (!x)
        return ERR_REFUSED;
    num_put_be(head, 8, x->size_bytes);
    num_put_be(head + 8, 2, flags_of(s, x));
    enum err e = buf_append(&s->out, bytes_of(head, sizeof head));
    if (!e && !s->no_zeroes)
        e = buf_append(&s->out, bytes_of(zeroes, sizeof zeroes));
    if (!e)
        choose(s, x);
    return e;
}

static enum err on_list(struct nbd_server *s, struct bytes data)
{
    enum err e = OK;

    if (data.n)
        return answer(s, NBD_OPT_LIST, NBD_REP_ERR_INVALID);
    for (size_t i = 0; !e && i < s->n; i++) {
        struct bytes name = bytes_of_string(s->exports[i].name);
        uint8_t n[4];
        num_put_be(n, 4, name.n);
        e = say_option(s, NBD_OPT_LIST, NBD_REP_SERVER, bytes_of(n, sizeof n), name);
    }
    return e ? e : answer(s, NBD_OPT_LIST, NBD_REP_ACK);
}

/* Whether a query asks for our one context; a list also takes the namespace alone. */
static bool asks(struct bytes query, bool list)
{
    return bytes_equal(query, bytes_of_string(allocation)) ||
           (list && bytes_equal(query, bytes_of_string("base:")));
}

static enum err on_meta(struct nbd_server *s, uint32_t option, struct bytes data)
{
    bool list = option == NBD_OPT_LIST_META_CONTEXT, wanted;
    struct bytes name, query;
    uint8_t id[4];

    if (!s->structured || !take_sized(&data, &name) || data.n < 4)
        return answer(s, option, NBD_REP_ERR_INVALID);
    const struct nbd_export *x = find(s, name);
    if (!x)
        return answer(s, option, NBD_REP_ERR_UNKNOWN);
    uint64_t queries = num_get_be(data.p, 4);
    wanted = list && queries == 0;
    for (data = bytes_of(data.p + 4, data.n - 4); queries > 0; queries--) {
        if (!take_sized(&data, &query))
            return answer(s, option, NBD_REP_ERR_INVALID);
        wanted |= asks(query, list);
    }
    if (data.n)
        return answer(s, option, NBD_REP_ERR_INVALID);
    if (!list) {
        s->status = wanted;
        s->status_export = x;
    }
    num_put_be(id, 4, list ? 0 : ALLOCATION_ID);
    enum err e = wanted ? say_option(s, option, NBD_REP_META_CONTEXT, bytes_of(id, sizeof id),
                                     bytes_of_string(allocation))
                        : OK;
    return e ? e : answer(s, option, NBD_REP_ACK);
}

static enum err on_option(struct nbd_server *s, uint32_t option, struct bytes data)
{
    switch (option) {
    case NBD_OPT_EXPORT_NAME:
        return on_export_name(s, data);
    case NBD_OPT_ABORT:
        s->stage = PARTED;
        return answer(s, option, NBD_REP_ACK);
    case NBD_OPT_LIST:
        return on_list(s, data);
    case NBD_OPT_INFO:
    case NBD_OPT_GO:
        return on_go(s, option, data);
    case NBD_OPT_STRUCTURED_REPLY:
        if (data.n)
            return answer(s, option, NBD_REP_ERR_INVALID);
        s->structured = true;
        return answer(s, option, NBD_REP_ACK);
    case NBD_OPT_LIST_META_CONTEXT:
    case NBD_OPT_SET_META_CONTEXT:
        return on_meta(s, option, data);
    default:
        return answer(s, option, NBD_REP_ERR_UNSUP);
    }
}

/* ERR_AGAIN: not whole yet. */
static enum err take_flags(struct nbd_server *s)
{
    struct bytes in = rest(s);

    if (in.n < CLIENT_FLAGS_BYTES)
        return ERR_AGAIN;
    uint32_t flags = (uint32_t)num_get_be(in.p, 4);
    s->at += CLIENT_FLAGS_BYTES;
    if (flags & ~(uint32_t)(NBD_FIXED_NEWSTYLE | NBD_NO_ZEROES))
        return ERR_REFUSED;
    s->no_zeroes = flags & NBD_NO_ZEROES;
    s->stage = OPTIONS;
    return OK;
}

static enum err take_option(struct nbd_server *s)
{
    struct bytes in = rest(s);

    if (in.n < NBD_OPTION_HEAD_BYTES)
        return ERR_AGAIN;
    size_t n = (size_t)num_get_be(in.p + 12, 4);
    if (num_get_be(in.p, 8) != NBD_OPTION_MAGIC || n > LIMIT_NBD_OPTION_BYTES)
        return ERR_MALFORMED;
    if (in.n < NBD_OPTION_HEAD_BYTES + n)
        return ERR_AGAIN;
    s->at += NBD_OPTION_HEAD_BYTES + n;
    return on_option(s, (uint32_t)num_get_be(in.p + 8, 4),
                     bytes_of(in.p + NBD_OPTION_HEAD_BYTES, n));
}

/* ---- requests ---- */

/* What flags each command may have; DF and REQ_ONE only where structured replies are. */
static unsigned flags_allowed(const struct nbd_server *s, enum nbd_command c)
{
    const struct nbd_export *x = s->export;
    unsigned fua = x->flags & NBD_SEND_FUA ? NBD_FLAG_FUA : 0;

    switch (c) {
    case NBD_READ:
        return fua | (s->structured ? NBD_FLAG_DF : 0);
    case NBD_WRITE:
    case NBD_TRIM:
        return fua;
    case NBD_WRITE_ZEROES:
        return fua | NBD_FLAG_NO_HOLE | (x->flags & NBD_SEND_FAST_ZERO ? NBD_FLAG_FAST_ZERO : 0);
    case NBD_BLOCK_STATUS:
        return NBD_FLAG_REQ_ONE;
    default:
        return fua;
    }
}

static bool offered(const struct nbd_server *s, enum nbd_command c)
{
    switch (c) {
    case NBD_READ:
    case NBD_WRITE:
    case NBD_DISC:
        return true;
    case NBD_FLUSH:
        return s->export->flags & NBD_SEND_FLUSH;
    case NBD_TRIM:
        return s->export->flags & NBD_SEND_TRIM;
    case NBD_CACHE:
        return s->export->flags & NBD_SEND_CACHE;
    case NBD_WRITE_ZEROES:
        return s->export->flags & NBD_SEND_WRITE_ZEROES;
    case NBD_BLOCK_STATUS:
        return s->status;
    default:
        return false;
    }
}

static bool changes(enum nbd_command c)
{
    return c == NBD_WRITE || c == NBD_TRIM || c == NBD_WRITE_ZEROES;
}

/* What is wrong with it, as the protocol's document wants it told. */
static enum nbd_error validate(const struct nbd_server *s, const struct nbd_request *r)
{
    const struct nbd_export *x = s->export;

    if (!offered(s, r->command) || r->flags & ~flags_allowed(s, r->command))
        return NBD_EINVAL;
    if (changes(r->command) && x->flags & NBD_READ_ONLY)
        return NBD_EPERM;
    if (r->command == NBD_FLUSH)
        return r->offset || r->length ? NBD_EINVAL : NBD_OK;
    if (r->offset > x->size_bytes || r->length > x->size_bytes - r->offset)
        return r->command == NBD_WRITE || r->command == NBD_WRITE_ZEROES ? NBD_ENOSPC : NBD_EINVAL;
    if (r->length == 0 || (r->offset | r->length) % least_of(x))
        return NBD_EINVAL;
    if (r->command == NBD_READ && r->length > LIMIT_NBD_PAYLOAD_BYTES)
        return NBD_EOVERFLOW;
    return NBD_OK;
}

/* Takes a whole request off the input. ERR_AGAIN; ERR_END: the client is done. */
static enum err take_request(struct nbd_server *s, struct nbd_request *r)
{
    struct bytes in = rest(s);
    const uint8_t *p = in.p;

    if (in.n < NBD_REQUEST_BYTES)
        return ERR_AGAIN;
    if (num_get_be(p, 4) != NBD_REQUEST_MAGIC)
        return ERR_MALFORMED;
    *r = (struct nbd_request){.flags = (uint16_t)num_get_be(p + 4, 2),
                              .command = (enum nbd_command)num_get_be(p + 6, 2),
                              .cookie = num_get_be(p + 8, 8),
                              .offset = num_get_be(p + 16, 8),
                              .length = (uint32_t)num_get_be(p + 24, 4)};
    if (r->command == NBD_DISC)
        return ERR_END;
    size_t payload = r->command == NBD_WRITE ? r->length : 0;
    if (payload > LIMIT_NBD_PAYLOAD_BYTES)
        return ERR_MALFORMED;
    if (in.n < NBD_REQUEST_BYTES + payload)
        return ERR_AGAIN;
    r->data = bytes_of(p + NBD_REQUEST_BYTES, payload);
    s->at += NBD_REQUEST_BYTES + payload;
    return OK;
}

bool nbd_server_next(struct nbd_server *s, struct nbd_request *out, enum err *e)
{
    *e = OK;
    while (!*e) {
        if (s->stage == GREETED)
            *e = take_flags(s);
        else if (s->stage == OPTIONS)
            *e = take_option(s);
        else if (s->stage == PARTED)
            *e = ERR_END;
        else if ((*e = take_request(s, out)) == OK) {
            enum nbd_error bad = validate(s, out);
            if (!bad)
                return true;
            *e = nbd_server_reply(s, out, bad);
        }
    }
    if (*e == ERR_END)
        s->stage = PARTED;
    if (*e == ERR_AGAIN)
        *e = OK;
    return false;
}

bool nbd_server_wants(const struct nbd_server *s)
{
    struct bytes in = rest(s);

    if (s->stage != TRANSMISSION)
        return s->stage != PARTED && in.n < NBD_OPTION_HEAD_BYTES + LIMIT_NBD_OPTION_BYTES;
    if (in.n < NBD_REQUEST_BYTES)
        return true;
    bool write = num_get_be(in.p + 6, 2) == NBD_WRITE;
    return write && in.n < NBD_REQUEST_BYTES + num_get_be(in.p + 24, 4);
}

/* ---- answers ---- */

static enum err put_chunk_head(struct nbd_server *s, uint64_t cookie, enum nbd_chunk type,
                               size_t length)
{
    uint8_t head[NBD_CHUNK_HEAD_BYTES];

    num_put_be(head, 4, NBD_CHUNK_MAGIC);
    num_put_be(head + 4, 2, NBD_CHUNK_DONE);
    num_put_be(head + 6, 2, type);
    num_put_be(head + 8, 8, cookie);
    num_put_be(head + 16, 4, length);
    enum err e = buf_reserve(&s->out, sizeof head + length);
    return e ? e : buf_append(&s->out, bytes_of(head, sizeof head));
}

static enum err put_simple(struct nbd_server *s, uint64_t cookie, enum nbd_error error, size_t more)
{
    uint8_t head[NBD_SIMPLE_REPLY_BYTES];

    num_put_be(head, 4, NBD_SIMPLE_REPLY_MAGIC);
    num_put_be(head + 4, 4, error);
    num_put_be(head + 8, 8, cookie);
    enum err e = buf_reserve(&s->out, sizeof head + more);
    return e ? e : buf_append(&s->out, bytes_of(head, sizeof head));
}

enum err nbd_server_reply(struct nbd_server *s, const struct nbd_request *r, enum nbd_error error)
{
    uint8_t why[6];

    /* What may be answered in pieces is, also when it fails. */
    if (!s->structured || (r->command != NBD_READ && r->command != NBD_BLOCK_STATUS))
        return put_simple(s, r->cookie, error, 0);
    if (!error)
        return put_chunk_head(s, r->cookie, NBD_CHUNK_NONE, 0);
    num_put_be(why, 4, error);
    num_put_be(why + 4, 2, 0);
    enum err e = put_chunk_head(s, r->cookie, NBD_CHUNK_ERROR, sizeof why);
    return e ? e : buf_append(&s->out, bytes_of(why, sizeof why));
}

enum err nbd_server_reply_data(struct nbd_server *s, const struct nbd_request *r, struct bytes data)
{
    uint8_t at[8];
    enum err e;

    CHECK(r->command == NBD_READ && data.n == r->length);
    if (!s->structured) {
        e = put_simple(s, r->cookie, NBD_OK, data.n);
        return e ? e : buf_append(&s->out, data);
    }
    num_put_be(at, 8, r->offset);
    e = put_chunk_head(s, r->cookie, NBD_CHUNK_OFFSET_DATA, sizeof at + data.n);
    if (!e)
        e = buf_append(&s->out, bytes_of(at, sizeof at));
    return e ? e : buf_append(&s->out, data);
}

enum err nbd_server_reply_extents(struct nbd_server *s, const struct nbd_request *r,
                                  const struct nbd_extent *extents, size_t n)
{
    uint8_t word[8];

    CHECK(r->command == NBD_BLOCK_STATUS && n > 0);
    enum err e = put_chunk_head(s, r->cookie, NBD_CHUNK_BLOCK_STATUS, 4 + n * 8);
    num_put_be(word, 4, ALLOCATION_ID);
    if (!e)
        e = buf_append(&s->out, bytes_of(word, 4));
    for (size_t i = 0; !e && i < n; i++) {
        num_put_be(word, 4, extents[i].length);
        num_put_be(word + 4, 4, extents[i].state);
        e = buf_append(&s->out, bytes_of(word, 8));
    }
    return e;
}
