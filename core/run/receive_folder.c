#include "core/run/receive_folder.h"

#include <stdio.h>
#include <string.h>

#include "core/base/log.h"
#include "core/os/file.h"
#include "core/os/folder.h"
#include "core/os/path.h"
#include "core/qemu/command_table.h"

enum { MOST_CHARS = 75 /* with /farspan-ID.qmp a socket's path */ };

/* A rule that can never count is a slip of the pen: says so before a guest needs it. */
static enum err look_at_rule(const struct command_rule *rule, struct reason *why)
{
    size_t n = rule->from[0] == '-';
    char option[64];

    switch (rule->kind) {
    case RULE_EMULATOR:
        if (path_look(rule->from) != PATH_FILE)
            return reason_give(why, ERR_USAGE, "the rule emulator %.120s: there is no such file",
                               rule->from);
        break;
    case RULE_MAP:
        if (path_look(rule->to) == PATH_NOTHING)
            log_warn("the rule map %.120s %.120s: there is no %.120s here", rule->from, rule->to,
                     rule->to);
        break;
    case RULE_ALLOW:
        snprintf(option, sizeof option, "%.*s", (int)strcspn(rule->from + n, ":."), rule->from + n);
        if (!command_table_row(option))
            log_warn("the rule allow %.60s: -%s is no option of QEMU that is known here",
                     rule->from, option);
        break;
    case RULE_NETDEV:
        break;
    }
    return OK;
}

enum err receive_folder_open(struct receive_folder *f, const char *dir, const char *rules,
                             bool overwrite, struct reason *why)
{
    char folder[FOLDER_PATH_CHARS];
    struct buf text;

    *f = (struct receive_folder){.overwrite = overwrite};
    enum path_kind kind = path_look(dir);
    if (kind != PATH_FOLDER || path_whole(dir, folder, sizeof folder))
        return reason_give(why, ERR_USAGE,
                           kind == PATH_NOTHING ? "--dir %.100s: there is no such folder"
                                                : "--dir %.100s: that is no folder",
                           dir);
    if (!path_writable(folder))
        return reason_give(why, ERR_USAGE,
                           "--dir %.100s: nothing can be written there, for QEMU's sockets and "
                           "disks",
                           dir);
    if (strlen(folder) > MOST_CHARS)
        return reason_give(why, ERR_USAGE, "--dir %.100s: longer than the path of a socket may be",
                           dir);
    buf_init(&text, COMMAND_RULES_BYTES);
    enum err e = rules ? file_read(rules, false, &text) : OK;
    if (e)
        e = reason_give(why, ERR_USAGE, "--rules %.100s cannot be read: %s", rules, err_text(e));
    else
        e = command_rules_read(&f->rules, folder, buf_bytes(&text), why);
    for (size_t i = 0; !e && i < f->rules.n; i++)
        e = look_at_rule(&f->rules.rule[i], why);
    buf_release(&text);
    return e;
}

void receive_folder_monitor(const struct receive_folder *f, const char *id,
                            char to[MOVE_PATH_CHARS + 1])
{
    snprintf(to, MOVE_PATH_CHARS + 1, "%s/farspan-%s.qmp", f->rules.folder, id);
}

static enum err plan(const struct receive_folder *f, const struct json_value *body, bool copy,
                     const struct guest_facts *offered, const char *monitor,
                     void (*tell)(void *ctx, const char *problem), void *ctx, struct reason *why,
                     struct guest_start **out)
{
    struct guest_start_config c = {.rules = &f->rules, .copy = copy, .overwrite = f->overwrite};

    return guest_start_new(&c, json_member(body, "command"), offered, monitor, tell, ctx, why, out);
}

enum err receive_folder_plan(const struct receive_folder *f, const struct json_value *body,
                             bool copy, const struct guest_facts *offered, const char *monitor,
                             struct reason *why, struct guest_start **out)
{
    *out = NULL;
    return f->rules.folder ? plan(f, body, copy, offered, monitor, NULL, NULL, why, out) : OK;
}

static void add_problem(void *ctx, const char *text)
{
    struct json *one = json_new();

    json_put_string(one, "says", text);
    json_append(ctx, one);
}

struct json *receive_folder_look(const struct receive_folder *f, const struct json_value *body,
                                 bool copy, const struct guest_facts *offered)
{
    struct json *problems = json_new_list();
    struct guest_start *start = NULL;
    char monitor[MOVE_PATH_CHARS + 1];
    struct reason why = {0};

    receive_folder_monitor(f, "0123456789abcdef", monitor);
    if (plan(f, body, copy, offered, monitor, add_problem, problems, &why, &start) == ERR_MEMORY)
        add_problem(problems, "out of memory");
    guest_start_free(start);
    return problems;
}

void receive_folder_release(struct receive_folder *f)
{
    command_rules_release(&f->rules);
}
