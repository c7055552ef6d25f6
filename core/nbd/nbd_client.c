#include "core/nbd/nbd_client.h"

#include <string.h>

#include "core/base/buf.h"
#include "core/base/check.h"
#include "core/base/heap.h"
#include "core/base/limits.h"
#include "core/base/num.h"

enum {
    GREETING_BYTES = 18,
    IN_BYTES = LIMIT_NBD_PAYLOAD_BYTES + 1024 * 1024,
    OUT_BYTES = LIMIT_NBD_PAYLOAD_BYTES + 1024 * 1024,
    INFO_EXPORT_BYTES = 12
};

enum stage { AWAITS_GREETING, AWAITS_EXPORT, TRANSMISSION };

/* A request on its way; its cookie is its place, and how often that was used before. */
struct asked {
    bool used;
    uint32_t turn;
    enum nbd_command command;
    uint32_t length;
    uint64_t tag;
};

struct nbd_client {
    char *name; /* owned */
    enum stage stage;
    struct buf in, out;
    size_t at; /* of `in`: what was taken before stays in its place until more comes */
    uint64_t size_bytes;
    uint16_t flags;
    bool known; /* the export's size and flags */
    struct asked asked[NBD_CLIENT_REQUESTS];
    size_t waiting;
};

enum err nbd_client_new(const char *name, struct nbd_client **out)
{
    struct nbd_client *c = heap_alloc(sizeof *c);

    *out = c;
    if (!c)
        return ERR_MEMORY;
    buf_init(&c->in, IN_BYTES);
    buf_init(&c->out, OUT_BYTES);
    c->name = heap_string(name);
    enum err e = !c->name ? ERR_MEMORY : strlen(name) > LIMIT_NBD_NAME_BYTES ? ERR_LIMIT : OK;
    if (e) {
        nbd_client_free(c);
        *out = NULL;
    }
    return e;
}

void nbd_client_free(struct nbd_client *c)
{
    if (!c)
        return;
    buf_release(&c->in);
    buf_release(&c->out);
    heap_free(c->name);
    heap_free(c);
}

size_t nbd_client_waiting(const struct nbd_client *c)
{
    return c->waiting;
}

struct bytes nbd_client_output(const struct nbd_client *c)
{
    return buf_bytes(&c->out);
}

void nbd_client_sent(struct nbd_client *c, size_t n)
{
    buf_drop(&c->out, n);
}

enum err nbd_client_input(struct nbd_client *c, struct bytes b)
{
    buf_drop(&c->in, c->at);
    c->at = 0;
    return buf_append(&c->in, b);
}

/* What has not been taken yet. */
static struct bytes rest(const struct nbd_client *c)
{
    return c->at < c->in.n ? bytes_of(c->in.p + c->at, c->in.n - c->at) : bytes_of(NULL, 0);
}

/* ---- the handshake ---- */

static enum err take_greeting(struct nbd_client *c)
{
    uint8_t go[4 + NBD_OPTION_HEAD_BYTES + 4];
    struct bytes in = rest(c);
    size_t n = strlen(c->name);

    if (in.n < GREETING_BYTES)
        return ERR_AGAIN;
    if (num_get_be(in.p, 8) != NBD_MAGIC)
        return ERR_MALFORMED;
    uint64_t flags = num_get_be(in.p + 16, 2);
    if (num_get_be(in.p + 8, 8) != NBD_OPTION_MAGIC || !(flags & NBD_FIXED_NEWSTYLE))
        return ERR_UNSUPPORTED;
    c->at += GREETING_BYTES;
    num_put_be(go, 4, NBD_FIXED_NEWSTYLE | (flags & NBD_NO_ZEROES));
    num_put_be(go + 4, 8, NBD_OPTION_MAGIC);
    num_put_be(go + 12, 4, NBD_OPT_GO);
    num_put_be(go + 16, 4, 4 + n + 2);
    num_put_be(go + 20, 4, n);
    enum err e = buf_append(&c->out, bytes_of(go, sizeof go));
    if (!e)
        e = buf_append(&c->out, bytes_of(c->name, n));
    if (!e)
        e = buf_append(&c->out, bytes_of("\0\0", 2)); /* it is told nothing that is asked for */
    c->stage = AWAITS_EXPORT;
    return e;
}

/* ERR_END: the transmission begins. */
static enum err take_answer(struct nbd_client *c)
{
    struct bytes in = rest(c);
    const uint8_t *p = in.p;

    if (in.n < NBD_OPTION_REPLY_BYTES)
        return ERR_AGAIN;
    uint32_t type = (uint32_t)num_get_be(p + 12, 4);
    size_t n = (size_t)num_get_be(p + 16, 4);
    if (num_get_be(p, 8) != NBD_OPTION_REPLY_MAGIC || num_get_be(p + 8, 4) != NBD_OPT_GO ||
        n > LIMIT_NBD_OPTION_BYTES)
        return ERR_MALFORMED;
    if (in.n < NBD_OPTION_REPLY_BYTES + n)
        return ERR_AGAIN;
    const uint8_t *info = p + NBD_OPTION_REPLY_BYTES;
    if (type == NBD_REP_INFO && n == INFO_EXPORT_BYTES && num_get_be(info, 2) == NBD_INFO_EXPORT) {
        c->known = true;
        c->size_bytes = num_get_be(info + 2, 8);
        c->flags = (uint16_t)num_get_be(info + 10, 2);
    }
    c->at += NBD_OPTION_REPLY_BYTES + n;
    if (type & NBD_REP_REFUSED)
        return type == NBD_REP_ERR_UNSUP ? ERR_UNSUPPORTED : ERR_REFUSED;
    if (type != NBD_REP_ACK)
        return type == NBD_REP_INFO ? OK : ERR_MALFORMED;
    c->stage = TRANSMISSION;
    return c->known ? ERR_END : ERR_MALFORMED;
}

/* ---- requests ---- */

static bool can(const struct nbd_client *c, enum nbd_command command, uint16_t flags)
{
    static const uint16_t needs[] = {[NBD_FLUSH] = NBD_SEND_FLUSH,
                                     [NBD_TRIM] = NBD_SEND_TRIM,
                                     [NBD_CACHE] = NBD_SEND_CACHE,
                                     [NBD_WRITE_ZEROES] = NBD_SEND_WRITE_ZEROES};
    uint16_t need = command < COUNT_OF(needs) ? needs[command] : 0;

    if (flags & NBD_FLAG_FUA && !(c->flags & NBD_SEND_FUA))
        return false;
    return command <= NBD_WRITE_ZEROES && command != NBD_DISC && (c->flags & need) == need;
}

static struct asked *free_place(struct nbd_client *c)
{
    for (size_t i = 0; i < NBD_CLIENT_REQUESTS; i++)
        if (!c->asked[i].used)
            return &c->asked[i];
    return NULL;
}

static enum err put_request(struct nbd_client *c, enum nbd_command command, uint16_t flags,
                            uint64_t cookie, uint64_t offset, uint32_t length, struct bytes data)
{
    uint8_t head[NBD_REQUEST_BYTES];

    num_put_be(head, 4, NBD_REQUEST_MAGIC);
    num_put_be(head + 4, 2, flags);
    num_put_be(head + 6, 2, command);
    num_put_be(head + 8, 8, cookie);
    num_put_be(head + 16, 8, offset);
    num_put_be(head + 24, 4, length);
    enum err e = buf_reserve(&c->out, sizeof head + data.n);
    if (!e)
        e = buf_append(&c->out, bytes_of(head, sizeof head));
    return e ? e : buf_append(&c->out, data);
}

enum err nbd_client_do(struct nbd_client *c, uint64_t tag, enum nbd_command command, uint16_t flags,
                       uint64_t offset, uint32_t length, struct bytes data)
{
    struct asked *a = free_place(c);

    CHECK(c->stage == TRANSMISSION && (command == NBD_WRITE ? data.n == length : data.n == 0));
    if (!can(c, command, flags))
        return ERR_UNSUPPORTED;
    if (!a)
        return ERR_AGAIN;
    uint64_t cookie = (uint64_t)(a->turn + 1) << 32 | (uint64_t)(a - c->asked);
    enum err e = put_request(c, command, flags, cookie, offset, length, data);
    if (e)
        return e == ERR_LIMIT ? ERR_AGAIN : e;
    *a = (struct asked){
        .used = true, .turn = a->turn + 1, .command = command, .length = length, .tag = tag};
    c->waiting++;
    return OK;
}

enum err nbd_client_part(struct nbd_client *c)
{
    return c->stage == TRANSMISSION ? put_request(c, NBD_DISC, 0, 0, 0, 0, bytes_of(NULL, 0)) : OK;
}

static enum err take_reply(struct nbd_client *c, struct nbd_client_news *out)
{
    struct bytes in = rest(c);
    const uint8_t *p = in.p;

    if (in.n < NBD_SIMPLE_REPLY_BYTES)
        return ERR_AGAIN;
    uint64_t cookie = num_get_be(p + 8, 8), place = cookie & UINT32_MAX;
    if (num_get_be(p, 4) != NBD_SIMPLE_REPLY_MAGIC || place >= NBD_CLIENT_REQUESTS)
        return ERR_MALFORMED;
    struct asked *a = &c->asked[place];
    if (!a->used || cookie >> 32 != a->turn)
        return ERR_MALFORMED;
    uint32_t error = (uint32_t)num_get_be(p + 4, 4);
    size_t data = a->command == NBD_READ && !error ? a->length : 0;
    if (in.n < NBD_SIMPLE_REPLY_BYTES + data)
        return ERR_AGAIN;
    *out = (struct nbd_client_news){.kind = NBD_CLIENT_DONE,
                                    .tag = a->tag,
                                    .error = (enum nbd_error)error,
                                    .data = bytes_of(p + NBD_SIMPLE_REPLY_BYTES, data)};
    c->at += NBD_SIMPLE_REPLY_BYTES + data;
    a->used = false;
    c->waiting--;
    return OK;
}

bool nbd_client_next(struct nbd_client *c, struct nbd_client_news *out, enum err *e)
{
    *e = OK;
    while (!*e) {
        if (c->stage == AWAITS_GREETING) {
            *e = take_greeting(c);
        } else if (c->stage == AWAITS_EXPORT) {
            *e = take_answer(c);
            if (*e == ERR_END) {
                *e = OK;
                *out = (struct nbd_client_news){
                    .kind = NBD_CLIENT_READY, .size_bytes = c->size_bytes, .flags = c->flags};
                return true;
            }
        } else {
            *e = take_reply(c, out);
            if (!*e)
                return true;
        }
    }
    if (*e == ERR_AGAIN)
        *e = OK;
    return false;
}
