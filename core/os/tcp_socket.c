#include "core/os/tcp_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/os/os.h"
#include "core/os/sockaddr.h"

enum { BACKLOG = 128, ATTEMPTS = 16 };

static bool set_option(int fd, int level, int name, int value)
{
    return OS_CALL(OS_SETOPT, setsockopt(fd, level, name, &value, sizeof value)) == 0;
}

/* None of these is needed to work: what the kernel does not have, or does not let us have, is done
 * without. The size of the send buffer is left alone: one that is set does not grow. */
static void set_options(int fd)
{
    static const char bbr[] = "bbr";

    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, TCP_SOCKET_UNSENT_BYTES);
    if (OS_CALL(OS_SETOPT, setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, bbr, sizeof bbr - 1)) != 0)
        log_errno(LOG_DEBUG, "no BBR for TCP here");
}

static int open_socket(const struct addr *a)
{
    int family = a->family == ADDR_IP4 ? AF_INET : AF_INET6;
    int fd = OS_CALL(OS_SOCKET, socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));

    if (fd < 0)
        log_errno(LOG_WARN, "cannot make a TCP socket");
    return fd;
}

static socklen_t name_of(const struct addr *a, struct sockaddr_storage *to)
{
    return sockaddr_put(a, a->family == ADDR_IP4 ? AF_INET : AF_INET6, to);
}

enum err tcp_socket_listen(const struct addr *at, int *fd)
{
    struct sockaddr_storage to;
    socklen_t n = name_of(at, &to);
    char text[ADDR_CHARS];

    *fd = open_socket(at);
    if (*fd < 0)
        return ERR_SYSTEM;
    /* A server that is started anew takes its port back at once. */
    set_option(*fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (at->family == ADDR_IP6)
        set_option(*fd, IPPROTO_IPV6, IPV6_V6ONLY, !addr_is_any(at));
    if (OS_CALL(OS_BIND, bind(*fd, (struct sockaddr *)&to, n)) == 0 &&
        OS_CALL(OS_ACCEPT, listen(*fd, BACKLOG)) == 0)
        return OK;
    enum err e = errno == EADDRINUSE ? ERR_BUSY : ERR_SYSTEM;
    log_errno(LOG_WARN, "cannot listen on TCP %s", addr_print(at, text));
    tcp_socket_close(*fd);
    *fd = -1;
    return e;
}

enum err tcp_socket_adopt(int fd)
{
    int type = 0, listening = 0;
    socklen_t n = sizeof type, k = sizeof listening;

    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) != 0 || type != SOCK_STREAM ||
        getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &k) != 0 || !listening)
        return ERR_USAGE;
    if (OS_CALL(OS_FD, fcntl(fd, F_SETFD, FD_CLOEXEC)) == 0 &&
        OS_CALL(OS_FD, fcntl(fd, F_SETFL, O_NONBLOCK)) == 0)
        return OK;
    log_errno(LOG_WARN, "cannot keep a TCP socket to ourselves");
    return ERR_SYSTEM;
}

enum err tcp_socket_accept(int listener, int *fd, struct addr *from)
{
    /* What accept tells of a connection that is over before it was taken says nothing of others. */
    for (int i = 0; i < ATTEMPTS; i++) {
        struct sockaddr_storage at = {0};
        socklen_t n = sizeof at;
        *fd = OS_CALL(OS_ACCEPT,
                      accept4(listener, (struct sockaddr *)&at, &n, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (*fd >= 0) {
            *from = sockaddr_get((struct sockaddr *)&at);
            from->via = ADDR_TCP;
            set_options(*fd);
            return OK;
        }
        switch (errno) {
        case EAGAIN:
            return ERR_AGAIN;
        case EMFILE:
        case ENFILE:
        case ENOBUFS:
        case ENOMEM:
            log_errno(LOG_WARN, "cannot take a TCP connection");
            return ERR_LIMIT;
        case EBADF:
        case EINVAL:
        case ENOTSOCK:
        case EFAULT:
            log_errno(LOG_ERROR, "cannot take TCP connections any more");
            return ERR_SYSTEM;
        default:
            break;
        }
    }
    return ERR_AGAIN;
}

enum err tcp_socket_connect(const struct addr *to, int *fd)
{
    struct sockaddr_storage at;
    socklen_t n = name_of(to, &at);
    char text[ADDR_CHARS];

    *fd = open_socket(to);
    if (*fd < 0)
        return ERR_SYSTEM;
    set_options(*fd);
    if (OS_CALL(OS_CONNECT, connect(*fd, (struct sockaddr *)&at, n)) == 0 || errno == EINPROGRESS)
        return OK;
    log_errno(LOG_DEBUG, "cannot connect to TCP %s", addr_print(to, text));
    tcp_socket_close(*fd);
    *fd = -1;
    return ERR_UNREACHABLE;
}

enum err tcp_socket_connected(int fd)
{
    int error = 0;
    socklen_t n = sizeof error;

    if (OS_CALL(OS_CONNECT, getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n)) != 0)
        error = errno;
    if (error == 0)
        return OK;
    errno = error;
    log_errno(LOG_DEBUG, "no TCP connection");
    return ERR_UNREACHABLE;
}

enum err tcp_socket_receive(int fd, void *space, size_t room, size_t *n)
{
    ssize_t got;

    *n = 0;
    do
        got = OS_CALL(OS_RECV, recv(fd, space, room, MSG_DONTWAIT));
    while (got < 0 && errno == EINTR);
    if (got > 0) {
        *n = (size_t)got;
        return OK;
    }
    if (got == 0)
        return ERR_END;
    if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM)
        return ERR_AGAIN;
    log_errno(LOG_DEBUG, "a TCP connection is broken");
    return ERR_UNREACHABLE;
}

enum err tcp_socket_send(int fd, struct bytes b, size_t *n)
{
    ssize_t sent;

    *n = 0;
    do
        sent = OS_CALL(OS_SEND, send(fd, b.p, b.n, MSG_DONTWAIT | MSG_NOSIGNAL));
    while (sent < 0 && errno == EINTR);
    if (sent >= 0)
        *n = (size_t)sent;
    else if (errno != EAGAIN && errno != ENOBUFS && errno != ENOMEM) {
        log_errno(LOG_DEBUG, "a TCP connection is broken");
        return ERR_UNREACHABLE;
    }
    return OK;
}

void tcp_socket_close(int fd)
{
    if (fd >= 0)
        close(fd);
}
