#include "core/run/announce.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/crypt/role.h"
#include "tests/unit/test.h"

static char told[8192];
static int real_stdout;
static FILE *kept;

static void quiet(enum log_level level, const char *line)
{
    (void)level, (void)line;
}

/* What is printed from here on goes to a file ... */
static void begin(void)
{
    fflush(stdout);
    log_set_sink(quiet);
    real_stdout = dup(1);
    kept = tmpfile();
    dup2(fileno(kept), 1);
}

/* ... until here, and is then in `told`. */
static void end(void)
{
    fflush(stdout);
    dup2(real_stdout, 1);
    close(real_stdout);
    rewind(kept);
    told[fread(told, 1, sizeof told - 1, kept)] = 0;
    fclose(kept);
    log_set_sink(NULL);
}

static const struct peer_event came = {
    .kind = PEER_EVENT_CONNECTED,
    .path = {.family = ADDR_IP4, .ip = {192, 0, 2, 1}, .port = 7470},
    .key = {1, 2, 3},
};

static void viewers_are_told_of(void)
{
    struct run run = {.json = true};
    struct announce a = {.run = &run};
    struct peer_event moved = {.kind = PEER_EVENT_PATH, .path = came.path};
    struct peer_event gone = {.kind = PEER_EVENT_CLOSED, .reason = "it \"has\" ended\n"};

    moved.path.port = 9;
    moved.path.via = ADDR_TCP;
    begin();
    enum err e = announce_viewer(&a, 3, ROLE_VIEW | ROLE_CONTROL, &came);
    if (!e)
        e = announce_viewer(&a, 3, ROLE_VIEW, &moved);
    if (!e)
        e = announce_viewer(&a, 3, ROLE_VIEW, &gone);
    end();
    EXPECT_EQ(e, OK);
    EXPECT(strstr(told,
                  "{\"event\":\"connected\",\"viewer\":3,\"address\":\"192.0.2.1:7470\","
                  "\"transport\":\"udp\","
                  "\"key\":\"AQIDAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\",\"roles\":\"") == told);
    EXPECT(strstr(told, "\n{\"event\":\"moved\",\"viewer\":3,\"address\":\"192.0.2.1:9\","
                        "\"transport\":\"tcp\"}\n"));
    EXPECT(strstr(told, "\n{\"event\":\"disconnected\",\"viewer\":3,"
                        "\"reason\":\"it \\\"has\\\" ended\\n\"}\n"));
}

static int controls(void)
{
    int n = 0;

    for (const char *p = told; (p = strstr(p, "\"event\":\"control\"")); p++)
        n++;
    return n;
}

static void control_changes_hands(void)
{
    struct run run = {.json = true};
    struct announce a = {.run = &run};

    begin();
    enum err e = announce_left(&a, 1); /* who had nothing */
    e = e ? e : announce_acted(&a, 1, 1000);
    e = e ? e : announce_acted(&a, 1, 2000);
    e = e ? e : announce_acted(&a, 2, 900000); /* viewer 1 has acted within the second */
    e = e ? e : announce_acted(&a, 2, 1001999);
    end();
    EXPECT_EQ(e, OK);
    EXPECT(controls() == 1 && strstr(told, "\"viewer\":1,\"before\":0}"));
    begin();
    e = announce_acted(&a, 2, 1002000);
    end();
    EXPECT(!e && controls() == 1 && strstr(told, "\"viewer\":2,\"before\":1}"));
    begin();
    e = announce_left(&a, 1);
    e = e ? e : announce_left(&a, 2);
    e = e ? e : announce_left(&a, 2);
    end();
    EXPECT(!e && controls() == 1 && strstr(told, "\"viewer\":0,\"before\":2}"));
    begin();
    e = announce_acted(&a, 4, 1002001); /* nobody has it: at once */
    end();
    EXPECT(!e && controls() == 1 && strstr(told, "\"viewer\":4,\"before\":0}"));
}

static void what_cannot_be_told_is_an_error(void)
{
    struct run run = {.json = true};
    struct announce a = {.run = &run};
    int full = open("/dev/full", O_WRONLY);

    EXPECT(full >= 0);
    begin();
    dup2(full, 1);
    enum err viewer = announce_viewer(&a, 1, ROLE_VIEW, &came);
    clearerr(stdout);
    enum err control = announce_acted(&a, 1, 5);
    clearerr(stdout);
    end();
    close(full);
    EXPECT_EQ(viewer, ERR_SYSTEM);
    EXPECT_EQ(control, ERR_SYSTEM);
    EXPECT(strstr(run.reason.text, "standard output"));
}

TEST_MAIN({"viewers_are_told_of", viewers_are_told_of},
          {"control_changes_hands", control_changes_hands},
          {"what_cannot_be_told_is_an_error", what_cannot_be_told_is_an_error})
