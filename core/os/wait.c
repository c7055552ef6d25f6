#include "core/os/wait.h"

#include <errno.h>
#include <poll.h>

#include "core/base/log.h"
#include "core/os/os.h"

enum err wait_readable(int fd, uint32_t timeout_ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int n = OS_CALL(OS_POLL, poll(&p, 1, (int)timeout_ms));

    if (n > 0 || (n < 0 && errno == EINTR))
        return OK;
    if (n == 0)
        return ERR_AGAIN;
    log_errno(LOG_ERROR, "poll");
    return ERR_SYSTEM;
}
