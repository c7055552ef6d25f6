#include "core/run/given.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/num.h"
#include "tests/unit/test.h"

static char text[GIVEN_CHARS];
static struct reason reason;

static enum err read_given(const char *given)
{
    text[0] = 0;
    reason.text[0] = 0;
    return given_text(given, text, &reason);
}

/* Makes stdin a file of these bytes. */
static bool stdin_is(const char *bytes, size_t n)
{
    FILE *f = tmpfile();

    return f && fwrite(bytes, 1, n, f) == n && fflush(f) == 0 && fseek(f, 0, SEEK_SET) == 0 &&
           dup2(fileno(f), 0) == 0 && fclose(f) == 0 && freopen("/dev/fd/0", "r", stdin) != NULL;
}

static void words_files_stdin_and_environment(void)
{
    char path[] = "@/tmp/given-XXXXXX";
    int fd = mkstemp(path + 1);

    EXPECT(fd >= 0 && write(fd, "  ticket of file \r\nmore\n", 24) == 24 && close(fd) == 0);
    EXPECT(read_given("host:7470") == OK && strcmp(text, "host:7470") == 0);
    EXPECT(read_given(path) == OK && strcmp(text, "ticket of file") == 0);
    EXPECT(stdin_is("from stdin\nrest", 15));
    EXPECT(read_given("-") == OK && strcmp(text, "from stdin") == 0);
    unsetenv("FARSPAN_TICKET");
    EXPECT_EQ(read_given(NULL), ERR_USAGE);
    setenv("FARSPAN_TICKET", "from the environment", 1);
    EXPECT(read_given(NULL) == OK && strcmp(text, "from the environment") == 0);
    EXPECT(read_given("") == OK && strcmp(text, "from the environment") == 0);
    EXPECT(read_given("word") == OK && strcmp(text, "word") == 0);
    setenv("FARSPAN_TICKET", path, 1);
    EXPECT(read_given(NULL) == OK && strcmp(text, "ticket of file") == 0);
    unsetenv("FARSPAN_TICKET");
    fd = open(path + 1, O_WRONLY | O_TRUNC);
    EXPECT(fd >= 0 &&
           write(fd, "listening on 0.0.0.0:1\nfarspan://a:1/k\nfarspan://b\n", 50) == 50 &&
           close(fd) == 0);
    EXPECT(read_given(path) == OK && strcmp(text, "farspan://a:1/k") == 0);
    fd = open(path + 1, O_WRONLY | O_TRUNC);
    EXPECT(fd >= 0 && write(fd, "on a, ticket farspan://a:2/k\n", 29) == 29 && close(fd) == 0);
    EXPECT(read_given(path) == OK && strcmp(text, "farspan://a:2/k") == 0);
    fd = open(path + 1, O_WRONLY | O_TRUNC);
    EXPECT(fd >= 0 && write(fd, "{\"ticket\":\"farspan://a:3/k\",\"n\":1}", 34) == 34 &&
           close(fd) == 0);
    EXPECT(read_given(path) == OK && strcmp(text, "farspan://a:3/k") == 0);
    unlink(path + 1);
}

static void bad_ones_are_refused(void)
{
    char longest[GIVEN_CHARS + 2];
    static const char zeros[] = {'a', 0, 'b', '\n'};

    memset(longest, 'x', sizeof longest);
    longest[GIVEN_CHARS] = 0;
    EXPECT(read_given(longest) == ERR_USAGE && reason.text[0]);
    EXPECT(!strstr(reason.text, "xxx")); /* it may be secret */
    longest[GIVEN_CHARS - 1] = 0;
    EXPECT_EQ(read_given(longest), OK);
    EXPECT_EQ(read_given("@/nowhere/ticket"), ERR_NOT_FOUND);
    EXPECT(reason.text[0]);
    EXPECT_EQ(read_given("@/"), ERR_SYSTEM);
    EXPECT(stdin_is("", 0));
    EXPECT_EQ(read_given("-"), ERR_USAGE);
    EXPECT(stdin_is("\n\n", 2));
    EXPECT_EQ(read_given("-"), ERR_USAGE);
    EXPECT(stdin_is(zeros, sizeof zeros));
    EXPECT(read_given("-") == ERR_USAGE || strcmp(text, "a") == 0);
    EXPECT_EQ(read_given("   "), ERR_USAGE);
}

TEST_MAIN({"words_files_stdin_and_environment", words_files_stdin_and_environment},
          {"bad_ones_are_refused", bad_ones_are_refused})
