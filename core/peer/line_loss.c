#include "core/peer/line_loss.h"

#include "core/base/num.h"

enum { PACKET = 1200, CALM_LEAST_BYTES = 40 * PACKET, MOST_BYTES = 400 * PACKET, MOST_SHARE = 500 };

static uint64_t total(const struct line_loss_count *c)
{
    return c->acked + c->lost;
}

/* What would be lost of the busy bytes if they were lost as the calm ones are. */
static uint64_t expected(const struct line_loss *l)
{
    return num_mul_div(l->calm.lost, total(&l->busy), total(&l->calm));
}

void line_loss_note(struct line_loss *l, bool calm, uint64_t acked, uint64_t lost,
                    uint64_t trip_bytes)
{
    struct line_loss_count *c = calm ? &l->calm : &l->busy;

    c->acked += acked;
    c->lost += lost;
    while (total(c) > MOST_BYTES + 2 * trip_bytes) {
        c->acked /= 2;
        c->lost /= 2;
    }
}

void line_loss_doubt(struct line_loss *l)
{
    l->calm.acked /= 2;
    l->calm.lost /= 2;
}

uint64_t line_loss_share(const struct line_loss *l)
{
    if (total(&l->calm) < CALM_LEAST_BYTES || total(&l->busy) == 0 ||
        expected(l) < l->busy.lost / 10 * 7)
        return 0;
    return num_min(l->calm.lost * 1000 / total(&l->calm), MOST_SHARE);
}

bool line_loss_overflows(const struct line_loss *l)
{
    return total(&l->calm) >= CALM_LEAST_BYTES && l->busy.lost > total(&l->busy) / 50 &&
           expected(l) < l->busy.lost / 4;
}
