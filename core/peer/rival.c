#include "core/peer/rival.h"

#include "core/base/num.h"

enum {
    SEGMENT = 1448,            /* TCP's, in whose number growth is counted */
    GROWTH = SEGMENT / 10 * 4, /* C = 0.4 segments in the cube of a second */
    LEAST = 4 * SEGMENT,
    TIME_MOST_MS = 100000,
};

#define MS3 1000000000ull /* the cube of a second in that of a millisecond */

/* The largest whole number whose cube is at most `x`. */
static uint64_t cube_root(uint64_t x)
{
    uint64_t root = 0;

    for (uint64_t bit = 1ull << 21; bit; bit >>= 1) {
        uint64_t r = root | bit;
        if (r * r <= x / r)
            root = r;
    }
    return root;
}

static void begin_epoch(struct rival *r, uint64_t now_us)
{
    r->window_bytes = num_max(r->window_bytes / 10 * 7, LEAST);
    r->estimate_bytes = r->window_bytes;
    r->epoch_us = now_us;
    r->plateau_ms =
        cube_root(num_mul_div(num_sub0(r->before_loss_bytes, r->window_bytes), MS3, GROWTH));
}

void rival_begin(struct rival *r, uint64_t now_us, uint64_t window_bytes)
{
    r->window_bytes = r->before_loss_bytes = window_bytes;
    begin_epoch(r, now_us);
}

void rival_loss(struct rival *r, uint64_t now_us)
{
    /* Who has less than last time leaves room (4.7). */
    r->before_loss_bytes =
        r->window_bytes < r->before_loss_bytes ? r->window_bytes / 20 * 17 : r->window_bytes;
    begin_epoch(r, now_us);
}

/* W_cubic at `ms` after the loss. */
static uint64_t cubic_bytes(const struct rival *r, uint64_t ms)
{
    uint64_t d =
        num_min(ms > r->plateau_ms ? ms - r->plateau_ms : r->plateau_ms - ms, TIME_MOST_MS);
    uint64_t bytes = num_mul_div(d * d, d * GROWTH, MS3);

    return ms > r->plateau_ms ? r->before_loss_bytes + bytes
                              : num_sub0(r->before_loss_bytes, bytes);
}

void rival_ack(struct rival *r, uint64_t now_us, uint64_t acked_bytes, uint64_t rtt_us)
{
    uint64_t target = cubic_bytes(r, (num_sub0(now_us, r->epoch_us) + rtt_us) / 1000);

    target = num_clamp(target, r->window_bytes, r->window_bytes / 2 * 3);
    /* 9/17 of a segment a round trip gives what Reno has, who halves its window (4.3). */
    uint64_t step = r->estimate_bytes < r->before_loss_bytes ? SEGMENT * 9 / 17 : SEGMENT;
    r->estimate_bytes += num_mul_div(step, acked_bytes, r->window_bytes);
    r->window_bytes += num_mul_div(target - r->window_bytes, acked_bytes, r->window_bytes);
    r->window_bytes = num_max(r->window_bytes, r->estimate_bytes);
}
