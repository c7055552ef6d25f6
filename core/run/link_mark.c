#include "core/run/link_mark.h"

#include <string.h>

#include "core/crypt/crypt.h"
#include "core/crypt/hkdf.h"
#include "core/os/clock.h"

void link_mark(const struct peer *p, uint8_t mark[TRIAL_MARK_BYTES])
{
    uint8_t mac[HKDF_HASH_BYTES];
    char name[CLOCK_NAME_CHARS];
    struct rng rng = crypt_rng();

    clock_name(name);
    /* Keyed with the session, so that it says nothing about a host that is another one. */
    hkdf_hmac(bytes_of(peer_binding(p), HKDF_HASH_BYTES), bytes_of_string(name),
              bytes_of_string("clock"), mac);
    memcpy(mark, mac, TRIAL_MARK_BYTES);
    if (!name[0])
        rng_fill(&rng, mark, TRIAL_MARK_BYTES);
}
