#include "core/base/cpu.h"

#include <stdlib.h>
#include <string.h>

static bool avx2;

/* Before main, so that threads only ever read. */
__attribute__((constructor(101))) static void choose(void)
{
#if defined(__x86_64__)
    const char *wish = getenv("FARSPAN_CPU");

    __builtin_cpu_init();
    avx2 = __builtin_cpu_supports("avx2") && !(wish && strcmp(wish, "c") == 0);
#endif
}

bool cpu_avx2(void)
{
    return avx2;
}
