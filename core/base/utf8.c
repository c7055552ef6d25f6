#include "core/base/utf8.h"

/* Bytes of the character that begins at p, 0 where none does. */
static size_t take(const uint8_t *p, size_t left, uint32_t *code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = p[0] < 0x80 ? 1 : p[0] >> 5 == 6 ? 2 : p[0] >> 4 == 14 ? 3 : p[0] >> 3 == 30 ? 4 : 0;

    if (n == 0 || n > left)
        return 0;
    *code = n == 1 ? p[0] : p[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if (p[i] >> 6 != 2)
            return 0;
        *code = *code << 6 | (p[i] & 0x3fu);
    }
    if (*code < least[n] || *code > 0x10ffff || (*code >= 0xd800 && *code < 0xe000))
        return 0;
    return n;
}

bool utf8_next(struct bytes *text, uint32_t *code)
{
    if (text->n == 0)
        return false;
    size_t n = take(text->p, text->n, code);
    if (n == 0)
        *code = UTF8_BAD, n = 1;
    text->p += n;
    text->n -= n;
    return true;
}

size_t utf8_bad_at(struct bytes text)
{
    size_t at = 0, n;
    uint32_t code;

    while (at < text.n && (n = take(text.p + at, text.n - at, &code)) > 0)
        at += n;
    return at;
}

size_t utf8_put(uint32_t code, uint8_t to[UTF8_MAX_BYTES])
{
    if (code < 0x80)
        return to[0] = (uint8_t)code, 1;
    if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
        return 0;
    size_t n = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = n; i-- > 1; code >>= 6)
        to[i] = (uint8_t)(0x80 | (code & 0x3f));
    to[0] = (uint8_t)(0xf00 >> n | code);
    return n;
}

void utf8_clean(struct bytes text, char *to, size_t room)
{
    uint8_t one[UTF8_MAX_BYTES];
    size_t at = 0;
    uint32_t code;

    while (utf8_next(&text, &code)) {
        if (code < ' ' || (code >= 0x7f && code < 0xa0) || code == UTF8_BAD)
            code = '?';
        size_t n = utf8_put(code, one);
        if (at + n >= room)
            break;
        memcpy(to + at, one, n);
        at += n;
    }
    to[at] = 0;
}
