#include "cmd/cmd.h"

extern const struct cmd cmd_migrate_check, cmd_migrate_receive, cmd_migrate_relay,
    cmd_migrate_resolve, cmd_migrate_send, cmd_migrate_status;

static const struct cmd *const subs[] = {&cmd_migrate_check,
                                         &cmd_migrate_send,
                                         &cmd_migrate_receive,
                                         &cmd_migrate_status,
                                         &cmd_migrate_resolve,
                                         &cmd_migrate_relay,
                                         NULL};

static const char *const about[] = {
    "QEMU on both hosts only ever talks to local sockets of farspan; what it writes there goes "
    "encrypted, compressed, over one UDP port, and outlives outages and changes of address that "
    "would end QEMU's own connections.",
    NULL,
};

const struct cmd cmd_migrate = {
    .name = "migrate",
    .summary = "move a running virtual machine to another host",
    .about = about,
    .subs = subs,
};
