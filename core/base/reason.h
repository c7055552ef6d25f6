/* reason: why the work failed or ended, in one line for a person or a script. */
#ifndef FARSPAN_REASON_H
#define FARSPAN_REASON_H

#include "core/base/err.h"
#include "core/base/limits.h"

struct reason {
    char text[LIMIT_REASON_CHARS + 1]; /* empty until somebody gave one */
};

/* Keeps the formatted text as the reason, cut to its room and without control characters, unless
 * one was given before: the first to see the trouble knows best. Gives `e`, so that a failing call
 * can end in `return reason_give(r, ERR_REFUSED, "...")`. */
enum err reason_give(struct reason *r, enum err e, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The reason, borrowed, or the sentence for `e` when none was given. */
const char *reason_text(const struct reason *r, enum err e);

#endif
