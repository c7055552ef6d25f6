#include "core/run/status_line.h"

#include <stdio.h>
#include <unistd.h>

#include "core/base/log.h"

static bool terminal, shown;

void status_line_clear(void)
{
    if (shown)
        fputs("\r\033[K", stderr);
    shown = false;
}

bool status_line_begin(const struct run *run)
{
    terminal = !run->quiet && isatty(STDERR_FILENO) && !(run->json && isatty(STDOUT_FILENO));
    log_set_before(terminal ? status_line_clear : NULL);
    return terminal;
}

void status_line_show(const char *text)
{
    if (!terminal)
        return;
    /* What is too long ends at the edge: a second line could not be taken away. */
    fprintf(stderr, "\r\033[?7l%s\033[K\033[?7h", text);
    fflush(stderr);
    shown = true;
}

void status_line_end(void)
{
    status_line_clear();
    terminal = false;
    log_set_before(NULL);
}
