/* folder: where this user's identity, state, caches and sockets live. */
#ifndef FARSPAN_FOLDER_H
#define FARSPAN_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"

enum folder_kind { FOLDER_CONFIG, FOLDER_STATE, FOLDER_CACHE, FOLDER_RUN, FOLDER_KINDS };

enum { FOLDER_PATH_CHARS = 4096 };

/* What decides, as the environment has it; strings are borrowed, NULL or empty where not set. */
struct folder_user {
    const char *override;          /* $FARSPAN_HOME: everything goes below it */
    bool root;                     /* the effective user */
    const char *home;              /* $HOME */
    const char *xdg[FOLDER_KINDS]; /* $XDG_CONFIG_HOME and so on; only absolute ones count */
};

/* The user and environment of this process. */
struct folder_user folder_user_here(void);

/* Writes the path of `name` in the user's folder of that kind to `to`; the folder itself for "".
 * $FARSPAN_HOME/config (state, cache, run) where that is set; root has /etc, /var/lib, /var/cache
 * and /run/farspan; others "farspan" in their XDG folder or its default, and without
 * $XDG_RUNTIME_DIR "run" in their state folder (XDG Base Directory Specification 0.8).
 * ERR_NOT_FOUND when nothing says where (no HOME); ERR_LIMIT when longer than FOLDER_PATH_CHARS.
 * Makes nothing. */
enum err folder_path(const struct folder_user *user, enum folder_kind kind, const char *name,
                     char to[FOLDER_PATH_CHARS]) MUST_USE;

#endif
