#include "cmd/cmd.h"
#include "core/run/run_version.h"

static const char *const about[] = {
    "Prints the version. With --json it also names every wire and file format with the major "
    "version that this build writes: programs of two neighbouring releases understand each other.",
    NULL,
};

static const struct opt options[] = {
    {"licenses", 0, OPT_FLAG(run_version_config, licenses), NULL,
     "print the notices of the libraries linked into this program"},
    {0},
};

static const struct cmd_example examples[] = {
    {"farspan version --json", "names the wire and file formats that this build knows"},
    {"farspan version --licenses", "prints the licences of everything in the program"},
    {0},
};

static enum err version(void *config, struct run *run)
{
    return run_version(config, run);
}

const struct cmd cmd_version = {
    .name = "version",
    .summary = "print the version, the formats it knows, or the licences of its parts",
    .about = about,
    .options = options,
    .examples = examples,
    .config_bytes = sizeof(struct run_version_config),
    .run = version,
};
