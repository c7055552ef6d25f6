#include "cmd/call_opt.h"
#include "cmd/cmd.h"
#include "core/base/limits.h"
#include "core/run/run_migrate_resolve.h"

static const char *const about[] = {
    "Brings a move to an end that was cut off when it was being decided whose the guest is: ID is "
    "what migrate status lists.",
    "On the source, without more, the destination is asked what became of it, and what it says is "
    "done: the guest goes on here, or its QEMU here is ended. A guest that was never handed over "
    "goes on at once.",
    "When the other host cannot be asked any more, a person must know. --keep-source says that the "
    "destination does not run the guest, and never will: on the source it goes on, on the "
    "destination what stands there is ended. --keep-destination says that the source does not: on "
    "the destination the guest goes on, on the source its QEMU is ended. Said wrongly, the guest "
    "runs twice.",
    NULL,
};

static const struct arg args[] = {
    {"ID", OPT_STRING(run_migrate_resolve_config, id), "the move"},
    {"TARGET", OPT_STRING(run_migrate_resolve_config, target),
     "where the destination is, or a ticket from it; without it, where it was", .optional = true},
    {0},
};

static const struct opt options[] = {
    {"keep-source", 0, OPT_FLAG(run_migrate_resolve_config, keep_source), NULL,
     "the guest is the source's"},
    {"keep-destination", 0, OPT_FLAG(run_migrate_resolve_config, keep_destination), NULL,
     "the guest is the destination's"},
    {"patience", 0, OPT_TIME(run_migrate_resolve_config, patience_us), "T",
     "for how long the destination is called", "10s", .min = LIMIT_PATIENCE_LEAST_S * 1000000ull,
     .max = LIMIT_PATIENCE_MOST_S * 1000000ull},
    CALL_OPT_TCP(run_migrate_resolve_config),
    {"accept-new", 0, OPT_FLAG(run_migrate_resolve_config, accept_new), NULL,
     "trust a host that is not known yet, and remember its key"},
    {0},
};

static const struct cmd_example examples[] = {
    {"farspan migrate resolve 0123456789abcdef", "asks the destination, and does what it says"},
    {"farspan migrate resolve 0123456789abcdef --keep-source",
     "the destination has burnt down: the guest goes on here"},
    {0},
};

static enum err migrate_resolve(void *config, struct run *run)
{
    return run_migrate_resolve(config, run);
}

const struct cmd cmd_migrate_resolve = {
    .name = "migrate resolve",
    .summary = "decide a move that was cut off",
    .args = args,
    .about = about,
    .options = options,
    .examples = examples,
    .config_bytes = sizeof(struct run_migrate_resolve_config),
    .run = migrate_resolve,
};
