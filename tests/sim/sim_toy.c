#include "tests/sim/sim_toy.h"

#include "core/base/num.h"
#include "core/base/rd.h"
#include "core/base/wr.h"
#include "tests/sim/sim_pattern.h"

enum { PATTERN_KEY = 4711 };

void sim_toy_init_sender(struct sim_toy *t, struct sim *s, const struct addr *to, uint64_t blocks,
                         uint32_t without)
{
    *t = (struct sim_toy){.sim = s,
                          .sends = true,
                          .peer = *to,
                          .blocks = blocks,
                          .patience_us = 100000,
                          .without = without};
}

void sim_toy_init_receiver(struct sim_toy *t, struct sim *s, uint32_t without)
{
    *t = (struct sim_toy){.sim = s, .without = without};
}

bool sim_toy_done(void *sender)
{
    const struct sim_toy *t = sender;

    return t->at == t->blocks;
}

static uint64_t sum_of(uint64_t number, struct bytes block)
{
    uint64_t h = number * 0x9e3779b97f4a7c15u;

    for (size_t i = 0; i < block.n; i++)
        h = (h ^ block.p[i]) * 1099511628211u;
    return h;
}

static void take_block(struct sim_toy *t, uint64_t number, struct bytes block)
{
    bool is_new = number == t->at || (t->without & SIM_TOY_WITHOUT_NUMBERS);

    t->answers++;
    if (!is_new)
        return;
    if (!sim_pattern_match(PATTERN_KEY, t->at * SIM_TOY_BLOCK, block))
        sim_fail(t->sim, "toy: block %llu differs", (unsigned long long)t->at);
    t->at++;
}

static void input(void *self, uint64_t now_us, const struct addr *from, const struct addr *to,
                  struct bytes data, uint8_t ecn)
{
    struct sim_toy *t = self;
    struct rd r = rd_of(data);
    uint64_t number = rd_u64(&r), sum = rd_u64(&r);
    struct bytes block = rd_bytes(&r, r.left);

    (void)to, (void)ecn;
    if (r.bad || (sum != sum_of(number, block) && !(t->without & SIM_TOY_WITHOUT_CHECKSUM)))
        return;
    if (t->sends) {
        if (number == t->at + 1) {
            t->at = number;
            t->resend_us = now_us;
        }
        return;
    }
    if (t->peer.family == ADDR_NONE || !(t->without & SIM_TOY_WITHOUT_PATH))
        t->peer = *from;
    take_block(t, number, block);
}

static size_t output(void *self, uint64_t now_us, uint8_t *space, size_t room, struct addr *to,
                     uint8_t *ecn)
{
    struct sim_toy *t = self;
    uint8_t block[SIM_TOY_BLOCK];
    struct bytes body = bytes_of(NULL, 0);
    struct wr w = wr_of(space, room);

    if (t->sends) {
        if (t->at == t->blocks || now_us < t->resend_us)
            return 0;

        bool once = t->without & SIM_TOY_WITHOUT_RESEND;
        t->resend_us = once ? UINT64_MAX : now_us + t->patience_us;
        sim_pattern_fill(PATTERN_KEY, t->at * SIM_TOY_BLOCK, block, sizeof block);
        body = bytes_of(block, sizeof block);
    } else {
        if (t->answers == 0)
            return 0;
        t->answers--;
    }
    *to = t->peer;
    *ecn = WAN_ECN_ECT0;
    wr_u64(&w, t->at);
    wr_u64(&w, sum_of(t->at, body));
    wr_bytes(&w, body);
    t->sent++;
    return wr_done(&w).n;
}

static uint64_t deadline_us(void *self, uint64_t now_us)
{
    const struct sim_toy *t = self;

    (void)now_us;
    return t->sends && t->at < t->blocks ? t->resend_us : UINT64_MAX;
}

const struct sim_ops sim_toy_ops = {.input = input, .output = output, .deadline_us = deadline_us};
