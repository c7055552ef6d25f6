/* authorized_keys files: every entry is found again and has roles; refusals name line and reason.
 */

#include "core/base/check.h"
#include "core/crypt/authorized.h"
#include "core/crypt/role.h"
#include "tests/fuzz/fuzz.h"

static void look_at(const struct authorized *a)
{
    char text[ROLE_TEXT_CHARS];
    uint32_t roles;

    for (size_t i = 0; i < a->count; i++) {
        const struct authorized_key *k = &a->keys[i];
        CHECK(authorized_find(a, k->key) == k);
        CHECK(k->line && strlen(k->name) <= LIMIT_NAME_CHARS);
        role_print(k->roles, text);
        CHECK(role_parse(bytes_of_string(text), &roles) == OK && roles == k->roles);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    uint8_t *copy = fuzz_copy(data, n);
    struct keyfile_error why;
    struct authorized a;

    if (authorized_parse(&a, bytes_of(copy, n), &why) == OK)
        look_at(&a);
    else
        CHECK(why.reason[0] && !a.keys && a.count == 0);
    authorized_release(&a);
    free(copy);
    return 0;
}
