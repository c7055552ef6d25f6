/* check: assertions that stay on in release, for our own mistakes only. */
#ifndef FARSPAN_CHECK_H
#define FARSPAN_CHECK_H

/* Aborts with file, line and condition when `cond` is false. Never for input from outside. */
#define CHECK(cond)                                                                                \
    do {                                                                                           \
        if (__builtin_expect(!(cond), 0))                                                          \
            check_failed(__FILE__, __LINE__, #cond);                                               \
    } while (0)

/* Prints the failed condition to stderr and aborts the process; does not return. */
_Noreturn void check_failed(const char *file, int line, const char *cond);

#endif
