#include "core/run/identity.h"

#include <stdio.h>
#include <string.h>

#include "core/base/log.h"
#include "core/crypt/crypt.h"
#include "core/os/file.h"

enum err identity_path(struct run *run, char to[FOLDER_PATH_CHARS])
{
    struct folder_user user = folder_user_here();

    if (run->identity) {
        int n = snprintf(to, FOLDER_PATH_CHARS, "%s", run->identity);
        if (n <= 0 || n >= FOLDER_PATH_CHARS)
            return reason_give(&run->reason, ERR_USAGE, "--identity: not the name of a file");
        return OK;
    }
    if (folder_path(&user, FOLDER_CONFIG, "identity", to))
        return reason_give(&run->reason, ERR_USAGE,
                           "HOME is not set: say where the identity is with --identity FILE");
    return OK;
}

/* Makes the folder of the default identity. */
static enum err make_folder(struct run *run)
{
    struct folder_user user = folder_user_here();
    char folder[FOLDER_PATH_CHARS] = "";
    enum err e = folder_path(&user, FOLDER_CONFIG, "", folder);

    if (!e)
        e = file_make_folder(folder, 0700);
    return e ? reason_give(
                   &run->reason, e,
                   "cannot make the folder %.100s: choose another place with --identity FILE",
                   folder)
             : OK;
}

enum err identity_make(struct run *run, const char *path, struct key_pair *pair)
{
    char usual[FOLDER_PATH_CHARS];
    struct folder_user user = folder_user_here();
    enum err e = crypt_init();

    memset(pair, 0, sizeof *pair);
    if (e)
        return reason_give(&run->reason, e, "the system gives no randomness");
    if (folder_path(&user, FOLDER_CONFIG, "identity", usual) == OK && strcmp(usual, path) == 0) {
        e = make_folder(run);
        if (e)
            return e;
    }
    struct rng rng = crypt_rng();
    key_generate(pair, &rng);
    e = key_save(pair, path);
    if (e == ERR_EXISTS)
        return reason_give(&run->reason, e, "kept what is there already: %s", path);
    return e ? reason_give(&run->reason, e,
                           "cannot write the identity %.100s: choose another place with --identity "
                           "FILE",
                           path)
             : OK;
}

enum err identity_load(struct run *run, struct key_pair *pair)
{
    char path[FOLDER_PATH_CHARS];
    enum err e = identity_path(run, path);

    memset(pair, 0, sizeof *pair);
    if (e)
        return e;
    e = crypt_init();
    if (e)
        return reason_give(&run->reason, e, "the system gives no randomness");
    e = key_load(pair, path);
    if (e == ERR_NOT_FOUND && !run->identity) {
        /* Another process may be doing the same: whoever is first makes it. */
        struct run quiet = {0};
        e = identity_make(&quiet, path, pair);
        if (e == OK)
            log_info("made the identity %s", path);
        else if (e == ERR_EXISTS)
            e = key_load(pair, path);
        else
            return reason_give(&run->reason, e, "%s", reason_text(&quiet.reason, e));
    }
    if (e == ERR_NOT_FOUND)
        return reason_give(&run->reason, e, "no such identity (keygen -o makes it): %s", path);
    return e ? reason_give(&run->reason, e, "cannot use the identity: %s", path) : OK;
}
