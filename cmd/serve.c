#include "cmd/cmd.h"
#include "core/base/limits.h"
#include "core/run/run_serve.h"

static const char *const forms[] = {"[SOURCE] [OPTION]...", NULL};

static const char *const about[] = {
    "Streams a desktop to viewers over one encrypted UDP port. What they see ends bit exact: at "
    "rest both ends compare a hash of the picture, and both say so.",
    "SOURCE is x11[:DISPLAY] (the default when $DISPLAY is set), a running X server; test[:WxH] "
    "(the default otherwise), a small desktop that is drawn by farspan itself; or a FILE: an "
    "image, a y4m or ppm stream, or a recording.",
    "Somebody must be able to come in: either the viewer's public key (farspan keygen --show) "
    "stands with a role in authorized_keys (see farspan(1)), or --invite makes a ticket that is "
    "good for one "
    "viewer. The ticket is printed once and is a secret; give it to farspan view.",
    "SIGHUP reads the keys anew and ends the sessions whose key is gone. SIGTERM and SIGINT end "
    "the server in order. Under systemd it says when it is ready (Type=notify) and takes a socket "
    "(--listen fd:3); a sample unit for a user's desktop is installed: systemctl --user enable "
    "--now farspan-serve.",
    "The program of --hook gets the event as its argument, connected, moved, control or "
    "disconnected, and in its environment FARSPAN_EVENT, FARSPAN_VIEWER (a number; 0 in control: "
    "nobody) and, as far as the event has them, FARSPAN_ADDRESS, FARSPAN_KEY, FARSPAN_ROLES and "
    "FARSPAN_REASON. One runs at a time, for ten seconds at the most; no shell is in between.",
    "With --json these are events on standard output as well, beside listening (address, key, "
    "ticket), exact (viewer, version) and, with --stats, stats.",
    NULL,
};

static const struct arg args[] = {
    {"SOURCE", OPT_STRING(run_serve_config, source), "what to stream", .optional = true},
    {0},
};

static const struct opt options[] = {
    {"listen", 0, OPT_ADDRESS(run_serve_config, listen), "A:P",
     "listen on this address; port 0 picks a free one, fd:N is an inherited socket; default every "
     "address, port 7470"},
    {"advertise", 0, OPT_ADDRESS(run_serve_config, advertise), "HOST",
     "the host that the ticket names when listening on every address"},
    {"authorized", 0, OPT_STRING(run_serve_config, authorized), "FILE",
     "who may come in: `KEY role[,role] [name]` a line; default authorized_keys in the "
     "configuration folder (see farspan(1))"},
    {"invite", 0, OPT_STRING(run_serve_config, invite), "ROLE[,uses=N]",
     "make a ticket for one viewer, or N, with the role view or control", .bare = "control"},
    {"invite-for", 0, OPT_TIME(run_serve_config, invite_for_us), "T",
     "how long the ticket can be used the first time", "10min"},
    {"patience", 0, OPT_TIME(run_serve_config, patience_us), "T",
     "how long a viewer's session outlives an outage, from 5s: silence ends it after this time",
     "2min", .min = LIMIT_PATIENCE_LEAST_S * 1000000ull, .max = LIMIT_PATIENCE_MOST_S * 1000000ull},
    {"rate", 0, OPT_RATE(run_serve_config, rate_bps), "R",
     "bits a second for each viewer at the most; without it what the path takes"},
    {"fps", 0, OPT_NUMBER(run_serve_config, fps), "N",
     "captures a second at the most (without it 60), and the pace of a FILE that has none of its "
     "own (without it 30)",
     .min = 1, .max = 240},
    {"record", 0, OPT_STRING(run_serve_config, record), "FILE.fsr",
     "record what viewers are shown, exactly, in a file that only you can read; while nobody looks "
     "nothing is recorded"},
    {"hook", 0, OPT_STRING(run_serve_config, hook), "PROGRAM",
     "start this program whenever a viewer comes, moves, goes or takes control"},
    {"view-only", 0, OPT_FLAG(run_serve_config, view_only), NULL, "take nobody's input"},
    {"once", 0, OPT_FLAG(run_serve_config, once), NULL, "end with the first viewer's session"},
    {"stats", 0, OPT_FLAG(run_serve_config, stats), NULL,
     "tell figures of each viewer every second"},
    {0},
};

static const struct cmd_example examples[] = {
    {"farspan serve test --invite --listen 127.0.0.1:0",
     "serves the built-in desktop to one viewer on this machine"},
    {"farspan serve x11:0 --invite=view --advertise desk.example.org",
     "lets one person look at display :0 from elsewhere"},
    {"farspan serve --json --once --authorized keys", "for a script: one session, events as JSON"},
    {0},
};

static enum err serve(void *config, struct run *run)
{
    return run_serve(config, run);
}

const struct cmd cmd_serve = {
    .name = "serve",
    .summary = "stream a desktop to viewers",
    .forms = forms,
    .about = about,
    .args = args,
    .options = options,
    .examples = examples,
    .config_bytes = sizeof(struct run_serve_config),
    .run = serve,
};
