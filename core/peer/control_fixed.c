/* control_fixed: a controller that never changes. */
#include <string.h>

#include "core/peer/control.h"

static void fixed_sample(struct control *c, const struct control_sample *s)
{
    if (s->rtt_us && (c->min_rtt_us == 0 || s->rtt_us < c->min_rtt_us))
        c->min_rtt_us = s->rtt_us;
}

static void fixed_silence(struct control *c, uint64_t now_us)
{
    (void)c;
    (void)now_us;
}

static const struct control_ops fixed_ops = {"fixed", fixed_sample, fixed_silence};

void control_fixed_init(struct control_model *m, uint64_t window_bytes, uint64_t pacing_bytes_s)
{
    memset(m, 0, sizeof *m);
    m->head.ops = &fixed_ops;
    m->head.window_bytes = window_bytes;
    m->head.pacing_bytes_s = pacing_bytes_s;
    m->head.state = "fixed";
}
