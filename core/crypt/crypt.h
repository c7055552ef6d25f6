/* crypt: the library behind all cryptography, wiping, locking and comparing secrets, the system's
 * randomness. */
#ifndef FARSPAN_CRYPT_H
#define FARSPAN_CRYPT_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"
#include "core/base/rng.h"

/* Prepares the library; call it once before anything else in core/crypt (again does no harm).
 * ERR_SYSTEM when the system gives no randomness. */
enum err crypt_init(void) MUST_USE;

/* The system's generator, for keys, nonces and ids of real sessions; the value may be copied. */
struct rng crypt_rng(void);

/* Zeroes `n` bytes at `p` so that no compiler can leave it out. */
void crypt_wipe(void *p, size_t n);

/* Whether `n` bytes are equal, in a time that depends on `n` alone. */
bool crypt_equal(const void *a, const void *b, size_t n);

/* Asks that the pages which hold `n` borrowed bytes at `p` are neither swapped out nor written to
 * a core file. Where that is not allowed nothing happens, and it is logged once at debug level.
 * They stay so for as long as they are mapped, whoever uses them next: another secret may share
 * the page. So there is no undoing; crypt_wipe what was kept there. */
void crypt_lock(const void *p, size_t n);

#endif
