#include "core/run/view_report.h"

#include <inttypes.h>
#include <stdio.h>

#include "core/base/log.h"
#include "core/base/num.h"

static void hash_text(const uint8_t hash[DESK_HASH_BYTES], char text[2 * DESK_HASH_BYTES + 1])
{
    for (size_t i = 0; i < DESK_HASH_BYTES; i++)
        snprintf(text + 2 * i, 3, "%02x", hash[i]);
}

enum err view_report_exact(struct view_report *r, uint64_t now_us, const struct viewer_exact *x)
{
    char text[2 * DESK_HASH_BYTES + 1];
    struct json *j = json_new();

    hash_text(x->hash, text);
    json_put_string(j, "event", "exact");
    json_put_int(j, "version", x->version);
    json_put_string(j, "hash", text);
    json_put_int(j, "since_start_us", (int64_t)(now_us - r->begun_us));
    return run_event(r->run, j);
}

static struct json *quantiles(const struct stat_hist *h)
{
    struct json *j = json_new();

    json_put_int(j, "p50", (int64_t)stat_quantile(h, 500));
    json_put_int(j, "p95", (int64_t)stat_quantile(h, 950));
    json_put_int(j, "p99", (int64_t)stat_quantile(h, 990));
    json_put_int(j, "max", (int64_t)h->max);
    return j;
}

static void put_figures(const struct view_report *r, const struct peer_path *path, struct json *j)
{
    const struct mirror *mirror = viewer_mirror(r->viewer);
    struct mirror_counters c;

    mirror_count(mirror, &c);
    json_put_int(j, "frames", (int64_t)r->frames);
    json_put_int(j, "in_bytes", (int64_t)path->received_bytes);
    json_put_int(j, "out_bytes", (int64_t)path->sent_bytes);
    json_put_int(j, "rtt_us", (int64_t)path->rtt_us);
    json_put_int(j, "silent_us", (int64_t)path->silent_us);
    json_put_int(j, "mtu_bytes", path->mtu_bytes);
    json_put_string(j, "ecn", path->ecn);
    json_put_int(j, "version", mirror_version(mirror));
    json_put_int(j, "updates", (int64_t)c.updates);
    json_put_int(j, "failures", (int64_t)c.failures);
    json_put(j, "delay_us", quantiles(&r->delay_us));
}

enum err view_report_stats(struct view_report *r, uint64_t now_us)
{
    struct json *j = json_new();
    struct peer_path path;

    peer_path(r->peer, now_us, &path);
    json_put_string(j, "event", "stats");
    put_figures(r, &path, j);
    if (!r->run->json)
        log_info("%" PRIu64 " pictures, %" PRIu64 " bytes in, %.1f ms round trip%s%s", r->frames,
                 path.received_bytes, (double)path.rtt_us / 1e3,
                 viewer_is_exact(r->viewer, NULL) ? ", exact now" : "",
                 path.silent ? ", reconnecting" : "");
    return run_event(r->run, j);
}

enum err view_report_result(struct view_report *r, uint64_t now_us, bool connected)
{
    struct json *j = json_new();
    char text[2 * DESK_HASH_BYTES + 1];
    struct viewer_exact x;
    struct peer_path path;
    bool exact = viewer_is_exact(r->viewer, &x);

    peer_path(r->peer, now_us, &path);
    json_put_string(j, "event", "result");
    put_figures(r, &path, j);
    json_put_bool(j, "exact", exact);
    if (exact) {
        hash_text(x.hash, text);
        json_put_int(j, "exact_version", x.version);
        json_put_string(j, "hash", text);
    }
    if (connected)
        run_say(r->run, "%" PRIu64 " pictures, %" PRIu64 " bytes, %s", r->frames,
                path.received_bytes,
                exact ? "exact: proven equal to the server's picture" : "not proven exact");
    return run_event(r->run, j);
}

void view_report_line(struct view_report *r, uint64_t now_us, char to[LINK_TEXT_CHARS])
{
    struct peer_path path;

    peer_path(r->peer, now_us, &path);
    uint64_t bytes = path.received_bytes - r->lined_bytes;
    uint64_t took_us = num_max(now_us - r->lined_us, 1);
    link_text(&path, r->lined_us ? bytes * 8000000 / took_us : 0, viewer_is_exact(r->viewer, NULL),
              r->view_only, to);
    r->lined_us = now_us;
    r->lined_bytes = path.received_bytes;
}
