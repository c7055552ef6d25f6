#include "cmd/call_opt.h"
#include "cmd/cmd.h"
#include "core/run/run_migrate_check.h"

static const char *const forms[] = {"--qmp SOCKET [TARGET|TICKET|-|@FILE] [OPTION]...", NULL};

static const char *const about[] = {
    "Tells what stands in the way of a move, one line each with what to do about it, what does not "
    "but "
    "may harm the guest (a line with a question mark), and what the move would take: both QEMUs "
    "are asked, the path is filled for --for to see what it takes, and "
    "QEMU looks how fast the guest writes to its memory. Nothing is moved and nothing is set. Nor "
    "does receive --dir start a QEMU for it: what only shows then, such as a port that is in use "
    "there, shows when send is told to move it; the guest goes on here all the same.",
    "The exit status is 0 when nothing stands in the way, 1 when something does. send looks at the "
    "same things first.",
    "Events: problem (says, host: here or there), warning (says), result (problems, bytes, "
    "rate_bps, rtt_us, loss, "
    "dirty_bps, total_us, "
    "gap_us). Bytes and time are an upper bound: pages of zeroes and what can be compressed cost "
    "less; total_us is null when the guest writes faster than the path takes.",
    NULL,
};

static const struct arg args[] = {
    {"TARGET", OPT_STRING(run_migrate_check_config, target), "the destination, or a ticket from it",
     .optional = true},
    {0},
};

static const struct opt options[] = {
    {"qmp", 0, OPT_STRING(run_migrate_check_config, qmp), "SOCKET",
     "the monitor of the guest's QEMU"},
    {"disks", 0, OPT_STRING(run_migrate_check_config, disks), "copy|shared",
     "as send is to be told"},
    {"max-downtime", 0, OPT_TIME(run_migrate_check_config, max_downtime_us), "T",
     "as send is to be told", "300ms", .min = 1000, .max = 2000000000},
    {"for", 0, OPT_TIME(run_migrate_check_config, for_us), "T",
     "how long the path is filled; 0: not at all", "2s", .max = 60000000},
    CALL_OPT_TCP(run_migrate_check_config),
    {"accept-new", 0, OPT_FLAG(run_migrate_check_config, accept_new), NULL,
     "trust a host that is not known yet, and remember its key"},
    {0},
};

static const struct cmd_example examples[] = {
    {"farspan migrate check --qmp /run/vm1.qmp --disks copy @ticket",
     "could this guest be moved there, and how long would it take?"},
    {0},
};

static enum err migrate_check(void *config, struct run *run)
{
    return run_migrate_check(config, run);
}

const struct cmd cmd_migrate_check = {
    .name = "migrate check",
    .summary = "see whether a guest can be moved, and what that takes",
    .forms = forms,
    .about = about,
    .args = args,
    .options = options,
    .examples = examples,
    .config_bytes = sizeof(struct run_migrate_check_config),
    .run = migrate_check,
};
