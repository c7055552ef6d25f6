#include "core/os/shared.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/os/os.h"

enum err shared_init(struct shared *out, size_t bytes)
{
    *out = (struct shared){.fd = -1};
    out->fd = OS_CALL(OS_MAP, memfd_create("farspan", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (out->fd < 0)
        goto fail;
    /* Sealed, so that a process at the other end cannot make reads here end in SIGBUS. */
    if (OS_CALL(OS_MAP, ftruncate(out->fd, (off_t)bytes)) ||
        OS_CALL(OS_FD, fcntl(out->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)))
        goto fail;
    void *p = MAP_FAILED;
    if (!os_fails(OS_MAP))
        p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, out->fd, 0);
    if (p == MAP_FAILED)
        goto fail;
    out->p = p;
    out->bytes = bytes;
    return OK;
fail:
    log_errno(LOG_ERROR, "shared memory of %zu bytes", bytes);
    shared_release(out);
    return ERR_SYSTEM;
}

int shared_give_fd(struct shared *s)
{
    int fd = s->fd;

    s->fd = -1;
    return fd;
}

void shared_release(struct shared *s)
{
    if (s->p)
        munmap(s->p, s->bytes);
    if (s->fd >= 0)
        close(s->fd);
    *s = (struct shared){.fd = -1};
}
