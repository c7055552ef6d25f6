#include "core/base/check.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void check_failed(const char *file, int line, const char *cond)
{
    fprintf(stderr, "farspan: internal error at %s:%d: %s\n", file, line, cond);
    abort();
}
