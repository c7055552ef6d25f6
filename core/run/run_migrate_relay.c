#include "core/run/run_migrate_relay.h"

#include "core/run/migrate_relay_far.h"
#include "core/run/migrate_relay_near.h"

enum err run_migrate_relay(const struct run_migrate_relay_config *config, struct run *run)
{
    bool listens = config->listen.host[0];

    if (listens && config->target)
        return reason_give(&run->reason, ERR_USAGE, "migrate relay: --listen takes no TARGET");
    if (!listens && (config->invite || config->once || config->authorized))
        return reason_give(&run->reason, ERR_USAGE,
                           "migrate relay: --authorized, --invite and --once go with --listen");
    return listens ? migrate_relay_far_run(config, run) : migrate_relay_near_run(config, run);
}
