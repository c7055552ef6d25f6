#include "core/wire/hello.h"

#include <string.h>

#include "core/base/rd.h"
#include "core/base/utf8.h"

static void put_params(struct wr *w, const struct hello_params *p)
{
    wr_u32(w, p->compatible);
    wr_u32(w, p->incompatible);
    wr_var(w, p->max_data);
    wr_var(w, p->max_stream_data);
    wr_var(w, p->max_ack_delay_us);
}

static void get_params(struct rd *r, struct hello_params *p)
{
    p->compatible = rd_u32(r);
    p->incompatible = rd_u32(r);
    p->max_data = rd_var(r);
    p->max_stream_data = rd_var(r);
    p->max_ack_delay_us = rd_var(r);
}

void hello_put_client(struct wr *w, const struct hello_client *h)
{
    put_params(w, &h->params);
    wr_u8(w, h->has_token);
    wr_bytes(w, bytes_of(h->token_id, sizeof h->token_id));
}

enum err hello_get_client(struct bytes b, struct hello_client *out)
{
    struct rd r = rd_of(b);

    memset(out, 0, sizeof *out);
    get_params(&r, &out->params);
    uint8_t has = rd_u8(&r);
    rd_copy(&r, out->token_id, sizeof out->token_id);
    out->has_token = has == 1;
    return r.bad || has > 1 ? ERR_MALFORMED : OK;
}

void hello_put_server(struct wr *w, const struct hello_server *h)
{
    put_params(w, &h->params);
    wr_u8(w, h->verdict);
    wr_u32(w, h->roles);
    wr_sized(w, bytes_of_string(h->reason));
}

enum err hello_get_server(struct bytes b, struct hello_server *out)
{
    struct rd r = rd_of(b);

    memset(out, 0, sizeof *out);
    get_params(&r, &out->params);
    uint8_t verdict = rd_u8(&r);
    out->roles = rd_u32(&r);
    struct bytes reason = rd_sized(&r, LIMIT_REASON_CHARS);
    if (r.bad || verdict > HELLO_BUSY)
        return ERR_MALFORMED;
    out->verdict = (enum hello_verdict)verdict;
    utf8_clean(reason, out->reason, sizeof out->reason);
    return OK;
}
