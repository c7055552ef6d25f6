#include "core/run/run_version.h"

#include "core/base/release.h"

enum err run_version(const struct run_version_config *config, struct run *run)
{
    struct json *j = json_new();

    (void)config;
    json_put_string(j, "event", "result");
    json_put_string(j, "version", VERSION);
    run_say(run, "farspan " VERSION);
    return run_event(run, j);
}
