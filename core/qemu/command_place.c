#include "core/qemu/command_place.h"

#include <stdio.h>
#include <string.h>

#include "core/base/num.h"

enum { PATH_CHARS = 4096 };

/* Appends one part of a path; ".." takes one away. */
static bool append_part(char *to, size_t *n, const char *part, size_t part_n)
{
    if (part_n == 0 || (part_n == 1 && part[0] == '.'))
        return true;
    if (part_n == 2 && part[0] == '.' && part[1] == '.') {
        while (*n && to[--*n] != '/')
            ;
        return true;
    }
    if (*n + 1 + part_n >= PATH_CHARS)
        return false;
    to[(*n)++] = '/';
    memcpy(to + *n, part, part_n);
    *n += part_n;
    return true;
}

static bool append_path(char *to, size_t *n, const char *path)
{
    while (*path) {
        size_t part_n = strcspn(path, "/");
        if (!append_part(to, n, path, part_n))
            return false;
        path += part_n;
        path += *path == '/';
    }
    return true;
}

/* The path from the root on, without "." and "..". */
static bool whole_path(const char *folder, const char *path, char to[PATH_CHARS])
{
    size_t n = 0;

    if (path[0] != '/' && !append_path(to, &n, folder))
        return false;
    if (!append_path(to, &n, path) || n == 0)
        return false;
    to[n] = 0;
    return true;
}

/* Whether QEMU would not read it as the name of a file: "nbd:...", "json:{...}". */
static bool has_scheme(const char *path)
{
    size_t n = strcspn(path, ":/");

    return n && path[n] == ':';
}

static bool is_taken(const struct command_plan *p, const char *from, const char *to,
                     enum command_file_kind kind)
{
    for (size_t i = 0; i < p->files; i++) {
        const struct command_file *f = &p->file[i];
        if (strcmp(f->to, to) == 0 && (f->kind != kind || strcmp(f->from, from) != 0))
            return true;
    }
    return false;
}

/* Whether a name in the folder may be one of those that belong to a move: its monitor, its log, its
 * list of what was made. */
static bool is_moves(const char *name)
{
    static const char *const ends[] = {".qmp", ".log", ".made"};
    size_t n = strlen(name);

    for (size_t i = 0; i < COUNT_OF(ends); i++)
        if (strncmp(name, "farspan-", 8) == 0 && n > strlen(ends[i]) &&
            strcmp(name + n - strlen(ends[i]), ends[i]) == 0)
            return true;
    return false;
}

/* Where that file would be; false: it has no place here, which was told. */
static bool find_place(const struct command_plan *p, const struct command_wish *wish,
                       const char *from, enum command_file_kind kind, struct problems *told,
                       char to[2 * PATH_CHARS])
{
    char whole[PATH_CHARS];

    if (!*from || has_scheme(from) || !whole_path(wish->folder, from, whole)) {
        problems_tell(
            told, "%.100s is no file that could be there too: only local files can be taken over",
            from);
        return false;
    }
    const struct command_rule *map = command_rules_map(wish->rules, whole);
    if (map)
        snprintf(to, (size_t)2 * PATH_CHARS, "%s%s", strcmp(map->to, "/") == 0 ? "" : map->to,
                 whole + (strcmp(map->from, "/") == 0 ? 0 : strlen(map->from)));
    else
        snprintf(to, (size_t)2 * PATH_CHARS, "%s%s", wish->rules->folder, strrchr(whole, '/'));
    if (!is_taken(p, from, to, kind) && (map || !is_moves(strrchr(whole, '/') + 1)))
        return true;
    problems_tell(told, "%.80s would be %.60s, as another one: give receive a rule: map %.40s PATH",
                  from, to, whole);
    return false;
}

enum err command_place(struct command_plan *p, const struct command_wish *wish, const char *from,
                       enum command_file_kind kind, struct problems *told, const char **to)
{
    char path[2 * PATH_CHARS];

    *to = NULL;
    if (strncmp(from, "file:", 5) == 0)
        from += 5;
    if (!find_place(p, wish, from, kind, told, path))
        return OK;
    if (p->files == COMMAND_PLAN_FILES)
        return ERR_LIMIT;
    struct command_file f = {kind, command_plan_copy(p, from), command_plan_copy(p, path)};
    if (!f.from || !f.to)
        return ERR_MEMORY;
    p->file[p->files++] = f;
    *to = f.to;
    return OK;
}
