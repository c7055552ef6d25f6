/* status_line: one line below the log on a terminal, which says how far the work is. */
#ifndef FARSPAN_STATUS_LINE_H
#define FARSPAN_STATUS_LINE_H

#include <stdbool.h>

#include "core/run/run.h"

/* There is one terminal, so all of this is the process's, as the log is. */

/* Whether status_line_show will show anything: stderr is a terminal, nobody wants it quiet, and no
 * JSON goes to that terminal. */
bool status_line_begin(const struct run *run);

/* Shows the text in place of the last; the log's lines go above it. Nothing without a terminal. */
void status_line_show(const char *text);

/* Takes the line away until the next is shown: before something else is written there. */
void status_line_clear(void);

/* Takes the line away, and shows none until status_line_begin. */
void status_line_end(void);

#endif
