#include "cmd/cmd.h"
#include "core/run/run_migrate_status.h"

static const char *const about[] = {
    "Lists the moves of guests that this host takes part in or has taken part in without an end "
    "that both hosts know: one line each, with what is to be done.",
    "With --json a `move` event each: id, side (source, destination), stage (moving, handed; "
    "loading, prepared, starting, running, abandoned), state (working: a farspan is at it; left), "
    "guest, peer (the other host's key), qmp, pid and qemu_lives, at_s, process.",
    NULL,
};

static const struct cmd_example examples[] = {
    {"farspan migrate status", "what is left to decide on this host"},
    {0},
};

static const struct opt options[] = {{0}};

static enum err migrate_status(void *config, struct run *run)
{
    return run_migrate_status(config, run);
}

const struct cmd cmd_migrate_status = {
    .name = "migrate status",
    .summary = "list moves that go on or were cut off",
    .about = about,
    .options = options,
    .examples = examples,
    .config_bytes = sizeof(struct run_migrate_status_config),
    .run = migrate_status,
};
