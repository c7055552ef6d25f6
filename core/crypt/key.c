#include "core/crypt/key.h"

#include <sodium.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/log.h"
#include "core/crypt/b64.h"
#include "core/crypt/crypt.h"
#include "core/os/file.h"

#define KEY_MAGIC "farspan-identity-"
#define KEY_HEAD KEY_MAGIC "1 "

enum {
    HEAD_CHARS = sizeof KEY_HEAD - 1,
    FILE_BYTES = HEAD_CHARS + KEY_TEXT_CHARS + 1,
    FILE_MAX = 256,
};

_Static_assert(KEY_TEXT_CHARS == B64_CHARS(KEY_BYTES), "text size");
_Static_assert(KEY_BYTES == crypto_scalarmult_SCALARBYTES, "key size");
_Static_assert(KEY_BYTES == crypto_scalarmult_BYTES, "key size");

void key_generate(struct key_pair *pair, struct rng *rng)
{
    uint8_t secret[KEY_BYTES];

    rng_fill(rng, secret, sizeof secret);
    key_from_secret(pair, secret);
    crypt_wipe(secret, sizeof secret);
}

void key_from_secret(struct key_pair *pair, const uint8_t secret[KEY_BYTES])
{
    memmove(pair->secret, secret, KEY_BYTES);
    crypto_scalarmult_base(pair->public, pair->secret);
}

void key_wipe(struct key_pair *pair)
{
    crypt_wipe(pair, sizeof *pair);
}

enum err key_agree(const uint8_t secret[KEY_BYTES], const uint8_t public[KEY_BYTES],
                   uint8_t out[KEY_BYTES])
{
    if (crypto_scalarmult(out, secret, public) == 0)
        return OK;
    crypt_wipe(out, KEY_BYTES);
    return ERR_MALFORMED;
}

void key_derive(const struct key_pair *pair, const char *label, uint8_t out[KEY_BYTES])
{
    crypto_generichash(out, KEY_BYTES, (const uint8_t *)label, strlen(label), pair->secret,
                       sizeof pair->secret);
}

void key_to_text(const uint8_t key[KEY_BYTES], char text[KEY_TEXT_CHARS + 1])
{
    b64_put(key, KEY_BYTES, text);
}

enum err key_from_text(struct bytes text, uint8_t key[KEY_BYTES])
{
    return b64_get(text, key, KEY_BYTES);
}

enum err key_parse(struct bytes text, struct key_pair *pair)
{
    size_t magic = sizeof KEY_MAGIC - 1;

    if (text.n < HEAD_CHARS || memcmp(text.p, KEY_MAGIC, magic) != 0)
        return ERR_MALFORMED;
    if (memcmp(text.p, KEY_HEAD, HEAD_CHARS) != 0)
        return text.p[magic] >= '0' && text.p[magic] <= '9' ? ERR_VERSION : ERR_MALFORMED;
    if (text.n == FILE_BYTES && text.p[FILE_BYTES - 1] == '\n')
        text.n--;
    text.p += HEAD_CHARS;
    text.n -= HEAD_CHARS;
    enum err e = b64_get(text, pair->secret, KEY_BYTES);
    if (e == OK)
        crypto_scalarmult_base(pair->public, pair->secret);
    return e;
}

enum err key_load(struct key_pair *pair, const char *path)
{
    struct buf text;

    key_wipe(pair);
    buf_init(&text, FILE_MAX);
    enum err e = file_read(path, true, &text);
    if (e == OK) {
        e = key_parse(buf_bytes(&text), pair);
        if (e == ERR_VERSION)
            log_error("%s is an identity of a later version: this build reads version 1", path);
        else if (e != OK)
            log_error("%s holds no farspan identity", path);
    }
    /* FILE_MAX is allocated at once, so that no copy of the secret was left by growing. */
    if (text.p)
        crypt_wipe(text.p, text.n);
    buf_release(&text);
    if (e != OK)
        key_wipe(pair);
    return e;
}

enum err key_save(const struct key_pair *pair, const char *path)
{
    char text[FILE_BYTES + 1] = KEY_HEAD;

    b64_put(pair->secret, KEY_BYTES, text + HEAD_CHARS);
    text[FILE_BYTES - 1] = '\n';
    enum err e = file_create(path, bytes_of(text, FILE_BYTES), 0600);
    crypt_wipe(text, sizeof text);
    return e;
}
