/* clock: the time, read from the kernel: for core/run and the tools, never for protocol code. */
#ifndef FARSPAN_CLOCK_H
#define FARSPAN_CLOCK_H

#include <stdint.h>

enum { CLOCK_NAME_CHARS = 128 };

/* Microseconds of CLOCK_MONOTONIC: never goes back, starts anywhere. */
uint64_t clock_mono_us(void);

/* Microseconds since 1970 (CLOCK_REALTIME): may jump, is comparable between hosts. */
uint64_t clock_real_us(void);

/* Writes what names the clock behind clock_mono_us: the same text in every process that reads the
 * same clock, on this host or in a time namespace of it. Empty when that is not known. */
void clock_name(char to[CLOCK_NAME_CHARS]);

/* Microseconds of processor time that this process has used so far, all threads. */
uint64_t clock_cpu_us(void);

#endif
