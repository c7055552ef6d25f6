#include "core/os/clock.h"

#include <time.h>

#include "core/base/check.h"

static uint64_t read_us(clockid_t id)
{
    struct timespec t;
    int r = clock_gettime(id, &t);

    CHECK(r == 0);
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

uint64_t clock_mono_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

uint64_t clock_real_us(void)
{
    return read_us(CLOCK_REALTIME);
}

uint64_t clock_cpu_us(void)
{
    return read_us(CLOCK_PROCESS_CPUTIME_ID);
}
