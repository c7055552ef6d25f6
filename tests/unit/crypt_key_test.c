#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/heap.h"
#include "core/base/log.h"
#include "core/crypt/crypt.h"
#include "core/crypt/key.h"
#include "core/os/file.h"
#include "tests/unit/test.h"

static char folder[64], path[128], logged[512];

static void keep_line(enum log_level level, const char *line)
{
    (void)level;
    snprintf(logged, sizeof logged, "%s", line);
}

/* Makes a folder for one test; everything in it is removed by end(). */
static bool begin(void)
{
    snprintf(folder, sizeof folder, "/tmp/farspan-key-test-XXXXXX");
    log_set_sink(keep_line);
    logged[0] = 0;
    if (crypt_init() || !mkdtemp(folder))
        return false;
    snprintf(path, sizeof path, "%s/id", folder);
    return true;
}

static void end(void)
{
    char command[128];

    log_set_sink(NULL);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    EXPECT_EQ(system(command), 0);
}

static bool put(const char *text, size_t n, mode_t mode)
{
    FILE *f = fopen(path, "w");

    return f && fwrite(text, 1, n, f) == n && fclose(f) == 0 && chmod(path, mode) == 0;
}

/* Known answers below come from Python's cryptography and hashlib modules. */
static void agreement_is_x25519(void)
{
    uint8_t secret[64], want[KEY_BYTES], shared[KEY_BYTES];
    struct key_pair a, b;

    EXPECT_EQ(crypt_init(), OK);
    for (size_t i = 0; i < sizeof secret; i++)
        secret[i] = (uint8_t)i;
    key_from_secret(&a, secret);
    key_from_secret(&b, secret + 32);
    test_hex("8f40c5adb68f25624ae5b214ea767a6ec94d829d3d7b5e1ad1ba6f3e2138285f", want, KEY_BYTES);
    EXPECT(memcmp(a.public, want, KEY_BYTES) == 0);
    test_hex("358072d6365880d1aeea329adf9121383851ed21a28e3b75e965d0d2cd166254", want, KEY_BYTES);
    EXPECT(memcmp(b.public, want, KEY_BYTES) == 0);
    test_hex("9663aa1da97e848a914a436d04163dfbb89178f107f1b5b77ed3854203382854", want, KEY_BYTES);
    EXPECT_EQ(key_agree(a.secret, b.public, shared), OK);
    EXPECT(memcmp(shared, want, KEY_BYTES) == 0);
    EXPECT_EQ(key_agree(b.secret, a.public, shared), OK);
    EXPECT(memcmp(shared, want, KEY_BYTES) == 0);
    key_derive(&a, "label", shared);
    test_hex("7f8088eb65cc4626d4a3ca026af9f97dbd1b8a39b7ac12a63a07745f1fa09847", want, KEY_BYTES);
    EXPECT(memcmp(shared, want, KEY_BYTES) == 0);
}

static void text_is_strict(void)
{
    char text[KEY_TEXT_CHARS + 2];
    uint8_t back[KEY_BYTES];
    struct key_pair pair;
    struct rng rng;

    rng_seed(&rng, 5);
    key_generate(&pair, &rng);
    key_to_text(pair.public, text);
    EXPECT_EQ(strlen(text), KEY_TEXT_CHARS);
    EXPECT_EQ(key_from_text(bytes_of(text, KEY_TEXT_CHARS), back), OK);
    EXPECT(memcmp(back, pair.public, KEY_BYTES) == 0);
    text[KEY_TEXT_CHARS - 1]++; /* one more spare bit set */
    EXPECT_EQ(key_from_text(bytes_of(text, KEY_TEXT_CHARS), back), ERR_MALFORMED);
    EXPECT_EQ(key_from_text(bytes_of_string(""), back), ERR_MALFORMED);
    memset(text, 'A', sizeof text);
    EXPECT_EQ(key_from_text(bytes_of(text, KEY_TEXT_CHARS), back), OK);
    EXPECT_EQ(key_from_text(bytes_of(text, KEY_TEXT_CHARS + 1), back), ERR_MALFORMED);
    text[7] = '+';
    EXPECT_EQ(key_from_text(bytes_of(text, KEY_TEXT_CHARS), back), ERR_MALFORMED);
    text[7] = ' ';
    EXPECT_EQ(key_from_text(bytes_of(text, KEY_TEXT_CHARS), back), ERR_MALFORMED);
}

static void an_identity_survives_its_file(void)
{
    struct rng rng = crypt_rng();
    struct key_pair a, b;
    struct stat st;

    EXPECT(begin());
    key_generate(&a, &rng);
    EXPECT_EQ(key_load(&b, path), ERR_NOT_FOUND);
    EXPECT(!strstr(logged, path)); /* the caller may make one */
    EXPECT_EQ(key_save(&a, path), OK);
    EXPECT(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600);
    EXPECT_EQ(key_load(&b, path), OK);
    EXPECT(memcmp(&a, &b, sizeof a) == 0);
    key_generate(&b, &rng);
    EXPECT_EQ(key_save(&b, path), ERR_EXISTS);
    EXPECT_EQ(key_load(&b, path), OK);
    EXPECT(memcmp(&a, &b, sizeof a) == 0);
    end();
}

static void open_permissions_are_refused(void)
{
    static const mode_t modes[] = {0640, 0604, 0660, 0601, 0620, 0777, 0644};
    struct rng rng = crypt_rng();
    struct key_pair a;

    EXPECT(begin());
    key_generate(&a, &rng);
    EXPECT_EQ(key_save(&a, path), OK);
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        EXPECT_EQ(chmod(path, modes[i]), 0);
        EXPECT_EQ(key_load(&a, path), ERR_USAGE);
        EXPECT(strstr(logged, "chmod 600"));
        EXPECT_EQ(a.secret[0] | a.secret[31] | a.public[0] | a.public[31], 0);
    }
    EXPECT_EQ(chmod(path, 0400), 0);
    EXPECT_EQ(key_load(&a, path), OK);
    EXPECT_EQ(unlink(path), 0);
    EXPECT_EQ(mkfifo(path, 0600), 0); /* must not wait for a writer */
    EXPECT_EQ(key_load(&a, path), ERR_USAGE);
    EXPECT_EQ(key_load(&a, folder), ERR_USAGE);
    EXPECT(strstr(logged, "no regular file"));
    end();
}

static void other_files_are_refused(void)
{
    struct rng rng = crypt_rng();
    struct key_pair a;
    struct buf good;
    char text[300];

    EXPECT(begin());
    key_generate(&a, &rng);
    EXPECT_EQ(key_save(&a, path), OK);
    buf_init(&good, 256);
    EXPECT_EQ(file_read(path, true, &good), OK);
    size_t n = good.n;
    memcpy(text, good.p, n);
    for (size_t cut = 0; cut < n - 1; cut++) {
        EXPECT(put(text, cut, 0600));
        EXPECT_EQ(key_load(&a, path), ERR_MALFORMED);
    }
    EXPECT(put(text, n - 1, 0600)); /* an editor that left the last newline out */
    EXPECT_EQ(key_load(&a, path), OK);
    for (size_t i = 0; i < n; i++) {
        memcpy(text, good.p, n);
        text[i] ^= 0x01;
        EXPECT(put(text, n, 0600));
        enum err e = key_load(&a, path);
        /* Another character of the secret is another secret; the head must be as it is. */
        EXPECT(e == ERR_MALFORMED || e == ERR_VERSION || (e == OK && i > 18));
    }
    memcpy(text, good.p, n);
    text[17] = '2';
    EXPECT(put(text, n, 0600));
    EXPECT_EQ(key_load(&a, path), ERR_VERSION);
    EXPECT(strstr(logged, "version 1"));
    memcpy(text, good.p, n);
    text[n] = '\n';
    EXPECT(put(text, n + 1, 0600));
    EXPECT_EQ(key_load(&a, path), ERR_MALFORMED);
    memset(text, 'x', sizeof text);
    EXPECT(put(text, sizeof text, 0600));
    EXPECT_EQ(key_load(&a, path), ERR_LIMIT);
    EXPECT_EQ(a.secret[0] | a.secret[31], 0);
    buf_release(&good);
    end();
}

static void missing_folders_are_named(void)
{
    struct rng rng = crypt_rng();
    struct key_pair a;

    EXPECT(begin());
    key_generate(&a, &rng);
    snprintf(path, sizeof path, "%s/none/id", folder);
    EXPECT_EQ(key_save(&a, path), ERR_SYSTEM);
    EXPECT(strstr(logged, path));
    end();
}

static void allocations_that_fail_leave_nothing(void)
{
    struct rng rng = crypt_rng();
    struct key_pair a, b;
    enum err e;

    EXPECT(begin());
    key_generate(&a, &rng);
    for (uint64_t nth = 1;; nth++) {
        heap_fail_at(nth);
        e = key_save(&a, path);
        bool fired = heap_fault_fired();
        heap_fail_at(0);
        if (!fired)
            break;
        EXPECT(e == ERR_MEMORY || e == ERR_EXISTS);
        EXPECT(nth < 10);
    }
    for (uint64_t nth = 1;; nth++) {
        heap_fail_at(nth);
        e = key_load(&b, path);
        bool fired = heap_fault_fired();
        heap_fail_at(0);
        if (!fired)
            break;
        EXPECT_EQ(e, ERR_MEMORY);
        EXPECT(nth < 10);
    }
    EXPECT_EQ(e, OK);
    end();
}

TEST_MAIN({"agreement is X25519", agreement_is_x25519}, {"text is strict", text_is_strict},
          {"an identity survives its file", an_identity_survives_its_file},
          {"open permissions are refused", open_permissions_are_refused},
          {"other files are refused", other_files_are_refused},
          {"missing folders are named", missing_folders_are_named},
          {"allocations that fail leave nothing", allocations_that_fail_leave_nothing})
