/* nbd: our server and our client understand each other however their bytes are cut; what a client
 * may not do is refused as the protocol's document says; lies end the connection. */
#include <stdlib.h>
#include <string.h>

#include "core/base/limits.h"
#include "core/base/num.h"
#include "core/base/rng.h"
#include "core/nbd/nbd_client.h"
#include "core/nbd/nbd_server.h"
#include "tests/unit/test.h"

enum { DISK_BYTES = 1 << 20, MOST_BYTES = 64 * 1024 };

static const struct nbd_export exports[] = {
    {.name = "one",
     .size_bytes = DISK_BYTES,
     .flags = NBD_SEND_FLUSH | NBD_SEND_FUA | NBD_SEND_TRIM | NBD_SEND_WRITE_ZEROES},
    {.name = "still", .size_bytes = 4096, .flags = NBD_READ_ONLY, .least_bytes = 512},
};

static uint8_t disk[DISK_BYTES];

/* What a server does with a request. */
static enum err serve(struct nbd_server *s, const struct nbd_request *r)
{
    switch (r->command) {
    case NBD_READ:
        return nbd_server_reply_data(s, r, bytes_of(disk + r->offset, r->length));
    case NBD_WRITE:
        memcpy(disk + r->offset, r->data.p, r->data.n);
        break;
    case NBD_TRIM:
    case NBD_WRITE_ZEROES:
        memset(disk + r->offset, 0, r->length);
        break;
    default:
        break;
    }
    return nbd_server_reply(s, r, NBD_OK);
}

/* Carries some bytes each way; false: somebody has failed. */
static bool carry(struct rng *g, struct nbd_server *s, struct nbd_client *c)
{
    struct bytes b = nbd_server_output(s);
    size_t n = b.n ? 1 + rng_below(g, b.n) : 0;
    struct nbd_request r;
    enum err e = nbd_client_input(c, bytes_of(b.p, n));

    nbd_server_sent(s, n);
    b = nbd_client_output(c);
    n = b.n && nbd_server_wants(s) ? 1 + rng_below(g, b.n) : 0;
    if (!e)
        e = nbd_server_input(s, bytes_of(b.p, n));
    nbd_client_sent(c, n);
    while (!e && nbd_server_next(s, &r, &e))
        e = serve(s, &r);
    return e == OK;
}

/* One request of any kind, and what it does to `mirror`; where a read is, to *read_at, *read_n. */
static enum err ask_something(struct rng *g, struct nbd_client *c, uint64_t tag, uint8_t *mirror,
                              uint64_t *read_at, uint32_t *read_n)
{
    static uint8_t piece[MOST_BYTES];
    uint32_t length = 1 + (uint32_t)rng_below(g, MOST_BYTES);
    uint64_t at = rng_below(g, DISK_BYTES - length + 1);
    struct bytes none = bytes_of(NULL, 0);

    switch (rng_below(g, 4)) {
    case 0:
        *read_at = at;
        *read_n = length;
        return nbd_client_do(c, tag, NBD_READ, 0, at, length, none);
    case 1:
        rng_fill(g, piece, length);
        memcpy(mirror + at, piece, length);
        return nbd_client_do(c, tag, NBD_WRITE, NBD_FLAG_FUA, at, length, bytes_of(piece, length));
    case 2:
        memset(mirror + at, 0, length);
        return nbd_client_do(c, tag, NBD_WRITE_ZEROES, 0, at, length, none);
    default:
        return nbd_client_do(c, tag, NBD_FLUSH, 0, 0, 0, none);
    }
}

static void test_together(void)
{
    static uint8_t mirror[DISK_BYTES];
    struct nbd_server *s;
    struct nbd_client *c;
    struct nbd_client_news n;
    struct rng g;
    enum err e;
    bool ready = false;
    uint64_t done = 0, asked = 0, read_at = 0;
    uint32_t read_n = 0;

    rng_seed(&g, 1);
    memset(disk, 0, sizeof disk);
    EXPECT(nbd_server_new(exports, COUNT_OF(exports), &s) == OK);
    EXPECT(nbd_client_new("one", &c) == OK);
    for (int turn = 0; turn < 20000; turn++) {
        EXPECT(carry(&g, s, c));
        while (nbd_client_next(c, &n, &e)) {
            if (n.kind == NBD_CLIENT_READY) {
                EXPECT(!ready && n.size_bytes == DISK_BYTES);
                EXPECT(n.flags == (exports[0].flags | NBD_HAS_FLAGS));
                ready = true;
                continue;
            }
            EXPECT_EQ(n.error, NBD_OK);
            EXPECT(n.data.n == 0 || n.tag == asked);
            if (n.data.n)
                EXPECT(n.data.n == read_n && memcmp(n.data.p, mirror + read_at, read_n) == 0);
            done++;
        }
        EXPECT_EQ(e, OK);
        if (!ready || nbd_client_waiting(c) > 0)
            continue;
        asked++;
        EXPECT(ask_something(&g, c, asked, mirror, &read_at, &read_n) == OK);
    }
    EXPECT(done > 500 && memcmp(mirror, disk, sizeof disk) == 0);
    EXPECT(nbd_client_do(c, 1, NBD_CACHE, 0, 0, 1, bytes_of(NULL, 0)) == ERR_UNSUPPORTED);
    EXPECT(nbd_client_part(c) == OK);
    struct nbd_request r;
    struct bytes b = nbd_client_output(c);
    EXPECT(nbd_server_input(s, b) == OK);
    nbd_client_sent(c, b.n);
    while (nbd_server_next(s, &r, &e))
        EXPECT(serve(s, &r) == OK);
    EXPECT_EQ(e, ERR_END);
    EXPECT(!nbd_server_wants(s));
    nbd_server_free(s);
    nbd_client_free(c);
}

/* ---- a client by hand ---- */

struct hand {
    struct nbd_server *s;
    uint8_t said[4096];
    size_t n;
};

static enum err tell(struct hand *h, const void *p, size_t n)
{
    struct nbd_request r;
    enum err e = nbd_server_input(h->s, bytes_of(p, n));

    while (!e && nbd_server_next(h->s, &r, &e))
        e = serve(h->s, &r);
    struct bytes b = nbd_server_output(h->s);
    h->n = num_min(b.n, sizeof h->said);
    if (h->n)
        memcpy(h->said, b.p, h->n);
    nbd_server_sent(h->s, b.n);
    return e;
}

static enum err begin(struct hand *h, uint32_t flags)
{
    uint8_t word[4];

    h->s = NULL;
    if (nbd_server_new(exports, COUNT_OF(exports), &h->s))
        return ERR_MEMORY;
    struct bytes b = nbd_server_output(h->s);
    bool good = b.n == 18 && num_get_be(b.p, 8) == NBD_MAGIC &&
                num_get_be(b.p + 8, 8) == NBD_OPTION_MAGIC && num_get_be(b.p + 16, 2) == 3;
    nbd_server_sent(h->s, b.n);
    num_put_be(word, 4, flags);
    return good ? tell(h, word, sizeof word) : ERR_MALFORMED;
}

static enum err option(struct hand *h, uint32_t number, const void *data, size_t n)
{
    uint8_t text[1024];

    num_put_be(text, 8, NBD_OPTION_MAGIC);
    num_put_be(text + 8, 4, number);
    num_put_be(text + 12, 4, n);
    if (n)
        memcpy(text + 16, data, n);
    return tell(h, text, 16 + n);
}

/* The type of the answer at `at` of what was said, and how long it is. */
static uint32_t answer_at(const struct hand *h, size_t at, size_t *n)
{
    if (h->n < at + 20 || num_get_be(h->said + at, 8) != NBD_OPTION_REPLY_MAGIC)
        return 0;
    *n = (size_t)num_get_be(h->said + at + 16, 4);
    return (uint32_t)num_get_be(h->said + at + 12, 4);
}

static uint32_t answer(const struct hand *h)
{
    size_t n;

    return answer_at(h, 0, &n);
}

static enum err go(struct hand *h, const char *name)
{
    uint8_t data[128];
    size_t n = strlen(name);

    num_put_be(data, 4, n);
    memcpy(data + 4, name, n);
    num_put_be(data + 4 + n, 2, 0);
    return option(h, NBD_OPT_GO, data, 4 + n + 2);
}

static enum err request(struct hand *h, unsigned command, unsigned flags, uint64_t offset,
                        uint32_t length)
{
    static uint8_t text[28 + 8192];
    size_t n = 28 + (command == NBD_WRITE && length <= 8192 ? length : 0);

    num_put_be(text, 4, NBD_REQUEST_MAGIC);
    num_put_be(text + 4, 2, flags);
    num_put_be(text + 6, 2, command);
    num_put_be(text + 8, 8, 77);
    num_put_be(text + 16, 8, offset);
    num_put_be(text + 24, 4, length);
    return tell(h, text, n);
}

/* The error of a simple reply; -1: that is none. */
static long long simple(const struct hand *h)
{
    if (h->n < 16 || num_get_be(h->said, 4) != NBD_SIMPLE_REPLY_MAGIC ||
        num_get_be(h->said + 8, 8) != 77)
        return -1;
    return (long long)num_get_be(h->said + 4, 4);
}

static void test_options(void)
{
    struct hand h;
    uint8_t data[64] = {0};
    size_t n;

    EXPECT(begin(&h, NBD_FIXED_NEWSTYLE | NBD_NO_ZEROES) == OK);
    EXPECT(option(&h, NBD_OPT_LIST, NULL, 0) == OK && answer(&h) == NBD_REP_SERVER);
    EXPECT(answer_at(&h, 0, &n) == NBD_REP_SERVER && n == 7 && memcmp(h.said + 24, "one", 3) == 0);
    EXPECT(option(&h, NBD_OPT_LIST, "x", 1) == OK && answer(&h) == NBD_REP_ERR_INVALID);
    EXPECT(option(&h, 5, NULL, 0) == OK && answer(&h) == NBD_REP_ERR_UNSUP); /* STARTTLS */
    EXPECT(option(&h, 4711, "abc", 3) == OK && answer(&h) == NBD_REP_ERR_UNSUP);
    EXPECT(go(&h, "two") == OK && answer(&h) == NBD_REP_ERR_UNKNOWN);
    EXPECT(option(&h, NBD_OPT_INFO, "\0\0\0\5one\0\0", 9) == OK &&
           answer(&h) == NBD_REP_ERR_INVALID);
    EXPECT(option(&h, NBD_OPT_INFO, "\0\0\0\3one\0\1", 9) == OK &&
           answer(&h) == NBD_REP_ERR_INVALID);
    EXPECT(option(&h, NBD_OPT_INFO, "\0\0\0\3one\0\0", 9) == OK && answer(&h) == NBD_REP_INFO);
    EXPECT(answer_at(&h, 32, &n) == NBD_REP_INFO && n == 14);
    EXPECT(answer_at(&h, 66, &n) == NBD_REP_ACK && n == 0 && h.n == 86);
    EXPECT(nbd_server_export(h.s) == NULL);
    /* A context only where structured replies are. */
    EXPECT(option(&h, NBD_OPT_SET_META_CONTEXT, "\0\0\0\3one\0\0\0\0", 11) == OK);
    EXPECT(answer(&h) == NBD_REP_ERR_INVALID);
    EXPECT(option(&h, NBD_OPT_STRUCTURED_REPLY, NULL, 0) == OK && answer(&h) == NBD_REP_ACK);
    EXPECT(option(&h, NBD_OPT_LIST_META_CONTEXT, "\0\0\0\3one\0\0\0\0", 11) == OK);
    EXPECT(answer_at(&h, 0, &n) == NBD_REP_META_CONTEXT && n == 4 + 15);
    EXPECT(option(&h, NBD_OPT_SET_META_CONTEXT, "\0\0\0\3one\0\0\0\1\0\0\0\5other", 20) == OK);
    EXPECT(answer(&h) == NBD_REP_ACK);
    EXPECT(option(&h, NBD_OPT_ABORT, NULL, 0) == ERR_END && answer(&h) == NBD_REP_ACK);
    nbd_server_free(h.s);

    EXPECT(begin(&h, NBD_FIXED_NEWSTYLE) == OK);
    EXPECT(option(&h, NBD_OPT_EXPORT_NAME, "still", 5) == OK && h.n == 10 + 124);
    EXPECT(num_get_be(h.said, 8) == 4096 && nbd_server_export(h.s) == &exports[1]);
    nbd_server_free(h.s);
    EXPECT(begin(&h, NBD_FIXED_NEWSTYLE | NBD_NO_ZEROES) == OK);
    EXPECT(option(&h, NBD_OPT_EXPORT_NAME, "", 0) == OK && h.n == 10); /* the default */
    nbd_server_free(h.s);

    EXPECT(begin(&h, 4) == ERR_REFUSED);
    nbd_server_free(h.s);
    EXPECT(begin(&h, 1) == OK && option(&h, NBD_OPT_EXPORT_NAME, "x", 1) == ERR_REFUSED);
    nbd_server_free(h.s);
    EXPECT(begin(&h, 1) == OK && tell(&h, data, 16) == ERR_MALFORMED);
    nbd_server_free(h.s);
    num_put_be(data, 8, NBD_OPTION_MAGIC);
    num_put_be(data + 12, 4, LIMIT_NBD_OPTION_BYTES + 1);
    EXPECT(begin(&h, 1) == OK && tell(&h, data, 16) == ERR_MALFORMED);
    nbd_server_free(h.s);
}

static void test_refused(void)
{
    struct hand h;

    EXPECT(begin(&h, 3) == OK && go(&h, "one") == OK);
    EXPECT(request(&h, NBD_WRITE, 0, DISK_BYTES - 1, 2) == OK && simple(&h) == NBD_ENOSPC);
    EXPECT(request(&h, NBD_READ, 0, DISK_BYTES, 1) == OK && simple(&h) == NBD_EINVAL);
    EXPECT(request(&h, NBD_READ, 0, UINT64_MAX, 1) == OK && simple(&h) == NBD_EINVAL);
    EXPECT(request(&h, NBD_READ, 0, 0, 0) == OK && simple(&h) == NBD_EINVAL);
    EXPECT(request(&h, NBD_TRIM, 0, 0, DISK_BYTES + 1) == OK && simple(&h) == NBD_EINVAL);
    EXPECT(request(&h, NBD_FLUSH, 0, 0, 1) == OK && simple(&h) == NBD_EINVAL);
    EXPECT(request(&h, NBD_READ, NBD_FLAG_DF, 0, 1) == OK && simple(&h) == NBD_EINVAL);
    EXPECT(request(&h, NBD_WRITE_ZEROES, NBD_FLAG_FAST_ZERO, 0, 1) == OK &&
           simple(&h) == NBD_EINVAL);
    EXPECT(request(&h, NBD_WRITE_ZEROES, NBD_FLAG_NO_HOLE, 0, 1) == OK && simple(&h) == NBD_OK);
    EXPECT(request(&h, NBD_BLOCK_STATUS, 0, 0, 1) == OK && simple(&h) == NBD_EINVAL);
    EXPECT(request(&h, NBD_CACHE, 0, 0, 1) == OK && simple(&h) == NBD_EINVAL);
    EXPECT(request(&h, 8, 0, 0, 1) == OK && simple(&h) == NBD_EINVAL);
    EXPECT(request(&h, NBD_WRITE, 0, 0, 8192) == OK && simple(&h) == NBD_OK);
    EXPECT(request(&h, NBD_WRITE, 0, 0, LIMIT_NBD_PAYLOAD_BYTES + 1) == ERR_MALFORMED);
    nbd_server_free(h.s);

    EXPECT(begin(&h, 3) == OK && go(&h, "still") == OK);
    EXPECT(request(&h, NBD_WRITE, 0, 0, 512) == OK && simple(&h) == NBD_EPERM);
    EXPECT(request(&h, NBD_WRITE_ZEROES, 0, 0, 512) == OK && simple(&h) == NBD_EINVAL);
    EXPECT(request(&h, NBD_READ, 0, 1, 512) == OK && simple(&h) == NBD_EINVAL); /* its blocks */
    EXPECT(request(&h, NBD_READ, 0, 512, 512) == OK && simple(&h) == NBD_OK && h.n == 16 + 512);
    uint8_t bad[28] = {1};
    EXPECT(tell(&h, bad, sizeof bad) == ERR_MALFORMED);
    nbd_server_free(h.s);
}

static void test_structured(void)
{
    struct hand h;

    EXPECT(begin(&h, 3) == OK && option(&h, NBD_OPT_STRUCTURED_REPLY, NULL, 0) == OK);
    EXPECT(option(&h, NBD_OPT_SET_META_CONTEXT,
                  "\0\0\0\3one\0\0\0\1\0\0\0\x0f"
                  "base:allocation",
                  30) == OK);
    EXPECT(answer(&h) == NBD_REP_META_CONTEXT && num_get_be(h.said + 20, 4) == 1);
    EXPECT(go(&h, "one") == OK);
    memset(disk, 9, 16);
    EXPECT(request(&h, NBD_READ, NBD_FLAG_DF, 4, 8) == OK && h.n == 20 + 8 + 8);
    EXPECT(num_get_be(h.said, 4) == NBD_CHUNK_MAGIC && num_get_be(h.said + 4, 2) == NBD_CHUNK_DONE);
    EXPECT(num_get_be(h.said + 6, 2) == NBD_CHUNK_OFFSET_DATA && num_get_be(h.said + 20, 8) == 4);
    EXPECT(num_get_be(h.said + 8, 8) == 77 && h.said[28] == 9 && h.said[35] == 9);
    EXPECT(request(&h, NBD_READ, 0, DISK_BYTES, 8) == OK && h.n == 26);
    EXPECT(num_get_be(h.said + 6, 2) == NBD_CHUNK_ERROR &&
           num_get_be(h.said + 20, 4) == NBD_EINVAL);
    EXPECT(request(&h, NBD_FLUSH, 0, 0, 0) == OK && simple(&h) == NBD_OK);

    struct nbd_request r = {.command = NBD_BLOCK_STATUS, .cookie = 77};
    struct nbd_extent x[] = {{4096, 0}, {8192, NBD_STATE_HOLE | NBD_STATE_ZERO}};
    EXPECT(nbd_server_reply_extents(h.s, &r, x, 2) == OK);
    struct bytes b = nbd_server_output(h.s);
    EXPECT(b.n == 20 + 4 + 16 && num_get_be(b.p + 6, 2) == NBD_CHUNK_BLOCK_STATUS);
    EXPECT(num_get_be(b.p + 20, 4) == 1 && num_get_be(b.p + 32, 4) == 8192);
    EXPECT(num_get_be(b.p + 36, 4) == 3);
    nbd_server_free(h.s);
}

/* ---- a server by hand ---- */

static enum err answered(struct nbd_client *c, const void *p, size_t n,
                         struct nbd_client_news *news)
{
    enum err e = nbd_client_input(c, bytes_of(p, n));

    if (!e && nbd_client_next(c, news, &e))
        return OK;
    return e ? e : ERR_AGAIN;
}

static void greet(uint8_t to[18], uint64_t magic)
{
    num_put_be(to, 8, NBD_MAGIC);
    num_put_be(to + 8, 8, magic);
    num_put_be(to + 16, 2, 3);
}

static void test_lies(void)
{
    struct nbd_client *c;
    struct nbd_client_news n;
    uint8_t text[64];

    EXPECT(nbd_client_new("one", &c) == OK);
    EXPECT(answered(c, "HTTP/1.1 200 OK...", 18, &n) == ERR_MALFORMED);
    nbd_client_free(c);
    EXPECT(nbd_client_new("one", &c) == OK);
    greet(text, UINT64_C(0x00420281861253)); /* oldstyle */
    EXPECT(answered(c, text, 18, &n) == ERR_UNSUPPORTED);
    nbd_client_free(c);

    static const struct {
        uint32_t type;
        enum err is;
    } want[] = {{NBD_REP_ERR_UNKNOWN, ERR_REFUSED},
                {NBD_REP_ERR_UNSUP, ERR_UNSUPPORTED},
                {NBD_REP_ACK, ERR_MALFORMED}, /* without a size */
                {NBD_REP_SERVER, ERR_MALFORMED}};
    for (size_t i = 0; i < COUNT_OF(want); i++) {
        EXPECT(nbd_client_new("one", &c) == OK);
        greet(text, NBD_OPTION_MAGIC);
        EXPECT(answered(c, text, 18, &n) == ERR_AGAIN);
        num_put_be(text, 8, NBD_OPTION_REPLY_MAGIC);
        num_put_be(text + 8, 4, NBD_OPT_GO);
        num_put_be(text + 12, 4, want[i].type);
        num_put_be(text + 16, 4, 0);
        EXPECT_EQ(answered(c, text, 20, &n), want[i].is);
        nbd_client_free(c);
    }
    char long_name[LIMIT_NBD_NAME_BYTES + 2];
    memset(long_name, 'a', sizeof long_name);
    long_name[sizeof long_name - 1] = 0;
    EXPECT(nbd_client_new(long_name, &c) == ERR_LIMIT && c == NULL);
}

static void test_false_answers(void)
{
    struct nbd_server *s;
    struct nbd_client *c;
    struct nbd_client_news n;
    struct rng g;
    enum err e;
    uint8_t text[16];

    for (int what = 0; what < 4; what++) {
        rng_seed(&g, 1);
        EXPECT(nbd_server_new(exports, 1, &s) == OK && nbd_client_new("one", &c) == OK);
        bool ready = false;
        while (!ready) {
            EXPECT(carry(&g, s, c));
            ready = nbd_client_next(c, &n, &e);
        }
        EXPECT(nbd_client_do(c, 5, NBD_FLUSH, 0, 0, 0, bytes_of(NULL, 0)) == OK);
        uint64_t cookie = num_get_be(nbd_client_output(c).p + 8, 8);
        num_put_be(text, 4, what == 0 ? NBD_CHUNK_MAGIC : NBD_SIMPLE_REPLY_MAGIC);
        num_put_be(text + 4, 4, NBD_EIO);
        num_put_be(text + 8, 8,
                   what == 1   ? cookie + 1
                   : what == 2 ? cookie ^ UINT64_C(1) << 40
                               : cookie);
        EXPECT_EQ(answered(c, text, 16, &n), what == 3 ? OK : ERR_MALFORMED);
        if (what == 3)
            EXPECT(n.tag == 5 && n.error == NBD_EIO && nbd_client_waiting(c) == 0);
        /* The same again is a lie. */
        if (what == 3)
            EXPECT_EQ(answered(c, text, 16, &n), ERR_MALFORMED);
        nbd_server_free(s);
        nbd_client_free(c);
    }
}

TEST_MAIN({"together", test_together}, {"options", test_options}, {"refused", test_refused},
          {"structured", test_structured}, {"lies", test_lies},
          {"false_answers", test_false_answers})
