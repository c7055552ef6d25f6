/* The Nth allocation or system call of serve and of view fails, for real sessions over loopback:
 * no crash, no leak (under ASan), no session that hangs, and an exit status that says what is true.
 * Every N with FARSPAN_FULL, fewer without. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/crypt/key.h"
#include "core/os/file.h"
#include "core/run/identity.h"
#include "core/run/run_serve.h"
#include "core/run/run_view.h"
#include "tests/fault/torture.h"
#include "tests/unit/test.h"

enum { SESSIONS_A_SERVER = 100, PORT_TRIES = 50 };

static char folder[] = "/tmp/session-fault-XXXXXX";
static bool over_tcp; /* every session goes there */
static char identity[64], keys[64], known[64], out[64], helper_out[64], recording[64];

static enum err serve(const void *config, struct run *run)
{
    run->identity = identity;
    return run_serve(config, run);
}

static enum err view(const void *config, struct run *run)
{
    run->identity = identity;
    return run_view(config, run);
}

static void name(char *to, const char *what)
{
    snprintf(to, 64, "%s/%s", folder, what);
}

/* One identity for both ends, known to each other at any port. */
static bool set_up(void)
{
    struct run run = {.quiet = true};
    struct key_pair pair;
    char text[KEY_TEXT_CHARS + 1], line[100];

    strcpy(folder + sizeof folder - 7, "XXXXXX");
    if (!mkdtemp(folder))
        return false;
    setenv("FARSPAN_HOME", folder, 1);
    name(identity, "identity");
    name(keys, "keys");
    name(known, "config");
    name(out, "out");
    name(helper_out, "helper");
    name(recording, "recording.fsr");
    if (identity_make(&run, identity, &pair))
        return false;
    key_to_text(pair.public, text);
    snprintf(line, sizeof line, "%s control\n", text);
    return file_create(keys, bytes_of_string(line), 0600) == OK;
}

static void tear_down(void)
{
    char command[100];

    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    if (system(command))
        test_fail(__FILE__, __LINE__, "the folder stays");
}

/* As systemd does: the descriptor after that of UDP listens on TCP. */
static bool open_tcp(int fd, const struct sockaddr_in *at)
{
    char count[16];
    int tcp = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

    if (tcp < 0)
        return false;
    if (bind(tcp, (const struct sockaddr *)at, sizeof *at) || listen(tcp, 8) ||
        (tcp != fd + 1 && dup2(tcp, fd + 1) < 0)) {
        close(tcp);
        return false;
    }
    if (tcp != fd + 1)
        close(tcp);
    snprintf(count, sizeof count, "%d", fd + 2 - 3);
    return setenv("LISTEN_FDS", count, 1) == 0;
}

/* A UDP socket on a free port of this machine, that port's TCP when sessions are to come over that,
 * and the ticket that leads there. */
static int open_port(char ticket[200])
{
    struct sockaddr_in at;
    struct key_pair pair;
    char text[KEY_TEXT_CHARS + 1];
    int fd = -1;

    /* TCP of a port that is free for UDP may be somebody else's. */
    for (int i = 0; i < PORT_TRIES && fd < 0; i++) {
        socklen_t n = sizeof at;
        at = (struct sockaddr_in){.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
        if (fd < 0 || bind(fd, (struct sockaddr *)&at, n) ||
            getsockname(fd, (struct sockaddr *)&at, &n))
            return -1;
        if (over_tcp && !open_tcp(fd, &at)) {
            close(fd);
            fd = -1;
        }
    }
    if (fd < 0 || key_load(&pair, identity))
        return -1;
    key_to_text(pair.public, text);
    snprintf(ticket, 200, "farspan://127.0.0.1:%u/%s", ntohs(at.sin_port), text);
    return fd;
}

static void close_port(int fd)
{
    close(fd);
    if (over_tcp)
        close(fd + 1);
}

static struct run_serve_config server_on(int fd, bool record)
{
    struct run_serve_config c = {.source = "test:128x96,idle",
                                 .authorized = keys,
                                 .record = record ? recording : NULL,
                                 .stats = true};

    strcpy(c.listen.host, "fd");
    c.listen.port = (uint16_t)fd;
    return c;
}

static struct run_view_config viewer_of(const char *ticket)
{
    return (struct run_view_config){
        .target = ticket, .to = "null", .until = "exact", .for_us = 8000000, .tcp = over_tcp};
}

/* Prints what was tried last. */
static void report(const char *what, const struct torture_fault *f, const struct torture_end *e)
{
    printf("%s, %s %llu (%s): status %d%s%s, %s\n", what, f->memory ? "allocation" : "system call",
           (unsigned long long)f->nth, strerror(f->error), e->status, e->late ? ", killed" : "",
           e->fired ? "" : ", no fault", e->said);
}

static void show(const char *path)
{
    char command[120];

    snprintf(command, sizeof command, "tail -n 5 '%s'", path);
    if (system(command))
        printf("nothing in %s\n", path);
}

/* ---- serve ---- */

static void serve_once(const struct torture_fault *fault, struct torture_end *end, int *helper)
{
    char ticket[200];
    int fd = open_port(ticket);
    struct run_serve_config config = server_on(fd, true);

    config.once = true;
    int pid = torture_fork(helper_out);
    if (pid == 0) {
        struct run run = {.json = true, .timeout_us = 3000000};
        struct run_view_config v = viewer_of(ticket);
        close_port(fd);
        exit(run_exit(&run, view(&v, &run)));
    }
    torture_run(serve, &config, fault, out, pid, end);
    close_port(fd);
    *helper = torture_stop(pid, SIGTERM);
}

static void torture_serve(bool memory, int error)
{
    struct torture_end end = {.fired = true};
    struct torture_fault fault = {.memory = memory, .error = error};
    int helper, bad = 0;

    EXPECT(set_up());
    for (fault.nth = 1; end.fired; fault.nth = torture_next(fault.nth)) {
        serve_once(&fault, &end, &helper);
        bool good = !end.late && (end.status == 0 || end.status == 1) &&
                    (end.status == 0 || end.said[0]) && (end.fired || end.status == 0) &&
                    !torture_holds(helper_out, "did not become exact");
        if (!good)
            report("serve", &fault, &end), show(helper_out);
        bad += !good;
    }
    EXPECT(bad == 0 && fault.nth > 20);
    tear_down();
}

/* ---- view ---- */

static int start_server(char ticket[200])
{
    int fd = open_port(ticket), pid = torture_fork(helper_out);

    if (pid == 0) {
        struct run run = {.json = true};
        struct run_serve_config c = server_on(fd, false);
        exit(run_exit(&run, serve(&c, &run)));
    }
    close_port(fd);
    return pid;
}

static void torture_view(bool memory, int error, const char *sink)
{
    struct torture_end end = {.fired = true};
    struct torture_fault fault = {.memory = memory, .error = error};
    char ticket[200], file[64];
    int server = -1, sessions = 0, bad = 0;

    EXPECT(set_up());
    name(file, sink);
    for (fault.nth = 1; end.fired; fault.nth = torture_next(fault.nth)) {
        if (server < 0)
            server = start_server(ticket);
        struct run_view_config config = viewer_of(ticket);
        config.to = strcmp(sink, "null") ? file : sink;
        torture_run(view, &config, &fault, out, 0, &end);
        bool exact = torture_holds(out, "\"event\":\"exact\"");
        bool good = !end.late && (end.status == 0 || end.status == 1 || end.status == 3) &&
                    (end.status == 0 ? exact : end.said[0]) && (end.fired || end.status == 0) &&
                    !torture_holds(out, "did not become exact");
        if (!good)
            report("view", &fault, &end);
        bad += !good;
        if (++sessions == SESSIONS_A_SERVER) {
            EXPECT_EQ(torture_stop(server, SIGTERM), 0);
            server = -1;
            sessions = 0;
        }
    }
    EXPECT(bad == 0 && fault.nth > 20);
    if (server >= 0)
        EXPECT_EQ(torture_stop(server, SIGTERM), 0);
    tear_down();
}

static void serve_without_memory(void)
{
    torture_serve(true, 0);
}

static void serve_without_calls(void)
{
    torture_serve(false, EIO);
}

static void view_without_memory(void)
{
    torture_view(true, 0, "seen.png");
}

static void view_without_calls(void)
{
    torture_view(false, EIO, "seen.fsr");
}

static void over_tcp_without_memory(void)
{
    over_tcp = true;
    torture_serve(true, 0);
    torture_view(true, 0, "null");
    over_tcp = false;
}

static void over_tcp_without_calls(void)
{
    over_tcp = true;
    torture_serve(false, EIO);
    torture_view(false, EIO, "null");
    over_tcp = false;
}

TEST_MAIN({"serve_without_memory", serve_without_memory},
          {"serve_without_calls", serve_without_calls},
          {"view_without_memory", view_without_memory}, {"view_without_calls", view_without_calls},
          {"over_tcp_without_memory", over_tcp_without_memory},
          {"over_tcp_without_calls", over_tcp_without_calls})
