#include "core/base/problems.h"

#include <stdarg.h>
#include <stdio.h>

#include "core/base/limits.h"

void problems_tell(struct problems *p, const char *format, ...)
{
    char text[LIMIT_REASON_CHARS + 1];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    p->n++;
    p->tell(p->ctx, text);
}
