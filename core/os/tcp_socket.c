#include "core/os/tcp_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "core/base/log.h"
#include "core/os/os.h"
#include "core/os/sockaddr.h"
#include "core/os/stream_socket.h"

enum { BACKLOG = 128 };

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
    stream_socket_close(*fd);
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
    struct sockaddr_storage at;
    enum err e = stream_socket_accept(listener, fd, &at);

    if (e)
        return e;
    *from = sockaddr_get((struct sockaddr *)&at);
    from->via = ADDR_TCP;
    set_options(*fd);
    return OK;
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
    stream_socket_close(*fd);
    *fd = -1;
    return ERR_UNREACHABLE;
}
