#include "core/run/send_memory.h"

#include <string.h>

#include "core/base/log.h"
#include "core/base/num.h"
#include "core/guest/return_path.h"
#include "core/os/stream_socket.h"
#include "core/run/page_filter.h"

enum { BUFFER_BYTES = 64 * 1024 };

void send_memory_count(struct send_memory *m)
{
    if (!m->socket.end)
        return;
    m->counters.packed_bytes = channel_end_counters(m->socket.end).packed_bytes;
    m->counters.pages = page_coder_counters(m->coder);
    m->counters.raw_bytes = page_coder_bytes(m->coder);
}

void send_memory_close(struct send_memory *m)
{
    if (!m->socket.end)
        return;
    send_memory_count(m);
    channel_socket_release(&m->socket);
}

void send_memory_free(struct send_memory *m)
{
    send_memory_close(m);
    page_coder_free(m->coder);
    m->coder = NULL;
}

bool send_memory_is_open(const struct send_memory *m)
{
    return m->socket.end;
}

bool send_memory_has(const struct send_memory *m, uint64_t stream)
{
    return m->socket.end && channel_end_stream(m->socket.end) == stream;
}

static void kick(void *ctx)
{
    struct send_memory *m = ctx;

    m->kick(m->kick_ctx);
}

static size_t allow(void *ctx)
{
    struct send_memory *m = ctx;
    struct peer_path path;

    peer_path(m->peer, 0, &path);
    return far_pace_room(&m->pace, page_coder_bytes(m->coder), path.rtt_us);
}

enum err send_memory_open(struct send_memory *m, struct loop *l, struct peer *p,
                          void (*kick_owner)(void *ctx), void *ctx, int *give)
{
    struct channel_end *end;
    int pair[2];
    enum err e = page_filter_folder(m->folder);

    if (!e)
        e = page_coder_new(m->folder, &m->coder);
    if (!e)
        e = stream_socket_pair(pair, BUFFER_BYTES);
    if (e)
        return e;
    *give = pair[1];
    e = channel_end_call(p, "pages", &end);
    if (e) {
        stream_socket_close(pair[0]);
        return e;
    }
    m->peer = p;
    m->kick = kick_owner;
    m->kick_ctx = ctx;
    channel_socket_init(&m->socket, end, kick, m);
    m->socket.allow = allow;
    m->socket.out = page_filter_code(m->coder);
    return channel_socket_connect(&m->socket, l, pair[0]);
}

void send_memory_wake(struct send_memory *m)
{
    const char *said;

    if (!m->socket.end)
        return;
    channel_end_wake(m->socket.end);
    channel_socket_deliver(&m->socket);
    if (channel_end_stage(m->socket.end) != CHANNEL_OVER)
        return;
    channel_end_why(m->socket.end, &said);
    log_info("the destination takes no more of the guest%s%s", *said ? ": " : "", said);
    send_memory_close(m);
}

void send_memory_strain(struct send_memory *m, bool strained)
{
    if (m->socket.end)
        channel_end_strain(m->socket.end, strained);
}

enum err send_memory_fill(struct send_memory *m, uint64_t now_us)
{
    if (!m->socket.end)
        return OK;
    channel_socket_fill(&m->socket, now_us);
    enum err e = m->socket.fault;
    if (m->socket.broken)
        send_memory_close(m);
    return e;
}

void send_memory_taken(struct send_memory *m, uint64_t now_us, int64_t bytes)
{
    if (m->coder && bytes >= 0)
        far_pace_taken(&m->pace, now_us, num_min((uint64_t)bytes, page_coder_bytes(m->coder)));
}

bool send_memory_shut(struct send_memory *m)
{
    uint8_t shut[RETURN_PATH_SHUT_BYTES];
    size_t n = 0;

    return_path_shut(shut);
    if (m->socket.end && !m->socket.blocked &&
        stream_socket_send(m->socket.fd, bytes_of(shut, sizeof shut), &n) == OK && n == sizeof shut)
        return true;
    send_memory_close(m);
    return false;
}

bool send_memory_written(const struct send_memory *m)
{
    return m->socket.end && page_coder_all_written(m->coder) && send_memory_waiting(m) == 0;
}

uint64_t send_memory_waiting(const struct send_memory *m)
{
    return m->coder ? page_coder_output(m->coder).n : 0;
}

void send_memory_digest(const struct send_memory *m, struct json *j)
{
    uint8_t hash[STREAM_HASH_BYTES];
    char text[2 * STREAM_HASH_BYTES + 1];
    uint64_t n;

    if (!m->coder)
        return;
    page_coder_digest(m->coder, hash, &n);
    stream_hash_text(hash, text);
    json_put_string(j, "hash", text);
    json_put_int(j, "bytes", (int64_t)n);
}

bool send_memory_same(const struct send_memory *m, const struct json_value *says)
{
    uint8_t hash[STREAM_HASH_BYTES];
    char text[2 * STREAM_HASH_BYTES + 1];
    const char *said = json_text(json_member(says, "hash"));
    uint64_t n;

    if (!m->coder || !said)
        return false;
    page_coder_digest(m->coder, hash, &n);
    stream_hash_text(hash, text);
    return strcmp(said, text) == 0 && json_int(json_member(says, "bytes"), -1) == (int64_t)n;
}
