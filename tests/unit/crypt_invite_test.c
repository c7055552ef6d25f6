#include <string.h>

#include "core/base/heap.h"
#include "core/base/rng.h"
#include "core/crypt/crypt.h"
#include "core/crypt/invite.h"
#include "core/crypt/role.h"
#include "tests/unit/test.h"

enum { SECOND = 1000 * 1000 };

static struct invite_table *t;
static struct rng rng;
static const struct invite *found;
static const uint8_t alice[KEY_BYTES] = {1}, bob[KEY_BYTES] = {2}, eve[KEY_BYTES] = {3};

static bool begin(void)
{
    rng_seed(&rng, 4);
    t = heap_alloc(sizeof *t);
    if (!t || crypt_init() != OK)
        return false;
    invite_init(t);
    return true;
}

static void end(void)
{
    invite_release(t);
    for (size_t i = 0; i < sizeof *t; i++)
        EXPECT_EQ(((uint8_t *)t)[i], 0);
    heap_free(t);
}

/* A copy of the id, because the table may move on. */
static bool add(uint32_t roles, uint32_t uses, uint64_t expiry_us, uint8_t id[INVITE_ID_BYTES])
{
    const struct invite *v;

    if (invite_add(t, &rng, 0, roles, uses, expiry_us, &v) != OK)
        return false;
    memcpy(id, v->id, INVITE_ID_BYTES);
    return true;
}

static void one_use_binds_one_key(void)
{
    uint8_t id[INVITE_ID_BYTES];

    EXPECT(begin());
    EXPECT(!invite_open(t, 0));
    EXPECT(add(ROLE_VIEW, 1, 600 * (uint64_t)SECOND, id));
    EXPECT(invite_open(t, 0));
    /* Message 1 may be seen any number of times and spends nothing. */
    for (int i = 0; i < 5; i++) {
        EXPECT_EQ(invite_find(t, id, alice, SECOND, &found), INVITE_GOOD);
        EXPECT_EQ(invite_find(t, id, bob, SECOND, &found), INVITE_GOOD);
    }
    EXPECT_EQ(found->roles, ROLE_VIEW);
    EXPECT_EQ(invite_roles(t, alice), 0);
    EXPECT_EQ(invite_enrol(t, id, alice, SECOND), INVITE_GOOD);
    EXPECT_EQ(invite_enrol(t, id, alice, SECOND), INVITE_GOOD);
    EXPECT_EQ(invite_roles(t, alice), ROLE_VIEW);
    /* Bob was on his way too, but Alice was faster. */
    EXPECT_EQ(invite_enrol(t, id, bob, SECOND), INVITE_SPENT);
    EXPECT_EQ(invite_find(t, id, bob, SECOND, &found), INVITE_SPENT);
    EXPECT(!found);
    EXPECT_EQ(invite_roles(t, bob), 0);
    EXPECT(!invite_open(t, SECOND));
    /* Alice may come back, also when the time is long over. */
    EXPECT_EQ(invite_find(t, id, alice, 5000 * (uint64_t)SECOND, &found), INVITE_GOOD);
    EXPECT_EQ(invite_enrol(t, id, alice, 5000 * (uint64_t)SECOND), INVITE_GOOD);
    EXPECT(found && found->roles == ROLE_VIEW);
    end();
}

static void several_uses_and_the_end_of_time(void)
{
    uint8_t id[INVITE_ID_BYTES], other[INVITE_ID_BYTES], none[INVITE_ID_BYTES] = {0};

    EXPECT(begin());
    EXPECT(add(ROLE_VIEW | ROLE_CONTROL, 2, 10 * SECOND, id));
    EXPECT(add(ROLE_MIGRATE, 3, INVITE_NEVER, other));
    EXPECT_EQ(invite_enrol(t, id, alice, 10 * SECOND - 1), INVITE_GOOD);
    EXPECT_EQ(invite_find(t, id, bob, 10 * SECOND - 1, &found), INVITE_GOOD);
    EXPECT_EQ(invite_enrol(t, id, bob, 10 * SECOND), INVITE_EXPIRED);
    EXPECT_EQ(invite_find(t, id, bob, 10 * SECOND, &found), INVITE_EXPIRED);
    EXPECT_EQ(invite_find(t, id, alice, 10 * SECOND, &found), INVITE_GOOD);
    EXPECT_EQ(invite_find(t, none, alice, 0, &found), INVITE_UNKNOWN);
    EXPECT_EQ(invite_enrol(t, none, alice, 0), INVITE_UNKNOWN);
    /* What one invitation bound is nothing to another. */
    EXPECT_EQ(invite_find(t, other, alice, UINT64_MAX, &found), INVITE_GOOD);
    EXPECT_EQ(invite_enrol(t, other, alice, UINT64_MAX), INVITE_GOOD);
    EXPECT_EQ(invite_roles(t, alice), ROLE_VIEW | ROLE_CONTROL | ROLE_MIGRATE);
    EXPECT_EQ(invite_enrol(t, other, bob, 0), INVITE_GOOD);
    EXPECT_EQ(invite_enrol(t, other, eve, 0), INVITE_GOOD);
    EXPECT_EQ(invite_find(t, other, alice, 0, &found), INVITE_GOOD);
    uint8_t late[KEY_BYTES] = {9};
    EXPECT_EQ(invite_enrol(t, other, late, 0), INVITE_SPENT);
    for (int v = INVITE_GOOD; v <= INVITE_EXPIRED; v++)
        EXPECT(strlen(invite_reason((enum invite_verdict)v)) > 5);
    end();
}

static void any_number_of_uses_binds_nobody(void)
{
    uint8_t id[INVITE_ID_BYTES], key[KEY_BYTES] = {0};

    EXPECT(begin());
    EXPECT(add(ROLE_BENCH, INVITE_ANY_USES, INVITE_NEVER, id));
    for (unsigned i = 0; i < 2 * INVITE_KEYS; i++) {
        memcpy(key, &i, sizeof i);
        EXPECT_EQ(invite_enrol(t, id, key, i), INVITE_GOOD);
    }
    EXPECT_EQ(t->key_count, 0);
    EXPECT_EQ(invite_roles(t, key), 0);
    EXPECT(invite_open(t, UINT64_MAX));
    end();
}

static void the_table_has_limits(void)
{
    uint8_t first[INVITE_ID_BYTES], id[INVITE_ID_BYTES], key[KEY_BYTES] = {0};
    const struct invite *v;

    EXPECT(begin());
    EXPECT_EQ(invite_add(t, &rng, 0, 0, 1, INVITE_NEVER, &v), ERR_USAGE);
    EXPECT(!add(ROLE_VIEW, INVITE_KEYS + 1, INVITE_NEVER, id));
    EXPECT(add(ROLE_VIEW, INVITE_KEYS, 10, first));
    EXPECT(!add(ROLE_VIEW, 1, INVITE_NEVER, id));
    /* Every use that was promised can be spent. */
    for (unsigned i = 0; i < INVITE_KEYS; i++) {
        memcpy(key, &i, sizeof i);
        EXPECT_EQ(invite_enrol(t, first, key, 0), INVITE_GOOD);
    }
    key[31] = 1;
    EXPECT_EQ(invite_enrol(t, first, key, 0), INVITE_SPENT);
    EXPECT(!add(ROLE_VIEW, 1, INVITE_NEVER, id));
    EXPECT(add(ROLE_VIEW, INVITE_ANY_USES, INVITE_NEVER, id));
    end();

    EXPECT(begin());
    EXPECT(add(ROLE_VIEW, 700, 10, first));
    for (unsigned i = 1; i < LIMIT_TOKENS; i++)
        EXPECT(add(ROLE_VIEW, 1, 10, id));
    EXPECT(!add(ROLE_VIEW, 1, 10, id));
    EXPECT_EQ(invite_enrol(t, first, alice, 5), INVITE_GOOD);
    /* Those that are over make room, with what they promised; the one that bound Alice stays. */
    for (unsigned i = 1; i < LIMIT_TOKENS; i++)
        EXPECT_EQ(invite_add(t, &rng, 10, ROLE_VIEW, i == 1 ? 700 : 1, 20, &v), OK);
    EXPECT_EQ(invite_add(t, &rng, 10, ROLE_VIEW, 1, 20, &v), ERR_LIMIT);
    EXPECT_EQ(invite_find(t, first, alice, 10, &found), INVITE_GOOD);
    EXPECT_EQ(invite_find(t, id, alice, 10, &found), INVITE_UNKNOWN);
    end();
}

static void ids_and_secrets_are_random(void)
{
    const struct invite *v;
    uint8_t id[INVITE_ID_BYTES], secret[INVITE_SECRET_BYTES];

    EXPECT(begin());
    EXPECT_EQ(invite_add(t, &rng, 0, ROLE_VIEW, 1, 1, &v), OK);
    memcpy(id, v->id, sizeof id);
    memcpy(secret, v->secret, sizeof secret);
    EXPECT_EQ(invite_add(t, &rng, 0, ROLE_VIEW, 1, 1, &v), OK);
    EXPECT(memcmp(id, v->id, sizeof id) != 0);
    EXPECT(memcmp(secret, v->secret, sizeof secret) != 0);
    /* The same ids again are not given out twice. */
    rng_seed(&rng, 4);
    EXPECT_EQ(invite_add(t, &rng, 0, ROLE_VIEW, 1, 1, &v), OK);
    EXPECT(memcmp(id, v->id, sizeof id) != 0);
    end();
}

TEST_MAIN({"one use binds one key", one_use_binds_one_key},
          {"several uses, and the end of time", several_uses_and_the_end_of_time},
          {"any number of uses binds nobody", any_number_of_uses_binds_nobody},
          {"the table has limits", the_table_has_limits},
          {"ids and secrets are random", ids_and_secrets_are_random})
