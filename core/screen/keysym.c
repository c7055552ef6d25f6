#include "core/screen/keysym.h"

#include <string.h>

#include "core/base/utf8.h"

/* The first entry of `keysym`, or NULL. */
static const struct keysym_entry *find(uint32_t keysym)
{
    size_t lo = 0, hi = keysym_table_count;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (keysym_table[mid].keysym < keysym)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < keysym_table_count && keysym_table[lo].keysym == keysym ? &keysym_table[lo] : NULL;
}

uint32_t keysym_to_code(uint32_t keysym)
{
    uint32_t beyond = keysym - KEYSYM_UNICODE;

    if ((keysym >= 0x20 && keysym < 0x7f) || (keysym >= 0xa0 && keysym < 0x100))
        return keysym;
    if (keysym >= KEYSYM_UNICODE && beyond <= 0x10ffff)
        return keysym_of_code(beyond) && beyond >= 0x20 ? beyond : 0;
    const struct keysym_entry *e = find(keysym);
    return e ? e->code : 0;
}

uint32_t keysym_of_code(uint32_t code)
{
    if (code == '\t')
        return KEYSYM_TAB;
    if (code == '\n' || code == '\r')
        return KEYSYM_RETURN;
    if (code < 0x20 || (code >= 0x7f && code < 0xa0))
        return KEYSYM_NONE;
    if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
        return KEYSYM_NONE;
    return code < 0x100 ? code : KEYSYM_UNICODE + code;
}

/* The value of "U+20AC", 0 when it is nothing like that. */
static uint32_t parse_code(struct bytes name)
{
    uint32_t code = 0;

    if (name.n < 4 || name.n > 8 || name.p[0] != 'U' || name.p[1] != '+')
        return 0;
    for (size_t i = 2; i < name.n; i++) {
        uint8_t c = name.p[i], lower = c | 0x20;
        if (c >= '0' && c <= '9')
            code = code << 4 | (uint32_t)(c - '0');
        else if (lower >= 'a' && lower <= 'f')
            code = code << 4 | (uint32_t)(lower - 'a' + 10);
        else
            return 0;
    }
    return code;
}

uint32_t keysym_of_name(struct bytes name)
{
    struct bytes rest = name;
    uint32_t code;

    if (name.n == 0 || utf8_bad_at(name) != name.n)
        return KEYSYM_NONE;
    if (utf8_next(&rest, &code) && rest.n == 0)
        return keysym_of_code(code);
    if ((code = parse_code(name)))
        return keysym_of_code(code);
    for (size_t i = 0; i < keysym_table_count; i++)
        if (bytes_equal(bytes_of_string(keysym_table[i].name), name))
            return keysym_table[i].keysym;
    return KEYSYM_NONE;
}

const char *keysym_name(uint32_t keysym)
{
    const struct keysym_entry *e = find(keysym);

    return e ? e->name : NULL;
}
