#include "core/run/monitor.h"

#include "core/base/heap.h"
#include "core/base/log.h"
#include "core/os/stream_socket.h"
#include "core/os/unix_socket.h"
#include "core/qmp/qmp.h"

enum { READ_BYTES = 64 * 1024 };

/* A command on its way. */
struct asked {
    uint64_t tag; /* 0: free */
    monitor_answer *answer;
    void *ctx;
};

struct monitor {
    struct loop *loop;
    struct monitor_owner owner;
    struct qmp *qmp; /* owned */
    int fd;          /* owned */
    struct loop_io *io;
    struct loop_timer greeting;
    struct asked asked[MONITOR_COMMANDS];
    uint64_t last_tag;
    int give;       /* owned: goes with the byte of the output ... */
    size_t give_at; /* ... that comes after so many; -1: none */
    bool greeted, over;
    unsigned depth; /* calls of ours on the stack ... */
    bool dead;      /* ... the outermost of which frees it */
};

static void answer(struct monitor *m, uint64_t tag, const struct json_value *value,
                   const char *refused)
{
    for (size_t i = 0; i < MONITOR_COMMANDS; i++) {
        struct asked a = m->asked[i];
        if (a.tag != tag)
            continue;
        m->asked[i] = (struct asked){0};
        if (a.answer)
            a.answer(a.ctx, value, refused);
        return;
    }
}

static void destroy(struct monitor *m)
{
    stream_socket_close(m->give);
    stream_socket_close(m->fd);
    qmp_free(m->qmp);
    heap_free(m);
}

static void leave(struct monitor *m)
{
    if (--m->depth == 0 && m->dead)
        destroy(m);
}

static void lose(struct monitor *m, enum err e)
{
    if (m->over || m->dead)
        return;
    m->over = true;
    m->depth++;
    loop_timer_set(&m->greeting, LOOP_NEVER);
    loop_io_want(m->io, 0);
    for (size_t i = 0; i < MONITOR_COMMANDS && !m->dead; i++)
        if (m->asked[i].tag)
            answer(m, m->asked[i].tag, NULL, "QEMU has gone");
    if (!m->dead)
        m->owner.lost(m->owner.ctx, e);
    leave(m);
}

/* Sends what the socket takes; a descriptor goes with the first byte of its command. */
static enum err send_some(struct monitor *m, size_t *n)
{
    struct bytes b = qmp_output(m->qmp);

    if (m->give < 0)
        return stream_socket_send(m->fd, b, n);
    if (m->give_at > 0) {
        enum err e = stream_socket_send(m->fd, bytes_of(b.p, m->give_at), n);
        m->give_at -= *n;
        return e;
    }
    enum err e = stream_socket_send_with(m->fd, b, m->give, n);
    if (*n > 0) {
        stream_socket_close(m->give);
        m->give = -1;
    }
    return e;
}

static void flush(struct monitor *m)
{
    size_t n = 0;

    do {
        if (qmp_output(m->qmp).n && send_some(m, &n)) {
            lose(m, ERR_UNREACHABLE);
            return;
        }
        qmp_sent(m->qmp, n);
    } while (n > 0 && m->give >= 0);
    loop_io_want(m->io, LOOP_READ | (qmp_output(m->qmp).n ? LOOP_WRITE : 0u));
}

static void take(struct monitor *m, const struct qmp_news *n)
{
    switch (n->kind) {
    case QMP_GREETED:
        m->greeted = true;
        loop_timer_set(&m->greeting, LOOP_NEVER);
        m->owner.ready(m->owner.ctx);
        break;
    case QMP_RETURNED:
    case QMP_FAILED:
        answer(m, n->tag, n->value, n->text);
        break;
    case QMP_TOLD:
        if (m->owner.told)
            m->owner.told(m->owner.ctx, n->text, n->value, n->at_us);
        break;
    }
}

static void on_ready(void *ctx, unsigned events)
{
    struct monitor *m = ctx;
    uint8_t space[READ_BYTES];
    struct qmp_news news;
    size_t n;

    m->depth++;
    if (events & LOOP_READ) {
        enum err e = stream_socket_receive(m->fd, space, sizeof space, &n);
        if (!e)
            e = qmp_input(m->qmp, bytes_of(space, n));
        while (!e && !m->dead && !m->over && qmp_next(m->qmp, &news, &e))
            take(m, &news);
        if (e && e != ERR_AGAIN)
            lose(m, e == ERR_END ? ERR_UNREACHABLE : e == ERR_LIMIT ? ERR_MALFORMED : e);
    }
    if (!m->dead && !m->over)
        flush(m);
    leave(m);
}

static void on_no_greeting(void *ctx)
{
    lose(ctx, ERR_BUSY);
}

enum err monitor_new(struct loop *l, const char *path, const struct monitor_owner *owner,
                     struct monitor **out)
{
    struct monitor *m = heap_alloc(sizeof *m);

    *out = NULL;
    if (!m)
        return ERR_MEMORY;
    m->loop = l;
    m->owner = *owner;
    m->fd = m->give = -1;
    loop_timer_init(&m->greeting, l, on_no_greeting, m);
    enum err e = qmp_new(&m->qmp);
    if (!e)
        e = unix_socket_connect(path, &m->fd);
    if (e == ERR_AGAIN)
        e = ERR_BUSY;
    if (!e)
        e = loop_io_new(l, m->fd, on_ready, m, &m->io);
    if (e) {
        monitor_free(m);
        return e;
    }
    loop_io_want(m->io, LOOP_READ);
    loop_timer_set(&m->greeting, loop_now_us(l) + MONITOR_GREETING_US);
    *out = m;
    return OK;
}

void monitor_free(struct monitor *m)
{
    if (!m)
        return;
    loop_timer_release(&m->greeting);
    loop_io_free(m->io);
    m->io = NULL;
    m->dead = true;
    if (m->depth == 0)
        destroy(m);
}

enum err monitor_do(struct monitor *m, const char *command, struct json *arguments,
                    monitor_answer *fn, void *ctx)
{
    struct asked *a = NULL;

    for (size_t i = 0; i < MONITOR_COMMANDS && !a; i++)
        if (!m->asked[i].tag)
            a = &m->asked[i];
    if (m->over || !a) {
        json_free(arguments);
        return m->over ? ERR_END : ERR_LIMIT;
    }
    enum err e = qmp_do(m->qmp, ++m->last_tag, command, arguments);
    if (e)
        return e;
    *a = (struct asked){m->last_tag, fn, ctx};
    log_debug("QEMU is asked: %s", command);
    loop_io_want(m->io, LOOP_READ | LOOP_WRITE);
    return OK;
}

enum err monitor_give(struct monitor *m, const char *command, struct json *arguments, int fd,
                      monitor_answer *fn, void *ctx)
{
    size_t before = qmp_output(m->qmp).n;
    bool taken = m->give >= 0;

    if (taken)
        json_free(arguments);
    enum err e = taken ? ERR_LIMIT : monitor_do(m, command, arguments, fn, ctx);
    if (e) {
        stream_socket_close(fd);
        return e;
    }
    m->give = fd;
    m->give_at = before;
    return OK;
}

bool monitor_lost(const struct monitor *m)
{
    return m->over;
}

int monitor_fd(const struct monitor *m)
{
    return m->fd;
}
