#include "core/base/err.h"

#include "core/base/check.h"

static const struct {
    const char *text;
    int exit;
} table[ERR_COUNT] = {
    [OK] = {"done", 0},
    [ERR_MEMORY] = {"out of memory", 1},
    [ERR_SYSTEM] = {"a system call failed", 1},
    [ERR_MALFORMED] = {"malformed input", 1},
    [ERR_LIMIT] = {"larger than this build allows", 1},
    [ERR_VERSION] = {"a version that this build does not know", 1},
    [ERR_USAGE] = {"wrong usage", 2},
    [ERR_UNSUPPORTED] = {"not supported here", 1},
    [ERR_EXISTS] = {"already exists", 1},
    [ERR_NOT_FOUND] = {"not found", 1},
    [ERR_BUSY] = {"busy", 4},
    [ERR_AGAIN] = {"nothing yet", 1},
    [ERR_END] = {"the end was reached", 1},
    [ERR_UNREACHABLE] = {"the other side does not answer", 3},
    [ERR_REFUSED] = {"refused", 4},
    [ERR_VERIFY] = {"verification failed: bytes differ", 5},
    [ERR_UNDECIDED] = {"undecided: a person must decide", 6},
};

const char *err_text(enum err e)
{
    CHECK((unsigned)e < ERR_COUNT);
    return table[e].text;
}

int err_exit(enum err e)
{
    CHECK((unsigned)e < ERR_COUNT);
    return table[e].exit;
}
