#include "core/run/channel_names.h"

#include <string.h>

#include "core/os/unix_socket.h"
#include "core/wire/channel.h"

static enum err read_name(const char *text, struct run *run, struct channel_name *out)
{
    const char *equals = strchr(text, '='), *slash = strchr(text, '/');
    bool named = equals && (!slash || equals < slash);
    const char *path = named ? equals + 1 : text, *last = strrchr(path, '/');
    struct bytes name = named  ? bytes_of(text, (size_t)(equals - text))
                        : last ? bytes_of_string(last + 1)
                               : bytes_of_string(path);

    if (strlen(path) > UNIX_SOCKET_PATH_CHARS || path[0] == 0)
        return reason_give(&run->reason, ERR_USAGE,
                           "migrate relay: the path of a socket has 1 to %d characters: %s",
                           UNIX_SOCKET_PATH_CHARS, text);
    if (!channel_name_right(name))
        return reason_give(&run->reason, ERR_USAGE,
                           "migrate relay: a socket's name is made of letters, digits, '-', '_' "
                           "and '.': give it one, as in --socket disk=%s",
                           path);
    memset(out, 0, sizeof *out);
    memcpy(out->name, name.p, name.n);
    out->path = path;
    return OK;
}

enum err channel_names_parse(const struct parse_list *list, struct run *run,
                             struct channel_name *out, size_t *n)
{
    if (list->n == 0 || list->n > LIMIT_CHANNEL_NAMES)
        return reason_give(&run->reason, ERR_USAGE,
                           "migrate relay: needs 1 to %d sockets, as in --socket /run/vm1.sock",
                           LIMIT_CHANNEL_NAMES);
    for (*n = 0; *n < list->n; ++*n) {
        enum err e = read_name(list->item[*n], run, &out[*n]);
        if (e)
            return e;
        for (size_t i = 0; i < *n; i++)
            if (strcmp(out[i].name, out[*n].name) == 0)
                return reason_give(&run->reason, ERR_USAGE,
                                   "migrate relay: two sockets have the name %s: give one another, "
                                   "as in --socket other=%s",
                                   out[i].name, out[*n].path);
    }
    return OK;
}
