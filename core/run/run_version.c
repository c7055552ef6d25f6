#include "core/run/run_version.h"

#include "core/base/num.h"
#include "core/base/release.h"
#include "core/codec/fsr.h"
#include "core/wire/packet.h"
#include "third_party/notices.h"

/* Every format that leaves the process; a row is {name, major version}. */
static const struct {
    const char *name;
    int major;
} formats[] = {
    {"identity", 1}, /* key.h */
    {"session", PACKET_VERSION},
    {"fsr", FSR_MAJOR},
};

static struct json *list_formats(void)
{
    struct json *all = json_new();

    for (size_t i = 0; i < COUNT_OF(formats); i++) {
        struct json *one = json_new();
        json_put_int(one, "major", formats[i].major);
        json_put(all, formats[i].name, one);
    }
    return all;
}

enum err run_version(const struct run_version_config *config, struct run *run)
{
    struct json *j = json_new();

    json_put_string(j, "event", "result");
    json_put_string(j, "version", VERSION);
    json_put(j, "formats", list_formats());
    if (config->licenses)
        json_put_string(j, "licenses", notices_text);
    run_say(run, "%s", config->licenses ? notices_text : "farspan " VERSION);
    return run_event(run, j);
}
