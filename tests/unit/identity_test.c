#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/num.h"
#include "core/run/identity.h"
#include "core/run/run_keygen.h"
#include "tests/unit/test.h"

static void keep_quiet(enum log_level level, const char *line)
{
    (void)level, (void)line;
}

static void folders_follow_the_user(void)
{
    static const struct {
        struct folder_user user;
        const char *name, *paths[FOLDER_KINDS];
    } good[] = {
        {{.root = true, .home = "/root", .xdg = {"/x", "/x", "/x", "/x"}},
         "f",
         {"/etc/farspan/f", "/var/lib/farspan/f", "/var/cache/farspan/f", "/run/farspan/f"}},
        {{.home = "/home/u"},
         "",
         {"/home/u/.config/farspan", "/home/u/.local/state/farspan", "/home/u/.cache/farspan",
          "/home/u/.local/state/farspan/run"}},
        {{.home = "/home/u", .xdg = {"/c", "/s", "", "relative"}},
         "f",
         {"/c/farspan/f", "/s/farspan/f", "/home/u/.cache/farspan/f",
          "/home/u/.local/state/farspan/run/f"}},
        {{.root = true, .override = "/o", .xdg = {"/x", "/x", "/x", "/x"}},
         "f",
         {"/o/config/f", "/o/state/f", "/o/cache/f", "/o/run/f"}},
        {{.override = "", .xdg = {"/a", "/b", "/c", "/d"}},
         "f",
         {"/a/farspan/f", "/b/farspan/f", "/c/farspan/f", "/d/farspan/f"}},
    };
    char path[FOLDER_PATH_CHARS];

    for (size_t i = 0; i < COUNT_OF(good); i++)
        for (int k = 0; k < FOLDER_KINDS; k++) {
            EXPECT_EQ(folder_path(&good[i].user, (enum folder_kind)k, good[i].name, path), OK);
            if (strcmp(path, good[i].paths[k]) != 0)
                printf("%s, not %s\n", path, good[i].paths[k]);
            EXPECT(strcmp(path, good[i].paths[k]) == 0);
        }
}

static void nowhere_is_an_error(void)
{
    static char longest[FOLDER_PATH_CHARS];
    char path[FOLDER_PATH_CHARS];
    struct folder_user none = {.home = "", .xdg = {"relative"}}, deep = {.home = longest};

    EXPECT_EQ(folder_path(&none, FOLDER_CONFIG, "f", path), ERR_NOT_FOUND);
    memset(longest, 'a', sizeof longest - 1);
    EXPECT_EQ(folder_path(&deep, FOLDER_CONFIG, "f", path), ERR_LIMIT);
}

/* A fresh place for default folders; the path of what keygen makes there. */
static const char *fresh_home(char home[64], char identity[128])
{
    snprintf(home, 64, "/tmp/farspan-identity-XXXXXX");
    if (!mkdtemp(home) || setenv("FARSPAN_HOME", home, 1) != 0)
        return NULL;
    snprintf(identity, 128, "%s/config/identity", home);
    log_set_sink(keep_quiet);
    return identity;
}

static void remove_home(const char *home)
{
    static const char *const made[] = {"config/identity", "config/other", "config", ""};
    char path[128];

    for (size_t i = 0; i < COUNT_OF(made); i++) {
        snprintf(path, sizeof path, "%s/%s", home, made[i]);
        remove(path);
    }
    log_set_sink(NULL);
}

static void the_default_one_is_made_once(void)
{
    char home[64], path[128], folder[128];
    struct run run = {.quiet = true};
    struct key_pair first, second;
    struct stat st;

    EXPECT(fresh_home(home, path));
    EXPECT_EQ(identity_load(&run, &first), OK);
    EXPECT(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600);
    snprintf(folder, sizeof folder, "%s/config", home);
    EXPECT(stat(folder, &st) == 0 && (st.st_mode & 07777) == 0700);
    EXPECT_EQ(identity_load(&run, &second), OK);
    EXPECT(memcmp(&first, &second, sizeof first) == 0);
    EXPECT_EQ(identity_make(&run, path, &second), ERR_EXISTS);
    EXPECT(strstr(run.reason.text, path));
    remove_home(home);
}

static void a_named_one_is_never_made(void)
{
    char home[64], path[128];
    struct run run = {.identity = path}, nothing = {.identity = ""};
    struct key_pair pair;

    EXPECT(fresh_home(home, path));
    EXPECT_EQ(identity_load(&run, &pair), ERR_NOT_FOUND);
    EXPECT(strstr(run.reason.text, path));
    EXPECT(access(path, F_OK) != 0);
    EXPECT_EQ(identity_load(&nothing, &pair), ERR_USAGE);
    remove_home(home);
}

static void a_bad_one_is_refused(void)
{
    char home[64], path[128], text[KEY_TEXT_CHARS + 1];
    struct run run = {.quiet = true};
    struct key_pair pair;

    EXPECT(fresh_home(home, path));
    EXPECT_EQ(identity_load(&run, &pair), OK);
    int fd = open(path, O_WRONLY | O_TRUNC);
    EXPECT(fd >= 0 && write(fd, "nonsense\n", 9) == 9 && close(fd) == 0);
    EXPECT_EQ(identity_load(&run, &pair), ERR_MALFORMED);
    key_to_text(pair.secret, text);
    EXPECT(strspn(text, "A") == KEY_TEXT_CHARS);
    EXPECT(strstr(run.reason.text, path));
    remove_home(home);
}

static void without_home_it_must_be_named(void)
{
    struct run run = {0};
    char path[FOLDER_PATH_CHARS];

    /* Root has its folders without a home. */
    unsetenv("FARSPAN_HOME");
    unsetenv("HOME");
    unsetenv("XDG_CONFIG_HOME");
    if (folder_user_here().root) {
        EXPECT_EQ(identity_path(&run, path), OK);
        EXPECT(strcmp(path, "/etc/farspan/identity") == 0);
    } else {
        EXPECT_EQ(identity_path(&run, path), ERR_USAGE);
        EXPECT(strstr(run.reason.text, "--identity"));
    }
}

TEST_MAIN({"folders follow the user", folders_follow_the_user},
          {"nowhere is an error", nowhere_is_an_error},
          {"the default one is made once", the_default_one_is_made_once},
          {"a named one is never made", a_named_one_is_never_made},
          {"a bad one is refused", a_bad_one_is_refused},
          {"without home it must be named", without_home_it_must_be_named})
