/* cpu: which instruction sets the kernels may use, decided once before main. */
#ifndef FARSPAN_CPU_H
#define FARSPAN_CPU_H

#include <stdbool.h>

/* Whether AVX2 kernels may run: the processor has it and the environment does not say
 * FARSPAN_CPU=c, which forces the plain C kernels. Never changes while the process runs. */
bool cpu_avx2(void);

/* Whether kernels with AES and carry-less products of two blocks at a time (VAES, VPCLMULQDQ beside
 * AVX2, AES and PCLMULQDQ) may run; as above. */
bool cpu_vaes(void);

#endif
