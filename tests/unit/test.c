#include "tests/unit/test.h"

#include <stdio.h>
#include <string.h>

static const char *running;
static bool failed;

bool test_failed(void)
{
    return failed;
}

void test_fail(const char *file, int line, const char *what)
{
    printf("FAIL %s: %s:%d: %s\n", running, file, line, what);
    failed = true;
}

void test_fail_values(const char *file, int line, const char *what, long long a, long long b)
{
    printf("FAIL %s: %s:%d: %s (%lld, %lld)\n", running, file, line, what, a, b);
    failed = true;
}

static int digit(char c)
{
    const char *at = c ? strchr("0123456789abcdef", c) : NULL;

    return at ? (int)(at - "0123456789abcdef") : -1;
}

size_t test_hex(const char *hex, uint8_t *out, size_t room)
{
    size_t n = 0;

    for (; n < room && digit(hex[0]) >= 0 && digit(hex[1]) >= 0; hex += 2)
        out[n++] = (uint8_t)(digit(hex[0]) << 4 | digit(hex[1]));
    return n;
}

int test_run_all(int argc, char **argv, const struct test_case *cases, size_t count)
{
    const char *only = argc > 1 ? argv[1] : "", *name = strrchr(argv[0], '/');
    unsigned good = 0, bad = 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    for (size_t i = 0; i < count; i++) {
        if (!strstr(cases[i].name, only))
            continue;
        running = cases[i].name;
        failed = false;
        cases[i].run();
        if (failed)
            bad++;
        else
            good++;
    }
    printf("%s: %u passed, %u failed\n", name ? name + 1 : argv[0], good, bad);
    return bad || good == 0;
}
