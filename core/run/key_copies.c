#include "core/run/key_copies.h"

#include "core/crypt/crypt.h"

uint8_t key_copies_get(struct key_copies *k, const struct peer_sealing *s)
{
    uint8_t i = 0;

    while (i < k->count && (k->session[i] != s->session || k->generation[i] != s->generation))
        i++;
    if (i == k->count && i < KEY_COPIES) {
        k->key[i] = *s->key;
        k->session[i] = s->session;
        k->generation[i] = s->generation;
        k->count++;
    }
    return i;
}

void key_copies_wipe(struct key_copies *k)
{
    crypt_wipe(k->key, k->count * sizeof k->key[0]);
    k->count = 0;
}
