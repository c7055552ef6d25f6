#include "core/crypt/crypt.h"

#include <sodium.h>
#include <stdatomic.h>
#include <stdint.h>

#include "core/base/log.h"

enum err crypt_init(void)
{
    if (sodium_init() >= 0)
        return OK;
    log_error("cryptography cannot be initialised: the system gives no randomness");
    return ERR_SYSTEM;
}

static void system_fill(struct rng *r, void *to, size_t n)
{
    (void)r;
    randombytes_buf(to, n);
}

struct rng crypt_rng(void)
{
    return (struct rng){.fill = system_fill};
}

void crypt_wipe(void *p, size_t n)
{
    sodium_memzero(p, n);
}

bool crypt_equal(const void *a, const void *b, size_t n)
{
    return sodium_memcmp(a, b, n) == 0;
}

void crypt_lock(const void *p, size_t n)
{
    static atomic_bool told;

    /* The library takes a pointer to what may change because its unlocking wipes. */
    if (sodium_mlock((void *)(uintptr_t)p, n) == 0 || atomic_exchange(&told, true))
        return;
    log_errno(LOG_DEBUG, "secrets cannot be kept out of swap (%zu bytes)", n);
}
