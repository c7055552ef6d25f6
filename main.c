/* farspan: the table of commands, and dispatch by argv[0] or argv[1]. */
#include <stdio.h>
#include <string.h>

#include "cmd/opt.h"
#include "cmd/page.h"
#include "core/base/log.h"

extern const struct cmd cmd_bench, cmd_encode, cmd_help, cmd_keygen, cmd_migrate, cmd_serve,
    cmd_version, cmd_view;

const struct cmd *const cmd_table[] = {
    &cmd_bench, &cmd_encode,  &cmd_help, &cmd_keygen, &cmd_migrate,
    &cmd_serve, &cmd_version, &cmd_view, NULL,
};

static int finish(struct run *run, enum err e)
{
    if (!e && (fflush(stdout) != 0 || ferror(stdout)))
        e = reason_give(&run->reason, ERR_SYSTEM, "cannot write to standard output");
    return run_exit(run, e);
}

static int call(const struct cmd *cmd, char **words, int n)
{
    struct arena arena;
    struct opt_parsed p;

    arena_init(&arena, 1024 * 1024 + (size_t)n * 1024);
    enum err e = opt_parse(cmd, words, n, &arena, &p);
    if (!e && p.help) {
        e = page_show(PAGE_HELP, p.cmd, &p.run);
    } else if (!e) {
        log_set_level(p.run.quiet ? LOG_ERROR : p.run.verbose ? LOG_DEBUG : LOG_INFO);
        e = p.cmd->run(p.config, &p.run);
    }
    int status = finish(&p.run, e);
    arena_release(&arena);
    return status;
}

int main(int argc, char **argv)
{
    const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
    const char *name = slash ? slash + 1 : argc > 0 ? argv[0] : "farspan";
    const struct cmd *cmd = opt_find(cmd_table, name);
    struct run run = {0};

    run_begin();
    if (cmd)
        return call(cmd, argv + 1, argc - 1);
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return call(&cmd_help, NULL, 0);
    if (strcmp(argv[1], "--version") == 0)
        return call(&cmd_version, NULL, 0);
    cmd = opt_find(cmd_table, argv[1]);
    if (cmd)
        return call(cmd, argv + 2, argc - 2);
    for (int i = 1; i < argc; i++)
        run.json |= strcmp(argv[i], "--json") == 0;
    return run_exit(
        &run, reason_give(&run.reason, ERR_USAGE, "no command %.60s (see: farspan help)", argv[1]));
}
