#include "core/os/stream_socket.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/os/os.h"

enum { ATTEMPTS = 16 };

enum err stream_socket_accept(int listener, int *fd, struct sockaddr_storage *from)
{
    /* What accept tells of a connection that is over before it was taken says nothing of others. */
    for (int i = 0; i < ATTEMPTS; i++) {
        struct sockaddr_storage at = {0};
        socklen_t n = sizeof at;
        *fd = OS_CALL(OS_ACCEPT,
                      accept4(listener, (struct sockaddr *)&at, &n, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (*fd >= 0) {
            if (from)
                *from = at;
            return OK;
        }
        switch (errno) {
        case EAGAIN:
            return ERR_AGAIN;
        case EMFILE:
        case ENFILE:
        case ENOBUFS:
        case ENOMEM:
            log_errno(LOG_WARN, "cannot take a connection");
            return ERR_LIMIT;
        case EBADF:
        case EINVAL:
        case ENOTSOCK:
        case EFAULT:
            log_errno(LOG_ERROR, "cannot take connections any more");
            return ERR_SYSTEM;
        default:
            break;
        }
    }
    return ERR_AGAIN;
}

enum err stream_socket_receive(int fd, void *space, size_t room, size_t *n)
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
    log_errno(LOG_DEBUG, "a connection is broken");
    return ERR_UNREACHABLE;
}

/* What became of an attempt to send; OK also when nothing was taken now. */
static enum err sent_of(ssize_t sent, size_t *n)
{
    *n = sent >= 0 ? (size_t)sent : 0;
    if (sent >= 0 || errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM)
        return OK;
    log_errno(LOG_DEBUG, "a connection is broken");
    return ERR_UNREACHABLE;
}

enum err stream_socket_send(int fd, struct bytes b, size_t *n)
{
    ssize_t sent;

    do
        sent = OS_CALL(OS_SEND, send(fd, b.p, b.n, MSG_DONTWAIT | MSG_NOSIGNAL));
    while (sent < 0 && errno == EINTR);
    return sent_of(sent, n);
}

enum err stream_socket_send_with(int fd, struct bytes b, int give, size_t *n)
{
    union {
        struct cmsghdr head; /* for its alignment */
        char space[CMSG_SPACE(sizeof(int))];
    } beside = {0};
    struct iovec part = {.iov_base = (void *)(uintptr_t)b.p, .iov_len = b.n};
    struct msghdr m = {.msg_iov = &part,
                       .msg_iovlen = 1,
                       .msg_control = beside.space,
                       .msg_controllen = sizeof beside.space};
    ssize_t sent;

    beside.head.cmsg_level = SOL_SOCKET;
    beside.head.cmsg_type = SCM_RIGHTS;
    beside.head.cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(&beside.head), &give, sizeof give);
    do
        sent = OS_CALL(OS_SEND, sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL));
    while (sent < 0 && errno == EINTR);
    return sent_of(sent, n);
}

enum err stream_socket_pair(int fd[2], size_t buffer_bytes)
{
    int n = (int)(buffer_bytes < INT_MAX ? buffer_bytes : INT_MAX);

    if (OS_CALL(OS_SOCKET,
                socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fd)) != 0) {
        log_errno(LOG_ERROR, "cannot make a pair of sockets");
        return ERR_SYSTEM;
    }
    for (int i = 0; n > 0 && i < 2; i++)
        if (OS_CALL(OS_SETOPT, setsockopt(fd[i], SOL_SOCKET, SO_SNDBUF, &n, sizeof n)) != 0)
            log_errno(LOG_DEBUG, "a socket keeps its usual buffer");
    return OK;
}

void stream_socket_finish(int fd)
{
    if (shutdown(fd, SHUT_WR) != 0)
        log_errno(LOG_DEBUG, "cannot end a connection's direction");
}

enum err stream_socket_connected(int fd)
{
    int error = 0;
    socklen_t n = sizeof error;

    if (OS_CALL(OS_CONNECT, getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n)) != 0)
        error = errno;
    if (error == 0)
        return OK;
    errno = error;
    log_errno(LOG_DEBUG, "no connection");
    return ERR_UNREACHABLE;
}

void stream_socket_close(int fd)
{
    if (fd >= 0)
        close(fd);
}
