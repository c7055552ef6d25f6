#include "core/run/receive_report.h"

#include <string.h>

#include "core/base/log.h"
#include "core/base/num.h"

static const char *guest_name(const struct receive_move *m)
{
    return m->note.guest[0] ? m->note.guest : "the guest";
}

/* What a stage means for who watches; NULL: it is one on the way to another. */
static const char *stage_says(const char *name)
{
    static const struct {
        const char *name, *says;
    } words[] = {{"loading", "is on its way here"},
                 {"prepared", "is here whole, and its source has not handed it over yet"},
                 {"running", "runs here now"},
                 {"abandoning", "does not come"},
                 {"lost", "was let go while its QEMU died: look at it"}};

    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (strcmp(words[i].name, name) == 0)
            return words[i].says;
    return NULL;
}

enum err receive_report_stage(struct run *run, const struct receive_move *m, const char *name)
{
    const char *says = stage_says(name);
    struct json *j = json_new();

    if (says)
        log_info("%s (%s) %s", guest_name(m), m->note.id, says);
    else
        log_debug("%s (%s): %s", guest_name(m), m->note.id, name);
    json_put_string(j, "event", "stage");
    json_put_string(j, "id", m->note.id);
    json_put_string(j, "stage", name);
    return run_event(run, j);
}

bool receive_report_moved(const struct receive_move *m)
{
    return m->accepted && m->handover.outcome == HANDOVER_MOVED;
}

const char *receive_report_outcome(const struct receive_move *m)
{
    return receive_report_moved(m) ? "moved" : m->accepted ? "source_runs" : "refused";
}

enum err receive_report_result(struct run *run, const struct receive_move *m)
{
    const char *why = m->run.reason.text;
    struct json *j = json_new();

    if (receive_report_moved(m))
        log_info("the move of %s (%s) is over: its monitor here is %s", guest_name(m), m->note.id,
                 m->note.qmp);
    else
        log_info("the move of %s (%s) is over: it stays where it was%s%s", guest_name(m),
                 m->note.id, why[0] ? ": " : "", why);
    json_put_string(j, "event", "result");
    json_put_string(j, "id", m->note.id);
    json_put_string(j, "outcome", receive_report_outcome(m));
    json_put_string(j, "reason", why);
    json_put_string(j, "qmp", m->note.qmp);
    return run_event(run, j);
}
