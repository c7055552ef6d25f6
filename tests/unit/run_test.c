#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/heap.h"
#include "core/base/log.h"
#include "core/run/run.h"
#include "core/run/run_version.h"
#include "tests/unit/test.h"

static char out[4096], err[1024];
static int real_stdout;
static FILE *kept;

static void keep_line(enum log_level level, const char *line)
{
    size_t n = strlen(err);

    (void)level;
    snprintf(err + n, sizeof err - n, "%s\n", line);
}

/* What is printed from here on goes to a file ... */
static void begin(void)
{
    fflush(stdout);
    err[0] = 0;
    log_set_sink(keep_line);
    real_stdout = dup(1);
    kept = tmpfile();
    dup2(fileno(kept), 1);
}

/* ... until here, and is then in `out`; what was logged is in `err`. */
static void end(void)
{
    fflush(stdout);
    dup2(real_stdout, 1);
    close(real_stdout);
    rewind(kept);
    out[fread(out, 1, sizeof out - 1, kept)] = 0;
    fclose(kept);
    log_set_sink(NULL);
}

static void success_says_nothing(void)
{
    struct run run = {.json = true};

    begin();
    int status = run_exit(&run, OK);
    end();
    EXPECT_EQ(status, 0);
    EXPECT(!out[0] && !err[0]);
}

static void failure_is_one_line(void)
{
    struct run run = {0}, json = {.json = true};

    begin();
    reason_give(&run.reason, ERR_REFUSED, "the key is not known");
    int status = run_exit(&run, ERR_REFUSED);
    end();
    EXPECT_EQ(status, 4);
    EXPECT(!out[0] && strcmp(err, "the key is not known\n") == 0);

    begin();
    status = run_exit(&json, ERR_VERIFY);
    end();
    EXPECT_EQ(status, 5);
    EXPECT(strcmp(out, "{\"event\":\"error\",\"exit\":5,"
                       "\"reason\":\"verification failed: bytes differ\"}\n") == 0);
    EXPECT(strcmp(err, "verification failed: bytes differ\n") == 0);
}

static void a_signal_gives_its_status(void)
{
    struct run run = {.json = true, .signal = SIGTERM};

    begin();
    int status = run_exit(&run, OK);
    end();
    EXPECT_EQ(status, 128 + SIGTERM);
    EXPECT(strstr(out, "\"exit\":143") && !err[0]);
}

static void people_and_scripts_get_their_own(void)
{
    struct run run = {0}, json = {.json = true};

    begin();
    for (int i = 0; i < 2; i++) {
        struct run *r = i ? &json : &run;
        struct json *j = json_new();
        json_put_string(j, "event", "result");
        run_say(r, "hello %d", i);
        EXPECT_EQ(run_event(r, j), OK);
    }
    end();
    EXPECT(strcmp(out, "hello 0\n{\"event\":\"result\"}\n") == 0);
}

static void a_full_stdout_fails(void)
{
    struct run run = {.json = true};
    int full = open("/dev/full", O_WRONLY);

    EXPECT(full >= 0);
    begin();
    dup2(full, 1);
    enum err e = run_event(&run, json_new());
    clearerr(stdout);
    end();
    close(full);
    EXPECT_EQ(e, ERR_SYSTEM);
    EXPECT(strstr(run.reason.text, "standard output"));
}

static void version_survives_no_memory(void)
{
    struct run_version_config config = {0};

    for (uint64_t nth = 1;; nth++) {
        struct run run = {.json = true};
        begin();
        heap_fail_at(nth);
        enum err e = run_version(&config, &run);
        bool fired = heap_fault_fired();
        heap_fail_at(0);
        end();
        /* Trying again may have helped: then the line is whole, else there is none. */
        EXPECT(e == OK || (fired && e == ERR_MEMORY));
        EXPECT(e ? !out[0] : strstr(out, "\"version\"") && strstr(out, "\"major\":1}"));
        if (!fired)
            break;
    }
}

TEST_MAIN({"success says nothing", success_says_nothing},
          {"failure is one line", failure_is_one_line},
          {"a signal gives its status", a_signal_gives_its_status},
          {"people and scripts get their own", people_and_scripts_get_their_own},
          {"a full stdout fails", a_full_stdout_fails},
          {"version survives no memory", version_survives_no_memory})
