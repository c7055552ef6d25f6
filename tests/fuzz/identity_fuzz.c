/* Identity files, and public keys as text: what is read is written the same. */

#include "core/base/check.h"
#include "core/crypt/b64.h"
#include "core/crypt/crypt.h"
#include "core/crypt/key.h"
#include "tests/fuzz/fuzz.h"

static const char head[] = "farspan-identity-1 ";

static void try_identity(struct bytes text)
{
    struct key_pair pair;
    char secret[KEY_TEXT_CHARS + 1];
    size_t least = sizeof head - 1 + KEY_TEXT_CHARS;
    enum err e = key_parse(text, &pair);

    CHECK(e == OK || e == ERR_VERSION || e == ERR_MALFORMED);
    if (e == OK) {
        CHECK(text.n == least || (text.n == least + 1 && text.p[least] == '\n'));
        b64_put(pair.secret, KEY_BYTES, secret);
        CHECK(memcmp(text.p, head, sizeof head - 1) == 0);
        CHECK(memcmp(text.p + sizeof head - 1, secret, KEY_TEXT_CHARS) == 0);
    }
    key_wipe(&pair);
}

static void try_public(struct bytes text)
{
    uint8_t key[KEY_BYTES];
    char again[KEY_TEXT_CHARS + 1];

    if (key_from_text(text, key) != OK)
        return;
    key_to_text(key, again);
    CHECK(text.n == KEY_TEXT_CHARS && memcmp(text.p, again, KEY_TEXT_CHARS) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    CHECK(crypt_init() == OK);
    uint8_t *copy = fuzz_copy(data, n);
    try_identity(bytes_of(copy, n));
    try_public(bytes_of(copy, n));
    free(copy);
    return 0;
}
