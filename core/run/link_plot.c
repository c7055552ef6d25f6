#include "core/run/link_plot.h"

#include <string.h>

#include "core/base/num.h"

enum { HEIGHTS = 8 };

void link_plot_add(struct link_plot *p, uint64_t value)
{
    p->value[p->next] = value;
    p->next = (p->next + 1) % LINK_PLOT_WIDTH;
    p->n = num_min(p->n + 1, LINK_PLOT_WIDTH);
}

void link_plot_print(const struct link_plot *p, char to[LINK_PLOT_CHARS])
{
    uint64_t most = 1;

    for (size_t i = 0; i < p->n; i++)
        most = num_max(most, p->value[i]);
    for (size_t i = 0; i < p->n; i++) {
        uint64_t v = p->value[(p->next + LINK_PLOT_WIDTH - p->n + i) % LINK_PLOT_WIDTH];
        uint64_t height = num_div_up(num_mul_div(v, 1000, most) * HEIGHTS, 1000);
        height = v ? num_max(height, 1) : 0;
        if (height == 0) {
            *to++ = ' ';
            continue;
        }
        /* U+2581 is the lowest block, U+2588 the full one. */
        memcpy(to, "\xe2\x96", 2);
        to[2] = (char)(0x80 + height);
        to += 3;
    }
    *to = 0;
}
