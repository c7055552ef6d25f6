#include "cmd/cmd.h"
#include "core/run/run_link.h"

static const char *const forms[] = {
    "--listen A:P [OPTION]...",
    "TARGET|TICKET|-|@FILE [OPTION]...",
    "[--row NAME]... [--compare] [--runs N] [--for T]",
    NULL,
};

static const char *const about[] = {
    "Measures a link with a session across it, the same that serve and view use: encrypted, over "
    "one UDP port. One end listens and prints a ticket that is good until it ends, for any number "
    "of callers at once: a secret, since who has it can make this host send what the link takes. "
    "Whose key has the role bench in authorized_keys needs none. The other end calls it.",
    "The caller sends a stream that the other end checks and counts; with --reverse the other end "
    "sends; with --message it is messages, whose delay from being sent to being taken is measured. "
    "Figures come as interval events, and a result at the end.",
    "Of a stream: goodput_bps is what was delivered in order over the whole time; steady_bps the "
    "same from second 2 on, null in trials of less than 3 s. ramp_us is how long after the first "
    "byte was sent the receiver first had 90 % of steady_bps: what it has got is counted every 50 "
    "ms, and ramp_us is the first count from which on the mean of half a second reaches that. "
    "longest_gap_us is the longest time in which it got nothing, after the first byte.",
    "Of messages: delay_us is one way. clock says how that is known: one, when both ends read the "
    "same clock, or aligned, by the fastest answer to a small message, which may be wrong by "
    "clock_error_us at the most. A message that has not come two seconds after the last was sent "
    "is lost: the difference between messages_sent and messages_received.",
    "Of both: rtt_us are round trips of small messages that go before all else and are not sent "
    "again when lost; queue_us is rtt_us less the shortest one. There are fifty a second "
    "beside a stream, and one a second beside messages alone, which they must not help. sent_bytes "
    "counts datagrams with all that is in them; loss is "
    "the share of them that the sender took for lost, and state its controller's last word; "
    "cpu_s_per_gb and far_cpu_s_per_gb are seconds of processor time of each end's process for "
    "10^9 bytes delivered. Times are given as p50, p95, p99 and max.",
    "Without TARGET it tries links of its own, each with both ends and a relay as processes of "
    "their own, and prints for each row what is hoped for and what was seen; it ends with 0 "
    "whatever was seen. The row event has figures (figure, seen, at_least or at_most, pass): the "
    "median of all runs, of delay_max_us the greatest. Beside those above there are queue_back_us, "
    "from a fall of the rate to a tenth until rtt_us is within 50 ms of its least; reuse_us, from "
    "the rise until 80 % of the rate are delivered; recover_us, from the end of an outage or the "
    "change of address until 90 % of the rate before are delivered, each as the mean of half a "
    "second; share_least_ppm and share_most_ppm, what the callers of one link get of all that they "
    "get together.",
    "With --compare the ends are in two network namespaces, which are gone when it ends, and the "
    "relay joins them as with --tun, so that the kernel's TCP meets the loss itself. Each row is "
    "tried over farspan, then over TCP without encryption with CUBIC and BBR, whose ends are both "
    "in one process: their cpu_s_per_gb is that of both. Their queue is what the kernel's smoothed "
    "round trip says, and their loss the segments sent again. Their buffers are as large as the "
    "kernel lets them become (tcp_rmem, tcp_wmem). The row beside has a stream over TCP and one "
    "over farspan on one link.",
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
    {"for", 0, OPT_TIME(run_link_config, for_us), "T",
     "how long the payload goes; default 10s, or the row's own time", .min = 100000,
     .max = 3600000000},
    {"interval", 0, OPT_TIME(run_link_config, interval_us), "T",
     "from one event with figures to the next", "100ms", .min = 50000, .max = 3600000000},
    {"reverse", 0, OPT_FLAG(run_link_config, reverse), NULL, "the other end sends"},
    {"message", 0, OPT_SIZE(run_link_config, message_bytes), "BYTES",
     "send messages of this size instead of a stream, as urgent as input (beyond 1 Mbit/s: as the "
     "picture), and tell their delay",
     .min = 16, .max = 262144},
    {"every", 0, OPT_TIME(run_link_config, every_us), "T", "from one message to the next", "20ms",
     .min = 100, .max = 1000000000},
    {"bulk", 0, OPT_FLAG(run_link_config, bulk), NULL,
     "with --message: a stream fills the link beside the messages"},
    {"row", 0, OPT_LIST(run_link_config, row), "NAME",
     "without TARGET: try only the row of this name"},
    {"rows", 0, OPT_FLAG(run_link_config, rows), NULL, "list the rows, and try none"},
    {"compare", 0, OPT_FLAG(run_link_config, compare), NULL,
     "try the rows over kernel TCP as well, with CUBIC and with BBR, across a link of the same "
     "figures that passes IP packets on; needs root"},
    {"runs", 0, OPT_NUMBER(run_link_config, runs), "N",
     "try each row so often, and tell the medians", "1", .min = 1, .max = 99},
    {"accept-new", 0, OPT_FLAG(run_link_config, accept_new), NULL,
     "trust a host that is not known yet, and remember its key"},
    {0},
};

static const struct cmd_example examples[] = {
    {"farspan bench link --listen 127.0.0.1:0", "the far end, which prints a ticket"},
    {"farspan bench link @ticket --for 20s", "measures the way to it"},
    {"farspan bench link @ticket --reverse --json", "and the way back, for a script"},
    {"farspan bench link --row lossy --row words --runs 5", "two links of its own, five times"},
    {"farspan bench link @ticket --message 200B --every 20ms --bulk",
     "how long something small takes while something large goes the same way"},
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
