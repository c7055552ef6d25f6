#include "core/base/cpu.h"

#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

static bool avx2, vaes;

#if defined(__x86_64__)
/* Not every compiler's __builtin_cpu_supports knows these. */
static bool has_vaes(void)
{
    unsigned a, b, c, d, a1, b1, c1, d1;

    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (c & bit_VAES) && (c & bit_VPCLMULQDQ) &&
           __get_cpuid(1, &a1, &b1, &c1, &d1) && (c1 & bit_AES) && (c1 & bit_PCLMUL);
}
#endif

/* Before main, so that threads only ever read. */
__attribute__((constructor(101))) static void choose(void)
{
#if defined(__x86_64__)
    const char *wish = getenv("FARSPAN_CPU");

    __builtin_cpu_init();
    avx2 = __builtin_cpu_supports("avx2") && !(wish && strcmp(wish, "c") == 0);
    vaes = avx2 && has_vaes();
#endif
}

bool cpu_avx2(void)
{
    return avx2;
}

bool cpu_vaes(void)
{
    return vaes;
}
