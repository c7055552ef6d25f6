#include "cmd/page.h"

#include <string.h>

#include "cmd/opt.h"
#include "core/base/heap.h"
#include "core/base/release.h"

enum { WIDTH = 80, COLUMN = 26, PAGE_BYTES = 64 * 1024 };

/* Prints the words of `text` from column `at` on, wrapped, later lines indented by `indent`. */
static void wrapped(FILE *to, const char *text, size_t at, size_t indent)
{
    for (bool first = true; *text; first = false) {
        size_t n = strcspn(text, " ");
        if (!first && at + 1 + n > WIDTH) {
            fprintf(to, "\n%*s", (int)indent, "");
            at = indent;
        } else if (!first) {
            fputc(' ', to);
            at++;
        }
        fwrite(text, 1, n, to);
        at += n;
        text += n;
        text += strspn(text, " ");
    }
    fputc('\n', to);
}

/* Prints a term in the left column and its explanation in the right one. */
static void item(FILE *to, const char *term, const char *says)
{
    size_t n = strlen(term) + 2;

    fprintf(to, "  %s", term);
    if (n + 2 > COLUMN) {
        fprintf(to, "\n%*s", COLUMN, "");
        n = COLUMN;
    }
    fprintf(to, "%*s", (int)(COLUMN - n), "");
    wrapped(to, says, COLUMN, COLUMN);
}

/* "-l, --listen A:P" or "--invite[=ROLE]". */
static const char *option_term(const struct opt *o, char *space, size_t room)
{
    char letter[8] = "";

    if (o->letter)
        snprintf(letter, sizeof letter, "-%c, ", o->letter);
    snprintf(space, room,
             o->bare    ? "%s--%s[=%s]"
             : o->value ? "%s--%s %s"
                        : "%s--%s%s",
             letter, o->name, o->value ? o->value : "");
    return space;
}

static const char *option_says(const struct opt *o, char *space, size_t room)
{
    snprintf(space, room, "%s%s%s%s%s%s", o->help, o->preset ? " (default: " : "",
             o->preset ? o->preset : "", o->preset ? ")" : "",
             o->kind == OPT_KIND_LIST ? "; may be given several times" : "", ".");
    return space;
}

static void options(FILE *to, const char *title, const struct opt *rows)
{
    char term[80], says[512];

    if (!rows || !rows->name)
        return;
    fprintf(to, "\n%s:\n", title);
    for (const struct opt *o = rows; o->name; o++)
        item(to, option_term(o, term, sizeof term), option_says(o, says, sizeof says));
}

/* "TARGET", "[SOURCE]", "INPUT..." */
static const char *arg_term(const struct arg *a, char *space, size_t room)
{
    const char *more = a->kind == OPT_KIND_LIST ? "..." : "";

    snprintf(space, room, a->optional ? "[%s%s]" : "%s%s", a->name, more);
    return space;
}

/* Calls for every synopsis line: the command's own forms, else one made from its tables. */
static void synopsis(FILE *to, const struct cmd *cmd, const char *before, const char *after)
{
    char term[80];

    for (const char *const *f = cmd->forms; f && *f; f++)
        fprintf(to, "%sfarspan %s%s%s%s", before, cmd->name, **f ? " " : "", *f, after);
    if (cmd->forms)
        return;
    fprintf(to, "%sfarspan %s", before, cmd->name);
    if (cmd->options)
        fputs(" [OPTION]...", to);
    for (const struct arg *a = cmd->args; a && a->name; a++)
        fprintf(to, " %s", arg_term(a, term, sizeof term));
    if (cmd->subs)
        fputs(cmd->run ? " [SUBCOMMAND ...]" : " SUBCOMMAND ...", to);
    fputs(after, to);
}

static void commands(FILE *to, const struct cmd *const *table)
{
    for (; table && *table; table++)
        item(to, (*table)->name, (*table)->summary);
}

void page_overview(const struct cmd *const *table, FILE *to)
{
    fputs("farspan " VERSION ": streams desktops and makes virtual machines independent of\n"
          "the site they are in\n\nUsage: farspan COMMAND [OPTION]... [ARGUMENT]...\n\n"
          "Commands:\n",
          to);
    commands(to, table);
    options(to, "Options of every command", opt_common);
    item(to, "-h, --help", "explain the command.");
    fputs("\n`farspan help COMMAND` explains one command.\n", to);
}

void page_help(const struct cmd *cmd, FILE *to)
{
    fprintf(to, "farspan %s: ", cmd->name);
    wrapped(to, cmd->summary, strlen(cmd->name) + 10, 4);
    fputc('\n', to);
    synopsis(to, cmd, "  ", "\n");
    for (const char *const *p = cmd->about; p && *p; p++) {
        fputc('\n', to);
        wrapped(to, *p, 0, 0);
    }
    if (cmd->subs) {
        fputs("\nSubcommands:\n", to);
        commands(to, cmd->subs);
    }
    if (cmd->args && cmd->args->name) {
        fputs("\nArguments:\n", to);
        for (const struct arg *a = cmd->args; a->name; a++)
            item(to, a->name, a->help);
    }
    options(to, "Options", cmd->options);
    options(to, "Options of every command", opt_common);
    item(to, "-h, --help", "explain the command.");
    if (cmd->examples && cmd->examples->line)
        fputs("\nExamples:\n", to);
    for (const struct cmd_example *e = cmd->examples; e && e->line; e++)
        fprintf(to, "  %s\n      %s\n", e->line, e->says);
}

/* Prints text so that troff takes every character as itself. */
static void troff(FILE *to, const char *text)
{
    if (*text == '.' || *text == '\'')
        fputs("\\&", to);
    for (; *text; text++)
        if (*text == '\\')
            fputs("\\e", to);
        else if (*text == '-')
            fputs("\\-", to);
        else
            fputc(*text, to);
}

static void troff_item(FILE *to, const char *term, const char *says)
{
    fputs(".TP\n.B ", to);
    troff(to, term);
    fputc('\n', to);
    troff(to, says);
    fputc('\n', to);
}

static void troff_options(FILE *to, const struct opt *rows)
{
    char term[80], says[512];

    for (const struct opt *o = rows; o && o->name; o++)
        troff_item(to, option_term(o, term, sizeof term), option_says(o, says, sizeof says));
}

static void troff_common(FILE *to)
{
    fputs(".SH OPTIONS OF EVERY COMMAND\n", to);
    troff_options(to, opt_common);
    troff_item(to, "-h, --help", "explain the command.");
    fputs(".SH EXIT STATUS\n", to);
    troff_item(to, "0", "done, also when the other side ended the work as agreed");
    troff_item(to, "1", "failed");
    troff_item(to, "2", "wrong usage");
    troff_item(to, "3", "the other side was not reached, died, or did not answer in time");
    troff_item(to, "4", "refused: authentication, authorisation, busy, or not supported");
    troff_item(to, "5", "verification failed: bytes differ");
    troff_item(to, "6", "undecided: a person must decide; never retry on it");
    troff_item(to, "128+n",
               "ended by signal n after a clean close; servers end 0 on SIGTERM and "
               "SIGINT");
}

/* "bench link" becomes the page name "farspan-bench-link". */
static void page_name(FILE *to, const char *name)
{
    fputs("farspan\\-", to);
    for (; *name; name++)
        fputs(*name == ' ' ? "\\-" : (char[]){*name, 0}, to);
}

static void troff_commands(FILE *to, const struct cmd *const *table)
{
    for (; table && *table; table++) {
        fputs(".TP\n.BR ", to);
        page_name(to, (*table)->name);
        fputs(" (1)\n", to);
        troff(to, (*table)->summary);
        fputc('\n', to);
    }
}

void page_manual(const struct cmd *cmd, FILE *to)
{
    fputs(".TH ", to);
    page_name(to, cmd->name);
    fputs(" 1 \"\" \"farspan " VERSION "\"\n.SH NAME\n", to);
    page_name(to, cmd->name);
    fputs(" \\- ", to);
    troff(to, cmd->summary);
    fputs("\n.SH SYNOPSIS\n.nf\n", to);
    synopsis(to, cmd, "", "\n");
    fputs(".fi\n", to);
    if (cmd->about || cmd->args)
        fputs(".SH DESCRIPTION\n", to);
    for (const char *const *p = cmd->about; p && *p; p++) {
        fputs(".PP\n", to);
        troff(to, *p);
        fputc('\n', to);
    }
    for (const struct arg *a = cmd->args; a && a->name; a++)
        troff_item(to, a->name, a->help);
    if (cmd->subs)
        fputs(".SH SUBCOMMANDS\n", to);
    troff_commands(to, cmd->subs);
    if (cmd->options)
        fputs(".SH OPTIONS\n", to);
    troff_options(to, cmd->options);
    troff_common(to);
    if (cmd->examples && cmd->examples->line)
        fputs(".SH EXAMPLES\n", to);
    for (const struct cmd_example *e = cmd->examples; e && e->line; e++)
        troff_item(to, e->line, e->says);
    fputs(".SH SEE ALSO\n.BR farspan (1)\n", to);
}

void page_manual_overview(const struct cmd *const *table, FILE *to)
{
    fputs(".TH farspan 1 \"\" \"farspan " VERSION "\"\n.SH NAME\n"
          "farspan \\- streams desktops and makes virtual machines independent of their site\n"
          ".SH SYNOPSIS\n.B farspan\n.I COMMAND\n[OPTION]... [ARGUMENT]...\n"
          ".SH DESCRIPTION\n"
          "One program streams a desktop over any network so that it feels local and ends bit\n"
          "exact.\n"
          "A command can also be called by its own name through a link to the program.\n"
          ".PP\n"
          "To see it work on one machine:\n"
          ".PP\n.nf\n"
          "farspan serve test \\-\\-invite    # prints a ticket\n"
          "farspan view TICKET            # in another terminal\n"
          ".fi\n.PP\n"
          "Rates are bits a second (20M), sizes bytes (64MiB), times 250ms, 10s or 10min,\n"
          "probabilities 1%.\n"
          "An address is HOST:PORT, [::1]:PORT or HOST, whose port is 7470 then.\n"
          ".SH COMMANDS\n",
          to);
    troff_commands(to, table);
    troff_common(to);
    fputs(".SH FILES\n"
          "They are in /etc/farspan for root and in $XDG_CONFIG_HOME/farspan (~/.config/farspan)\n"
          "for others.\n",
          to);
    troff_item(to, "identity", "the pair of keys that is you; made on first use, mode 0600");
    troff_item(to, "authorized_keys",
               "who may come in: `KEY role[,role] [name]` a line; the roles are view, control, "
               "which may also type and point, migrate and bench");
    troff_item(to, "known_hosts",
               "the servers whose keys were accepted: `HOST:PORT KEY` a line; take a line away "
               "when its server has a new key, and compare that with what its owner says");
    fputs(".SH ENVIRONMENT\n", to);
    troff_item(to, "FARSPAN_HOME",
               "takes the place of all default folders (below it: config, state, cache, run)");
    troff_item(to, "FARSPAN_TICKET", "the ticket, where none is given");
    troff_item(to, "DISPLAY", "the X display to serve, or to open a window on");
}

static void names(const struct cmd *const *table, FILE *to)
{
    for (; table && *table; table++) {
        fprintf(to, "%s\n", (*table)->name);
        names((*table)->subs, to);
    }
}

static void print(enum page_kind kind, const struct cmd *cmd, FILE *to)
{
    if (kind == PAGE_NAMES)
        names(cmd_table, to);
    else if (kind == PAGE_MANUAL)
        cmd ? page_manual(cmd, to) : page_manual_overview(cmd_table, to);
    else
        cmd ? page_help(cmd, to) : page_overview(cmd_table, to);
}

enum err page_show(enum page_kind kind, const struct cmd *cmd, struct run *run)
{
    if (!run->json) {
        print(kind, cmd, stdout);
        return OK;
    }
    char *text = heap_alloc(PAGE_BYTES);
    FILE *to = text ? fmemopen(text, PAGE_BYTES, "w") : NULL;
    enum err e = ERR_MEMORY;
    if (to) {
        print(kind, cmd, to);
        bool whole = fclose(to) == 0;
        struct json *j = json_new();
        json_put_string(j, "event", "result");
        json_put_string(j, "text", whole ? text : NULL);
        e = run_event(run, j);
    }
    heap_free(text);
    return e;
}
