#include "core/wire/channel.h"

#include <string.h>

#include "core/base/rd.h"

enum { VERSION = 1 };

static bool is_name_char(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
}

bool channel_name_right(struct bytes name)
{
    for (size_t i = 0; i < name.n; i++)
        if (!is_name_char(name.p[i]))
            return false;
    return name.n >= 1 && name.n <= LIMIT_NAME_CHARS;
}

/* A length of one byte and so much text. ERR_AGAIN: not all there yet. */
static enum err get_text(struct rd *r, size_t most, struct bytes *out)
{
    if (r->left == 0)
        return ERR_AGAIN;
    size_t n = rd_u8(r);
    if (n > most)
        return ERR_MALFORMED;
    if (r->left < n)
        return ERR_AGAIN;
    *out = rd_bytes(r, n);
    return OK;
}

void channel_put_ask(struct wr *w, const struct channel_ask *a)
{
    size_t n = strnlen(a->name, LIMIT_NAME_CHARS);

    wr_u8(w, VERSION);
    wr_u8(w, (uint8_t)n);
    wr_bytes(w, bytes_of(a->name, n));
}

enum err channel_get_ask(struct bytes b, struct channel_ask *out, size_t *used)
{
    struct rd r = rd_of(b);
    struct bytes name;

    if (b.n == 0)
        return ERR_AGAIN;
    if (rd_u8(&r) != VERSION)
        return ERR_VERSION;
    enum err e = get_text(&r, LIMIT_NAME_CHARS, &name);
    if (e)
        return e;
    if (!channel_name_right(name))
        return ERR_MALFORMED;
    memset(out, 0, sizeof *out);
    memcpy(out->name, name.p, name.n);
    *used = b.n - r.left;
    return OK;
}

void channel_put_answer(struct wr *w, const struct channel_answer *a)
{
    size_t n = strnlen(a->reason, LIMIT_REASON_CHARS);

    wr_u8(w, (uint8_t)a->code);
    wr_u8(w, (uint8_t)n);
    wr_bytes(w, bytes_of(a->reason, n));
}

enum err channel_get_answer(struct bytes b, struct channel_answer *out, size_t *used)
{
    struct rd r = rd_of(b);
    struct bytes reason;

    if (b.n == 0)
        return ERR_AGAIN;
    unsigned code = rd_u8(&r);
    if (code >= CHANNEL_CODES)
        return ERR_MALFORMED;
    enum err e = get_text(&r, LIMIT_REASON_CHARS, &reason);
    if (e)
        return e;
    memset(out, 0, sizeof *out);
    out->code = (enum channel_code)code;
    for (size_t i = 0; i < reason.n; i++) {
        if (reason.p[i] < ' ' || reason.p[i] > '~')
            return ERR_MALFORMED;
        out->reason[i] = (char)reason.p[i];
    }
    *used = b.n - r.left;
    return OK;
}
