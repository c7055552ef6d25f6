/* line_loss: which losses are the line's own, whatever is sent, and which are of queues. */
#ifndef FARSPAN_LINE_LOSS_H
#define FARSPAN_LINE_LOSS_H

#include <stdbool.h>
#include <stdint.h>

/* What became of the bytes of the last few hundred packets: calm, while a queue was let go, and
 * busy, of all others. Queues and policers lose nothing of the calm ones, bad lines as much. */
struct line_loss {
    struct line_loss_count {
        uint64_t acked, lost;
    } calm, busy;
};

/* A round trip, calm or busy, of which so much was acknowledged and so much lost. What was before
 * fades: `trip_bytes`, what is in flight, says how fast. */
void line_loss_note(struct line_loss *l, bool calm, uint64_t acked, uint64_t lost,
                    uint64_t trip_bytes);

/* A calm round trip behind a queue that was not gone: it proves nothing, and others less. */
void line_loss_doubt(struct line_loss *l);

/* What the line loses itself, in per mille, at most half; 0: little enough, or not known. */
uint64_t line_loss_share(const struct line_loss *l);

/* Whether a fiftieth and more is lost, and hardly any of it when calm: somebody fills a queue. */
bool line_loss_overflows(const struct line_loss *l);

#endif
