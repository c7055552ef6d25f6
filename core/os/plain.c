#include "core/os/plain.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/log.h"
#include "core/os/netns.h"
#include "core/os/os.h"
#include "core/os/sockaddr.h"

/* A socket of the namespace: it stays there, whoever uses it. */
static enum err open_socket(int netns, uint8_t family, int *fd)
{
    int home = -1;
    enum err e = netns < 0 ? OK : netns_enter(netns, &home);

    *fd = -1;
    if (e)
        return e;
    *fd = OS_CALL(OS_SOCKET, socket(family == ADDR_IP4 ? AF_INET : AF_INET6,
                                    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (*fd < 0) {
        log_errno(LOG_ERROR, "cannot make a TCP socket");
        e = ERR_SYSTEM;
    }
    enum err back = netns < 0 ? OK : netns_leave(home);
    CHECK(!back); /* nobody here could go on elsewhere */
    return e;
}

enum err plain_listen(int netns, const struct addr *at, int *fd, struct addr *bound)
{
    struct sockaddr_storage s;
    socklen_t n = sockaddr_put(at, at->family == ADDR_IP4 ? AF_INET : AF_INET6, &s);
    enum err e = open_socket(netns, at->family, fd);

    if (e)
        return e;
    if (OS_CALL(OS_BIND, bind(*fd, (struct sockaddr *)&s, n)) == 0 && listen(*fd, 8) == 0 &&
        OS_CALL(OS_BIND, getsockname(*fd, (struct sockaddr *)&s, &n)) == 0) {
        *bound = sockaddr_get((struct sockaddr *)&s);
        return OK;
    }
    log_errno(LOG_ERROR, "cannot listen for TCP");
    plain_close(fd);
    return ERR_SYSTEM;
}

enum err plain_connect(int netns, const struct addr *to, const char *control, int *fd)
{
    struct sockaddr_storage s;
    socklen_t n = sockaddr_put(to, to->family == ADDR_IP4 ? AF_INET : AF_INET6, &s);
    enum err e = open_socket(netns, to->family, fd);
    int on = 1;

    if (e)
        return e;
    if (OS_CALL(OS_SETOPT, setsockopt(*fd, IPPROTO_TCP, TCP_CONGESTION, control,
                                      (socklen_t)strlen(control))) != 0) {
        log_errno(LOG_ERROR, "this kernel has no congestion control %s", control);
        e = ERR_UNSUPPORTED;
    } else if (OS_CALL(OS_SETOPT, setsockopt(*fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on)) != 0 ||
               (connect(*fd, (struct sockaddr *)&s, n) != 0 && errno != EINPROGRESS)) {
        log_errno(LOG_ERROR, "cannot connect by TCP");
        e = ERR_SYSTEM;
    }
    if (e)
        plain_close(fd);
    return e;
}

enum err plain_accept(int listening, int *fd)
{
    *fd = OS_CALL(OS_FD, accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (*fd >= 0)
        return OK;
    if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
        return ERR_AGAIN;
    log_errno(LOG_ERROR, "cannot take a TCP connection");
    return ERR_SYSTEM;
}

/* Why nothing was moved. */
static enum err why(const char *what)
{
    if (errno == EAGAIN || errno == EINTR || errno == ENOTCONN)
        return ERR_AGAIN;
    log_errno(LOG_ERROR, "%s by TCP", what);
    return ERR_UNREACHABLE;
}

enum err plain_send(int fd, struct bytes data, size_t *taken)
{
    ssize_t r = OS_CALL(OS_SEND, send(fd, data.p, data.n, MSG_NOSIGNAL));

    *taken = r > 0 ? (size_t)r : 0;
    return r >= 0 ? OK : why("cannot send");
}

enum err plain_receive(int fd, uint8_t *space, size_t room, size_t *n)
{
    ssize_t r = OS_CALL(OS_RECV, recv(fd, space, room, 0));

    *n = r > 0 ? (size_t)r : 0;
    return r > 0 ? OK : r == 0 ? ERR_END : why("cannot receive");
}

void plain_look(int fd, struct plain_path *out)
{
    struct tcp_info info = {0};
    socklen_t n = sizeof info;

    memset(out, 0, sizeof *out);
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n) != 0)
        return;
    out->rtt_us = info.tcpi_rtt;
    out->sent_segments = info.tcpi_data_segs_out;
    out->lost_segments = info.tcpi_total_retrans;
}

void plain_close(int *fd)
{
    struct linger at_once = {.l_onoff = 1};

    if (*fd < 0)
        return;
    /* Otherwise the kernel would go on sending what is queued to who is not there any more. */
    if (setsockopt(*fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) != 0)
        log_debug("a TCP connection ends slowly");
    close(*fd);
    *fd = -1;
}
