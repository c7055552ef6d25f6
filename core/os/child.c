#include "core/os/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/heap.h"
#include "core/base/log.h"
#include "core/base/num.h"
#include "core/os/os.h"

extern char **environ;

/* Not for others: secrets, and what the service manager meant for this process alone. */
static const char *const ours[] = {"FARSPAN_TICKET=", "NOTIFY_SOCKET=", "LISTEN_"};

void child_env_add(struct child_env *env, const char *name, const char *value)
{
    if (env->count == CHILD_VARIABLES)
        return;
    char *line = env->line[env->count++];
    snprintf(line, CHILD_VARIABLE_CHARS, "%s=%s", name, value);
    for (; *line; line++)
        if ((unsigned char)*line < ' ' || *line == 127)
            *line = '?';
}

enum err child_check(const char *path)
{
    return strchr(path, '/') && access(path, X_OK) == 0 ? OK : ERR_USAGE;
}

static bool kept(const char *line)
{
    for (size_t i = 0; i < COUNT_OF(ours); i++)
        if (strncmp(line, ours[i], strlen(ours[i])) == 0)
            return false;
    return true;
}

/* Whether `env` has a variable of that line's name. */
static bool replaced(const struct child_env *env, const char *line)
{
    size_t n = strcspn(line, "=") + 1;

    for (size_t i = 0; i < env->count; i++)
        if (strncmp(env->line[i], line, n) == 0)
            return true;
    return false;
}

char **child_env_whole(const struct child_env *env)
{
    size_t n = 0, have = 0;

    while (environ[have])
        have++;
    char **all = heap_array(have + env->count + 1, sizeof *all);
    if (!all)
        return NULL;
    for (size_t i = 0; i < have; i++)
        if (kept(environ[i]) && !replaced(env, environ[i]))
            all[n++] = environ[i];
    for (size_t i = 0; i < env->count; i++)
        all[n++] = (char *)(uintptr_t)env->line[i];
    return all;
}

/* `out` is where it writes, `apart` whether it has a group or a session of its own. */
static int spawn(char *const *words, char **env, int out, short apart, int *pid)
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
        r = posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        if (!r)
            r = posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
        if (!r && out != STDERR_FILENO)
            r = posix_spawn_file_actions_adddup2(&files, out, STDERR_FILENO);
        posix_spawnattr_setsigdefault(&how, &all);
        posix_spawnattr_setsigmask(&how, &none);
        posix_spawnattr_setpgroup(&how, 0);
        posix_spawnattr_setflags(&how,
                                 (short)(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | apart));
        if (!r)
            r = os_fails(OS_FD) ? errno : posix_spawn(pid, words[0], &files, &how, words, env);
        posix_spawnattr_destroy(&how);
    }
    posix_spawn_file_actions_destroy(&files);
    return r;
}

enum err child_start(const char *path, const char *word, const struct child_env *env, int *pid)
{
    char *words[] = {(char *)(uintptr_t)path, (char *)(uintptr_t)word, NULL};
    char **all = child_env_whole(env);

    if (!all)
        return ERR_MEMORY;
    errno = spawn(words, all, STDERR_FILENO, POSIX_SPAWN_SETPGROUP, pid);
    enum err e = errno ? ERR_SYSTEM : OK;
    if (e)
        log_errno(LOG_ERROR, "cannot start %s", path);
    heap_free(all);
    return e;
}

enum err child_start_apart(const char *const *words, const char *log, int *pid)
{
    char **all = child_env_whole(&(struct child_env){0});

    if (!all)
        return ERR_MEMORY;
    int fd = OS_CALL(OS_OPEN, open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    if (fd < 0) {
        log_errno(LOG_ERROR, "cannot write to %s", log);
        heap_free(all);
        return ERR_SYSTEM;
    }
    errno = spawn((char *const *)(uintptr_t)words, all, fd, POSIX_SPAWN_SETSID, pid);
    enum err e = errno ? ERR_SYSTEM : OK;
    if (e)
        log_errno(LOG_ERROR, "cannot start %s", words[0]);
    close(fd);
    heap_free(all);
    return e;
}

bool child_ended(int pid, int *status)
{
    int raw = 0;
    pid_t r = waitpid(pid, &raw, WNOHANG);

    if (r == 0 || (r < 0 && errno == EINTR))
        return false;
    *status = r < 0 ? 0 : WIFSIGNALED(raw) ? 128 + WTERMSIG(raw) : WEXITSTATUS(raw);
    return true;
}

void child_kill(int pid)
{
    kill(-pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}
