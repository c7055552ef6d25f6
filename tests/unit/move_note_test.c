/* move_note: what a note says is what is read again; what is none is told apart; the folder keeps
 * one for each move. */
#include "core/guest/move_note.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/guest/move_notes.h"
#include "core/os/file.h"
#include "core/os/os.h"
#include "core/os/process.h"
#include "tests/unit/test.h"

enum { TEXT_BYTES = 4096 };

static struct move_note example(void)
{
    struct move_note n = {.id = "0123456789abcdef",
                          .stage = NOTE_HANDED,
                          .target = "farspan://192.0.2.7:7470/KEY",
                          .guest = "db \"one\"",
                          .qmp = "/run/vm1.qmp",
                          .pid = 4711,
                          .started_ticks = 123456789,
                          .owner_pid = 4712,
                          .owner_ticks = 123456799,
                          .at_s = 1764500000,
                          .runs = true,
                          .ours = true};

    memset(n.peer, 7, KEY_BYTES);
    return n;
}

static void test_again(void)
{
    struct move_note n = example(), back;
    struct buf text;

    for (int stage = 0; stage < NOTE_STAGES; stage++) {
        n.stage = (enum move_stage)stage;
        buf_init(&text, TEXT_BYTES);
        EXPECT(move_note_write(&n, &text) == OK);
        EXPECT(move_note_read(buf_bytes(&text), &back) == OK);
        EXPECT(memcmp(&n, &back, sizeof n) == 0);
        buf_release(&text);
        EXPECT(move_note_of_source(&n) == (stage <= NOTE_HANDED));
    }
    buf_init(&text, 16);
    EXPECT(move_note_write(&n, &text) == ERR_LIMIT);
    buf_release(&text);
}

static enum err read_changed(const char *from, const char *to)
{
    struct move_note n = example();
    char text[TEXT_BYTES], *at;
    struct buf whole;

    buf_init(&whole, TEXT_BYTES);
    enum err e = move_note_write(&n, &whole);
    snprintf(text, sizeof text, "%.*s", (int)whole.n, (const char *)whole.p);
    buf_release(&whole);
    at = e ? NULL : strstr(text, from);
    if (!at)
        return ERR_COUNT;
    char rest[TEXT_BYTES];
    snprintf(rest, sizeof rest, "%s", at + strlen(from));
    snprintf(at, sizeof text - (size_t)(at - text), "%s%s", to, rest);
    return move_note_read(bytes_of_string(text), &n);
}

static void test_lies(void)
{
    EXPECT_EQ(read_changed("\"farspan_move\":1", "\"farspan_move\":2"), ERR_VERSION);
    EXPECT_EQ(read_changed("\"farspan_move\":1", "\"farspan_move\":0"), ERR_MALFORMED);
    EXPECT_EQ(read_changed("\"farspan_move\":1", "\"more\":1"), ERR_MALFORMED);
    EXPECT_EQ(read_changed("\"handed\"", "\"given\""), ERR_MALFORMED);
    EXPECT_EQ(read_changed("0123456789abcdef", "0123456789abcde"), ERR_MALFORMED);
    EXPECT_EQ(read_changed("0123456789abcdef", "../../etc/passwd"), ERR_MALFORMED);
    EXPECT_EQ(read_changed("\"peer\":\"B", "\"peer\":\"!"), ERR_MALFORMED);
    EXPECT_EQ(read_changed("/run/vm1.qmp", "/run/\\u0007"), ERR_MALFORMED);
    EXPECT_EQ(read_changed("{", "["), ERR_MALFORMED);
    EXPECT_EQ(read_changed("\"farspan_move\":1", "\"later\":[1],\"farspan_move\":1"), OK);
}

static void test_id(void)
{
    struct rng rng;
    char one[MOVE_ID_CHARS + 1], two[MOVE_ID_CHARS + 1];

    rng_seed(&rng, 1);
    move_note_id(&rng, one);
    move_note_id(&rng, two);
    EXPECT(move_note_id_right(one) && move_note_id_right(two) && strcmp(one, two) != 0);
    EXPECT(!move_note_id_right("") && !move_note_id_right("0123456789abcdeF"));
    EXPECT(!move_note_id_right("0123456789abcdef0"));
}

static enum err count(void *ctx, const struct move_note *n)
{
    unsigned *seen = ctx;

    (void)n;
    return ++*seen > 8 ? ERR_LIMIT : OK;
}

static void test_folder(void)
{
    struct move_note n = example(), back;
    struct move_notes m;
    unsigned seen = 0;
    char stray[FOLDER_PATH_CHARS + 32];

    EXPECT(move_notes_open(&m) == OK);
    EXPECT(move_notes_get(&m, n.id, &back) == ERR_NOT_FOUND);
    EXPECT(move_notes_put(&m, &n) == OK);
    n.owner_pid = m.pid;
    n.owner_ticks = m.ticks;
    EXPECT(move_notes_get(&m, n.id, &back) == OK && memcmp(&n, &back, sizeof n) == 0);
    EXPECT(!move_notes_owned(&m, &back) && move_notes_take(&m, n.id, &back) == OK);

    /* One of another process: while that is there it is its own. */
    struct move_notes parent = m;
    parent.pid = getppid();
    EXPECT(process_started(parent.pid, &parent.ticks) == OK);
    EXPECT(move_notes_put(&parent, &n) == OK);
    EXPECT(move_notes_take(&m, n.id, &back) == ERR_BUSY && move_notes_owned(&m, &back));
    parent.ticks++;
    EXPECT(move_notes_put(&parent, &n) == OK);
    EXPECT(move_notes_take(&m, n.id, &back) == OK && move_notes_get(&m, n.id, &back) == OK);
    EXPECT(back.owner_pid == m.pid);
    EXPECT(move_notes_take(&m, "00000000000000aa", &back) == ERR_NOT_FOUND);
    n.stage = NOTE_RUNNING;
    EXPECT(move_notes_put(&m, &n) == OK);
    EXPECT(move_notes_get(&m, n.id, &back) == OK && back.stage == NOTE_RUNNING);
    memcpy(n.id, "fedcba9876543210", MOVE_ID_CHARS);
    EXPECT(move_notes_put(&m, &n) == OK);
    snprintf(stray, sizeof stray, "%s/00000000000000ff", m.folder);
    EXPECT(file_create(stray, bytes_of_string("no note"), 0600) == OK);
    EXPECT(move_notes_each(&m, count, &seen) == OK && seen == 2);
    seen = 8;
    EXPECT(move_notes_each(&m, count, &seen) == ERR_LIMIT);
    EXPECT(move_notes_get(&m, "../etc", &back) == ERR_NOT_FOUND);

    /* A disk that is full leaves the old one as it was. */
    n.stage = NOTE_ABANDONED;
    os_fail_at(OS_WRITE, 1, ENOSPC);
    EXPECT(move_notes_put(&m, &n) == ERR_SYSTEM);
    os_fail_at(OS_WRITE, 0, 0);
    EXPECT(move_notes_get(&m, n.id, &back) == OK && back.stage == NOTE_RUNNING);
    os_fail_at(OS_OPEN, 1, EIO);
    EXPECT(move_notes_each(&m, count, &seen) == ERR_SYSTEM);
    os_fail_at(OS_OPEN, 0, 0);
    os_fail_at(OS_READ, 1, EIO);
    EXPECT(move_notes_each(&m, count, &seen) == ERR_SYSTEM);
    os_fail_at(OS_READ, 0, 0);

    move_notes_drop(&m, n.id);
    move_notes_drop(&m, n.id);
    move_notes_drop(&m, "0123456789abcdef");
    file_remove(stray);
    seen = 0;
    EXPECT(move_notes_each(&m, count, &seen) == OK && seen == 0);
}

TEST_MAIN({"again", test_again}, {"lies", test_lies}, {"id", test_id}, {"folder", test_folder})
