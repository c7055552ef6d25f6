/* log: one line an event on stderr, by level. */
#ifndef FARSPAN_LOG_H
#define FARSPAN_LOG_H

#include <stdarg.h>
#include <stddef.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* Lines above `level` are dropped from now on; the default is LOG_INFO. */
void log_set_level(enum log_level level);

/* Sends lines to `sink` instead of stderr (NULL: back to stderr); for tests. The line is borrowed,
 * without a newline. */
void log_set_sink(void (*sink)(enum log_level level, const char *line));

/* Calls `before` ahead of each line that goes to stderr, for who has something else standing there
 * (NULL: nobody). */
void log_set_before(void (*before)(void));

/* Logs one formatted line. Never secrets, typed text or clipboard, at any level. */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* As log_line, with ": " and the text of the current errno appended. */
void log_errno(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

enum { LOG_KEPT_LINES = 8, LOG_KEPT_CHARS = 512 };

/* Lines of a thread that cannot log now. The owner's storage, zeroed before the first use. */
struct log_kept {
    size_t n, dropped;
    struct log_kept_line {
        enum log_level level;
        char text[LOG_KEPT_CHARS]; /* cut */
    } line[LOG_KEPT_LINES];
};

/* From now on what the calling thread logs is kept in `to` (borrowed), the first lines of it; NULL:
 * is logged again. */
void log_keep(struct log_kept *to);

/* Logs what was kept, and empties it. */
void log_tell(struct log_kept *from);

#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
#define log_warn(...) log_line(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)

#endif
