#include <sodium.h>
#include <string.h>

#include "core/base/cpu.h"
#include "core/base/num.h"
#include "core/base/rng.h"
#include "core/crypt/gcm.h"
#include "tests/unit/test.h"

enum { MOST = 1600, AD_MOST = 70 };

/* Where the kernel cannot run there is nothing to look at: seal.c uses libsodium's then. */
static bool runs(void)
{
    return cpu_vaes();
}

/* Test cases 13, 14 and 16 of "The Galois/Counter Mode of Operation" (McGrew and Viega, 2005). */
static void known_answers(void)
{
    static const struct {
        const char *key, *nonce, *ad, *plain, *sealed;
    } known[] = {
        {"0000000000000000000000000000000000000000000000000000000000000000",
         "000000000000000000000000", "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
        {"0000000000000000000000000000000000000000000000000000000000000000",
         "000000000000000000000000", "", "00000000000000000000000000000000",
         "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"},
        {"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
         "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2",
         "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
         "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
         "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
         "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
         "76fc6ece0f4e1768cddf8853bb2d551b"},
    };
    uint8_t key[GCM_KEY_BYTES], nonce[GCM_NONCE_BYTES], ad[32], plain[64], want[80], got[80];
    struct gcm_key k;

    for (size_t i = 0; i < COUNT_OF(known) && runs(); i++) {
        test_hex(known[i].key, key, sizeof key);
        test_hex(known[i].nonce, nonce, sizeof nonce);
        struct bytes head = bytes_of(ad, test_hex(known[i].ad, ad, sizeof ad));
        struct bytes text = bytes_of(plain, test_hex(known[i].plain, plain, sizeof plain));
        EXPECT_EQ(test_hex(known[i].sealed, want, sizeof want), text.n + GCM_TAG_BYTES);
        gcm_init(&k, key);
        gcm_seal(&k, nonce, head, text, got);
        EXPECT(memcmp(got, want, text.n + GCM_TAG_BYTES) == 0);
        EXPECT_EQ(gcm_open(&k, nonce, head, bytes_of(want, text.n + GCM_TAG_BYTES), got), OK);
        EXPECT(memcmp(got, plain, text.n) == 0);
    }
}

/* Nothing outside of what was asked for is written, whatever the length. */
static void the_same_as_libsodium_for_every_length(void)
{
    static uint8_t plain[MOST], want[MOST + GCM_TAG_BYTES], space[MOST + GCM_TAG_BYTES + 2];
    uint8_t key[GCM_KEY_BYTES], nonce[GCM_NONCE_BYTES], ad[AD_MOST], *got = space + 1;
    crypto_aead_aes256gcm_state state;
    struct gcm_key k;
    struct rng rng;

    rng_seed(&rng, 1);
    for (size_t n = 0; n <= MOST && runs(); n++) {
        size_t all = n + GCM_TAG_BYTES;
        struct bytes head = bytes_of(ad, n % (AD_MOST + 1));
        rng_fill(&rng, key, sizeof key);
        rng_fill(&rng, nonce, sizeof nonce);
        rng_fill(&rng, ad, sizeof ad);
        rng_fill(&rng, plain, n);
        crypto_aead_aes256gcm_beforenm(&state, key);
        crypto_aead_aes256gcm_encrypt_detached_afternm(want, want + n, NULL, plain, n, head.p,
                                                       head.n, NULL, nonce, &state);
        gcm_init(&k, key);
        memset(space, 0xa5, sizeof space);
        gcm_seal(&k, nonce, head, bytes_of(plain, n), got);
        EXPECT(memcmp(got, want, all) == 0 && space[0] == 0xa5 && got[all] == 0xa5);
        memcpy(got, plain, n);
        gcm_seal(&k, nonce, head, bytes_of(got, n), got);
        EXPECT(memcmp(got, want, all) == 0 && got[all] == 0xa5);
        memset(space, 0xa5, sizeof space);
        EXPECT_EQ(gcm_open(&k, nonce, head, bytes_of(want, all), got), OK);
        EXPECT(memcmp(got, plain, n) == 0 && space[0] == 0xa5 && got[n] == 0xa5);
        memcpy(got, want, all);
        EXPECT_EQ(gcm_open(&k, nonce, head, bytes_of(got, all), got), OK);
        EXPECT(memcmp(got, plain, n) == 0);
    }
}

static void every_byte_counts(void)
{
    static uint8_t plain[MOST], sealed[MOST + GCM_TAG_BYTES], out[MOST];
    uint8_t key[GCM_KEY_BYTES] = {1}, nonce[GCM_NONCE_BYTES] = {2}, ad[13] = {3};
    static const size_t sizes[] = {0, 1, 15, 16, 127, 128, 255, 256, 257, 500, 512, 1424};
    struct gcm_key k;

    if (!runs())
        return;
    gcm_init(&k, key);
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        struct bytes all = bytes_of(sealed, sizes[i] + GCM_TAG_BYTES);
        gcm_seal(&k, nonce, bytes_of(ad, sizeof ad), bytes_of(plain, sizes[i]), sealed);
        for (size_t at = 0; at < all.n; at++) {
            sealed[at] ^= 0x10;
            EXPECT_EQ(gcm_open(&k, nonce, bytes_of(ad, sizeof ad), all, out), ERR_VERIFY);
            sealed[at] ^= 0x10;
        }
        for (size_t at = 0; at < sizeof ad; at++) {
            ad[at] ^= 1;
            EXPECT_EQ(gcm_open(&k, nonce, bytes_of(ad, sizeof ad), all, out), ERR_VERIFY);
            ad[at] ^= 1;
        }
        EXPECT_EQ(gcm_open(&k, nonce, bytes_of(ad, sizeof ad), all, out), OK);
    }
}

TEST_MAIN({"known answers", known_answers},
          {"the same as libsodium for every length", the_same_as_libsodium_for_every_length},
          {"every byte counts", every_byte_counts})
