#include "tests/sim/sim.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "core/base/check.h"
#include "core/base/heap.h"
#include "core/base/num.h"
#include "tests/sim/sim_heap.h"
#include "tests/sim/sim_mix.h"

enum { RING_UNLIMITED = 4 << 20 };

enum source_kind { SOURCE_NODE, SOURCE_LINK, SOURCE_ACT };

struct source {
    enum source_kind kind;
    size_t index; /* of the node or link */
    void (*act)(struct sim *s, void *arg);
    void *arg;
};

/* A datagram that waits for a busy node. */
struct held {
    struct held *next;
    struct addr from, to;
    uint8_t ecn;
    size_t n;
    uint8_t data[];
};

struct node {
    const char *name;
    const struct sim_ops *ops;
    void *self;
    struct addr address, tcp;
    size_t source;
    uint64_t offset_us;
    int64_t ppm;
    bool on;
    uint64_t busy_until_us;
    struct held *held, **held_end; /* owned */
    uint64_t turn_us;              /* true time of the last turn ... */
    uint64_t turns;                /* ... and how many there were at that instant */
    uint64_t idle_us;              /* since when turns come to nothing, and how many did */
    uint64_t idle_turns;
};

struct link {
    struct wan_link *wan;
    size_t from, to, source;
};

struct sim {
    uint64_t now_us, hash;
    bool heard; /* the turn follows a datagram that came in */
    struct rng rng;
    struct node node[SIM_NODES_MAX];
    size_t nodes;
    struct link *link; /* owned */
    size_t links;
    size_t route[2][SIM_NODES_MAX][SIM_NODES_MAX]; /* by enum addr_via: link number + 1 */
    struct addr *seen; /* owned: every address ever used; datagrams name them by number */
    size_t seen_count;
    struct source *source; /* owned */
    struct sim_heap heap;
    struct sim_tap tap;
    FILE *log;
    uint32_t desk_without;
    char failure[300];
};

static void mix(struct sim *s, uint64_t v)
{
    s->hash = sim_mix_word(s->hash, v);
}

static void mix_bytes(struct sim *s, struct bytes b)
{
    s->hash = sim_mix_bytes(s->hash, b);
}

static void log_text(struct sim *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void log_text(struct sim *s, const char *format, ...)
{
    va_list args;

    if (s->log == NULL)
        return;
    fprintf(s->log, "%4" PRIu64 ".%06" PRIu64 " ", s->now_us / 1000000, s->now_us % 1000000);
    va_start(args, format);
    vfprintf(s->log, format, args);
    va_end(args);
    fputc('\n', s->log);
}

/* Every thing that happens goes through here: the hash is over exactly this. */
static void log_datagram(struct sim *s, const char *what, const struct addr *from,
                         const struct addr *to, struct bytes data)
{
    char a[ADDR_CHARS], b[ADDR_CHARS];

    mix(s, s->now_us);
    mix(s, (uint8_t)what[0]);
    mix_bytes(s, bytes_of(from, sizeof *from));
    mix_bytes(s, bytes_of(to, sizeof *to));
    mix_bytes(s, data);
    if (s->log)
        log_text(s, "%s %s > %s %zu bytes", what, addr_print(from, a), addr_print(to, b), data.n);
}

struct sim *sim_new(uint64_t seed)
{
    struct sim *s = heap_alloc(sizeof *s);

    CHECK(s);
    s->now_us = SIM_START_US;
    rng_seed(&s->rng, seed);
    mix(s, seed);
    return s;
}

static struct held *next_held(struct node *n)
{
    struct held *h = n->held;

    if (h) {
        n->held = h->next;
        n->held_end = n->held ? n->held_end : NULL;
    }
    return h;
}

void sim_free(struct sim *s)
{
    struct held *h;

    if (s == NULL)
        return;
    for (size_t i = 0; i < s->nodes; i++)
        while ((h = next_held(&s->node[i])) != NULL)
            heap_free(h);
    for (size_t i = 0; i < s->links; i++)
        wan_link_free(s->link[i].wan);
    heap_free(s->link);
    heap_free(s->seen);
    heap_free(s->source);
    sim_heap_release(&s->heap);
    heap_free(s);
}

void sim_set_desk_without(struct sim *s, uint32_t without)
{
    s->desk_without = without;
}

uint32_t sim_desk_without(const struct sim *s)
{
    return s->desk_without;
}

struct rng *sim_rng(struct sim *s)
{
    return &s->rng;
}

uint64_t sim_now_us(const struct sim *s)
{
    return s->now_us;
}

static size_t add_source(struct sim *s, struct source source)
{
    size_t i = sim_heap_add(&s->heap);

    s->source = heap_resize(s->source, (i + 1) * sizeof *s->source);
    CHECK(s->source);
    s->source[i] = source;
    return i;
}

static size_t address_number(struct sim *s, const struct addr *a)
{
    for (size_t i = 0; i < s->seen_count; i++)
        if (addr_equal(&s->seen[i], a))
            return i;
    s->seen = heap_resize(s->seen, (s->seen_count + 1) * sizeof *s->seen);
    CHECK(s->seen);
    s->seen[s->seen_count] = *a;
    return s->seen_count++;
}

size_t sim_node(struct sim *s, const char *name, const struct sim_ops *ops, void *self,
                const struct addr *address)
{
    size_t i = s->nodes++;

    CHECK(i < SIM_NODES_MAX);
    s->node[i] =
        (struct node){.name = name, .ops = ops, .self = self, .address = *address, .on = true};
    s->node[i].source = add_source(s, (struct source){.kind = SOURCE_NODE, .index = i});
    sim_heap_set(&s->heap, s->node[i].source, s->now_us);
    return i;
}

static void set_link_due(struct sim *s, const struct link *l)
{
    sim_heap_set(&s->heap, l->source, wan_link_deadline_us(l->wan));
}

static void add_link(struct sim *s, enum addr_via via, size_t from, size_t to,
                     const struct wan_config *config)
{
    struct wan_config perfect;

    if (config == NULL) {
        wan_config_init(&perfect);
        config = &perfect;
    }
    CHECK(from < s->nodes && to < s->nodes && s->route[via][from][to] == 0);
    s->link = heap_resize(s->link, (s->links + 1) * sizeof *s->link);
    CHECK(s->link);
    struct link *l = &s->link[s->links];
    *l = (struct link){.from = from, .to = to};
    size_t ring_bytes = wan_config_ring_bytes(config);
    if (config->rate_bps == 0)
        ring_bytes = RING_UNLIMITED;
    CHECK(wan_link_new(config, rng_u64(&s->rng), ring_bytes, &l->wan) == OK);
    wan_link_start(l->wan, s->now_us);
    l->source = add_source(s, (struct source){.kind = SOURCE_LINK, .index = s->links});
    s->route[via][from][to] = ++s->links;
    set_link_due(s, l);
}

void sim_join(struct sim *s, size_t a, size_t b, const struct wan_config *a_to_b,
              const struct wan_config *b_to_a)
{
    add_link(s, ADDR_UDP, a, b, a_to_b);
    add_link(s, ADDR_UDP, b, a, b_to_a);
}

void sim_share(struct sim *s, size_t near, size_t far, size_t a, size_t b)
{
    CHECK(s->route[ADDR_UDP][a][b] && s->route[ADDR_UDP][b][a] && !s->route[ADDR_UDP][near][far] &&
          !s->route[ADDR_UDP][far][near]);
    s->route[ADDR_UDP][near][far] = s->route[ADDR_UDP][a][b];
    s->route[ADDR_UDP][far][near] = s->route[ADDR_UDP][b][a];
}

void sim_join_tcp(struct sim *s, size_t a, size_t b, const struct wan_config *a_to_b,
                  const struct wan_config *b_to_a)
{
    add_link(s, ADDR_TCP, a, b, a_to_b);
    add_link(s, ADDR_TCP, b, a, b_to_a);
}

static struct link *link_between(struct sim *s, enum addr_via via, size_t from, size_t to)
{
    size_t route = s->route[via][from][to];

    return route ? &s->link[route - 1] : NULL;
}

struct wan_link *sim_link_tcp(struct sim *s, size_t from, size_t to)
{
    struct link *l = link_between(s, ADDR_TCP, from, to);

    CHECK(l);
    return l->wan;
}

struct wan_link *sim_link(struct sim *s, size_t from, size_t to)
{
    struct link *l = link_between(s, ADDR_UDP, from, to);

    CHECK(l);
    return l->wan;
}

void sim_change(struct sim *s, size_t from, size_t to, enum wan_change_kind kind, uint64_t value)
{
    struct link *l = link_between(s, ADDR_UDP, from, to);

    CHECK(l);
    CHECK(wan_link_change(l->wan, s->now_us, kind, value) == OK);
    set_link_due(s, l);
    sim_note(s, "change %s > %s %d %" PRIu64, s->node[from].name, s->node[to].name, (int)kind,
             value);
}

static size_t owner_of(const struct sim *s, const struct addr *a)
{
    size_t i = 0;

    while (i < s->nodes && !addr_equal(&s->node[i].address, a) && !addr_equal(&s->node[i].tcp, a))
        i++;
    return i;
}

void sim_move(struct sim *s, size_t node, const struct addr *address)
{
    char text[ADDR_CHARS];

    CHECK(owner_of(s, address) == s->nodes);
    s->node[node].address = *address;
    sim_note(s, "%s moves to %s", s->node[node].name, addr_print(address, text));
}

void sim_move_tcp(struct sim *s, size_t node, const struct addr *address)
{
    char text[ADDR_CHARS];

    s->node[node].tcp = *address;
    sim_note(s, "%s has TCP %s", s->node[node].name, addr_print(address, text));
}

const struct addr *sim_tcp_address(const struct sim *s, size_t node)
{
    return &s->node[node].tcp;
}

size_t sim_node_at(const struct sim *s, const struct addr *address)
{
    size_t owner = owner_of(s, address);

    return owner < s->nodes ? owner : SIZE_MAX;
}

const struct addr *sim_address(const struct sim *s, size_t node)
{
    return &s->node[node].address;
}

void sim_clock(struct sim *s, size_t node, uint64_t offset_us, int64_t ppm)
{
    s->node[node].offset_us = offset_us;
    s->node[node].ppm = ppm;
    sim_heap_set(&s->heap, s->node[node].source, s->now_us);
}

static uint64_t node_time(const struct node *n, uint64_t true_us)
{
    return n->offset_us + num_mul_div(true_us, (uint64_t)(1000000 + n->ppm), 1000000);
}

/* The first true time at which the node's clock has reached `node_us`. */
static uint64_t true_time(const struct node *n, uint64_t node_us)
{
    if (node_us > UINT64_MAX / 4)
        return UINT64_MAX;
    uint64_t us =
        num_mul_div(num_sub0(node_us, n->offset_us), 1000000, (uint64_t)(1000000 + n->ppm));
    while (node_time(n, us) < node_us)
        us++;
    return us;
}

uint64_t sim_node_now_us(const struct sim *s, size_t node)
{
    return node_time(&s->node[node], s->now_us);
}

static void send_one(struct sim *s, size_t from, const struct addr *to, struct bytes data,
                     uint8_t ecn)
{
    const struct addr source = to->via == ADDR_TCP ? s->node[from].tcp : s->node[from].address;
    size_t owner = owner_of(s, to);
    struct link *l = owner < s->nodes ? link_between(s, to->via, from, owner) : NULL;

    log_datagram(s, l ? "send" : "nowhere", &source, to, data);
    if (s->tap.see && !s->tap.see(s->tap.self, s, &source, to, data)) {
        sim_note(s, "swallowed");
        return;
    }
    if (l == NULL)
        return;
    uint64_t user = (uint64_t)address_number(s, &source) << 32 | address_number(s, to);
    wan_link_send(l->wan, s->now_us, data, user, ecn);
    if (wan_link_counters(l->wan)->dropped[WAN_DROP_MEMORY])
        sim_fail(s, "the model of a link has no memory for what is in flight");
    set_link_due(s, l);
}

/* A node that is given turn after turn without time passing would hang the simulation. */
static bool spins(struct sim *s, struct node *n)
{
    if (n->turn_us != s->now_us)
        n->turns = 0;
    n->turn_us = s->now_us;
    if (n->turns++ < SIM_BURST_MAX)
        return false;
    sim_fail(s, "%s spins: time does not pass", n->name);
    return true;
}

/* Takes out all datagrams of the moment; gives whether there were any. */
static bool drain(struct sim *s, size_t node, uint64_t now_us)
{
    struct node *n = &s->node[node];
    uint8_t space[SIM_DATAGRAM_MAX];
    bool any = false;

    for (;;) {
        struct addr to = {.family = ADDR_NONE};
        uint8_t ecn = WAN_ECN_NONE;
        size_t bytes = n->ops->output(n->self, now_us, space, sizeof space, &to, &ecn);
        if (bytes == 0 || spins(s, n))
            return any;
        CHECK(bytes <= sizeof space);
        send_one(s, node, &to, bytes_of(space, bytes), ecn);
        any = true;
    }
}

/* Deadlines that come to nothing, one after another, would burn a processor outside. */
static void check_idleness(struct sim *s, struct node *n, bool worked, uint64_t deadline_us)
{
    if (worked) {
        n->idle_turns = 0;
        n->idle_us = s->now_us;
        return;
    }
    if (deadline_us <= s->now_us)
        sim_fail(s, "%s spins: it wants a turn at once and does nothing with it", n->name);
    if (++n->idle_turns > SIM_IDLE_TURNS && s->now_us - n->idle_us < SIM_IDLE_US)
        sim_fail(s, "%s spins: it wants turns all the time and does nothing with them", n->name);
    if (s->now_us - n->idle_us >= SIM_IDLE_US) {
        n->idle_turns = 0;
        n->idle_us = s->now_us;
    }
}

static void give_turn(struct sim *s, size_t node)
{
    struct node *n = &s->node[node];
    uint64_t now_us = node_time(n, s->now_us);
    bool any = true, worked = s->heard;

    if (!n->on || s->failure[0])
        return;
    if (s->now_us < n->busy_until_us) {
        sim_heap_set(&s->heap, n->source, n->busy_until_us);
        return;
    }
    worked |= n->held != NULL;
    for (struct held *h; (h = next_held(n)) != NULL; heap_free(h))
        n->ops->input(n->self, now_us, &h->from, &h->to, bytes_of(h->data, h->n), h->ecn);
    /* What the application does makes output, and output can make events for the application. */
    for (int turn = 0; (any || turn < 2) && !s->failure[0]; turn++) {
        if (n->ops->work)
            n->ops->work(n->self, now_us);
        any = drain(s, node, now_us);
        worked |= any;
    }
    uint64_t deadline_us = true_time(n, n->ops->deadline_us(n->self, now_us));
    check_idleness(s, n, worked, deadline_us);
    if (deadline_us <= s->now_us && spins(s, n))
        return;
    sim_heap_set(&s->heap, n->source, num_max(deadline_us, s->now_us));
}

void sim_kick(struct sim *s, size_t node)
{
    give_turn(s, node);
}

void sim_power(struct sim *s, size_t node, bool on)
{
    struct node *n = &s->node[node];

    n->on = on;
    sim_heap_set(&s->heap, n->source, on ? s->now_us : UINT64_MAX);
    sim_note(s, "%s is %s", n->name, on ? "on" : "off");
}

void sim_busy(struct sim *s, size_t node, uint64_t until_us)
{
    struct node *n = &s->node[node];

    n->busy_until_us = until_us;
    sim_heap_set(&s->heap, n->source, num_max(until_us, s->now_us));
}

void sim_at(struct sim *s, uint64_t at_us, void (*act)(struct sim *s, void *arg), void *arg)
{
    size_t i = add_source(s, (struct source){.kind = SOURCE_ACT, .act = act, .arg = arg});

    sim_heap_set(&s->heap, i, num_max(at_us, s->now_us));
}

static void hold(struct node *n, const struct addr *from, const struct addr *to, struct bytes data,
                 uint8_t ecn)
{
    struct held *h = heap_alloc(sizeof *h + data.n);

    CHECK(h);
    *h = (struct held){.from = *from, .to = *to, .ecn = ecn, .n = data.n};
    if (data.n)
        memcpy(h->data, data.p, data.n);
    *(n->held ? n->held_end : &n->held) = h;
    n->held_end = &h->next;
}

static void deliver(struct sim *s, const char *what, const struct addr *from, const struct addr *to,
                    struct bytes data, uint8_t ecn)
{
    size_t owner = owner_of(s, to);

    if (owner == s->nodes || !s->node[owner].on) {
        log_datagram(s, "unheard", from, to, data);
        return;
    }
    log_datagram(s, what, from, to, data);
    struct node *n = &s->node[owner];
    if (s->now_us < n->busy_until_us) {
        hold(n, from, to, data, ecn);
        return;
    }
    n->ops->input(n->self, node_time(n, s->now_us), from, to, data, ecn);
    s->heard = true;
    give_turn(s, owner);
    s->heard = false;
}

void sim_inject(struct sim *s, const struct addr *from, const struct addr *to, struct bytes data)
{
    deliver(s, "inject", from, to, data, WAN_ECN_NONE);
}

void sim_tap(struct sim *s, const struct sim_tap *tap)
{
    s->tap = *tap;
}

static void serve_link(struct sim *s, size_t index)
{
    struct wan_link *wan = s->link[index].wan;
    struct wan_datagram d;
    struct wan_change ch;
    uint8_t copy[WAN_DATAGRAM_MAX];

    while (!s->failure[0] && wan_link_next(wan, s->now_us, &d)) {
        /* The receiver's answer may go into this very link and end the loan. */
        struct addr from = s->seen[d.user >> 32], to = s->seen[d.user & UINT32_MAX];
        memcpy(copy, d.bytes.p, d.bytes.n);
        deliver(s, d.ecn == WAN_ECN_CE ? "recv-ce" : "recv", &from, &to, bytes_of(copy, d.bytes.n),
                d.ecn);
    }
    while (wan_link_next_event(wan, s->now_us, &ch)) {
        if (ch.kind != WAN_CHANGE_REBIND)
            continue;
        struct addr moved = s->node[s->link[index].from].address;
        do
            moved.port++;
        while (owner_of(s, &moved) < s->nodes);
        sim_move(s, s->link[index].from, &moved);
    }
    set_link_due(s, &s->link[index]);
}

bool sim_run(struct sim *s, uint64_t until_us, bool (*done)(void *arg), void *arg)
{
    while (!s->failure[0]) {
        if (done && done(arg))
            return true;
        if (s->heap.count == 0)
            break;
        size_t i = sim_heap_first(&s->heap);
        if (s->heap.due_us[i] > until_us)
            break;
        s->now_us = num_max(s->now_us, s->heap.due_us[i]);
        struct source source = s->source[i];
        sim_heap_set(&s->heap, i, UINT64_MAX);
        if (source.kind == SOURCE_NODE)
            give_turn(s, source.index);
        else if (source.kind == SOURCE_LINK)
            serve_link(s, source.index);
        else
            source.act(s, source.arg);
    }
    if (!s->failure[0])
        s->now_us = num_max(s->now_us, until_us);
    return false;
}

void sim_fail(struct sim *s, const char *format, ...)
{
    va_list args;

    if (s->failure[0])
        return;
    va_start(args, format);
    vsnprintf(s->failure, sizeof s->failure, format, args);
    va_end(args);
    mix_bytes(s, bytes_of_string(s->failure));
    log_text(s, "FAILED: %s", s->failure);
}

const char *sim_failure(const struct sim *s)
{
    return s->failure[0] ? s->failure : NULL;
}

uint64_t sim_hash(const struct sim *s)
{
    return s->hash;
}

void sim_note(struct sim *s, const char *format, ...)
{
    char text[300];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    mix(s, s->now_us);
    mix_bytes(s, bytes_of_string(text));
    log_text(s, "%s", text);
}

void sim_log_to(struct sim *s, FILE *to)
{
    s->log = to;
}

struct addr sim_addr(uint8_t host, uint16_t port)
{
    return (struct addr){.ip = {10, 0, 0, host}, .port = port, .family = ADDR_IP4};
}
