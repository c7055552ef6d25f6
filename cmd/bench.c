#include "cmd/cmd.h"

extern const struct cmd cmd_bench_relay;

static const struct cmd *const subs[] = {&cmd_bench_relay, NULL};

const struct cmd cmd_bench = {
    .name = "bench",
    .summary = "measure links, machines and what farspan does with them",
    .subs = subs,
};
