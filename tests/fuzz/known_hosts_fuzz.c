/* known_hosts files: every entry is found, also in a file of its own line; refusals say why. */

#include "core/base/check.h"
#include "core/crypt/known.h"
#include "tests/fuzz/fuzz.h"

static void look_at(const struct known *k)
{
    char line[KNOWN_LINE_CHARS];
    struct keyfile_error why;
    struct known one;

    for (size_t i = 0; i < k->count; i++) {
        const struct known_host *h = &k->hosts[i];
        CHECK(known_find(k, &h->target) == h);
        CHECK(known_check(k, &h->target, h->key) == KNOWN_SAME);
        known_line(&h->target, h->key, line);
        CHECK(known_parse(&one, bytes_of_string(line), &why) == OK && one.count == 1);
        CHECK(known_check(&one, &h->target, h->key) == KNOWN_SAME);
        known_release(&one);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    uint8_t *copy = fuzz_copy(data, n);
    struct keyfile_error why;
    struct known k;

    if (known_parse(&k, bytes_of(copy, n), &why) == OK)
        look_at(&k);
    else
        CHECK(why.reason[0] && !k.hosts && k.count == 0);
    known_release(&k);
    free(copy);
    return 0;
}
