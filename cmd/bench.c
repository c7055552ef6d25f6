#include "cmd/cmd.h"

extern const struct cmd cmd_bench_link, cmd_bench_relay;

static const struct cmd *const subs[] = {&cmd_bench_link, &cmd_bench_relay, NULL};

static const char *const about[] = {
    "Each subcommand measures one thing, and with --json ends with one object that holds its "
    "figures. Suffixes are units: _us, _bps, _bytes.",
    NULL,
};

const struct cmd cmd_bench = {
    .name = "bench",
    .summary = "measure links, machines and what farspan does with them",
    .about = about,
    .subs = subs,
};
