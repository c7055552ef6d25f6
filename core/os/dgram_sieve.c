#include "core/os/dgram_sieve.h"

#include <linux/filter.h>
#include <stddef.h>
#include <sys/socket.h>

#include "core/base/log.h"
#include "core/os/os.h"

enum {
    HEAD_BYTES = 8, /* a UDP socket's filter sees the datagram from its UDP head on */
    PROGRAM_MAX = 64
};

struct program {
    struct sock_filter code[PROGRAM_MAX];
    uint16_t n;
};

static void add(struct program *p, uint16_t code, uint32_t k)
{
    p->code[p->n++] = (struct sock_filter){.code = code, .k = k};
}

/* Goes on after the next `skip` instructions when the accumulator does not compare as said. */
static void add_unless(struct program *p, uint16_t compare, uint32_t k, uint8_t skip)
{
    p->code[p->n++] = (struct sock_filter){.code = BPF_JMP | compare | BPF_K, .jf = skip, .k = k};
}

static void add_load(struct program *p, uint16_t size, uint32_t at)
{
    add(p, BPF_LD | size | BPF_ABS, at);
}

static void add_verdict(struct program *p, bool pass)
{
    add(p, BPF_RET | BPF_K, pass ? UINT32_MAX : 0);
}

/* a ^= a >> by */
static void add_fold(struct program *p, uint32_t by)
{
    add(p, BPF_MISC | BPF_TAX, 0);
    add(p, BPF_ALU | BPF_RSH | BPF_K, by);
    add(p, BPF_ALU | BPF_XOR | BPF_X, 0);
}

static void add_rare(struct program *p, const struct dgram_sieve *s,
                     const struct dgram_sieve_rare *r)
{
    add_load(p, BPF_B, HEAD_BYTES);
    add_unless(p, BPF_JEQ, r->first, 7);
    add(p, BPF_LD | BPF_W | BPF_LEN, 0);
    add_unless(p, BPF_JGE, HEAD_BYTES + (uint32_t)s->rare_least_bytes, 4);
    add_load(p, BPF_W, (uint32_t)SKF_AD_OFF + SKF_AD_RANDOM);
    add_unless(p, BPF_JGT, r->keep, 1);
    add_verdict(p, false);
    add_verdict(p, true);
    add_verdict(p, false);
}

/* mark_of the number behind the first byte, in X. */
static void add_mark(struct program *p, const struct mark_key *k)
{
    add_load(p, BPF_W, HEAD_BYTES + 1);
    add(p, BPF_ALU | BPF_XOR | BPF_K, k->word[0]);
    add(p, BPF_ALU | BPF_MUL | BPF_K, MARK_FACTOR_1);
    add_fold(p, MARK_SHIFT_1);
    add(p, BPF_ALU | BPF_ADD | BPF_K, k->word[1]);
    add(p, BPF_ALU | BPF_MUL | BPF_K, MARK_FACTOR_2);
    add_fold(p, MARK_SHIFT_2);
    add(p, BPF_ALU | BPF_MUL | BPF_K, MARK_FACTOR_3);
    add_fold(p, MARK_SHIFT_3);
    add(p, BPF_MISC | BPF_TAX, 0);
}

static void make(struct program *p, const struct dgram_sieve *s)
{
    for (int i = 0; i < 2; i++)
        add_rare(p, s, &s->rare[i]);
    add_load(p, BPF_B, HEAD_BYTES);
    add(p, BPF_ALU | BPF_AND | BPF_K, 0xfe);
    add_unless(p, BPF_JEQ, s->data, 1);
    add(p, BPF_JMP | BPF_JA, 1);
    add_verdict(p, false);
    add_mark(p, &s->key);
    add_load(p, BPF_W, HEAD_BYTES + 5);
    p->code[p->n++] = (struct sock_filter){.code = BPF_JMP | BPF_JEQ | BPF_X, .jf = 1};
    add_verdict(p, true);
    add_verdict(p, false);
}

enum err dgram_sieve_set(struct dgram *d, const struct dgram_sieve *s)
{
    struct program p = {.n = 0};
    int unused = 0, failed;

    if (s) {
        make(&p, s);
        struct sock_fprog prog = {.len = p.n, .filter = p.code};
        failed =
            OS_CALL(OS_SETOPT, setsockopt(d->fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof prog));
    } else {
        failed = OS_CALL(OS_SETOPT,
                         setsockopt(d->fd, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof unused));
    }
    if (failed) {
        log_errno(LOG_DEBUG, "UDP port %u: cannot change the filter", d->local.port);
        return ERR_UNSUPPORTED;
    }
    return OK;
}
