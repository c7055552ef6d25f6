#include "core/run/run_link.h"

#include "core/run/link_call.h"
#include "core/run/link_host.h"

static enum err check(const struct run_link_config *c, struct run *run)
{
    const char *wrong = NULL;

    if (c->listen.host[0] && c->target)
        wrong = "--listen takes no TARGET";
    else if (!c->listen.host[0] && !c->target)
        wrong = "TARGET or --listen A:P is needed";
    else if (c->listen.host[0] && (c->reverse || c->message_bytes || c->bulk))
        wrong = "--listen does what its callers ask for: give them the options";
    return wrong ? reason_give(&run->reason, ERR_USAGE, "bench link: %s", wrong) : OK;
}

enum err run_link(const struct run_link_config *config, struct run *run)
{
    enum err e = check(config, run);

    if (e)
        return e;
    return config->target ? link_call_run(config, run) : link_host_run(config, run);
}
