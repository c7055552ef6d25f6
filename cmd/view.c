#include "cmd/call_opt.h"
#include "cmd/cmd.h"
#include "core/base/limits.h"
#include "core/run/run_view.h"

static const char *const forms[] = {"[TARGET|TICKET|-|@FILE] [OPTION]...", NULL};

static const char *const about[] = {
    "Shows a desktop that farspan serve streams, in a window or into a file, and carries keys and "
    "pointer to it.",
    "The target is a HOST[:PORT] whose server knows this user's key, or a ticket; `-` reads it "
    "from standard input, @FILE from a file (its first ticket, if it has one), and without one "
    "$FARSPAN_TICKET is taken, so that no secret need stand in a process list. A ticket says which "
    "key the server must have. That of a "
    "HOST is looked up in known_hosts (see farspan(1)); an unknown one is asked about on a "
    "terminal, and refused in a script unless --accept-new says otherwise.",
    "With --until exact it ends with 0 when a picture captured after it came, and after the effect "
    "of the last line of --input, was proven equal to the server's by hash.",
    "In the window Ctrl+Alt+Return fills the screen and goes back, and Ctrl+Alt+I shows and hides "
    "a "
    "line that says how the link is: where the server is, the round trip, what comes in a second, "
    "and whether the picture is exact now. On a terminal that line stands below the messages while "
    "the picture goes elsewhere. All other keys go to the far desktop.",
    "An input script has one act a line: `key ctrl+Return`, `key down shift`, `type TEXT`, `move X "
    "Y`, `click [N]`, `button N down`, `scroll DX DY`, `wait T`, `sync` (until the picture is "
    "exact). Keys have the names of X keysyms, such as Return, Left or F5. Lines that begin with # "
    "are left out.",
    "When the network fails the session waits and goes on where it was, from any address, for as "
    "long as both ends have patience: each has its own.",
    "With --json there are the events connected and moved (address, transport), exact (version, "
    "hash), with --stats stats, and at the end result (frames, in_bytes, out_bytes, delay_us ...) "
    "or error.",
    NULL,
};

static const struct arg args[] = {
    {"TARGET", OPT_STRING(run_view_config, target), "the server, or a ticket from it",
     .optional = true},
    {0},
};

static const struct opt options[] = {
    {"to", 0, OPT_STRING(run_view_config, to), "SINK",
     "where the picture goes: x11[:DISPLAY] (the default when $DISPLAY is set), null, FILE.png "
     "(the "
     "last picture), FILE.y4m, FILE.ppm, FILE.fsr"},
    {"until", 0, OPT_STRING(run_view_config, until), "exact",
     "end when the picture is proven exact"},
    {"frames", 0, OPT_NUMBER(run_view_config, frames), "N", "end after N pictures"},
    {"for", 0, OPT_TIME(run_view_config, for_us), "T",
     "end after this time; 3 when no picture came in it"},
    {"patience", 0, OPT_TIME(run_view_config, patience_us), "T",
     "how long the session outlives an outage, from 5s: silence of the server ends it with 3 "
     "after this time",
     "2min", .min = LIMIT_PATIENCE_LEAST_S * 1000000ull, .max = LIMIT_PATIENCE_MOST_S * 1000000ull},
    {"input", 0, OPT_STRING(run_view_config, input), "FILE",
     "carry out this script of keys and pointer; `-`: from standard input"},
    {"accept-new", 0, OPT_FLAG(run_view_config, accept_new), NULL,
     "trust a host that is not known yet, and remember its key"},
    CALL_OPT_TCP(run_view_config),
    {"stats", 0, OPT_FLAG(run_view_config, stats), NULL, "tell figures every second"},
    {0},
};

static const struct cmd_example examples[] = {
    {"farspan view @ticket", "shows the desktop in a window"},
    {"farspan view @ticket --to shot.png --until exact", "takes a picture of it, bit exact"},
    {"farspan view desk.example.org --input keys.txt --until exact --to after.png --json",
     "types, waits for the effect, and shows it"},
    {0},
};

static enum err view(void *config, struct run *run)
{
    return run_view(config, run);
}

const struct cmd cmd_view = {
    .name = "view",
    .summary = "show a served desktop, or take it into a file",
    .forms = forms,
    .about = about,
    .args = args,
    .options = options,
    .examples = examples,
    .config_bytes = sizeof(struct run_view_config),
    .run = view,
};
