#include "core/crypt/cipher.h"

#include <sodium.h>

bool cipher_available(enum cipher c)
{
    if (c == CIPHER_AESGCM)
        return crypto_aead_aes256gcm_is_available();
    return c == CIPHER_CHACHAPOLY;
}

const char *cipher_name(enum cipher c)
{
    switch (c) {
    case CIPHER_AESGCM:
        return "AESGCM";
    case CIPHER_CHACHAPOLY:
        return "ChaChaPoly";
    }
    return "?";
}
