#include "cmd/cmd.h"
#include "core/run/run_relay.h"

static const char *const forms[] = {
    "--udp LISTEN --to ADDR|TICKET [OPTION]...",
    "--tun NS1,NS2 [OPTION]...",
    NULL,
};

static const char *const about[] = {
    "A WAN in a process: passes datagrams on with the rate, delay, loss and faults asked for. All "
    "figures are per direction; the delay is one way; the rate counts payload and 28 bytes of "
    "headers; times count from the first datagram. Each client gets a socket of its own towards "
    "the server.",
    "With a ticket as --to, the ticket printed names the relay's own address. SIGTERM and SIGINT "
    "end it: it prints what has passed and ends with 0.",
    "For TCP, --tun joins two network namespaces by a modelled link (a TCP proxy would hide loss "
    "from TCP). The rate then counts whole IP packets. It needs root; the devices go away with it.",
    NULL,
};

static const struct opt options[] = {
    {"udp", 0, OPT_ADDRESS(run_relay_config, udp), "LISTEN",
     "listen for clients on this address; port 0 picks a free one"},
    {"to", 0, OPT_STRING(run_relay_config, to), "ADDR|TICKET",
     "the server; `-`: from stdin, @FILE: from a file; default $FARSPAN_TICKET"},
    {"advertise", 0, OPT_ADDRESS(run_relay_config, advertise), "HOST",
     "the host that the ticket names when LISTEN is a wildcard"},
    {"tun", 0, OPT_STRING(run_relay_config, tun), "NS1,NS2",
     "instead of UDP, join these network namespaces (names of `ip netns`, or paths)"},
    {"tun-address", 0, OPT_LIST(run_relay_config, tun_addresses), "A1,A2",
     "addresses of the two ends (default: 10.77.0.1,10.77.0.2); IPv6 ones are of one /64"},
    {"mtu", 0, OPT_NUMBER(run_relay_config, mtu_bytes), "BYTES",
     "of the tun devices (default: 1500); with --udp, what is longer with its 28 bytes of headers "
     "is dropped",
     .min = 576, .max = 65535},
    {"rate", 0, OPT_RATE(run_relay_config, rate_bps), "R",
     "bits a second; without it there is no limit"},
    {"delay", 0, OPT_TIME(run_relay_config, delay_us), "T", "one way"},
    {"jitter", 0, OPT_TIME(run_relay_config, jitter_us), "T",
     "each datagram is late by 0..T more; the order stays"},
    {"loss", 0, OPT_PROBABILITY(run_relay_config, loss), "P", "lost after the queue"},
    {"burst", 0, OPT_NUMBER(run_relay_config, burst), "N",
     "losses come in runs of N in the mean, with the same average", .max = 1000000},
    {"queue", 0, OPT_STRING(run_relay_config, queue), "SIZE|T",
     "drop-tail queue before the link, in bytes or in time at its rate", "100ms"},
    {"policer", 0, OPT_STRING(run_relay_config, policer), "R:SIZE",
     "what comes beyond R bits a second, and SIZE at once, is dropped and does not wait"},
    {"fade", 0, OPT_STRING(run_relay_config, fade), "T:P",
     "each T the rate becomes another one, between P of --rate and all of it"},
    {"slots", 0, OPT_TIME(run_relay_config, slot_us), "T",
     "what arrives within T arrives together at its end, as from a radio that takes turns"},
    {"ecn", 0, OPT_TIME(run_relay_config, ecn_us), "T",
     "mark datagrams that say they can be marked (ECN) when they would wait longer in the queue"},
    {"reorder", 0, OPT_PROBABILITY(run_relay_config, reorder), "P",
     "delayed so that later ones overtake"},
    {"duplicate", 0, OPT_PROBABILITY(run_relay_config, duplicate), "P", "delivered twice"},
    {"corrupt", 0, OPT_PROBABILITY(run_relay_config, corrupt), "P", "one bit is flipped"},
    {"outage", 0, OPT_LIST(run_relay_config, outages), "AT:FOR", "nothing passes for this time"},
    {"at", 0, OPT_LIST(run_relay_config, changes), "T:CHANGE[,CHANGE]...",
     "at this time rate=R, loss=P, delay=T, jitter=T, burst=N, reorder=P, duplicate=P, "
     "corrupt=P, mtu=BYTES, policer=R, fade=T or slots=T; or rebind: clients get new addresses as "
     "the server sees "
     "them"},
    {"seed", 0, OPT_NUMBER(run_relay_config, seed), "N",
     "of all chance: the same seed, the same faults", "1"},
    {0},
};

static const struct cmd_example examples[] = {
    {"farspan bench relay --udp 127.0.0.1:0 --to 127.0.0.1:7470 --rate 20M --delay 30ms",
     "a long and slow link to a server on this machine"},
    {"farspan bench relay --udp 127.0.0.1:0 --to @ticket --outage 10s:30s",
     "half a minute without a link"},
    {"farspan bench relay --tun a,b --rate 200M --delay 50ms --loss 1%",
     "joins the namespaces a and b, made with `ip netns add`"},
    {0},
};

static enum err relay(void *config, struct run *run)
{
    return run_relay(config, run);
}

const struct cmd cmd_bench_relay = {
    .name = "bench relay",
    .summary = "a WAN in a process: rate, delay, loss and outages before a server",
    .forms = forms,
    .about = about,
    .options = options,
    .examples = examples,
    .config_bytes = sizeof(struct run_relay_config),
    .run = relay,
};
