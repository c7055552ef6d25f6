/* standard: the three descriptors that every process is expected to have. */
#ifndef FARSPAN_STANDARD_H
#define FARSPAN_STANDARD_H

/* Call it first: fills descriptors 0, 1 and 2 where the caller left them closed, so that no file or
 * socket gets their numbers and then what was meant for stdout. Reading or writing them fails, as
 * it would have. Ends the process with status 1 when even that cannot be done. */
void standard_fill(void);

#endif
