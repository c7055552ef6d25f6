#include "core/base/reason.h"

#include <stdarg.h>
#include <stdio.h>

enum err reason_give(struct reason *r, enum err e, const char *format, ...)
{
    va_list args;

    if (r->text[0])
        return e;
    va_start(args, format);
    vsnprintf(r->text, sizeof r->text, format, args);
    va_end(args);
    for (char *p = r->text; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 127)
            *p = '?';
    return e;
}

const char *reason_text(const struct reason *r, enum err e)
{
    return r->text[0] ? r->text : err_text(e);
}
