#include "cmd/cmd.h"
#include "core/run/run_link.h"

static const char *const forms[] = {
    "--listen A:P [OPTION]...",
    "TARGET|TICKET|-|@FILE [OPTION]...",
    NULL,
};

static const char *const about[] = {
    "Measures a link with a session across it, the same that serve and view use: encrypted, over "
    "one UDP port. One end listens and prints a ticket that is good until it ends, for any number "
    "of callers at once; whose key has the role bench in authorized_keys needs none. The other end "
    "calls it.",
    "The caller sends a stream that the other end checks and counts; with --reverse the other end "
    "sends. The result has goodput_bps, what was delivered in order over the whole time, "
    "steady_bps, the same from second 2 on, "
    "sent_bytes with all headers of the session, rtt_us, measured by small messages that go before "
    "all else "
    "and are not sent again, and queue_us, which is rtt_us less the shortest; both as p50, p95, "
    "p99 and max. loss is the share of datagrams that the sender took for lost; cpu_s_per_gb and "
    "far_cpu_s_per_gb are seconds of processor time of each end's process for 10^9 bytes "
    "delivered.",
    "An interrupted trial gives the result so far.",
    NULL,
};

static const struct arg args[] = {
    {"TARGET", OPT_STRING(run_link_config, target), "the other end, or a ticket from it",
     .optional = true},
    {0},
};

static const struct opt options[] = {
    {"listen", 0, OPT_ADDRESS(run_link_config, listen), "A:P",
     "be the other end, on this address; port 0 picks a free one"},
    {"advertise", 0, OPT_ADDRESS(run_link_config, advertise), "HOST",
     "the host that the ticket names when listening on every address"},
    {"authorized", 0, OPT_STRING(run_link_config, authorized), "FILE",
     "keys that may call without a ticket; default authorized_keys in the configuration folder "
     "(see farspan(1))"},
    {"for", 0, OPT_TIME(run_link_config, for_us), "T", "how long the payload goes", "10s",
     .min = 100000, .max = 3600000000},
    {"interval", 0, OPT_TIME(run_link_config, interval_us), "T",
     "from one event with figures to the next", "100ms", .min = 10000, .max = 3600000000},
    {"reverse", 0, OPT_FLAG(run_link_config, reverse), NULL, "the other end sends"},
    {"accept-new", 0, OPT_FLAG(run_link_config, accept_new), NULL,
     "trust a host that is not known yet, and remember its key"},
    {0},
};

static const struct cmd_example examples[] = {
    {"farspan bench link --listen 127.0.0.1:0", "the far end, which prints a ticket"},
    {"farspan bench link @ticket --for 20s", "measures the way to it"},
    {"farspan bench link @ticket --reverse --json", "and the way back, for a script"},
    {0},
};

static enum err bench_link(void *config, struct run *run)
{
    return run_link(config, run);
}

const struct cmd cmd_bench_link = {
    .name = "bench link",
    .summary = "what a link takes, and with what delay",
    .forms = forms,
    .about = about,
    .args = args,
    .options = options,
    .examples = examples,
    .config_bytes = sizeof(struct run_link_config),
    .run = bench_link,
};
