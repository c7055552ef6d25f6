#include "core/base/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static enum log_level highest = LOG_INFO;
static void (*to_sink)(enum log_level level, const char *line);
static void (*before_line)(void);
static _Thread_local struct log_kept *keeper;

void log_set_level(enum log_level level)
{
    highest = level;
}

void log_set_sink(void (*sink)(enum log_level level, const char *line))
{
    to_sink = sink;
}

void log_set_before(void (*before)(void))
{
    before_line = before;
}

static void out(enum log_level level, const char *line)
{
    if (to_sink) {
        to_sink(level, line);
        return;
    }
    if (before_line)
        before_line();
    fprintf(stderr, "farspan: %s%s\n", level == LOG_WARN ? "warning: " : "", line);
}

void log_keep(struct log_kept *to)
{
    keeper = to;
}

static void keep(enum log_level level, const char *line)
{
    if (keeper->n == LOG_KEPT_LINES) {
        keeper->dropped++;
        return;
    }
    struct log_kept_line *to = &keeper->line[keeper->n++];
    to->level = level;
    snprintf(to->text, sizeof to->text, "%s", line);
}

void log_tell(struct log_kept *from)
{
    for (size_t i = 0; i < from->n; i++)
        out(from->line[i].level, from->line[i].text);
    if (from->dropped)
        log_warn("%zu more lines were not kept", from->dropped);
    from->n = from->dropped = 0;
}

static __attribute__((format(printf, 4, 0))) void emit(enum log_level level, char *line,
                                                       size_t room, const char *format,
                                                       va_list args, const char *tail)
{
    int n = vsnprintf(line, room, format, args);

    if (n > 0 && tail && (size_t)n < room)
        snprintf(line + n, room - (size_t)n, ": %s", tail);
    /* One event is one line whatever a peer has put into it. */
    for (char *p = line; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 127)
            *p = '?';
    if (keeper)
        keep(level, line);
    else
        out(level, line);
}

void log_line(enum log_level level, const char *format, ...)
{
    char line[1024];
    va_list args;

    if (level > highest)
        return;
    va_start(args, format);
    emit(level, line, sizeof line, format, args, NULL);
    va_end(args);
}

void log_errno(enum log_level level, const char *format, ...)
{
    char line[1024];
    int saved = errno;
    va_list args;

    if (level > highest)
        return;
    va_start(args, format);
    emit(level, line, sizeof line, format, args, strerror(saved));
    va_end(args);
    errno = saved;
}
