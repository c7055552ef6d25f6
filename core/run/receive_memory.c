#include "core/run/receive_memory.h"

#include <stdio.h>
#include <string.h>

#include "core/os/stream_socket.h"
#include "core/run/page_filter.h"

enum {
    BUFFER_BYTES = 1 << 20,
    TAKEN_BYTES = 256 * 1024, /* QEMU has taken so much more, and the source is told */
    TAKEN_US = 10000
};

void receive_memory_close(struct receive_memory *m)
{
    if (m->socket.end)
        channel_socket_release(&m->socket);
    if (m->waits)
        stream_socket_close(m->fd);
    m->waits = false;
}

void receive_memory_free(struct receive_memory *m)
{
    receive_memory_close(m);
    page_decoder_free(m->decoder);
    m->decoder = NULL;
}

enum err receive_memory_open(struct receive_memory *m, struct loop *l,
                             void (*kick_owner)(void *ctx), void *ctx, int *give,
                             struct reason *why)
{
    int pair[2];
    enum err e = stream_socket_pair(pair, BUFFER_BYTES);

    if (e)
        return reason_give(why, e, "no connection for QEMU");
    m->loop = l;
    m->kick = kick_owner;
    m->kick_ctx = ctx;
    m->fd = pair[0];
    m->waits = true;
    *give = pair[1];
    e = page_filter_folder(m->folder);
    if (!e)
        e = page_decoder_new(m->folder, &m->decoder);
    return e ? reason_give(why, e, "no place for what is known of the guest's pages") : OK;
}

static void kick(void *ctx)
{
    struct receive_memory *m = ctx;

    m->kick(m->kick_ctx);
}

static size_t sift(void *ctx, uint8_t *p, size_t n)
{
    struct receive_memory *m = ctx;

    return return_path_sift(&m->back, p, n);
}

bool receive_memory_take(struct receive_memory *m, struct channel_end *end)
{
    if (!m->waits || strcmp(channel_end_name(end), "pages") != 0)
        return false;
    m->waits = false;
    channel_socket_init(&m->socket, end, kick, m);
    m->socket.sift = sift;
    m->socket.keeps_end = true;
    m->socket.in = page_filter_decode(m->decoder);
    if (channel_socket_connect(&m->socket, m->loop, m->fd))
        channel_end_answer(end, CHANNEL_FAILED, "out of memory");
    else
        channel_end_answer(end, CHANNEL_OPENED, "");
    channel_socket_deliver(&m->socket);
    return true;
}

bool receive_memory_wake(struct receive_memory *m, uint64_t stream)
{
    if (!m->socket.end || channel_end_stream(m->socket.end) != stream)
        return false;
    channel_end_wake(m->socket.end);
    channel_socket_deliver(&m->socket);
    return true;
}

static void see_fault(const struct receive_memory *m, struct reason *why)
{
    enum err e = m->socket.fault;

    if (e)
        reason_give(why, e,
                    e == ERR_MALFORMED ? "what comes of the guest's memory is not understood"
                    : e == ERR_VERIFY
                        ? "what the destination was to take of its own files (--seed) has been "
                          "changed meanwhile"
                        : "what is known of the guest's pages cannot be kept on the disk there");
}

void receive_memory_fill(struct receive_memory *m, uint64_t now_us, struct reason *why)
{
    if (!m->socket.end)
        return;
    channel_socket_fill(&m->socket, now_us);
    see_fault(m, why);
    /* QEMU has closed it, or the source has: an end without SHUT is one in the middle. */
    if (m->socket.broken || (m->socket.read_ended && !m->back.shut) ||
        channel_end_stage(m->socket.end) == CHANNEL_OVER)
        receive_memory_close(m);
}

bool receive_memory_taken(struct receive_memory *m, uint64_t now_us, uint64_t *bytes)
{
    if (!m->socket.end)
        return false;
    uint64_t taken = page_decoder_given(m->decoder), more = taken - m->told_bytes;
    if (more == 0 || (more < TAKEN_BYTES && now_us - m->told_us < TAKEN_US))
        return false;
    m->told_bytes = *bytes = taken;
    m->told_us = now_us;
    return true;
}

void receive_memory_digest(const struct receive_memory *m, struct json *j)
{
    uint8_t hash[STREAM_HASH_BYTES];
    char text[2 * STREAM_HASH_BYTES + 1];
    uint64_t n;

    if (!m->decoder)
        return;
    page_decoder_digest(m->decoder, hash, &n);
    stream_hash_text(hash, text);
    json_put_string(j, "hash", text);
    json_put_int(j, "bytes", (int64_t)n);
}

void receive_memory_hear(struct receive_memory *m, const struct json_value *says)
{
    const char *hash = json_text(json_member(says, "hash"));

    snprintf(m->said_hash, sizeof m->said_hash, "%s", hash ? hash : "");
    m->said_bytes = json_int(json_member(says, "bytes"), -1);
}

bool receive_memory_same(const struct receive_memory *m)
{
    uint8_t hash[STREAM_HASH_BYTES];
    char text[2 * STREAM_HASH_BYTES + 1];
    uint64_t n;

    if (!m->said_hash[0])
        return true;
    page_decoder_digest(m->decoder, hash, &n);
    stream_hash_text(hash, text);
    return strcmp(m->said_hash, text) == 0 && m->said_bytes == (int64_t)n;
}
