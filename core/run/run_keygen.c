#include "core/run/run_keygen.h"

#include "core/run/identity.h"

static enum err show(struct run *run, const char *path, struct key_pair *pair)
{
    enum err e = key_load(pair, path);

    if (e == ERR_NOT_FOUND)
        return reason_give(&run->reason, e, "no such identity: %s", path);
    return e ? reason_give(&run->reason, e, "cannot use the identity: %s", path) : OK;
}

static enum err print(struct run *run, const char *path, const struct key_pair *pair)
{
    char text[KEY_TEXT_CHARS + 1];
    struct json *j = json_new();

    key_to_text(pair->public, text);
    json_put_string(j, "event", "result");
    json_put_string(j, "key", text);
    json_put_string(j, "path", path);
    run_say(run, "%s", text);
    return run_event(run, j);
}

enum err run_keygen(const struct run_keygen_config *config, struct run *run)
{
    char path[FOLDER_PATH_CHARS];
    struct key_pair pair = {0};

    if (config->output)
        run->identity = config->output;
    enum err e = identity_path(run, path);
    if (!e)
        e = config->show ? show(run, path, &pair) : identity_make(run, path, &pair);
    if (!e)
        e = print(run, path, &pair);
    key_wipe(&pair);
    return e;
}
