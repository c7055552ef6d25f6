#include "core/os/self.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/heap.h"
#include "core/base/log.h"
#include "core/os/child.h"
#include "core/os/netns.h"
#include "core/os/os.h"

static const char path[] = "/proc/self/exe";

static int spawn(const char *const *words, char **env, int in, int out, int *pid)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    sigset_t all, none;

    sigfillset(&all);
    sigemptyset(&none);
    int r = posix_spawn_file_actions_init(&files);
    if (r)
        return r;
    r = posix_spawnattr_init(&how);
    if (!r) {
        r = posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
        if (!r)
            r = posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
        posix_spawnattr_setsigdefault(&how, &all);
        posix_spawnattr_setsigmask(&how, &none);
        posix_spawnattr_setpgroup(&how, 0);
        posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK |
                                           POSIX_SPAWN_SETPGROUP);
        if (!r)
            r = os_fails(OS_FD)
                    ? errno
                    : posix_spawn(pid, path, &files, &how, (char **)(uintptr_t)words, env);
        posix_spawnattr_destroy(&how);
    }
    posix_spawn_file_actions_destroy(&files);
    return r;
}

/* Starts it with these descriptors, in that namespace. */
static enum err start(const char *const *words, int in, int out, int netns, int *pid)
{
    struct child_env none = {0};
    char **env = child_env_whole(&none);
    int home = -1;

    if (!env)
        return ERR_MEMORY;
    enum err e = netns < 0 ? OK : netns_enter(netns, &home);
    if (!e) {
        errno = spawn(words, env, in, out, pid);
        if (errno) {
            log_errno(LOG_ERROR, "cannot start %s", path);
            e = ERR_SYSTEM;
        }
        enum err back = netns < 0 ? OK : netns_leave(home);
        CHECK(!back); /* nobody here could go on elsewhere */
    }
    heap_free(env);
    return e;
}

enum err self_start(const char *const *words, struct bytes input, int netns, struct self *s)
{
    int in[2] = {-1, -1}, out[2] = {-1, -1};
    enum err e = OK;

    CHECK(input.n <= SELF_INPUT_BYTES);
    *s = (struct self){.out = -1};
    if (OS_CALL(OS_FD, pipe2(in, O_CLOEXEC)) != 0 || OS_CALL(OS_FD, pipe2(out, O_CLOEXEC)) != 0 ||
        OS_CALL(OS_FD, fcntl(out[0], F_SETFL, O_NONBLOCK)) != 0 ||
        (input.n && OS_CALL(OS_WRITE, write(in[1], input.p, input.n)) != (ssize_t)input.n)) {
        log_errno(LOG_ERROR, "cannot make a pipe to another process");
        e = ERR_SYSTEM;
    }
    if (!e)
        e = start(words, in[0], out[1], netns, &s->pid);
    if (!e) {
        s->out = out[0];
        out[0] = -1;
    }
    for (int i = 0; i < 2; i++) {
        if (in[i] >= 0)
            close(in[i]);
        if (out[i] >= 0)
            close(out[i]);
    }
    return e;
}

enum err self_read(struct self *s, uint8_t *space, size_t room, size_t *n)
{
    *n = 0;
    ssize_t r = OS_CALL(OS_READ, read(s->out, space, room));
    if (r > 0) {
        *n = (size_t)r;
        return OK;
    }
    if (r == 0)
        return ERR_END;
    if (errno == EAGAIN || errno == EINTR)
        return ERR_AGAIN;
    log_errno(LOG_ERROR, "cannot read from another process");
    return ERR_SYSTEM;
}

void self_ask(const struct self *s)
{
    if (s->pid > 0)
        kill(s->pid, SIGTERM);
}

/* Reads the rest of what it says, so that it can end as it wants to. */
static void drain(struct self *s)
{
    uint8_t space[4096];
    ssize_t r;

    if (s->out < 0)
        return;
    if (fcntl(s->out, F_SETFL, 0) == 0)
        do
            r = read(s->out, space, sizeof space);
        while (r > 0 || (r < 0 && errno == EINTR));
    close(s->out);
    s->out = -1;
}

int self_wait(struct self *s)
{
    int raw = 0;

    drain(s);
    if (s->pid <= 0)
        return 0;
    while (waitpid(s->pid, &raw, 0) < 0 && errno == EINTR)
        ;
    s->pid = 0;
    return WIFSIGNALED(raw) ? 128 + WTERMSIG(raw) : WEXITSTATUS(raw);
}
