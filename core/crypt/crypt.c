#include "core/crypt/crypt.h"

#include <sodium.h>

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

void crypt_lock(void *p, size_t n)
{
    static bool told;

    if (sodium_mlock(p, n) == 0 || told)
        return;
    told = true;
    log_errno(LOG_DEBUG, "secrets cannot be kept out of swap (%zu bytes)", n);
}

void crypt_unlock(void *p, size_t n)
{
    crypt_wipe(p, n);
    sodium_munlock(p, n);
}
