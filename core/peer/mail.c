#include "core/peer/mail.h"

#include <string.h>

#include "core/base/check.h"
#include "core/base/heap.h"
#include "core/base/num.h"
#include "core/peer/repeat.h"

enum {
    PIECE_FLOOR = 256, /* only the last piece of a message is smaller */
    PIECES = LIMIT_MESSAGE_BYTES / PIECE_FLOOR + 2,
    HELD_BYTES = 16 * 1024 * 1024,  /* messages from the other, incomplete or waiting to be read */
    QUEUE_BYTES = 64 * 1024 * 1024, /* messages to the other */
    FINISH_BYTES = 16 * 1024        /* what a superseded message may still have to send */
};

void mail_out_init(struct mail_out *m, void (*ended)(void *context, uint64_t tag, bool acked),
                   void *context)
{
    m->ended = ended;
    m->context = context;
}

static struct mail_letter *find(const struct mail_out *m, uint64_t id)
{
    struct mail_letter *l = m->slot[id % LIMIT_MESSAGES];

    return l && l->id == id ? l : NULL;
}

static void unlist(struct mail_out *m, struct mail_letter *l)
{
    if (!l->listed)
        return;
    *(l->previous ? &l->previous->next : &m->first[l->class]) = l->next;
    *(l->next ? &l->next->previous : &m->last[l->class]) = l->previous;
    l->listed = false;
}

/* Puts a letter before another one of its class (NULL: last). */
static void list(struct mail_out *m, struct mail_letter *l, struct mail_letter *before)
{
    if (l->listed)
        return;
    l->listed = true;
    l->next = before;
    l->previous = before ? before->previous : m->last[l->class];
    *(l->previous ? &l->previous->next : &m->first[l->class]) = l;
    *(l->next ? &l->next->previous : &m->last[l->class]) = l;
}

static void discard(struct mail_out *m, struct mail_letter *l)
{
    unlist(m, l);
    m->queued_bytes[l->class] -= l->total - l->sent;
    m->held_bytes -= l->total;
    m->slot[l->id % LIMIT_MESSAGES] = NULL;
    ranges_release(&l->lost);
    ranges_release(&l->missing);
    heap_free(l);
}

void mail_out_release(struct mail_out *m)
{
    for (size_t i = 0; i < LIMIT_MESSAGES; i++)
        if (m->slot[i])
            discard(m, m->slot[i]);
}

void mail_again_drop(struct mail_out *m, const struct mail_drop *drop)
{
    struct mail_drop *last = &m->drop[(m->drop_tail - 1) % LIMIT_MESSAGES];

    if (m->drop_tail != m->drop_head && last->first + last->count == drop->first &&
        last->count + drop->count <= LIMIT_MESSAGES) {
        last->count += drop->count;
        return;
    }
    /* A full ring forgets the oldest: the other drops them itself when ids have moved on. */
    if (m->drop_tail - m->drop_head == LIMIT_MESSAGES)
        m->drop_head++;
    m->drop[m->drop_tail++ % LIMIT_MESSAGES] = *drop;
}

bool mail_take_drop(struct mail_out *m, struct mail_drop *drop)
{
    if (m->drop_head == m->drop_tail)
        return false;
    *drop = m->drop[m->drop_head++ % LIMIT_MESSAGES];
    return true;
}

static void end(struct mail_out *m, struct mail_letter *l, bool acked)
{
    uint64_t tag = l->tag;

    /* Of what was never sent the other knows nothing. */
    if (!acked && l->sent)
        mail_again_drop(m, &(struct mail_drop){l->id, 1});
    discard(m, l);
    if (tag)
        m->ended(m->context, tag, acked);
}

/* Stops sending. While all of it is in flight and none lost it may still arrive: then only a loss
 * ends it. */
static void give_up(struct mail_out *m, struct mail_letter *l)
{
    if (l->sent == l->total && l->lost.count == 0 && l->total) {
        l->stale = true;
        return;
    }
    end(m, l, false);
}

void mail_cancel(struct mail_out *m, uint64_t id)
{
    struct mail_letter *l = find(m, id);

    if (l)
        give_up(m, l);
}

void mail_forsake(struct mail_out *m, uint64_t id)
{
    struct mail_letter *l = find(m, id);

    if (!l)
        return;
    l->once = true;
    if (l->lost.count)
        end(m, l, false);
}

/* Puts `l` into the list in the place of one that it supersedes, or last: were it always last, then
 * under overload what is refreshed often would never get to the front. For the same reason a short
 * message of which a part has left is sent to its end, though no loss of it is made good. */
static void supersede(struct mail_out *m, struct mail_letter *l)
{
    for (size_t i = 0; i < LIMIT_MESSAGES; i++) {
        struct mail_letter *old = m->slot[i];
        if (!old || old == l || old->key != l->key || old->stale)
            continue;
        if (old->listed && old->sent == 0 && old->class == l->class)
            list(m, l, old);
        if (old->sent && old->sent < old->total && old->lost.count == 0 &&
            old->total - old->sent <= FINISH_BYTES)
            old->stale = true;
        else
            give_up(m, old);
    }
}

enum err mail_send(struct mail_out *m, const struct peer_message *message, bool keep_stale,
                   uint64_t *id)
{
    size_t n = message->data.n;

    if (n > LIMIT_MESSAGE_BYTES || message->class >= PEER_CLASSES)
        return ERR_LIMIT;
    struct mail_letter *there = m->slot[m->next_id % LIMIT_MESSAGES];
    if (there && message->supersedes && there->key == message->supersedes && !keep_stale)
        give_up(m, there);
    if (m->slot[m->next_id % LIMIT_MESSAGES] || m->held_bytes + n > QUEUE_BYTES)
        return ERR_AGAIN;
    struct mail_letter *l = heap_alloc(sizeof *l + n);
    if (!l)
        return ERR_MEMORY;
    ranges_init(&l->lost, PIECES);
    ranges_init(&l->missing, PIECES);
    if (ranges_add(&l->missing, 0, n)) {
        heap_free(l);
        return ERR_MEMORY;
    }
    if (n)
        memcpy(l->data, message->data.p, n);
    l->id = m->next_id++;
    l->tag = message->tag;
    l->key = message->supersedes;
    l->deadline_us = message->deadline_us;
    l->class = (uint8_t)message->class;
    l->channel = message->channel;
    l->once = message->once;
    l->total = (uint32_t)n;
    m->slot[l->id % LIMIT_MESSAGES] = l;
    m->queued_bytes[l->class] += n;
    m->held_bytes += n;
    if (l->key && !keep_stale)
        supersede(m, l);
    list(m, l, NULL);
    if (id)
        *id = l->id;
    return OK;
}

uint64_t mail_expire(struct mail_out *m, uint64_t now_us)
{
    uint64_t first = UINT64_MAX;

    for (int c = 0; c < PEER_CLASSES; c++)
        for (struct mail_letter *l = m->first[c], *next; l; l = next) {
            next = l->next;
            if (!l->deadline_us || l->sent)
                continue;
            if (now_us >= l->deadline_us)
                end(m, l, false);
            else
                first = num_min(first, l->deadline_us);
        }
    return first;
}

uint64_t mail_queued_bytes(const struct mail_out *m, enum peer_class class)
{
    uint64_t bytes = 0;

    for (enum peer_class c = PEER_INPUT; c <= class; c++)
        bytes += m->queued_bytes[c];
    return bytes;
}

bool mail_take(struct mail_out *m, enum peer_class class, size_t room, struct frame *f)
{
    struct mail_letter *l = m->first[class];

    if (!l)
        return false;
    bool again = l->lost.count > 0;
    uint64_t from = again ? l->lost.item[0].begin : l->sent;
    uint64_t left = again ? l->lost.item[0].end - from : l->total - from;
    size_t overhead = frame_message_overhead(l->id, from, l->total);
    if (room < overhead || room - overhead < num_min(left, PIECE_FLOOR))
        return false;
    uint64_t n = num_min(left, room - overhead);
    if (again) {
        /* Removing from the front never splits, so it cannot fail. */
        enum err e = ranges_remove(&l->lost, from, from + n);
        CHECK(e == OK);
    } else {
        l->sent += (uint32_t)n;
        m->queued_bytes[class] -= n;
    }
    f->type = FRAME_MESSAGE;
    f->channel = l->channel;
    f->id = l->id;
    f->total = l->total;
    f->offset = from;
    f->data = bytes_of(l->data + from, n);
    f->fin = again;
    if (l->sent == l->total && l->lost.count == 0)
        unlist(m, l);
    return true;
}

enum err mail_acked(struct mail_out *m, uint64_t id, uint64_t offset, uint64_t n)
{
    struct mail_letter *l = find(m, id);

    if (!l)
        return OK;
    enum err e = ranges_remove(&l->missing, offset, offset + n);
    if (!e)
        e = ranges_remove(&l->lost, offset, offset + n);
    if (e)
        return e;
    if (l->missing.count == 0 && l->sent == l->total)
        end(m, l, true);
    else if (l->lost.count == 0 && l->sent == l->total)
        unlist(m, l);
    return OK;
}

/* Queues what of a piece has not arrived yet, before what is new of its class. */
static enum err send_again(struct mail_out *m, struct mail_letter *l, uint64_t offset, uint64_t n)
{
    enum err e = OK;

    if (l->total == 0) {
        l->sent = 0;
        list(m, l, m->first[l->class]);
        return OK;
    }
    for (size_t i = 0; !e && i < l->missing.count; i++) {
        uint64_t begin = num_max(offset, l->missing.item[i].begin);
        uint64_t stop = num_min(offset + n, l->missing.item[i].end);
        if (begin < stop)
            e = ranges_add(&l->lost, begin, stop);
    }
    if (!e && l->lost.count)
        list(m, l, m->first[l->class]);
    return e;
}

enum err mail_repeat(struct mail_out *m, uint64_t id, uint64_t offset, uint64_t n)
{
    struct mail_letter *l = find(m, id);

    uint64_t stop = offset + num_max(n, 1); /* one without bytes counts as one of one byte */

    if (!l || l->stale || l->once || l->total > REPEAT_MESSAGE_BYTES ||
        (offset < l->repeated && !l->lost_once))
        return OK;
    /* What was lost has already had its time: it gets two repeats. */
    l->lost_once &= offset >= l->repeated;
    l->repeated = (uint32_t)num_max(l->repeated, stop);
    return send_again(m, l, offset, n);
}

enum err mail_lost(struct mail_out *m, uint64_t id, uint64_t offset, uint64_t n, bool resend)
{
    struct mail_letter *l = find(m, id);

    if (!l || !resend)
        return OK;
    if (l->once || l->stale) {
        end(m, l, false);
        return OK;
    }
    l->repeated = (uint32_t)num_min(l->repeated, offset);
    l->lost_once = true;
    return send_again(m, l, offset, n);
}

static void discard_parcel(struct mail_in *m, uint64_t slot)
{
    mail_in_free(m, m->slot[slot]);
    m->slot[slot] = NULL;
}

void mail_in_release(struct mail_in *m)
{
    for (uint64_t i = 0; i < LIMIT_MESSAGES; i++)
        discard_parcel(m, i);
}

void mail_in_free(struct mail_in *m, struct mail_parcel *whole)
{
    if (!whole)
        return;
    m->held_bytes -= whole->total;
    ranges_release(&whole->have);
    heap_free(whole);
}

static void set_done(struct mail_in *m, uint64_t slot, bool done)
{
    uint8_t bit = (uint8_t)(1u << slot % 8);

    m->done[slot / 8] = (uint8_t)(done ? m->done[slot / 8] | bit : m->done[slot / 8] & ~bit);
}

static bool is_over(const struct mail_in *m, uint64_t id)
{
    uint64_t slot = id % LIMIT_MESSAGES;

    return id + LIMIT_MESSAGES < m->next || (id < m->next && m->done[slot / 8] & 1u << slot % 8);
}

/* Makes room for the ids up to `id`: those that had their slots before are over. */
static void advance(struct mail_in *m, uint64_t id)
{
    if (id >= m->next + LIMIT_MESSAGES)
        m->next = id + 1 - LIMIT_MESSAGES;
    for (; m->next <= id; m->next++) {
        discard_parcel(m, m->next % LIMIT_MESSAGES);
        set_done(m, m->next % LIMIT_MESSAGES, false);
    }
}

static struct mail_parcel *new_parcel(struct mail_in *m, const struct frame *f)
{
    if (m->held_bytes + f->total > HELD_BYTES)
        return NULL;
    struct mail_parcel *p = heap_alloc(sizeof *p + f->total);
    if (!p)
        return NULL;
    ranges_init(&p->have, f->total / PIECE_FLOOR + 2);
    p->id = f->id;
    p->channel = f->channel;
    p->total = (uint32_t)f->total;
    m->held_bytes += p->total;
    return m->slot[f->id % LIMIT_MESSAGES] = p;
}

enum err mail_receive(struct mail_in *m, const struct frame *f, struct mail_parcel **whole)
{
    uint64_t slot = f->id % LIMIT_MESSAGES;

    *whole = NULL;
    if (is_over(m, f->id))
        return OK;
    advance(m, f->id);
    struct mail_parcel *p = m->slot[slot] ? m->slot[slot] : new_parcel(m, f);
    if (!p)
        return ERR_AGAIN;
    if (p->total != f->total || p->channel != f->channel)
        return ERR_MALFORMED;
    if (ranges_add(&p->have, f->offset, f->offset + f->data.n))
        return ERR_AGAIN;
    if (f->data.n)
        memcpy(p->data + f->offset, f->data.p, f->data.n);
    if (!ranges_contain(&p->have, 0, p->total))
        return OK;
    m->slot[slot] = NULL;
    set_done(m, slot, true);
    ranges_release(&p->have);
    *whole = p;
    return OK;
}

void mail_receive_drop(struct mail_in *m, const struct mail_drop *drop)
{
    uint64_t end = drop->first + drop->count;

    if (end > m->next)
        advance(m, end - 1);
    for (uint64_t id = num_max(drop->first, num_sub0(m->next, LIMIT_MESSAGES)); id < end; id++) {
        discard_parcel(m, id % LIMIT_MESSAGES);
        set_done(m, id % LIMIT_MESSAGES, true);
    }
}
