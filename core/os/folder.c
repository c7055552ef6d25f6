#include "core/os/folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const struct {
    const char *variable, *under_override, *of_root, *under_home;
} kinds[FOLDER_KINDS] = {
    [FOLDER_CONFIG] = {"XDG_CONFIG_HOME", "config", "/etc/farspan", ".config/farspan"},
    [FOLDER_STATE] = {"XDG_STATE_HOME", "state", "/var/lib/farspan", ".local/state/farspan"},
    [FOLDER_CACHE] = {"XDG_CACHE_HOME", "cache", "/var/cache/farspan", ".cache/farspan"},
    [FOLDER_RUN] = {"XDG_RUNTIME_DIR", "run", "/run/farspan", ".local/state/farspan/run"},
};

struct folder_user folder_user_here(void)
{
    struct folder_user u = {
        .override = getenv("FARSPAN_HOME"), .root = geteuid() == 0, .home = getenv("HOME")};

    for (int k = 0; k < FOLDER_KINDS; k++)
        u.xdg[k] = getenv(kinds[k].variable);
    return u;
}

enum err folder_path(const struct folder_user *user, enum folder_kind kind, const char *name,
                     char to[FOLDER_PATH_CHARS])
{
    const char *top = user->override, *below = kinds[kind].under_override;

    if (!top || !*top) {
        top = user->xdg[kind];
        below = "farspan";
        if (user->root) {
            top = kinds[kind].of_root;
            below = "";
        } else if (!top || *top != '/') {
            top = user->home;
            below = kinds[kind].under_home;
        }
    }
    if (!top || !*top)
        return ERR_NOT_FOUND;
    int n = snprintf(to, FOLDER_PATH_CHARS, "%s%s%s%s%s", top, *below ? "/" : "", below,
                     *name ? "/" : "", name);
    return n < 0 || n >= FOLDER_PATH_CHARS ? ERR_LIMIT : OK;
}
