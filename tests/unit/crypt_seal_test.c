#include <string.h>

#include "core/base/cpu.h"
#include "core/base/num.h"
#include "core/base/rng.h"
#include "core/crypt/b64.h"
#include "core/crypt/crypt.h"
#include "core/crypt/hkdf.h"
#include "core/crypt/seal.h"
#include "core/os/child.h"
#include "tests/unit/test.h"

static const enum cipher ciphers[] = {CIPHER_AESGCM, CIPHER_CHACHAPOLY};

static void count_up(uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)i;
}

/* Known answers below come from Python's hashlib, hmac and cryptography modules. */
static void nonce_and_cipher_are_the_standard_ones(void)
{
    static const char *const expected[] = {
        "6c340962b2c16fff71bf8e9f7f090e9db34f8edfbe8adf3bd960a37a64ad",
        "982cc188c4198c79168b59bc1216668342ea5dabaf16ccceaf59850a80be",
    };
    uint8_t key[SEAL_KEY_BYTES], out[64], want[64];
    struct seal_key k;

    EXPECT_EQ(crypt_init(), OK);
    count_up(key, sizeof key);
    for (size_t i = 0; i < COUNT_OF(ciphers); i++) {
        seal_init(&k, ciphers[i], key);
        seal_close(&k, 0x0102030405060708u, bytes_of("ad", 2), bytes_of_string("hello far span"),
                   out);
        EXPECT_EQ(test_hex(expected[i], want, sizeof want), 14 + SEAL_TAG_BYTES);
        EXPECT(memcmp(out, want, 14 + SEAL_TAG_BYTES) == 0);
    }
}

static void what_is_closed_opens_in_place_too(void)
{
    uint8_t key[SEAL_KEY_BYTES], plain[1452], sealed[1452 + SEAL_TAG_BYTES], out[1452];
    struct seal_key k, copy;
    struct rng rng;

    rng_seed(&rng, 1);
    rng_fill(&rng, plain, sizeof plain);
    for (size_t i = 0; i < COUNT_OF(ciphers); i++)
        for (size_t n = 0; n <= sizeof plain; n += n < 70 ? 1 : 691) {
            rng_fill(&rng, key, sizeof key);
            seal_init(&k, ciphers[i], key);
            copy = k;
            seal_close(&k, n, bytes_of(key, n % 20), bytes_of(plain, n), sealed);
            EXPECT_EQ(seal_open(&copy, n, bytes_of(key, n % 20), bytes_of(sealed, n + 16), out),
                      OK);
            EXPECT(memcmp(out, plain, n) == 0);
            memcpy(out, plain, n);
            uint8_t again[sizeof sealed];
            memcpy(again, plain, n);
            seal_close(&k, n, bytes_of(key, n % 20), bytes_of(again, n), again);
            EXPECT(memcmp(again, sealed, n + 16) == 0);
            EXPECT_EQ(seal_open(&k, n, bytes_of(key, n % 20), bytes_of(again, n + 16), again), OK);
            EXPECT(memcmp(again, plain, n) == 0);
        }
}

static void nothing_may_differ(void)
{
    uint8_t key[SEAL_KEY_BYTES], sealed[40 + SEAL_TAG_BYTES], out[40], ad[5] = "head";
    struct bytes all = bytes_of(sealed, sizeof sealed), head = bytes_of(ad, sizeof ad);
    struct seal_key k, other;

    count_up(key, sizeof key);
    for (size_t i = 0; i < COUNT_OF(ciphers); i++) {
        seal_init(&k, ciphers[i], key);
        count_up(sealed, 40);
        seal_close(&k, 7, head, bytes_of(sealed, 40), sealed);
        for (size_t bit = 0; bit < 8 * sizeof sealed; bit++) {
            sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
            EXPECT_EQ(seal_open(&k, 7, head, all, out), ERR_VERIFY);
            sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        for (size_t bit = 0; bit < 8 * sizeof ad; bit++) {
            ad[bit / 8] ^= (uint8_t)(1 << bit % 8);
            EXPECT_EQ(seal_open(&k, 7, head, all, out), ERR_VERIFY);
            ad[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        EXPECT_EQ(seal_open(&k, 8, head, all, out), ERR_VERIFY);
        EXPECT_EQ(seal_open(&k, UINT64_MAX, head, all, out), ERR_VERIFY);
        EXPECT_EQ(seal_open(&k, 7, bytes_of(ad, 4), all, out), ERR_VERIFY);
        for (size_t n = 0; n < sizeof sealed; n++)
            EXPECT_EQ(seal_open(&k, 7, head, bytes_of(sealed, n), out),
                      n < SEAL_TAG_BYTES ? ERR_MALFORMED : ERR_VERIFY);
        seal_init(&other, ciphers[1 - i], key);
        EXPECT_EQ(seal_open(&other, 7, head, all, out), ERR_VERIFY);
        seal_next(&k, &other);
        EXPECT_EQ(seal_open(&other, 7, head, all, out), ERR_VERIFY);
        EXPECT_EQ(seal_open(&k, 7, head, all, out), OK);
    }
}

static void the_next_key_is_the_documented_one(void)
{
    uint8_t key[SEAL_KEY_BYTES], want[SEAL_KEY_BYTES], sealed[SEAL_TAG_BYTES], out[1];
    struct bytes none = bytes_of(NULL, 0);
    struct seal_key k, next;

    count_up(key, sizeof key);
    test_hex("2683cbe88c1d2a7016c9130148e3274c3843288b7afd948f3fb21a42f6183528", want, sizeof want);
    for (size_t i = 0; i < COUNT_OF(ciphers); i++) {
        seal_init(&k, ciphers[i], key);
        seal_next(&k, &next);
        EXPECT(memcmp(next.key, want, sizeof want) == 0);
        EXPECT_EQ(next.cipher, ciphers[i]);
        seal_next(&k, &k);
        seal_close(&k, 0, none, none, sealed);
        EXPECT_EQ(seal_open(&next, 0, none, bytes_of(sealed, sizeof sealed), out), OK);
        seal_wipe(&k);
        for (size_t b = 0; b < sizeof k; b++)
            EXPECT_EQ(((uint8_t *)&k)[b], 0);
    }
}

static void unknown_ciphers_are_not_available(void)
{
    EXPECT(!cipher_available((enum cipher)0));
    EXPECT(!cipher_available((enum cipher)3));
    EXPECT(cipher_available(CIPHER_CHACHAPOLY));
    EXPECT(strcmp(cipher_name(CIPHER_AESGCM), "AESGCM") == 0);
    EXPECT(strcmp(cipher_name((enum cipher)99), "?") == 0);
}

static bool hmac_is(struct bytes key, struct bytes a, struct bytes b, const char *hex)
{
    uint8_t got[HKDF_HASH_BYTES], want[HKDF_HASH_BYTES];

    hkdf_hmac(key, a, b, got);
    return test_hex(hex, want, sizeof want) == sizeof want && memcmp(got, want, sizeof want) == 0;
}

static void hmac_and_hkdf_are_the_standard_ones(void)
{
    struct bytes fox = bytes_of_string("The quick brown fox jumps over the lazy dog");
    struct bytes none = bytes_of(NULL, 0);
    uint8_t key[200], long_text[300], got[192], want[192];

    EXPECT(hmac_is(bytes_of("key", 3), bytes_of(fox.p, 10), bytes_of(fox.p + 10, fox.n - 10),
                   "92294f92c0dfb9b00ec9ae8bd94d7e7d8a036b885a499f149dfe2fd2199394aa"
                   "af6b8894a1730cccb2cd050f9bcf5062a38b51b0dab33207f8ef35ae2c9df51b"));
    count_up(key, sizeof key); /* longer than a block */
    EXPECT(hmac_is(bytes_of(key, sizeof key), none, none,
                   "7388546f6fc7f13d6a774d6c7ed213aafc3c82f27851f8fae9fa679c6f52eb7c"
                   "c873c4a7f0b574ce29ff40e0641a436015a41a2cfbb84b9906495d4f801dbe4c"));
    memset(key, 0xaa, 128); /* exactly a block */
    memset(long_text, 'x', sizeof long_text);
    EXPECT(hmac_is(bytes_of(key, 128), none, bytes_of(long_text, sizeof long_text),
                   "7bb1e4d38decf1318406e0a844e82a06a24bc214a4cbd17c2f65a76668eeb397"
                   "24e9e26cc48eae36ec86f60ffbdab5dd98ebbd05253b08401eb3aca9fd57d5af"));
    count_up(key, 132);
    hkdf_expand(key, bytes_of(key + 100, 32), 3, got);
    test_hex("2262ed5f40c3324574d00a1e0849a7cc67fb5b6a80211c3c59404bb8e47512b1"
             "cb95e73840718c5d68ca345f934f39a52f1f31e8f6d3ed521f0664f46feddae4"
             "f6a6559fa2aaab64d3d2666b83fe3f4fed6fae1959537fedd6a39b6f8d411e61"
             "32593234cc2a750244335da5021c27bf7eacbb65cfa608457de6ecc144b90077"
             "07c82c1301c70e885f4662f1f3f7b7bb9e04d81c94a6e1882f812c02ffb69580"
             "c93095bb599ad2fced3d3cf38c9c17df4fb3c0029f231247fca69b040e16449e",
             want, sizeof want);
    EXPECT(memcmp(got, want, sizeof want) == 0);
    hkdf_expand(key, bytes_of(key + 100, 32), 2, long_text);
    EXPECT(memcmp(long_text, want, 128) == 0);
}

static void secrets_compare_wipe_and_lock(void)
{
    uint8_t a[40], b[40];
    struct rng rng = crypt_rng();

    rng_fill(&rng, a, sizeof a);
    memcpy(b, a, sizeof a);
    EXPECT(crypt_equal(a, b, sizeof a));
    b[39] ^= 0x80;
    EXPECT(!crypt_equal(a, b, sizeof a));
    EXPECT(crypt_equal(a, b, 39));
    crypt_lock(a, sizeof a);
    crypt_wipe(a, sizeof a);
    crypt_wipe(b, sizeof b);
    for (size_t i = 0; i < sizeof a; i++)
        EXPECT(a[i] == 0 && b[i] == 0);
    rng_fill(&rng, a, sizeof a);
    rng_fill(&rng, b, sizeof b);
    EXPECT(memcmp(a, b, sizeof a) != 0);
}

static void base64_has_one_text_a_value(void)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint8_t value[9], back[9];
    char text[B64_CHARS(9) + 2];
    struct rng rng;

    rng_seed(&rng, 3);
    for (size_t n = 1; n <= sizeof value; n++) {
        size_t chars = B64_CHARS(n);
        rng_fill(&rng, value, n);
        b64_put(value, n, text);
        EXPECT_EQ(strlen(text), chars);
        EXPECT_EQ(b64_get(bytes_of(text, chars), back, n), OK);
        EXPECT(memcmp(value, back, n) == 0);
        unsigned same = 0;
        for (size_t i = 0; i < chars; i++)
            for (int c = 0; c < 256; c++) {
                char was = text[i];
                text[i] = (char)c;
                bool good = b64_get(bytes_of(text, chars), back, n) == OK;
                EXPECT(!good || (c && strchr(digits, c)));
                same += good && memcmp(value, back, n) == 0;
                text[i] = was;
            }
        EXPECT_EQ(same, chars); /* nothing but the text itself */
        text[chars] = 'A';
        EXPECT_EQ(b64_get(bytes_of(text, chars + 1), back, n), ERR_MALFORMED);
        text[chars] = '=';
        EXPECT_EQ(b64_get(bytes_of(text, chars + 1), back, n), ERR_MALFORMED);
        EXPECT_EQ(b64_get(bytes_of(text, chars - 1), back, n), ERR_MALFORMED);
        EXPECT_EQ(b64_get(bytes_of(NULL, 0), back, n), ERR_MALFORMED);
    }
}

/* What runs on older processors is tested on this one too: everything here once more. */
static void without_vaes_as_well(void)
{
    struct child_env env = {0};
    int pid, status = -1;

    if (!cpu_vaes())
        return; /* that was it already */
    child_env_add(&env, "FARSPAN_CPU", "c");
    EXPECT_EQ(child_start("/proc/self/exe", "", &env, &pid), OK);
    while (!child_ended(pid, &status))
        ;
    EXPECT_EQ(status, 0);
}

TEST_MAIN({"nonce and cipher are the standard ones", nonce_and_cipher_are_the_standard_ones},
          {"what is closed opens, in place too", what_is_closed_opens_in_place_too},
          {"nothing may differ", nothing_may_differ},
          {"the next key is the documented one", the_next_key_is_the_documented_one},
          {"unknown ciphers are not available", unknown_ciphers_are_not_available},
          {"hmac and hkdf are the standard ones", hmac_and_hkdf_are_the_standard_ones},
          {"secrets compare, wipe and lock", secrets_compare_wipe_and_lock},
          {"base64 has one text a value", base64_has_one_text_a_value},
          {"without VAES as well", without_vaes_as_well})
