#include "core/wan/wan_link.h"

#include "core/base/check.h"
#include "core/base/heap.h"
#include "core/base/num.h"
#include "core/base/rng.h"
#include "core/wan/wan_line.h"
#include "core/wan/wan_loss.h"
#include "core/wan/wan_policer.h"
#include "core/wan/wan_queue.h"
#include "core/wan/wan_ring.h"

struct wan_link {
    struct wan_config config; /* as changed so far; changes sorted */
    bool started;
    uint64_t start_us, now_us, seq;
    size_t changed;  /* changes applied */
    size_t reported; /* ... and given out as events */
    bool fading;
    uint64_t fade_at_us; /* the next time, when `fading` */
    uint32_t faded;      /* millionths of the rate that are there */
    struct wan_ring ring;
    struct wan_policer policer;
    struct wan_queue queue;
    struct wan_loss loss;
    struct wan_line line;
    struct wan_slot *lent; /* given out, to be given back to the ring at the next call */
    struct rng loss_rng, corrupt_rng, duplicate_rng, jitter_rng, reorder_rng, fade_rng;
    struct wan_counters counters;
};

static void use_config(struct wan_link *l, uint64_t at_us)
{
    if (l->config.fade_us && !l->fading)
        l->fade_at_us = at_us;
    else if (l->config.fade_us == 0)
        l->faded = WAN_PROBABILITY;
    l->fading = l->config.fade_us > 0;
    uint64_t rate_bps = num_mul_div(l->config.rate_bps, l->faded, WAN_PROBABILITY);

    if (l->config.rate_bps)
        rate_bps = num_max(rate_bps, 1);
    wan_queue_set(&l->queue, at_us, rate_bps, wan_config_queue_limit(&l->config));
    wan_policer_set(&l->policer, at_us, l->config.police_bps, l->config.police_bytes);
    wan_loss_set(&l->loss, l->config.loss, l->config.burst);
}

static void seed_nodes(struct wan_link *l, uint64_t seed)
{
    struct rng *node[] = {&l->loss_rng,   &l->corrupt_rng, &l->duplicate_rng,
                          &l->jitter_rng, &l->reorder_rng, &l->fade_rng};
    struct rng root;

    rng_seed(&root, seed);
    for (size_t i = 0; i < COUNT_OF(node); i++)
        rng_seed(node[i], rng_u64(&root));
}

enum err wan_link_new(const struct wan_config *config, uint64_t seed, size_t ring_bytes,
                      struct wan_link **out)
{
    enum err e = wan_config_check(config);

    if (e != OK)
        return e;
    struct wan_link *l = heap_alloc(sizeof *l);
    if (l == NULL)
        return ERR_MEMORY;
    l->config = *config;
    wan_config_sort(&l->config);
    l->queue.overhead_bytes = config->overhead_bytes;
    use_config(l, 0);
    seed_nodes(l, seed);
    e = wan_ring_init(&l->ring, ring_bytes);
    if (e == OK)
        e = wan_line_init(&l->line, wan_ring_slots(ring_bytes));
    if (e != OK) {
        wan_link_free(l);
        return e;
    }
    *out = l;
    return OK;
}

void wan_link_free(struct wan_link *l)
{
    if (l == NULL)
        return;
    wan_line_release(&l->line);
    wan_ring_release(&l->ring);
    heap_free(l);
}

void wan_link_start(struct wan_link *l, uint64_t now_us)
{
    if (l->started)
        return;
    l->started = true;
    l->start_us = l->fade_at_us = l->now_us = num_max(now_us, l->now_us);
}

static bool is_down(const struct wan_link *l, uint64_t at_us)
{
    for (size_t i = 0; i < l->config.outages; i++) {
        const struct wan_outage *o = &l->config.outage[i];
        uint64_t begin_us = l->start_us + o->at_us;
        if (at_us >= begin_us && at_us - begin_us < o->for_us)
            return true;
    }
    return false;
}

static void drop(struct wan_link *l, struct wan_slot *s, enum wan_drop why)
{
    l->counters.dropped[why]++;
    wan_ring_give(&l->ring, s);
}

static void corrupt(struct wan_link *l, struct wan_slot *s)
{
    if (s->n == 0 || l->config.corrupt == 0 || !rng_chance(&l->corrupt_rng, l->config.corrupt))
        return;
    uint64_t bit = rng_below(&l->corrupt_rng, (uint64_t)s->n * 8);
    s->data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    l->counters.corrupted++;
}

/* When what is due then arrives: at the end of its slot. */
static uint64_t arrival_us(const struct wan_link *l, uint64_t due_us)
{
    uint64_t slot_us = l->config.slot_us;

    if (slot_us == 0)
        return due_us;
    return l->start_us + num_div_up(num_sub0(due_us, l->start_us), slot_us) * slot_us;
}

static void duplicate(struct wan_link *l, const struct wan_slot *s)
{
    if (!rng_chance(&l->duplicate_rng, l->config.duplicate))
        return;
    l->counters.duplicated++;
    struct wan_slot *copy = wan_ring_take(&l->ring, bytes_of(s->data, s->n));
    if (copy == NULL) {
        l->counters.dropped[WAN_DROP_MEMORY]++;
        return;
    }
    copy->user = s->user;
    copy->sent_us = s->sent_us;
    copy->ecn = s->ecn;
    uint64_t later_us = rng_below(&l->duplicate_rng, wan_config_duplicate_us(&l->config));
    copy->due_us = arrival_us(l, s->due_us + later_us);
    copy->seq = l->seq++;
    wan_line_insert(&l->line, copy);
}

/* The nodes behind the queue, for one datagram that leaves it at `at_us`. */
static void leave_queue(struct wan_link *l, uint64_t at_us)
{
    struct wan_slot *s = wan_queue_pop(&l->queue);
    const struct wan_config *c = &l->config;

    stat_add(&l->counters.queue_us, at_us - s->sent_us);
    if (is_down(l, at_us)) {
        drop(l, s, WAN_DROP_OUTAGE);
        return;
    }
    if (wan_loss_next(&l->loss, &l->loss_rng)) {
        drop(l, s, WAN_DROP_LOSS);
        return;
    }
    corrupt(l, s);
    s->seq = l->seq++;
    s->due_us = at_us + c->delay_us;
    if (c->jitter_us)
        s->due_us += rng_below(&l->jitter_rng, c->jitter_us + 1);
    bool late = c->reorder && rng_chance(&l->reorder_rng, c->reorder);
    if (late) {
        uint64_t most_us = wan_config_reorder_us(c);
        s->due_us += most_us - rng_below(&l->reorder_rng, most_us / 2 + 1);
        l->counters.reordered++;
    }
    s->due_us = arrival_us(l, s->due_us);
    if (late || (c->jitter_us && c->jitter_reorders))
        wan_line_insert(&l->line, s);
    else
        wan_line_append(&l->line, s);
    if (c->duplicate)
        duplicate(l, s);
}

static uint64_t next_change_us(const struct wan_link *l)
{
    if (!l->started || l->changed == l->config.changes)
        return UINT64_MAX;
    return l->start_us + l->config.change[l->changed].at_us;
}

static uint64_t next_fade_us(const struct wan_link *l)
{
    return l->started && l->fading ? l->fade_at_us : UINT64_MAX;
}

static void fade(struct wan_link *l, uint64_t at_us)
{
    uint32_t least = l->config.fade_least;

    l->fade_at_us += l->config.fade_us;
    l->faded = least + (uint32_t)rng_below(&l->fade_rng, WAN_PROBABILITY - least + 1);
    use_config(l, at_us);
}

/* Lets everything happen that happens by `now_us`, in its order: so the result does not depend on
 * how often the owner looks. */
static void advance(struct wan_link *l, uint64_t now_us)
{
    l->now_us = num_max(l->now_us, now_us);
    for (;;) {
        uint64_t change_us = next_change_us(l), leaves_us = wan_queue_leaves_us(&l->queue);
        uint64_t fade_us = next_fade_us(l);
        if (num_min(num_min(change_us, leaves_us), fade_us) > l->now_us)
            break;
        if (change_us <= num_min(leaves_us, fade_us)) {
            wan_config_apply(&l->config, &l->config.change[l->changed++]);
            use_config(l, change_us);
        } else if (fade_us <= leaves_us) {
            fade(l, fade_us);
        } else {
            leave_queue(l, leaves_us);
        }
    }
}

static void give_back(struct wan_link *l)
{
    if (l->lent)
        wan_ring_give(&l->ring, l->lent);
    l->lent = NULL;
}

/* Why a datagram of `n` bytes cannot enter now, or WAN_DROP_COUNT. */
static enum wan_drop refused(struct wan_link *l, size_t n, uint8_t ecn)
{
    if (n > WAN_DATAGRAM_MAX ||
        (l->config.mtu_bytes && n + l->config.overhead_bytes > l->config.mtu_bytes))
        return WAN_DROP_MTU;
    if (ecn != WAN_ECN_NONE && l->config.ecn_way == WAN_ECN_BLOCK)
        return WAN_DROP_ECN;
    if (is_down(l, l->now_us))
        return WAN_DROP_OUTAGE;
    if (!wan_policer_passes(&l->policer, l->now_us, n + l->config.overhead_bytes))
        return WAN_DROP_POLICER;
    if (l->config.rate_bps && !wan_queue_fits(&l->queue, n))
        return WAN_DROP_QUEUE;
    return WAN_DROP_COUNT;
}

void wan_link_send(struct wan_link *l, uint64_t now_us, struct bytes data, uint64_t user,
                   uint8_t ecn)
{
    give_back(l);
    wan_link_start(l, now_us);
    advance(l, now_us);
    l->counters.in_count++;
    l->counters.in_bytes += data.n;
    enum wan_drop why = refused(l, data.n, ecn);
    if (why != WAN_DROP_COUNT) {
        l->counters.dropped[why]++;
        return;
    }
    struct wan_slot *s = wan_ring_take(&l->ring, data);
    if (s == NULL) {
        l->counters.dropped[WAN_DROP_MEMORY]++;
        return;
    }
    s->user = user;
    s->sent_us = l->now_us;
    if (l->config.ecn_way == WAN_ECN_BLEACH)
        ecn = WAN_ECN_NONE;
    s->ecn = ecn;
    uint64_t mark_us = l->config.ecn_mark_us;
    if (mark_us && (ecn == WAN_ECN_ECT0 || ecn == WAN_ECN_ECT1) &&
        wan_queue_wait_us(&l->queue) > mark_us) {
        s->ecn = WAN_ECN_CE;
        l->counters.marked++;
    }
    wan_queue_push(&l->queue, l->now_us, s);
}

bool wan_link_next(struct wan_link *l, uint64_t now_us, struct wan_datagram *out)
{
    give_back(l);
    advance(l, now_us);
    if (wan_line_due_us(&l->line) > l->now_us)
        return false;
    struct wan_slot *s = wan_line_pop(&l->line);
    l->lent = s;
    l->counters.out_count++;
    l->counters.out_bytes += s->n;
    *out = (struct wan_datagram){.bytes = bytes_of(s->data, s->n),
                                 .user = s->user,
                                 .sent_us = s->sent_us,
                                 .due_us = s->due_us,
                                 .ecn = s->ecn};
    return true;
}

bool wan_link_next_event(struct wan_link *l, uint64_t now_us, struct wan_change *out)
{
    advance(l, now_us);
    if (l->reported == l->changed)
        return false;
    *out = l->config.change[l->reported++];
    return true;
}

enum err wan_link_change(struct wan_link *l, uint64_t now_us, enum wan_change_kind kind,
                         uint64_t value)
{
    struct wan_change change = {.at_us = 0, .kind = kind, .value = value};
    struct wan_config after = {.changes = 1, .change[0] = change};
    enum err e = wan_config_check(&after);

    if (e != OK)
        return e;
    advance(l, now_us);
    after = l->config;
    after.changes = 0;
    wan_config_apply(&after, &change);
    e = wan_config_check(&after);
    if (e != OK)
        return e;
    wan_config_apply(&l->config, &change);
    use_config(l, l->now_us);
    return OK;
}

uint64_t wan_link_deadline_us(const struct wan_link *l)
{
    uint64_t leaves_us = wan_queue_leaves_us(&l->queue), due_us = wan_line_due_us(&l->line);

    if (l->reported < l->changed)
        return l->now_us;
    if (leaves_us != UINT64_MAX)
        due_us = num_min(due_us, num_min(leaves_us + l->config.delay_us, next_fade_us(l)));
    return num_min(due_us, next_change_us(l));
}

const struct wan_counters *wan_link_counters(const struct wan_link *l)
{
    return &l->counters;
}

uint64_t wan_link_rate_bps(const struct wan_link *l)
{
    return l->queue.rate_bps;
}

const struct wan_config *wan_link_config(const struct wan_link *l)
{
    return &l->config;
}

uint64_t wan_link_queue_bytes(const struct wan_link *l)
{
    return l->queue.bytes;
}
