#include "core/os/dgram.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/heap.h"
#include "core/base/log.h"
#include "core/base/num.h"
#include "core/os/os.h"
#include "core/os/sockaddr.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

enum {
    WANTED_BUFFER_BYTES = 8 * 1024 * 1024,
    SLOT_BYTES = 65536,
    CONTROL_BYTES = 256,
    PENDING_ERRORS = 16, /* errors of earlier datagrams that one receive call steps over */
};

struct dgram_space {
    struct mmsghdr head[DGRAM_BATCH];
    struct iovec part[DGRAM_BATCH];
    struct sockaddr_storage from[DGRAM_BATCH];
    union {
        char bytes[CONTROL_BYTES];
        struct cmsghdr align;
    } control[DGRAM_BATCH];
    uint8_t data[DGRAM_BATCH][SLOT_BYTES];
};

/* One sendmmsg call being put together. */
struct outgoing {
    struct mmsghdr head[DGRAM_BATCH];
    struct iovec part[DGRAM_BATCH];
    struct sockaddr_storage to[DGRAM_BATCH];
    union {
        char bytes[CONTROL_BYTES];
        struct cmsghdr align;
    } control[DGRAM_BATCH];
    size_t count;
    bool whole; /* the first message is a GSO burst */
};

/* ---- opening ---- */

static bool set_option(int fd, int level, int name, int value)
{
    return OS_CALL(OS_SETOPT, setsockopt(fd, level, name, &value, sizeof value)) == 0;
}

static int enlarge(int fd, int force, int plain)
{
    int got = 0;
    socklen_t n = sizeof got;

    if (!set_option(fd, SOL_SOCKET, force, WANTED_BUFFER_BYTES))
        set_option(fd, SOL_SOCKET, plain, WANTED_BUFFER_BYTES);
    if (getsockopt(fd, SOL_SOCKET, plain, &got, &n) != 0)
        return 0;
    return got;
}

/* None of these is needed to work: what the kernel does not have is done without. */
static void set_options(struct dgram *d)
{
    int fd = d->fd, on = 1, off = 0;

    if (d->family == AF_INET6) {
        set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
        set_option(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
        set_option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
    }
    /* On an IPv6 socket these are for its IPv4-mapped peers. */
    if (d->family == AF_INET)
        set_option(fd, IPPROTO_IP, IP_PKTINFO, 1);
    set_option(fd, IPPROTO_IP, IP_RECVTOS, 1);
    set_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
    set_option(fd, SOL_SOCKET, SO_RXQ_OVFL, 1);
    d->recv_buffer_bytes = enlarge(fd, SO_RCVBUFFORCE, SO_RCVBUF);
    d->send_buffer_bytes = enlarge(fd, SO_SNDBUFFORCE, SO_SNDBUF);
    d->gro = OS_CALL(OS_SET_GRO, setsockopt(fd, SOL_UDP, UDP_GRO, &on, sizeof on)) == 0;
    /* A kernel that does not know UDP_SEGMENT would send a burst as one datagram: ask first. */
    d->gso = OS_CALL(OS_SET_GSO, setsockopt(fd, SOL_UDP, UDP_SEGMENT, &off, sizeof off)) == 0;
    d->sendmmsg = d->recvmmsg = true;
}

static enum err find_local(struct dgram *d)
{
    struct sockaddr_storage at;
    socklen_t n = sizeof at;

    if (OS_CALL(OS_BIND, getsockname(d->fd, (struct sockaddr *)&at, &n)) != 0) {
        if (errno == ENOTSOCK || errno == EBADF)
            return ERR_USAGE;
        log_errno(LOG_ERROR, "cannot tell the address of a socket");
        return ERR_SYSTEM;
    }
    d->family = at.ss_family;
    d->local = sockaddr_get((struct sockaddr *)&at);
    if (d->local.family == ADDR_NONE)
        return ERR_USAGE;
    d->wildcard = addr_is_any(&d->local);
    return OK;
}

static enum err bind_to_address(struct dgram *d, const struct addr *a)
{
    struct sockaddr_storage to;
    socklen_t n = sockaddr_put(a, d->family, &to);
    char text[ADDR_CHARS];

    if (OS_CALL(OS_BIND, bind(d->fd, (struct sockaddr *)&to, n)) == 0)
        return find_local(d);
    log_errno(LOG_ERROR, "cannot listen on UDP %s", addr_print(a, text));
    return errno == EADDRINUSE ? ERR_BUSY : ERR_SYSTEM;
}

enum err dgram_open(struct dgram *d, const struct addr *bind_to)
{
    int family = bind_to->family == ADDR_IP4 ? AF_INET : AF_INET6;

    *d = (struct dgram){.fd = -1, .family = family};
    d->fd = OS_CALL(OS_SOCKET, socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (d->fd < 0) {
        log_errno(LOG_ERROR, "cannot make a UDP socket");
        return ERR_SYSTEM;
    }
    if (family == AF_INET6)
        set_option(d->fd, IPPROTO_IPV6, IPV6_V6ONLY, !addr_is_any(bind_to));
    set_options(d);
    enum err e = bind_to_address(d, bind_to);
    if (e) {
        dgram_close(d);
        return e;
    }
    char text[ADDR_CHARS];
    log_debug("UDP %s: buffers %d in, %d out bytes, GSO %d, GRO %d", addr_print(&d->local, text),
              d->recv_buffer_bytes, d->send_buffer_bytes, d->gso, d->gro);
    return OK;
}

enum err dgram_adopt(struct dgram *d, int fd)
{
    int type = 0;
    socklen_t n = sizeof type;

    *d = (struct dgram){.fd = fd};
    enum err e = find_local(d);
    if (!e && (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) != 0 || type != SOCK_DGRAM))
        e = ERR_USAGE;
    /* What this process starts must not hold it. */
    if (!e && OS_CALL(OS_FD, fcntl(fd, F_SETFD, FD_CLOEXEC)) != 0) {
        log_errno(LOG_ERROR, "cannot keep a socket to ourselves");
        e = ERR_SYSTEM;
    }
    if (e) {
        dgram_close(d);
        return e;
    }
    /* The process before this one may have died with its filter on (dgram_sieve). */
    set_option(fd, SOL_SOCKET, SO_DETACH_FILTER, 0);
    set_options(d);
    return OK;
}

void dgram_close(struct dgram *d)
{
    if (d->fd >= 0)
        close(d->fd);
    d->fd = -1;
}

/* ---- receiving ---- */

struct dgram_space *dgram_space_new(void)
{
    return heap_aligned(sizeof(struct dgram_space));
}

void dgram_space_free(struct dgram_space *s)
{
    heap_free(s);
}

static void prepare(struct dgram_space *s, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        s->part[i] = (struct iovec){s->data[i], SLOT_BYTES};
        s->head[i].msg_hdr = (struct msghdr){.msg_name = &s->from[i],
                                             .msg_namelen = sizeof s->from[i],
                                             .msg_iov = &s->part[i],
                                             .msg_iovlen = 1,
                                             .msg_control = s->control[i].bytes,
                                             .msg_controllen = CONTROL_BYTES};
        s->head[i].msg_len = 0;
    }
}

/* One system call; the number of messages or -1. */
static int receive_once(struct dgram *d, struct dgram_space *s)
{
    d->calls++;
    if (d->recvmmsg) {
        int n = OS_CALL(OS_RECVMMSG, recvmmsg(d->fd, s->head, DGRAM_BATCH, MSG_DONTWAIT, NULL));
        if (n >= 0 || errno != ENOSYS)
            return n;
        d->recvmmsg = false;
    }
    ssize_t n = OS_CALL(OS_RECV, recvmsg(d->fd, &s->head[0].msg_hdr, MSG_DONTWAIT));
    if (n < 0)
        return -1;
    s->head[0].msg_len = (unsigned)n;
    return 1;
}

static int int_of(struct cmsghdr *c)
{
    int v = 0;

    /* IP_TOS arrives as one byte, the others as an int. */
    if (c->cmsg_len == CMSG_LEN(1))
        return *(uint8_t *)CMSG_DATA(c);
    memcpy(&v, CMSG_DATA(c), num_min(sizeof v, c->cmsg_len - CMSG_LEN(0)));
    return v;
}

static struct addr local_of(const struct dgram *d, struct cmsghdr *c)
{
    struct addr a = {.port = d->local.port};

    if (c->cmsg_level == IPPROTO_IP) {
        struct in_pktinfo info;
        memcpy(&info, CMSG_DATA(c), sizeof info);
        a.family = ADDR_IP4;
        memcpy(a.ip, &info.ipi_addr, 4);
    } else {
        struct in6_pktinfo info;
        memcpy(&info, CMSG_DATA(c), sizeof info);
        a.family = ADDR_IP6;
        memcpy(a.ip, &info.ipi6_addr, 16);
        if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
            a.scope = info.ipi6_ifindex;
        addr_unmap(&a);
    }
    return a;
}

static void read_control(struct dgram *d, struct msghdr *h, struct dgram_burst *b)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
        int level = c->cmsg_level, type = c->cmsg_type;

        if (level == SOL_UDP && type == UDP_GRO) {
            int each = int_of(c);
            if (each > 0 && (size_t)each < b->n)
                b->each = (size_t)each;
        } else if ((level == IPPROTO_IP && type == IP_TOS) ||
                   (level == IPPROTO_IPV6 && type == IPV6_TCLASS)) {
            b->ecn = int_of(c) & 3;
        } else if ((level == IPPROTO_IP && type == IP_PKTINFO) ||
                   (level == IPPROTO_IPV6 && type == IPV6_PKTINFO)) {
            b->local = local_of(d, c);
        } else if (level == SOL_SOCKET && type == SO_RXQ_OVFL) {
            d->overflow = (uint32_t)int_of(c);
        }
    }
}

static size_t take(struct dgram *d, struct dgram_space *s, size_t got, struct dgram_burst *out)
{
    size_t count = 0;

    for (size_t i = 0; i < got; i++) {
        struct msghdr *h = &s->head[i].msg_hdr;
        struct dgram_burst *b = &out[count];

        if (h->msg_flags & MSG_TRUNC) {
            d->truncated++;
            continue;
        }
        *b = (struct dgram_burst){.p = s->data[i], .n = s->head[i].msg_len};
        b->each = b->n;
        b->peer = sockaddr_get((struct sockaddr *)&s->from[i]);
        b->local = d->local;
        read_control(d, h, b);
        count++;
    }
    return count;
}

/* Errors that tell of an earlier datagram and not of this socket: ICMP made them. */
static bool of_the_network(int error)
{
    switch (error) {
    case ECONNREFUSED:
    case ECONNRESET:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EHOSTDOWN:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EPROTO:
    case EMSGSIZE:
    case EACCES:
    case EPERM:
    case ETIMEDOUT:
        return true;
    default:
        return false;
    }
}

enum err dgram_receive(struct dgram *d, struct dgram_space *s, struct dgram_burst out[DGRAM_BATCH],
                       size_t *count)
{
    *count = 0;
    for (int i = 0; i < PENDING_ERRORS; i++) {
        prepare(s, d->recvmmsg ? DGRAM_BATCH : 1);
        int got = receive_once(d, s);
        if (got >= 0) {
            *count = take(d, s, (size_t)got, out);
            return got ? OK : ERR_AGAIN;
        }
        if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM)
            return ERR_AGAIN;
        if (errno != EINTR && !of_the_network(errno)) {
            log_errno(LOG_ERROR, "cannot receive on UDP port %u", d->local.port);
            return ERR_SYSTEM;
        }
    }
    return ERR_AGAIN;
}

/* ---- sending ---- */

static void put_control(struct msghdr *h, int level, int type, const void *value, size_t n)
{
    struct cmsghdr *c = (struct cmsghdr *)((char *)h->msg_control + h->msg_controllen);

    c->cmsg_level = level;
    c->cmsg_type = type;
    c->cmsg_len = CMSG_LEN(n);
    memcpy(CMSG_DATA(c), value, n);
    h->msg_controllen += CMSG_SPACE(n);
}

static void put_local(struct msghdr *h, const struct addr *local)
{
    if (local->family == ADDR_IP4) {
        struct in_pktinfo info = {0};
        memcpy(&info.ipi_spec_dst, local->ip, 4);
        put_control(h, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
    } else {
        struct in6_pktinfo info = {.ipi6_ifindex = local->scope};
        memcpy(&info.ipi6_addr, local->ip, 16);
        put_control(h, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
    }
}

/* Adds one message of `n` bytes at `p` of burst `b`; false when the address does not fit here. */
static bool add(const struct dgram *d, struct outgoing *o, const struct dgram_burst *b,
                const uint8_t *p, size_t n)
{
    size_t i = o->count;
    socklen_t name = b->peer.port ? sockaddr_put(&b->peer, d->family, &o->to[i]) : 0;
    struct msghdr *h = &o->head[i].msg_hdr;
    bool ip4 = b->peer.family == ADDR_IP4;

    if (!name)
        return false;
    /* sendmsg does not write through this pointer. */
    o->part[i] = (struct iovec){(void *)(uintptr_t)p, n};
    *h = (struct msghdr){.msg_name = &o->to[i],
                         .msg_namelen = name,
                         .msg_iov = &o->part[i],
                         .msg_iovlen = 1,
                         .msg_control = o->control[i].bytes};
    if (b->ecn) {
        int tos = b->ecn;
        put_control(h, ip4 ? IPPROTO_IP : IPPROTO_IPV6, ip4 ? IP_TOS : IPV6_TCLASS, &tos,
                    sizeof tos);
    }
    if (d->wildcard && b->local.family == b->peer.family && !addr_is_any(&b->local))
        put_local(h, &b->local);
    if (n > b->each) {
        uint16_t each = (uint16_t)b->each;
        put_control(h, SOL_UDP, UDP_SEGMENT, &each, sizeof each);
    }
    if (h->msg_controllen == 0)
        h->msg_control = NULL;
    o->count++;
    return true;
}

static size_t first_size(const struct dgram *d, const struct dgram_burst *b)
{
    return d->gso && !b->plain ? b->n : num_min(b->n, b->each);
}

/* Puts messages together from bursts [0, count); stops at what cannot be addressed. */
static void gather(const struct dgram *d, struct outgoing *o, const struct dgram_burst *bursts,
                   size_t count)
{
    size_t most = d->sendmmsg ? DGRAM_BATCH : 1;

    o->count = 0;
    o->whole = first_size(d, bursts) > bursts->each;
    for (size_t i = 0; i < count && o->count < most; i++) {
        const struct dgram_burst *b = &bursts[i];
        size_t at = 0;
        do {
            size_t n = first_size(d, b) == b->n ? b->n : num_min(b->n - at, b->each);
            if (!add(d, o, b, b->p + at, n))
                return;
            at += n;
        } while (at < b->n && o->count < most);
    }
}

static int send_once(struct dgram *d, struct outgoing *o)
{
    d->calls++;
    if (o->whole && os_fails(OS_SEND_GSO))
        return -1;
    if (d->sendmmsg) {
        int n = OS_CALL(OS_SENDMMSG, sendmmsg(d->fd, o->head, (unsigned)o->count, MSG_DONTWAIT));
        if (n >= 0 || errno != ENOSYS)
            return n;
        d->sendmmsg = false;
    }
    return OS_CALL(OS_SEND, sendmsg(d->fd, &o->head[0].msg_hdr, MSG_DONTWAIT)) < 0 ? -1 : 1;
}

/* Moves the cursor `*done` in `bursts` on past one message of `n` bytes. */
static void advance(struct dgram_burst *bursts, size_t *done, size_t n)
{
    struct dgram_burst *b = &bursts[*done];

    b->p += n;
    b->n -= n;
    if (b->n == 0)
        ++*done;
}

/* Drops the first message, which the kernel does not want. */
static void refuse(struct dgram *d, struct dgram_burst *bursts, size_t *done, int error)
{
    struct dgram_burst *b = &bursts[*done];
    size_t n = first_size(d, b);
    char text[ADDR_CHARS];

    d->refused += n ? num_div_up(n, b->each) : 1;
    if (error != d->last_error) {
        errno = error;
        log_errno(LOG_DEBUG, "cannot send %zu bytes to %s", n, addr_print(&b->peer, text));
    }
    d->last_error = error;
    if (error != EMSGSIZE && error != ENOBUFS && error != ENOMEM && error != ECONNREFUSED)
        d->no_way = b->peer;
    advance(bursts, done, n);
}

/* What to do about a failed send of the first message. OK: go on. */
static enum err fail(struct dgram *d, struct dgram_burst *bursts, size_t *done, int error,
                     unsigned *pending)
{
    struct dgram_burst *b = &bursts[*done];
    bool whole = first_size(d, b) > b->each;

    if (error == EINTR)
        return OK;
    if (error == EAGAIN)
        return ERR_AGAIN;
    if (error == EBADF || error == ENOTSOCK || error == EFAULT) {
        log_errno(LOG_ERROR, "cannot send on UDP port %u", d->local.port);
        return ERR_SYSTEM;
    }
    /* The device cannot segment, or the segments do not fit it: one at a time tells which. */
    if (whole && (error == EIO || error == EINVAL || error == ENOPROTOOPT || error == EOPNOTSUPP ||
                  error == EMSGSIZE)) {
        b->plain = true;
        return OK;
    }
    /* Told of an earlier datagram to somebody else perhaps: this one deserves a second try. */
    if (error == ECONNREFUSED && (*pending)++ == 0)
        return OK;
    *pending = 0;
    refuse(d, bursts, done, error);
    return error == ENOBUFS || error == ENOMEM ? ERR_BUSY : OK;
}

enum err dgram_send(struct dgram *d, struct dgram_burst *bursts, size_t count, size_t *done)
{
    struct outgoing o;
    unsigned pending = 0;
    enum err e = OK;

    *done = 0;
    while (!e && *done < count) {
        struct dgram_burst *b = &bursts[*done];
        gather(d, &o, b, count - *done);
        if (o.count == 0) {
            refuse(d, bursts, done, EAFNOSUPPORT);
            continue;
        }
        int sent = send_once(d, &o);
        if (sent <= 0) {
            e = fail(d, bursts, done, errno, &pending);
            continue;
        }
        pending = 0;
        /* Alone it went, together it did not: this device does no segmentation. */
        if (b->plain && d->gso && o.part[0].iov_len == b->each) {
            d->gso = false;
            log_debug("UDP port %u: no GSO here", d->local.port);
        }
        for (int i = 0; i < sent; i++)
            advance(bursts, done, o.part[i].iov_len);
    }
    return e;
}
