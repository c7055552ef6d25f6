#include "core/peer/roster.h"

#include <string.h>

#include "core/base/check.h"
#include "core/base/heap.h"
#include "core/base/num.h"
#include "core/crypt/crypt.h"

void roster_release(struct roster *r)
{
    for (uint32_t i = 0; i < r->count; i++) {
        peer_free(r->entry[i]->peer);
        heap_free(r->entry[i]);
    }
}

static uint32_t cid_slot(const uint8_t *cid)
{
    return (uint32_t)num_get_le(cid, PACKET_CID_BYTES) % ROSTER_CID_SLOTS;
}

struct roster_entry *roster_find(const struct roster *r, const uint8_t cid[PACKET_CID_BYTES])
{
    for (uint32_t i = cid_slot(cid); r->by_cid[i]; i = (i + 1) % ROSTER_CID_SLOTS)
        if (memcmp(r->by_cid[i]->peer->own_cid, cid, PACKET_CID_BYTES) == 0)
            return r->by_cid[i];
    return NULL;
}

static void add_cid(struct roster *r, struct roster_entry *e)
{
    uint32_t i = cid_slot(e->peer->own_cid);

    while (r->by_cid[i])
        i = (i + 1) % ROSTER_CID_SLOTS;
    r->by_cid[i] = e;
}

/* Takes an entry out and puts those behind it in their places again. */
static void remove_cid(struct roster *r, const struct roster_entry *e)
{
    uint32_t i = cid_slot(e->peer->own_cid);

    while (r->by_cid[i] != e)
        i = (i + 1) % ROSTER_CID_SLOTS;
    r->by_cid[i] = NULL;
    for (i = (i + 1) % ROSTER_CID_SLOTS; r->by_cid[i]; i = (i + 1) % ROSTER_CID_SLOTS) {
        struct roster_entry *moved = r->by_cid[i];
        r->by_cid[i] = NULL;
        add_cid(r, moved);
    }
}

static uint64_t tag_of(const uint8_t ephemeral[KEY_BYTES])
{
    return num_get_le(ephemeral, sizeof(uint64_t));
}

void roster_add(struct roster *r, struct roster_entry *e)
{
    CHECK(r->count < LIMIT_PEERS);
    r->tag[r->count] = tag_of(e->ephemeral);
    r->entry[r->count++] = e;
    r->half_open++;
    add_cid(r, e);
}

static void forget_response(struct roster_entry *e)
{
    crypt_wipe(e->response, sizeof e->response);
    e->response_bytes = 0;
}

void roster_confirm(struct roster *r, struct roster_entry *e)
{
    r->half_open--;
    forget_response(e);
}

struct roster_entry *roster_find_message(const struct roster *r, const uint8_t ephemeral[KEY_BYTES])
{
    uint64_t tag = tag_of(ephemeral);

    for (uint32_t i = 0; i < r->count; i++)
        if (r->tag[i] == tag && memcmp(r->entry[i]->ephemeral, ephemeral, KEY_BYTES) == 0)
            return r->entry[i];
    return NULL;
}

static void remove_entry(struct roster *r, uint32_t index)
{
    struct roster_entry *e = r->entry[index];

    r->half_open -= !e->peer->confirmed;
    remove_cid(r, e);
    peer_free(e->peer);
    forget_response(e);
    heap_free(e);
    r->entry[index] = r->entry[--r->count];
    r->tag[index] = r->tag[r->count];
}

void roster_make_room(struct roster *r)
{
    uint32_t oldest = UINT32_MAX;

    if (r->half_open < LIMIT_HALF_OPEN && r->count < LIMIT_PEERS)
        return;
    for (uint32_t i = 0; i < r->count; i++)
        if (!r->entry[i]->peer->confirmed &&
            (oldest == UINT32_MAX || r->entry[i]->created_us < r->entry[oldest]->created_us))
            oldest = i;
    if (oldest != UINT32_MAX)
        remove_entry(r, oldest);
}

bool roster_over(const struct roster_entry *e, uint64_t now_us)
{
    if (!e->peer->confirmed)
        return now_us - e->created_us >= ROSTER_HALF_OPEN_US;
    return e->dropped && e->peer->state == SESSION_CLOSED;
}

void roster_sweep(struct roster *r, uint64_t now_us)
{
    for (uint32_t i = 0; i < r->count;) {
        if (roster_over(r->entry[i], now_us))
            remove_entry(r, i);
        else
            i++;
    }
}
