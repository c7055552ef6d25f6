#include <string.h>

#include "cmd/cmd.h"
#include "cmd/opt.h"
#include "cmd/page.h"

struct help_config {
    struct parse_list words;
    bool man;
    bool list;
};

static const char *const about[] = {
    "Explains one command, or lists all of them. What stands here and in the manual pages comes "
    "from the same tables that the command line is read with.",
    NULL,
};

static const struct opt options[] = {
    {"man", 0, OPT_FLAG(help_config, man), NULL, "print the manual page in troff instead"},
    {"list", 0, OPT_FLAG(help_config, list), NULL, "print the names of all commands"},
    {0},
};

static const struct arg args[] = {
    {"COMMAND", OPT_LIST(help_config, words), "the command to explain, with its subcommand", true},
    {0},
};

static const struct cmd_example examples[] = {
    {"farspan help keygen", "explains keygen"},
    {"farspan help --man help", "prints the manual page of this command"},
    {0},
};

static enum err help(void *config, struct run *run)
{
    const struct help_config *c = config;
    const struct cmd *const *table = cmd_table;
    const struct cmd *cmd = NULL;

    bool whole = c->words.n && strcmp(c->words.item[0], "farspan") == 0;

    for (size_t i = whole; i < c->words.n; i++) {
        cmd = opt_find(table, c->words.item[i]);
        if (!cmd)
            return reason_give(&run->reason, ERR_USAGE, "no command %.60s (see: farspan help)",
                               c->words.item[i]);
        table = cmd->subs;
    }
    return page_show(c->list ? PAGE_NAMES : c->man ? PAGE_MANUAL : PAGE_HELP, cmd, run);
}

const struct cmd cmd_help = {
    .name = "help",
    .summary = "explain farspan or one of its commands",
    .about = about,
    .args = args,
    .options = options,
    .examples = examples,
    .config_bytes = sizeof(struct help_config),
    .run = help,
};
