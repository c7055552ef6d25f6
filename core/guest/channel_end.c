#include "core/guest/channel_end.h"

#include <stdio.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/check.h"
#include "core/base/heap.h"
#include "core/base/num.h"
#include "core/codec/pack.h"
#include "core/codec/unpack.h"

enum {
    WINDOW_BYTES = 64 << 20,
    SESSION_BYTES = 128 << 20,
    QUEUE_US = 30000, /* what waits in front of the path is so long */
    QUEUE_LEAST_BYTES = 4096,
    UNKNOWN_RATE_BYTES = 64 * 1024,
    QUICK_LEVEL = 1,    /* 360 MB/s of an image of Debian, 3.0 to 1 ... */
    THOROUGH_LEVEL = 3, /* ... and 190 MB/s, 3.4 to 1: for paths that take less than comes of it */
    THOROUGH_BELOW_BPS = 300000000,
    QUICK_ABOVE_BPS = 450000000,
    TELLING_BYTES = 4096,
    TRY_AGAIN_CHUNKS = 8, /* what cannot be made shorter quickly is copied for so long */
    RESET_CODE = 1
};

struct channel_end {
    struct peer *peer; /* borrowed */
    uint64_t stream;
    bool caller;
    enum channel_stage stage;
    struct channel_ask ask;
    struct channel_answer answer; /* the other side's, or why it is over */
    enum err why;
    struct channel_counters counters;

    /* sending */
    struct pack *pack; /* owned */
    uint8_t *packed;   /* owned: a chunk, or what was asked or answered, not on the stream yet */
    size_t packed_at, packed_n;
    unsigned copies;       /* chunks to be copied yet */
    bool thorough;         /* the path is slow enough ... */
    bool strained;         /* ... but this host is slower */
    bool finish, finished; /* wanted; the stream knows */

    /* receiving */
    struct unpack *unpack; /* owned */
    struct buf heard;      /* of the stream, at most one chunk */
    struct bytes out;      /* of that chunk, not taken yet */
    bool ended;
};

struct peer_config channel_end_peer_config(void)
{
    return (struct peer_config){.stream_window_bytes = WINDOW_BYTES,
                                .session_window_bytes = SESSION_BYTES,
                                .stream_buffer_bytes = WINDOW_BYTES};
}

/* ---- life ---- */

void channel_end_free(struct channel_end *c)
{
    if (!c)
        return;
    if (c->stage != CHANNEL_OVER && !(c->finished && c->ended))
        peer_stream_reset(c->peer, c->stream, RESET_CODE);
    pack_free(c->pack);
    unpack_free(c->unpack);
    buf_release(&c->heard);
    heap_free(c->packed);
    heap_free(c);
}

static enum err make(struct peer *p, struct channel_end **out)
{
    struct channel_end *c = heap_alloc(sizeof *c);

    *out = c;
    if (!c)
        return ERR_MEMORY;
    c->peer = p;
    c->stage = CHANNEL_OVER;
    buf_init(&c->heard, PACK_ROOM_BYTES);
    c->packed = heap_alloc(PACK_ROOM_BYTES);
    enum err e = c->packed ? pack_new(&c->pack) : ERR_MEMORY;
    if (!e)
        e = unpack_new(&c->unpack);
    if (!e)
        e = buf_reserve(&c->heard, PACK_ROOM_BYTES);
    if (!e)
        return OK;
    channel_end_free(c);
    *out = NULL;
    return e;
}

static void flush(struct channel_end *c);

enum err channel_end_call(struct peer *p, const char *name, struct channel_end **out)
{
    enum err e = make(p, out);
    struct channel_end *c = *out;

    if (e)
        return e;
    e = peer_stream_open(p, PEER_BULK, false, &c->stream);
    if (e) {
        channel_end_free(c);
        *out = NULL;
        return e;
    }
    c->caller = true;
    c->stage = CHANNEL_ASKED;
    snprintf(c->ask.name, sizeof c->ask.name, "%s", name);
    struct wr w = wr_of(c->packed, PACK_ROOM_BYTES);
    channel_put_ask(&w, &c->ask);
    c->packed_n = w.n;
    flush(c);
    return OK;
}

enum err channel_end_take(struct peer *p, uint64_t stream, struct channel_end **out)
{
    enum err e = make(p, out);

    if (e)
        return e;
    (*out)->stream = stream;
    (*out)->stage = CHANNEL_ASKED;
    peer_stream_prefer(p, stream, PEER_BULK, false);
    return OK;
}

uint64_t channel_end_stream(const struct channel_end *c)
{
    return c->stream;
}

const char *channel_end_name(const struct channel_end *c)
{
    return c->ask.name;
}

enum channel_stage channel_end_stage(const struct channel_end *c)
{
    return c->stage;
}

enum err channel_end_why(const struct channel_end *c, const char **reason)
{
    *reason = c->answer.reason;
    return c->why;
}

struct channel_counters channel_end_counters(const struct channel_end *c)
{
    return c->counters;
}

static void give_up(struct channel_end *c, enum err e)
{
    if (c->stage == CHANNEL_OVER)
        return;
    c->stage = CHANNEL_OVER;
    c->why = e;
    c->out = bytes_of(NULL, 0);
    peer_stream_reset(c->peer, c->stream, RESET_CODE);
}

/* ---- sending ---- */

static void flush(struct channel_end *c)
{
    while (c->packed_at < c->packed_n && c->stage != CHANNEL_OVER) {
        struct bytes rest = bytes_of(c->packed + c->packed_at, c->packed_n - c->packed_at);
        size_t taken = 0;
        enum err e = peer_stream_write(c->peer, c->stream, rest, &taken);
        if (e) {
            give_up(c, e == ERR_MEMORY ? e : ERR_UNREACHABLE);
            return;
        }
        c->packed_at += taken;
        if (taken < rest.n)
            return;
    }
    c->packed_at = c->packed_n = 0;
    if (!c->finish || c->finished || c->stage == CHANNEL_OVER)
        return;
    c->finished = true;
    if (peer_stream_finish(c->peer, c->stream))
        give_up(c, ERR_UNREACHABLE);
}

void channel_end_answer(struct channel_end *c, enum channel_code code, const char *reason)
{
    struct channel_answer a = {.code = code};
    struct wr w = wr_of(c->packed, PACK_ROOM_BYTES);

    CHECK(c->stage == CHANNEL_NAMED);
    snprintf(a.reason, sizeof a.reason, "%s", reason);
    channel_put_answer(&w, &a);
    c->packed_n = w.n;
    c->stage = CHANNEL_OPEN;
    c->finish = code != CHANNEL_OPENED;
    flush(c);
}

/* A change of level forgets what came before: not to and fro. */
static void choose_level(struct channel_end *c, uint64_t rate_bps)
{
    if (rate_bps && rate_bps < THOROUGH_BELOW_BPS)
        c->thorough = true;
    else if (rate_bps > QUICK_ABOVE_BPS)
        c->thorough = false;
}

size_t channel_end_room(struct channel_end *c, uint64_t now_us)
{
    struct peer_path path;

    if (c->stage != CHANNEL_OPEN || c->finish || c->packed_n)
        return 0;
    peer_path(c->peer, now_us, &path);
    choose_level(c, path.rate_bps);
    uint64_t most = path.rate_bps
                        ? num_max(num_mul_div(path.rate_bps, QUEUE_US, 8000000), QUEUE_LEAST_BYTES)
                        : UNKNOWN_RATE_BYTES;
    /* In pieces worth compressing, and never more than has room as it is: nobody knows what it
     * will become. */
    uint64_t room = num_min(num_sub0(most, path.queued_bytes + path.unsent_bytes), PACK_RAW_BYTES);
    return room < num_min(most / 4, PACK_RAW_BYTES) ? 0 : (size_t)room;
}

void channel_end_strain(struct channel_end *c, bool strained)
{
    c->strained = strained;
}

void channel_end_give(struct channel_end *c, struct bytes b)
{
    int level = c->copies ? 0 : c->thorough && !c->strained ? THOROUGH_LEVEL : QUICK_LEVEL;

    if (c->stage != CHANNEL_OPEN || b.n == 0)
        return;
    CHECK(c->packed_n == 0 && !c->finish);
    enum err e = pack_chunk(c->pack, level, b, c->packed, &c->packed_n);
    if (e) {
        give_up(c, e);
        return;
    }
    if (level) /* little says nothing of what follows */
        c->copies = level == QUICK_LEVEL && b.n >= TELLING_BYTES && c->packed_n > b.n - b.n / 32
                        ? TRY_AGAIN_CHUNKS
                        : 0;
    else
        c->copies--;
    c->counters.given_bytes += b.n;
    c->counters.packed_bytes += c->packed_n;
    flush(c);
}

void channel_end_finish(struct channel_end *c)
{
    if (c->stage == CHANNEL_OVER)
        return;
    c->finish = true;
    flush(c);
}

bool channel_end_finished(const struct channel_end *c)
{
    return c->finished && peer_stream_pending(c->peer, c->stream) == 0;
}

/* ---- receiving ---- */

/* Takes more of the stream to what was heard; ERR_AGAIN: nothing is there. */
static enum err hear(struct channel_end *c, size_t wanted)
{
    enum err e = OK;

    while (!e && c->heard.n < wanted) {
        struct bytes data;
        uint64_t code;
        e = peer_stream_peek(c->peer, c->stream, &data, &code);
        if (e)
            break;
        size_t n = num_min(data.n, wanted - c->heard.n);
        e = buf_append(&c->heard, bytes_of(data.p, n));
        if (!e)
            peer_stream_consume(c->peer, c->stream, n);
    }
    if (e == ERR_REFUSED || e == ERR_NOT_FOUND)
        return ERR_UNREACHABLE;
    /* The end in the middle of something. */
    return e == ERR_END && c->heard.n ? ERR_MALFORMED : e;
}

static enum err hear_ask(struct channel_end *c)
{
    enum err e, got = ERR_AGAIN;
    size_t used;

    /* Byte by byte: what follows is for others. */
    do {
        e = hear(c, c->heard.n + 1);
        if (!e)
            got = c->caller ? channel_get_answer(buf_bytes(&c->heard), &c->answer, &used)
                            : channel_get_ask(buf_bytes(&c->heard), &c->ask, &used);
    } while (!e && got == ERR_AGAIN);
    if (e || got)
        return e ? e : got;
    c->heard.n = 0;
    if (!c->caller)
        c->stage = CHANNEL_NAMED;
    else if (c->answer.code == CHANNEL_OPENED)
        c->stage = CHANNEL_OPEN;
    else
        return c->answer.code == CHANNEL_FAILED ? ERR_UNREACHABLE : ERR_NOT_FOUND;
    return OK;
}

void channel_end_wake(struct channel_end *c)
{
    if (c->stage == CHANNEL_ASKED) {
        enum err e = hear_ask(c);
        if (e && e != ERR_AGAIN)
            give_up(c, e == ERR_END ? ERR_UNREACHABLE : e);
    }
    if (c->packed_n)
        flush(c);
}

static enum err next_chunk(struct channel_end *c)
{
    size_t wanted = PACK_HEAD_BYTES;

    for (;;) {
        enum err e = hear(c, wanted);
        if (e)
            return e;
        e = unpack_chunk(c->unpack, buf_bytes(&c->heard), &wanted, &c->out);
        if (e != ERR_AGAIN)
            return e;
    }
}

enum err channel_end_peek(struct channel_end *c, struct bytes *out)
{
    if (c->stage == CHANNEL_OVER)
        return c->why;
    if (c->stage != CHANNEL_OPEN)
        return ERR_AGAIN;
    if (c->out.n == 0 && !c->ended) {
        enum err e = next_chunk(c);
        if (e == ERR_END)
            c->ended = true;
        else if (e && e != ERR_AGAIN)
            give_up(c, e);
        if (e)
            return e;
    }
    *out = c->out;
    return c->ended ? ERR_END : OK;
}

void channel_end_consume(struct channel_end *c, size_t n)
{
    CHECK(n <= c->out.n);
    c->out.p += n;
    c->out.n -= n;
    c->counters.taken_bytes += n;
    if (c->out.n == 0)
        c->heard.n = 0;
}
