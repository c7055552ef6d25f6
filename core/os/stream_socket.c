#include "core/os/stream_socket.h"

#include <errno.h>
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

enum err stream_socket_send(int fd, struct bytes b, size_t *n)
{
    ssize_t sent;

    *n = 0;
    do
        sent = OS_CALL(OS_SEND, send(fd, b.p, b.n, MSG_DONTWAIT | MSG_NOSIGNAL));
    while (sent < 0 && errno == EINTR);
    if (sent >= 0)
        *n = (size_t)sent;
    else if (errno != EAGAIN && errno != ENOBUFS && errno != ENOMEM) {
        log_errno(LOG_DEBUG, "a connection is broken");
        return ERR_UNREACHABLE;
    }
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
