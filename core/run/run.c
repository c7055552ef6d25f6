#include "core/run/run.h"

#include <stdarg.h>
#include <stdio.h>

#include "core/base/log.h"
#include "core/os/standard.h"
#include "core/run/status_line.h"

void run_begin(void)
{
    standard_fill();
}

enum err run_event(struct run *run, struct json *event)
{
    enum err e = OK;

    if (run->json) {
        e = json_print(event, stdout);
    } else {
        json_free(event);
        e = ferror(stdout) ? ERR_SYSTEM : OK;
    }
    if (e == ERR_SYSTEM)
        reason_give(&run->reason, e, "cannot write to standard output");
    return e;
}

void run_say(struct run *run, const char *format, ...)
{
    va_list args;

    if (run->json)
        return;
    status_line_clear();
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    fflush(stdout);
}

int run_exit(struct run *run, enum err e)
{
    int status = run->signal ? 128 + run->signal : err_exit(e);

    if (status == 0)
        return status;
    if (run->signal)
        reason_give(&run->reason, e, "ended by signal %d", run->signal);
    else
        log_error("%s", reason_text(&run->reason, e));
    if (run->json) {
        struct json *j = json_new();
        json_put_string(j, "event", "error");
        json_put_int(j, "exit", status);
        json_put_string(j, "reason", reason_text(&run->reason, e));
        if (json_print(j, stdout))
            log_error("cannot write to standard output");
    }
    return status;
}
