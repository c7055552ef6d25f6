/* link_plain: a row's payload over kernel TCP, both ends in this process: to be compared with. */
#ifndef FARSPAN_LINK_PLAIN_H
#define FARSPAN_LINK_PLAIN_H

#include <stdbool.h>

#include "core/run/link_lab.h"
#include "core/run/loop.h"

struct link_plain;

/* Begins: the sending end is in the setup's first namespace, at 10.77.0.1, the receiving one in the
 * second, at 10.77.0.2; `control` is the kernel's name of a congestion control. What is sent is the
 * row's: a stream, messages on a connection of their own, or both. ERR_UNSUPPORTED, ERR_SYSTEM,
 * ERR_MEMORY. */
enum err link_plain_new(struct loop *l, const struct link_lab_setup *s, const char *control,
                        struct link_plain **out) MUST_USE;

/* Takes it, with its connections; NULL is fine. */
void link_plain_free(struct link_plain *p);

/* Whether it has ended (loop_leave is called then), and how. */
bool link_plain_over(const struct link_plain *p, enum err *e);

/* What was delivered and which round trips the kernel believed in; times are since the first
 * payload. Borrowed. */
const struct link_lab_seen *link_plain_seen(const struct link_plain *p);

/* Figures that are no series. */
struct link_plain_figures {
    uint64_t since_start_us;          /* from the first segment to the first payload */
    uint64_t delivered_bytes, cpu_us; /* of both ends together */
    double loss;                      /* the share of segments that were sent again */
};

/* Reads them; delays of messages are in *delay_us, which is borrowed. */
void link_plain_count(const struct link_plain *p, struct link_plain_figures *out,
                      const struct stat_hist **delay_us);

#endif
