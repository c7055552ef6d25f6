#include "core/os/tun.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/os/netns.h"
#include "core/os/os.h"
#include "core/os/sockaddr.h"

/* struct in6_ifreq of <linux/ipv6.h>, which cannot be included beside <netinet/in.h>. */
struct in6_request {
    struct in6_addr address;
    uint32_t prefix;
    int index;
};

static enum err failed(const char *what, const char *which)
{
    enum err e = ERR_SYSTEM;

    if (errno == EPERM || errno == EACCES)
        e = ERR_UNSUPPORTED;
    log_errno(LOG_ERROR, "%s %s", what, which);
    return e;
}

/* ---- making a device ---- */

static enum err request(int fd, unsigned long what, const void *argument, const char *name)
{
    if (OS_CALL(OS_FD, ioctl(fd, what, argument)) == 0)
        return OK;
    return failed("cannot set up the device", name);
}

static enum err make_device(struct tun *t)
{
    struct ifreq r = {.ifr_flags = IFF_TUN | IFF_NO_PI};

    t->fd = OS_CALL(OS_OPEN, open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
    if (t->fd < 0) {
        enum err e = failed("cannot open", "/dev/net/tun");
        return errno == ENOENT || errno == ENODEV || errno == ENXIO ? ERR_UNSUPPORTED : e;
    }
    snprintf(r.ifr_name, sizeof r.ifr_name, "farspan%%d");
    if (OS_CALL(OS_FD, ioctl(t->fd, TUNSETIFF, &r)) != 0)
        return failed("cannot make a", "tun device");
    memcpy(t->name, r.ifr_name, sizeof t->name);
    t->name[sizeof t->name - 1] = 0;
    return OK;
}

static struct ifreq named(const struct tun *t)
{
    struct ifreq r = {0};

    memcpy(r.ifr_name, t->name, sizeof r.ifr_name);
    return r;
}

static enum err set_ip4(const struct tun *t, int s, const struct tun_address *a)
{
    struct sockaddr_storage own, peer;
    struct ifreq r = named(t);

    sockaddr_put(&a->own, AF_INET, &own);
    sockaddr_put(&a->peer, AF_INET, &peer);
    memcpy(&r.ifr_addr, &own, sizeof(struct sockaddr_in));
    enum err e = request(s, SIOCSIFADDR, &r, t->name);
    memcpy(&r.ifr_dstaddr, &peer, sizeof(struct sockaddr_in));
    return e ? e : request(s, SIOCSIFDSTADDR, &r, t->name);
}

static enum err set_ip6(const struct tun *t, const struct tun_address *a)
{
    int s = OS_CALL(OS_SOCKET, socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    struct in6_request r6 = {.prefix = 64};
    struct ifreq r = named(t);

    if (s < 0)
        return failed("cannot make a socket for", t->name);
    enum err e = request(s, SIOCGIFINDEX, &r, t->name);
    r6.index = r.ifr_ifindex;
    memcpy(&r6.address, a->own.ip, 16);
    if (!e)
        e = request(s, SIOCSIFADDR, &r6, t->name);
    close(s);
    return e;
}

/* A device that comes up with IPv6 begins to chat by itself. Fine where there is no IPv6. */
static void no_ip6(const struct tun *t)
{
    char path[80];

    snprintf(path, sizeof path, "/proc/sys/net/ipv6/conf/%s/disable_ipv6", t->name);
    int fd = OS_CALL(OS_OPEN, open(path, O_WRONLY | O_CLOEXEC));
    if (fd < 0)
        return;
    if (OS_CALL(OS_WRITE, write(fd, "1", 1)) != 1)
        log_errno(LOG_DEBUG, "cannot write %s", path);
    close(fd);
}

static bool has_ip6(const struct tun_config *c)
{
    for (size_t i = 0; i < c->addresses; i++)
        if (c->address[i].own.family == ADDR_IP6)
            return true;
    return false;
}

static enum err set_up(struct tun *t, int s, const struct tun_config *c)
{
    struct ifreq r = named(t);

    r.ifr_mtu = (int)c->mtu_bytes;
    enum err e = request(s, SIOCSIFMTU, &r, t->name);
    r.ifr_qlen = (int)c->queue_packets;
    if (!e)
        e = request(s, SIOCSIFTXQLEN, &r, t->name);
    if (!has_ip6(c))
        no_ip6(t);
    for (size_t i = 0; i < c->addresses && !e; i++) {
        if (c->address[i].own.family == ADDR_IP4)
            e = set_ip4(t, s, &c->address[i]);
    }
    r.ifr_flags = IFF_UP | IFF_RUNNING | IFF_POINTOPOINT | IFF_NOARP;
    if (!e)
        e = request(s, SIOCSIFFLAGS, &r, t->name);
    for (size_t i = 0; i < c->addresses && !e; i++)
        if (c->address[i].own.family == ADDR_IP6)
            e = set_ip6(t, &c->address[i]);
    return e;
}

static enum err make_inside(struct tun *t, const struct tun_config *c)
{
    enum err e = make_device(t);

    if (e)
        return e;
    int s = OS_CALL(OS_SOCKET, socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (s < 0)
        return failed("cannot make a socket for", t->name);
    e = set_up(t, s, c);
    close(s);
    return e;
}

enum err tun_open(struct tun *t, const char *ns, const struct tun_config *config)
{
    int home;

    *t = (struct tun){.fd = -1, .namespace = -1};
    enum err e = netns_open(ns, &t->namespace);
    if (!e)
        e = netns_enter(t->namespace, &home);
    if (!e) {
        e = make_inside(t, config);
        enum err back = netns_leave(home);
        e = e ? e : back;
    }
    if (e)
        tun_close(t);
    return e;
}

void tun_close(struct tun *t)
{
    if (t->fd >= 0)
        close(t->fd);
    if (t->namespace >= 0)
        close(t->namespace);
    t->fd = t->namespace = -1;
}

/* ---- packets ---- */

enum err tun_read(struct tun *t, uint8_t *space, size_t room, size_t *n)
{
    ssize_t got;

    do
        got = OS_CALL(OS_READ, read(t->fd, space, room));
    while (got < 0 && errno == EINTR);
    *n = got < 0 ? 0 : (size_t)got;
    if (got >= 0)
        return OK;
    return errno == EAGAIN ? ERR_AGAIN : failed("cannot read from", t->name);
}

enum err tun_write(struct tun *t, struct bytes packet)
{
    ssize_t put;

    do
        put = OS_CALL(OS_WRITE, write(t->fd, packet.p, packet.n));
    while (put < 0 && errno == EINTR);
    if (put >= 0)
        return OK;
    if (errno == EINVAL)
        return ERR_MALFORMED;
    return errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM ? ERR_AGAIN : ERR_SYSTEM;
}

/* The twelfth figure after "NAME:" in /proc/net/dev: packets to send that were dropped. */
static uint64_t dropped_in(char *text, const char *name)
{
    unsigned long long v = 0;
    char *at = strstr(text, name);

    at = at ? at + strlen(name) : NULL;
    if (!at || *at != ':' ||
        sscanf(at + 1, "%*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %llu", &v) != 1)
        return 0;
    return v;
}

uint64_t tun_overflow(const struct tun *t)
{
    char text[16384];
    size_t n = 0;
    ssize_t got = 0;
    int home;

    if (t->fd < 0 || netns_enter(t->namespace, &home) != OK)
        return 0;
    int fd = OS_CALL(OS_OPEN, open("/proc/thread-self/net/dev", O_RDONLY | O_CLOEXEC));
    while (fd >= 0 && n < sizeof text - 1 &&
           (got = OS_CALL(OS_READ, read(fd, text + n, sizeof text - 1 - n))) > 0)
        n += (size_t)got;
    text[n] = 0;
    if (fd >= 0)
        close(fd);
    if (netns_leave(home) != OK)
        return 0;
    return dropped_in(text, t->name);
}
