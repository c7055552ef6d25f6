#include "core/crypt/ticket.h"

#include <stdio.h>
#include <string.h>

#include "core/base/limits.h"
#include "core/crypt/crypt.h"

enum {
    SCHEME_CHARS = sizeof TICKET_SCHEME - 1,
    ID_CHARS = B64_CHARS(INVITE_ID_BYTES),
    SECRET_CHARS = B64_CHARS(INVITE_SECRET_BYTES),
};

_Static_assert((int)TICKET_TEXT_CHARS <= (int)LIMIT_TICKET_CHARS, "every ticket can be read back");

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Drops blanks at both ends; gives how many stood in front. */
static size_t trim(struct bytes *text)
{
    size_t front = 0;

    for (; text->n && is_blank(text->p[0]); front++)
        *text = bytes_of(text->p + 1, text->n - 1);
    while (text->n && is_blank(text->p[text->n - 1]))
        text->n--;
    return front;
}

static bool has_scheme(struct bytes text)
{
    return text.n >= SCHEME_CHARS && memcmp(text.p, TICKET_SCHEME, SCHEME_CHARS) == 0;
}

bool ticket_is(struct bytes text)
{
    trim(&text);
    return has_scheme(text);
}

static enum err refuse(struct target_error *error, size_t at, const char *reason)
{
    *error = (struct target_error){at, reason};
    return ERR_MALFORMED;
}

/* `text` is what follows KEY: nothing or "#ID.SECRET". */
static enum err parse_invitation(struct bytes text, size_t at, struct ticket *out,
                                 struct target_error *error)
{
    if (text.n == 0)
        return OK;
    if (text.p[0] != '#')
        return refuse(error, at, "the key is too long, or '#' is missing after it");
    if (text.n < 1 + ID_CHARS + 1 || text.p[1 + ID_CHARS] != '.' ||
        b64_get(bytes_of(text.p + 1, ID_CHARS), out->id, INVITE_ID_BYTES) != OK)
        return refuse(error, at + 1, "no invitation id of 11 base64url characters and a '.'");
    if (b64_get(bytes_of(text.p + 2 + ID_CHARS, text.n - 2 - ID_CHARS), out->secret,
                INVITE_SECRET_BYTES) != OK)
        return refuse(error, at + 2 + ID_CHARS,
                      "the invitation's secret is not 43 base64url characters");
    out->invited = true;
    return OK;
}

/* `text` starts with the scheme; positions count from it. */
static enum err parse_parts(struct bytes text, struct ticket *out, struct target_error *error)
{
    struct bytes rest = bytes_of(text.p + SCHEME_CHARS, text.n - SCHEME_CHARS);
    const uint8_t *slash = rest.n ? memchr(rest.p, '/', rest.n) : NULL;

    if (!slash)
        return refuse(error, text.n, "the server's key is missing: '/' and 43 characters");
    size_t authority = (size_t)(slash - rest.p);
    enum err e = target_parse(bytes_of(rest.p, authority), TARGET_REACH, &out->target, error);
    if (e != OK) {
        error->at += SCHEME_CHARS;
        return e;
    }
    size_t key = SCHEME_CHARS + authority + 1;
    if (text.n < key + KEY_TEXT_CHARS ||
        key_from_text(bytes_of(text.p + key, KEY_TEXT_CHARS), out->key) != OK)
        return refuse(error, key, "the server's key is not 43 base64url characters");
    key += KEY_TEXT_CHARS;
    return parse_invitation(bytes_of(text.p + key, text.n - key), key, out, error);
}

enum err ticket_parse(struct bytes text, struct ticket *out, struct target_error *error)
{
    size_t front = trim(&text);
    enum err e;

    memset(out, 0, sizeof *out);
    if (text.n > LIMIT_TICKET_CHARS) {
        *error = (struct target_error){front, "longer than any ticket"};
        return ERR_LIMIT;
    }
    *error = (struct target_error){0, "a ticket starts with " TICKET_SCHEME};
    e = has_scheme(text) ? parse_parts(text, out, error) : ERR_MALFORMED;
    if (e == OK)
        return OK;
    error->at += front;
    ticket_wipe(out);
    return e;
}

void ticket_print(const struct ticket *t, char text[TICKET_TEXT_CHARS])
{
    char where[TARGET_TEXT_CHARS], key[KEY_TEXT_CHARS + 1];

    target_print(&t->target, where);
    key_to_text(t->key, key);
    int n = snprintf(text, TICKET_TEXT_CHARS, TICKET_SCHEME "%s/%s", where, key);
    if (!t->invited)
        return;
    char *end = text + n;
    *end++ = '#';
    b64_put(t->id, sizeof t->id, end);
    end += ID_CHARS;
    *end++ = '.';
    b64_put(t->secret, sizeof t->secret, end);
}

void ticket_wipe(struct ticket *t)
{
    crypt_wipe(t, sizeof *t);
}
