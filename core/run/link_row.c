#include "core/run/link_row.h"

#include <string.h>

const char *link_row_figure(enum link_figure f)
{
    static const char *const names[LINK_FIGURES] = {
        [LINK_NONE] = "",
        [LINK_STEADY_BPS] = "steady_bps",
        [LINK_RAMP_US] = "ramp_us",
        [LINK_QUEUE_P95_US] = "queue_p95_us",
        [LINK_DELAY_P95_US] = "delay_p95_us",
        [LINK_DELAY_P99_US] = "delay_p99_us",
        [LINK_DELAY_MAX_US] = "delay_max_us",
        [LINK_QUEUE_BACK_US] = "queue_back_us",
        [LINK_REUSE_US] = "reuse_us",
        [LINK_RECOVER_US] = "recover_us",
        [LINK_SHARE_LEAST_PPM] = "share_least_ppm",
        [LINK_SHARE_MOST_PPM] = "share_most_ppm",
        [LINK_SHARE_OURS_PPM] = "share_ours_ppm",
        [LINK_SHARE_ITS_PPM] = "share_its_ppm",
    };

    return names[f];
}

const struct link_row *link_row_find(const char *name)
{
    for (const struct link_row *r = link_row_table; r->name; r++)
        if (strcmp(r->name, name) == 0)
            return r;
    return NULL;
}
