#include "core/crypt/role.h"

#include <stdio.h>

#include "core/base/check.h"
#include "core/base/num.h"

static const struct {
    const char *name;
    uint32_t roles;
} table[] = {
    {"view", ROLE_VIEW},       {"control", ROLE_CONTROL | ROLE_VIEW},
    {"migrate", ROLE_MIGRATE}, {"replicate", ROLE_REPLICATE},
    {"bench", ROLE_BENCH},
};

static uint32_t roles_of(struct bytes name)
{
    for (size_t i = 0; i < COUNT_OF(table); i++)
        if (bytes_equal(name, bytes_of_string(table[i].name)))
            return table[i].roles;
    return 0;
}

enum err role_parse(struct bytes text, uint32_t *roles)
{
    *roles = 0;
    if (text.n == 0)
        return ERR_MALFORMED;
    for (size_t from = 0, i = 0; i <= text.n; i++) {
        if (i < text.n && text.p[i] != ',')
            continue;
        uint32_t more = roles_of(bytes_of(text.p + from, i - from));
        if (!more) {
            *roles = 0;
            return ERR_MALFORMED;
        }
        *roles |= more;
        from = i + 1;
    }
    return OK;
}

void role_print(uint32_t roles, char text[ROLE_TEXT_CHARS])
{
    size_t n = 0;

    snprintf(text, ROLE_TEXT_CHARS, "none");
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        bool implied = table[i].roles == ROLE_VIEW && roles & ROLE_CONTROL;
        if ((roles & table[i].roles) != table[i].roles || implied)
            continue;
        n += (size_t)snprintf(text + n, ROLE_TEXT_CHARS - n, "%s%s", n ? "," : "", table[i].name);
        CHECK(n < ROLE_TEXT_CHARS);
    }
}
