#include "core/os/clock.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

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

void clock_name(char to[CLOCK_NAME_CHARS])
{
    char boot[64], space[48] = "";
    FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");

    to[0] = 0;
    if (!f)
        return;
    bool read = fgets(boot, sizeof boot, f) != NULL;
    fclose(f);
    if (!read)
        return;
    boot[strcspn(boot, "\n")] = 0;
    /* Kernels before 5.6 have no time namespaces, and there the link is not. */
    ssize_t n = readlink("/proc/self/ns/time", space, sizeof space - 1);
    space[n > 0 ? n : 0] = 0;
    snprintf(to, CLOCK_NAME_CHARS, "%s %s", boot, space);
}
