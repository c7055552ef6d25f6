#include "core/os/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/os/os.h"

static const char own[] = "/proc/thread-self/ns/net";

static enum err failed(const char *what, const char *which)
{
    enum err e = errno == EPERM || errno == EACCES ? ERR_UNSUPPORTED : ERR_SYSTEM;

    log_errno(LOG_ERROR, "%s %s", what, which);
    return e;
}

enum err netns_open(const char *ns, int *fd)
{
    char path[512];

    snprintf(path, sizeof path, strchr(ns, '/') ? "%s" : "/run/netns/%s", ns);
    *fd = OS_CALL(OS_OPEN, open(path, O_RDONLY | O_CLOEXEC));
    if (*fd >= 0)
        return OK;
    enum err e = errno == ENOENT ? ERR_NOT_FOUND : ERR_SYSTEM;
    log_errno(LOG_ERROR, "cannot open the network namespace %s", path);
    return e;
}

enum err netns_enter(int fd, int *home)
{
    *home = OS_CALL(OS_OPEN, open(own, O_RDONLY | O_CLOEXEC));
    if (*home < 0)
        return failed("cannot open", own);
    if (OS_CALL(OS_FD, setns(fd, CLONE_NEWNET)) == 0)
        return OK;
    enum err e = failed("cannot enter a network namespace", "(root may)");
    close(*home);
    return e;
}

enum err netns_leave(int home)
{
    enum err e = OK;

    if (OS_CALL(OS_FD, setns(home, CLONE_NEWNET)) != 0)
        e = failed("cannot go back to the", "network namespace of before");
    close(home);
    return e;
}

static enum err raise_loopback(void)
{
    struct ifreq r = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    int s = OS_CALL(OS_SOCKET, socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    enum err e = OK;

    if (s < 0)
        return failed("cannot make a socket for", "lo");
    if (OS_CALL(OS_FD, ioctl(s, SIOCSIFFLAGS, &r)) != 0)
        e = failed("cannot set up the device", "lo");
    close(s);
    return e;
}

enum err netns_make(int *fd)
{
    int home = OS_CALL(OS_OPEN, open(own, O_RDONLY | O_CLOEXEC));

    *fd = -1;
    if (home < 0)
        return failed("cannot open", own);
    if (OS_CALL(OS_FD, unshare(CLONE_NEWNET)) != 0) {
        enum err e = failed("cannot make a network namespace", "(root may)");
        close(home);
        return e;
    }
    enum err e = raise_loopback();
    if (!e) {
        *fd = OS_CALL(OS_OPEN, open(own, O_RDONLY | O_CLOEXEC));
        if (*fd < 0)
            e = failed("cannot open", own);
    }
    enum err back = netns_leave(home);
    if (e || back)
        netns_close(fd);
    return e ? e : back;
}

void netns_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}
