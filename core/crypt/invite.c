#include "core/crypt/invite.h"

#include <string.h>

#include "core/base/check.h"
#include "core/crypt/crypt.h"

void invite_init(struct invite_table *t)
{
    memset(t, 0, sizeof *t);
    crypt_lock(t->invites, sizeof t->invites);
}

void invite_release(struct invite_table *t)
{
    crypt_wipe(t, sizeof *t);
}

/* The place of the invitation, or LIMIT_TOKENS. Ids are no secrets. */
static uint32_t place_of(const struct invite_table *t, const uint8_t id[INVITE_ID_BYTES])
{
    uint32_t i = 0;

    while (i < LIMIT_TOKENS &&
           !(t->invites[i].used && memcmp(t->invites[i].id, id, INVITE_ID_BYTES) == 0))
        i++;
    return i;
}

static bool is_over(const struct invite *v, uint64_t now_us)
{
    return v->expiry_us != INVITE_NEVER && now_us >= v->expiry_us;
}

/* Takes back what invitations that are over have promised. */
static void expire(struct invite_table *t, uint64_t now_us)
{
    for (uint32_t i = 0; i < LIMIT_TOKENS; i++) {
        struct invite *v = &t->invites[i];
        if (!v->used || !is_over(v, now_us))
            continue;
        t->promised -= v->uses_left;
        v->uses_left = 0;
    }
}

/* A free place, if need be that of an invitation that can never be of use again; or LIMIT_TOKENS.
 */
static uint32_t make_place(struct invite_table *t, uint64_t now_us)
{
    expire(t, now_us);
    for (uint32_t i = 0; i < LIMIT_TOKENS; i++)
        if (!t->invites[i].used)
            return i;
    for (uint32_t i = 0; i < LIMIT_TOKENS; i++) {
        struct invite *v = &t->invites[i];
        if (!is_over(v, now_us) || v->bound)
            continue;
        crypt_wipe(v, sizeof *v);
        return i;
    }
    return LIMIT_TOKENS;
}

enum err invite_add(struct invite_table *t, struct rng *rng, uint64_t now_us, uint32_t roles,
                    uint32_t uses, uint64_t expiry_us, const struct invite **out)
{
    uint8_t id[INVITE_ID_BYTES];

    *out = NULL;
    if (!roles)
        return ERR_USAGE;
    uint32_t place = make_place(t, now_us);
    if (place == LIMIT_TOKENS || uses > INVITE_KEYS - t->key_count - t->promised)
        return ERR_LIMIT;
    do
        rng_fill(rng, id, sizeof id);
    while (place_of(t, id) != LIMIT_TOKENS);
    struct invite *v = &t->invites[place];
    *v = (struct invite){.roles = roles,
                         .uses_left = uses,
                         .expiry_us = expiry_us,
                         .any = uses == INVITE_ANY_USES,
                         .used = true};
    memcpy(v->id, id, sizeof v->id);
    rng_fill(rng, v->secret, sizeof v->secret);
    t->promised += uses;
    *out = v;
    return OK;
}

static bool is_bound(const struct invite_table *t, uint32_t place, const uint8_t key[KEY_BYTES])
{
    for (uint32_t i = 0; i < t->key_count; i++)
        if (t->keys[i].place == place && memcmp(t->keys[i].key, key, KEY_BYTES) == 0)
            return true;
    return false;
}

enum invite_verdict invite_find(const struct invite_table *t, const uint8_t id[INVITE_ID_BYTES],
                                const uint8_t key[KEY_BYTES], uint64_t now_us,
                                const struct invite **out)
{
    uint32_t place = place_of(t, id);

    *out = NULL;
    if (place == LIMIT_TOKENS)
        return INVITE_UNKNOWN;
    const struct invite *v = &t->invites[place];
    if (!is_bound(t, place, key)) {
        if (is_over(v, now_us))
            return INVITE_EXPIRED;
        if (!v->any && v->uses_left == 0)
            return INVITE_SPENT;
    }
    *out = v;
    return INVITE_GOOD;
}

enum invite_verdict invite_enrol(struct invite_table *t, const uint8_t id[INVITE_ID_BYTES],
                                 const uint8_t key[KEY_BYTES], uint64_t now_us)
{
    const struct invite *found;
    enum invite_verdict verdict = invite_find(t, id, key, now_us, &found);
    uint32_t place = place_of(t, id);

    if (verdict != INVITE_GOOD || found->any || is_bound(t, place, key))
        return verdict;
    CHECK(t->key_count < INVITE_KEYS && t->promised > 0);
    t->keys[t->key_count].place = place;
    memcpy(t->keys[t->key_count++].key, key, KEY_BYTES);
    t->promised--;
    t->invites[place].uses_left--;
    t->invites[place].bound++;
    return INVITE_GOOD;
}

uint32_t invite_roles(const struct invite_table *t, const uint8_t key[KEY_BYTES])
{
    uint32_t roles = 0;

    for (uint32_t i = 0; i < t->key_count; i++)
        if (memcmp(t->keys[i].key, key, KEY_BYTES) == 0)
            roles |= t->invites[t->keys[i].place].roles;
    return roles;
}

bool invite_open(const struct invite_table *t, uint64_t now_us)
{
    for (uint32_t i = 0; i < LIMIT_TOKENS; i++) {
        const struct invite *v = &t->invites[i];
        if (v->used && (v->any || v->uses_left) && !is_over(v, now_us))
            return true;
    }
    return false;
}

const char *invite_reason(enum invite_verdict v)
{
    switch (v) {
    case INVITE_GOOD:
        return "the invitation is good";
    case INVITE_UNKNOWN:
        return "the invitation is not known here (was the server restarted?)";
    case INVITE_SPENT:
        return "the invitation is used up";
    case INVITE_EXPIRED:
        return "the invitation has expired";
    }
    return "?";
}
