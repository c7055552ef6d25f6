#include "cmd/cmd.h"
#include "core/run/run_keygen.h"

static const struct opt options[] = {
    {"output", 'o', OPT_STRING(run_keygen_config, output), "FILE",
     "make the identity here instead of in the default place"},
    {"show", 0, OPT_FLAG(run_keygen_config, show), NULL,
     "make nothing: print the public key of the identity that is there"},
    {0},
};

static const char *const about[] = {
    "An identity is a pair of keys. The file holds the secret one and is made with mode 0600; a "
    "file that is there already is kept, and the exit status is then 1. The public one is printed "
    "and goes into the authorized_keys of the servers that shall know you.",
    "The default place is /etc/farspan/identity for root and $XDG_CONFIG_HOME/farspan/identity "
    "(~/.config/farspan/identity) for others; $FARSPAN_HOME takes the place of all default "
    "folders. Commands that need an identity make the default one on first use.",
    NULL,
};

static const struct cmd_example examples[] = {
    {"farspan keygen", "makes the default identity and prints its public key"},
    {"farspan keygen --show", "prints the public key again"},
    {"farspan keygen -o backup.key --json", "makes another one and prints key and path as JSON"},
    {0},
};

static enum err keygen(void *config, struct run *run)
{
    return run_keygen(config, run);
}

const struct cmd cmd_keygen = {
    .name = "keygen",
    .summary = "make an identity and print its public key",
    .about = about,
    .options = options,
    .examples = examples,
    .config_bytes = sizeof(struct run_keygen_config),
    .run = keygen,
};
