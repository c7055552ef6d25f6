/* link_plot: the last values of a figure as a row of block characters. */
#ifndef FARSPAN_LINK_PLOT_H
#define FARSPAN_LINK_PLOT_H

#include <stddef.h>
#include <stdint.h>

enum { LINK_PLOT_WIDTH = 40, LINK_PLOT_CHARS = 3 * LINK_PLOT_WIDTH + 1 };

/* The last LINK_PLOT_WIDTH values; zeroed: none. */
struct link_plot {
    uint64_t value[LINK_PLOT_WIDTH];
    size_t n, next;
};

/* Adds the newest value, for which the oldest goes. */
void link_plot_add(struct link_plot *p, uint64_t value);

/* Writes a character for each value, oldest first, in UTF-8: a space for 0, else one of eight
 * heights, the greatest value full. */
void link_plot_print(const struct link_plot *p, char to[LINK_PLOT_CHARS]);

#endif
