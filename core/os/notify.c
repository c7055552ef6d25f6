#include "core/os/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/os/os.h"

void notify_send(const char *lines)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t n = path ? strlen(path) : 0;

    if (n == 0)
        return;
    if ((path[0] != '/' && path[0] != '@') || n >= sizeof to.sun_path) {
        log_warn("NOTIFY_SOCKET is no path of a socket: the service manager is told nothing");
        return;
    }
    memcpy(to.sun_path, path, n);
    if (path[0] == '@')
        to.sun_path[0] = 0;
    int fd = OS_CALL(OS_SOCKET, socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
    if (fd < 0 || OS_CALL(OS_SEND, sendto(fd, lines, strlen(lines), MSG_NOSIGNAL,
                                          (struct sockaddr *)&to, size)) < 0)
        log_errno(LOG_WARN, "cannot tell the service manager at %s", path);
    if (fd >= 0)
        close(fd);
}
