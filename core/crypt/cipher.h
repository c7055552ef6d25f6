/* cipher: the two AEAD ciphers a session can use, and which of them run here. */
#ifndef FARSPAN_CIPHER_H
#define FARSPAN_CIPHER_H

#include <stdbool.h>

/* The numbers stand on the wire; AEADs with a 32-byte key and a 16-byte tag. */
enum cipher {
    CIPHER_AESGCM = 1,     /* AES-256-GCM (NIST SP 800-38D); "AESGCM" in Noise names */
    CIPHER_CHACHAPOLY = 2, /* ChaCha20-Poly1305 (RFC 8439); "ChaChaPoly" in Noise names */
};

/* Whether `c` is a cipher that this machine can run: AES-256-GCM needs AES and carry-less multiply
 * instructions, ChaCha20-Poly1305 runs everywhere; false for any other number. After crypt_init. */
bool cipher_available(enum cipher c);

/* The name of the cipher in a Noise protocol name, static; "?" for any other number. */
const char *cipher_name(enum cipher c);

#endif
