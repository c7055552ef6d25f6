/* test: the smallest harness: cases by name, checks that say where they failed. */
#ifndef FARSPAN_TEST_H
#define FARSPAN_TEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct test_case {
    const char *name;
    void (*run)(void);
};

/* Defines main() of a test program: TEST_MAIN({"name", function}, ...). It takes an optional
 * argument: only cases whose name contains it run. Prints one line a failure and ends with
 * "N passed, N failed". */
#define TEST_MAIN(...)                                                                             \
    static const struct test_case cases[] = {__VA_ARGS__};                                         \
    int main(int argc, char **argv)                                                                \
    {                                                                                              \
        return test_run_all(argc, argv, cases, sizeof cases / sizeof cases[0]);                    \
    }

/* Fails the running case (once is enough; it returns from the calling function). */
#define EXPECT(cond)                                                                               \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            test_fail(__FILE__, __LINE__, #cond);                                                  \
            return;                                                                                \
        }                                                                                          \
    } while (0)

/* As EXPECT for two integers, showing both. */
#define EXPECT_EQ(a, b)                                                                            \
    do {                                                                                           \
        long long a_ = (long long)(a), b_ = (long long)(b);                                        \
        if (a_ != b_) {                                                                            \
            test_fail_values(__FILE__, __LINE__, #a " == " #b, a_, b_);                            \
            return;                                                                                \
        }                                                                                          \
    } while (0)

/* Runs the cases; gives the exit status of the program. */
int test_run_all(int argc, char **argv, const struct test_case *cases, size_t count);

/* Marks the running case as failed and prints where. */
void test_fail(const char *file, int line, const char *what);

/* As test_fail, with two values. */
void test_fail_values(const char *file, int line, const char *what, long long a, long long b);

/* Whether the running case has failed already. */
bool test_failed(void);

/* Decodes `hex` into `out` (room bytes); gives the number of bytes. */
size_t test_hex(const char *hex, uint8_t *out, size_t room);

#endif
