#include "core/run/run_link.h"

#include "core/run/link_call.h"
#include "core/run/link_host.h"
#include "core/run/link_rows.h"

static const uint64_t preset_us = 10000000;

static enum err check(const struct run_link_config *c, struct run *run)
{
    bool listens = c->listen.host[0], rows = c->row.n || c->rows || c->runs > 1 || c->compare;
    const char *wrong = NULL;

    if (listens && c->target)
        wrong = "--listen takes no TARGET";
    else if (listens && (c->reverse || c->message_bytes || c->bulk))
        wrong = "--listen does what its callers ask for: give them the options";
    else if ((listens || c->target) && rows)
        wrong = "--row, --rows, --runs and --compare are for links of its own: without --listen "
                "and TARGET";
    else if (!listens && !c->target && (c->reverse || c->message_bytes || c->bulk))
        wrong = "what is sent where is said with a TARGET: each row has its own";
    return wrong ? reason_give(&run->reason, ERR_USAGE, "bench link: %s", wrong) : OK;
}

enum err run_link(const struct run_link_config *config, struct run *run)
{
    struct run_link_config c = *config;
    enum err e = check(config, run);

    if (e)
        return e;
    if (c.listen.host[0])
        return link_host_run(&c, run);
    if (!c.target)
        return c.rows ? link_rows_list(run) : link_rows_run(&c, run);
    if (!c.for_us)
        c.for_us = preset_us;
    return link_call_run(&c, run);
}
