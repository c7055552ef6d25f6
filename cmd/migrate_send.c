#include "cmd/call_opt.h"
#include "cmd/cmd.h"
#include "core/base/limits.h"
#include "core/run/run_migrate_send.h"

static const char *const forms[] = {"--qmp SOCKET [TARGET|TICKET|-|@FILE] [OPTION]...", NULL};

static const char *const about[] = {
    "Moves a running guest of this host to another one, where farspan migrate receive waits for "
    "it. Its QEMU needs a monitor for farspan alone: -qmp unix:PATH,server=on,wait=off; one that "
    "another client has does not greet, which is said within 2 s.",
    "While its memory goes over, the guest runs on. When little is left it stands; that goes over "
    "as well; the destination notes that it has all, this host notes that it hands the guest over, "
    "and only then does the guest go on over there. Before this host has noted that, every failure "
    "and Ctrl-C leave the guest running here, as it was. After it, the guest never goes on here "
    "unless the destination has said that it has given it up.",
    "With --fast the guest is handed over when all of it has been written, without waiting for "
    "the destination's word: a round trip less. When the destination then has not got all, it "
    "gives the guest up and it goes on here, which takes longer than it would have otherwise; and "
    "a cut just then leaves more to be asked.",
    "When the destination is cut off just then, it is called again for as long as --patience says. "
    "If it stays away nobody can know whether the guest runs there: the exit status is 6, the "
    "guest "
    "stands here, and a person must decide.",
    "--disks copy carries the guest's disks as well, into those of the same size that the QEMU "
    "there was started with: first all of them, then what is written meanwhile; the guest is "
    "handed "
    "over when all is durable there. --disks shared says that both hosts have them. What can only "
    "be read, such as CD images, must be there already.",
    "After the move the QEMU here is ended, unless --keep wants it to stay, stopped.",
    "--hook is for what leads the guest's network: its argument and FARSPAN_EVENT are stopped when "
    "the guest stands here, so that a bridge or tunnel can send on to the destination what is "
    "meant "
    "for it (what arrives there waits until the guest goes), and then committed, or failed when it "
    "goes on here, also when it never stood; FARSPAN_MOVE, FARSPAN_GUEST, FARSPAN_QMP, "
    "FARSPAN_PEER "
    "(the destination's key) and FARSPAN_REASON tell more. Nobody waits for it, and calls come one "
    "after the other. Without it the network learns where the guest is from what its QEMU "
    "announces when it goes there.",
    "Events: guest (what QEMU says of it), warning (says), connected, stage, progress "
    "(remaining_bytes and total_bytes of memory, disk_remaining_bytes and disk_bytes, rate_bps, "
    "dirty_bps, rounds, eta_us), at the end result: outcome (moved, source_runs, source_gone, "
    "undecided), "
    "total_us, gap_us (how long the guest stood, by the two QEMUs' clocks, +- gap_error_us), "
    "link_bytes, memory_bytes, packed_bytes (what memory became), disk_bytes, disk_known_bytes "
    "(of these: what the destination had), disk_packed_bytes, and pages of memory by what became "
    "of them: fill_pages (one byte throughout), same_pages (as they were sent before), copy_pages "
    "(of another page), known_pages (the destination had them), delta_pages (a change of what was "
    "sent before), literal_pages.",
    "Stages: moving (the guest runs), stopping (it was told to stand), orphaned (this host cannot "
    "reach its QEMU), settling (it stands, and the destination gets the rest), noting (the "
    "hand-over is written down), handed (the guest is the destination's, unless that gives it up), "
    "returning (it is to go on here), ended.",
    NULL,
};

static const struct arg args[] = {
    {"TARGET", OPT_STRING(run_migrate_send_config, target), "the destination, or a ticket from it",
     .optional = true},
    {0},
};

static const struct opt options[] = {
    {"qmp", 0, OPT_STRING(run_migrate_send_config, qmp), "SOCKET",
     "the monitor of the guest's QEMU"},
    {"disks", 0, OPT_STRING(run_migrate_send_config, disks), "copy|shared",
     "carry the disks, or do not since both hosts have them; one must be said when the guest "
     "writes "
     "to disks"},
    {"max-downtime", 0, OPT_TIME(run_migrate_send_config, max_downtime_us), "T",
     "for how long the guest may stand while the last of its memory goes over", "300ms",
     .min = 1000, .max = 2000000000},
    {"rate", 0, OPT_RATE(run_migrate_send_config, rate_bps), "R",
     "take no more memory from QEMU than this, as long as the guest runs"},
    {"patience", 0, OPT_TIME(run_migrate_send_config, patience_us), "T",
     "how long the destination may be silent before the move is given up", "2min",
     .min = LIMIT_PATIENCE_LEAST_S * 1000000ull, .max = LIMIT_PATIENCE_MOST_S * 1000000ull},
    {"safe", 0, OPT_FLAG(run_migrate_send_config, safe), NULL,
     "hand the guest over when the destination has said that it has all of it; what is done when "
     "nothing is said"},
    {"fast", 0, OPT_FLAG(run_migrate_send_config, fast), NULL,
     "hand it over with its last bytes: it stands a round trip less"},
    {"keep", 0, OPT_FLAG(run_migrate_send_config, keep), NULL,
     "leave the QEMU here, stopped, after the move"},
    {"hook", 0, OPT_STRING(run_migrate_send_config, hook), "PROGRAM",
     "start this when the guest has stopped, and when it is known where it goes on"},
    CALL_OPT_TCP(run_migrate_send_config),
    {"accept-new", 0, OPT_FLAG(run_migrate_send_config, accept_new), NULL,
     "trust a host that is not known yet, and remember its key"},
    {0},
};

static const struct cmd_example examples[] = {
    {"farspan migrate send --qmp /run/vm1.qmp @ticket", "moves a guest without disks of its own"},
    {"farspan migrate send --qmp /run/vm1.qmp --disks copy far.example.org --json",
     "moves one with its disks, to a host that knows this one's key"},
    {0},
};

static enum err migrate_send(void *config, struct run *run)
{
    return run_migrate_send(config, run);
}

const struct cmd cmd_migrate_send = {
    .name = "migrate send",
    .summary = "move a running guest to another host",
    .forms = forms,
    .about = about,
    .args = args,
    .options = options,
    .examples = examples,
    .config_bytes = sizeof(struct run_migrate_send_config),
    .run = migrate_send,
};
