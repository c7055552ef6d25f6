#include "core/run/move_halt.h"

#include <stdlib.h>
#include <string.h>

#include "core/os/process.h"

void move_halt(const char *stage)
{
    const char *at = getenv("FARSPAN_MIGRATE_HALT");

    if (at && strcmp(at, stage) == 0)
        process_halt();
}
