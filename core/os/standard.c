#include "core/os/standard.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

void standard_fill(void)
{
    /* The wrong direction for each: its use must fail, not vanish. A chroot may have no /dev. */
    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd &&
            open("/", O_PATH | O_DIRECTORY) != fd)
            exit(1);
}
