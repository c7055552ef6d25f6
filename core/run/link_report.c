#include "core/run/link_report.h"

#include "core/base/log.h"
#include "core/base/num.h"

/* What the end that sends payload sees of the path. */
static void path_of_sender(const struct link_report *r, uint64_t now_us, struct trial_report *out)
{
    if (trial_end_sends(r->end))
        trial_end_report(r->end, now_us, 0, out);
    else
        *out = r->end->far;
}

static struct json *quantiles(const struct stat_hist *h, uint64_t less)
{
    struct json *j = json_new();

    json_put_int(j, "p50", (int64_t)num_sub0(stat_quantile(h, 500), less));
    json_put_int(j, "p95", (int64_t)num_sub0(stat_quantile(h, 950), less));
    json_put_int(j, "p99", (int64_t)num_sub0(stat_quantile(h, 990), less));
    json_put_int(j, "max", (int64_t)num_sub0(h->max, less));
    return j;
}

/* ---- as it goes ---- */

/* The rate delivered since the last interval, as far as the counts go. */
static uint64_t rate_since(struct link_report *r)
{
    const struct trial_log *l = r->log;
    const struct trial_log_count *now = l->n ? &l->counts[l->n - 1] : NULL;
    uint64_t from_us = r->told.at_us ? r->told.at_us : l->begun_us, rate_bps = 0;

    if (now && now->at_us > from_us)
        rate_bps = num_mul_div(now->bytes - r->told.bytes, 8000000, now->at_us - from_us);
    if (now)
        r->told = *now;
    return rate_bps;
}

enum err link_report_interval(struct link_report *r, uint64_t now_us)
{
    struct json *j = json_new();
    struct trial_report path;
    uint64_t rate_bps = rate_since(r);

    path_of_sender(r, now_us, &path);
    json_put_string(j, "event", "interval");
    json_put_int(j, "at_us", (int64_t)num_sub0(now_us, r->log->begun_us));
    json_put_int(j, "rate_bps", (int64_t)rate_bps);
    json_put_int(j, "rtt_us", (int64_t)r->log->last_rtt_us);
    json_put_real(j, "loss", (double)path.loss_millionths / 1e6);
    json_put_string(j, "state", path.state);
    json_put_int(j, "in_flight_bytes", (int64_t)path.in_flight_bytes);
    json_put_int(j, "window_bytes", (int64_t)path.window_bytes);
    return run_event(r->run, j);
}

/* ---- the result ---- */

static void put_rates(const struct link_report *r, uint64_t ended_us, struct json *j)
{
    const struct trial_log *l = r->log;
    uint64_t steady_from_us = l->begun_us + TRIAL_LOG_STEADY_US, ramp_us;

    json_put_int(j, "goodput_bps", (int64_t)trial_log_rate_bps(l, l->begun_us, ended_us));
    /* A mean of less than a second would be no steady rate. */
    if (ended_us < steady_from_us + 1000000) {
        json_put_null(j, "steady_bps");
        json_put_null(j, "ramp_us");
        return;
    }
    uint64_t steady_bps = trial_log_rate_bps(l, steady_from_us, ended_us);
    json_put_int(j, "steady_bps", (int64_t)steady_bps);
    if (steady_bps && trial_log_ramp_us(l, steady_bps / 10 * 9, ended_us, &ramp_us))
        json_put_int(j, "ramp_us", (int64_t)ramp_us);
    else
        json_put_null(j, "ramp_us");
}

static void put_cpu(struct json *j, const char *key, uint64_t cpu_us, uint64_t bytes)
{
    if (bytes)
        json_put_real(j, key, (double)cpu_us / 1e6 / ((double)bytes / 1e9));
    else
        json_put_null(j, key);
}

static void say(const struct link_report *r, const struct trial_report *path, uint64_t ended_us,
                uint64_t least_us)
{
    const struct trial_log *l = r->log;
    double seconds = (double)num_max(num_sub0(ended_us, l->begun_us), 1) / 1e6;

    if (r->end->ask.bulk)
        run_say(r->run, "%.2f Mbit/s delivered over %.1f s, %.2f Mbit/s from second 2",
                (double)trial_log_rate_bps(l, l->begun_us, ended_us) / 1e6, seconds,
                (double)trial_log_rate_bps(l, l->begun_us + TRIAL_LOG_STEADY_US, ended_us) / 1e6);
    run_say(r->run, "round trip %.1f ms, queue %.1f ms (95 %% below), %.2f %% lost, %s",
            (double)stat_quantile(&l->rtt_us, 500) / 1e3,
            (double)num_sub0(stat_quantile(&l->rtt_us, 950), least_us) / 1e3,
            (double)path->lost_datagrams * 100 / (double)num_max(path->sent_datagrams, 1),
            path->state);
}

enum err link_report_result(struct link_report *r, uint64_t ended_us, uint64_t cpu_us)
{
    const struct trial_log *l = r->log;
    const struct trial_report *far = &r->end->far;
    struct json *j = json_new();
    struct trial_report path, own;
    uint64_t least_us = num_min(l->fastest_us, l->rtt_us.count ? l->rtt_us.max : l->fastest_us);

    trial_end_report(r->end, ended_us, cpu_us, &own);
    path_of_sender(r, ended_us, &path);
    uint64_t bytes = trial_end_sends(r->end) ? far->delivered_bytes : own.delivered_bytes;
    json_put_string(j, "event", "result");
    json_put_bool(j, "reverse", r->end->ask.reverse);
    json_put_int(j, "for_us", (int64_t)num_sub0(ended_us, l->begun_us));
    if (r->end->ask.bulk) {
        put_rates(r, ended_us, j);
        json_put_int(j, "delivered_bytes", (int64_t)bytes);
        json_put_int(j, "longest_gap_us",
                     (int64_t)(trial_end_sends(r->end) ? far->gap_us : own.gap_us));
    }
    json_put_int(j, "sent_bytes", (int64_t)path.sent_bytes);
    json_put(j, "rtt_us", quantiles(&l->rtt_us, 0));
    json_put(j, "queue_us", quantiles(&l->rtt_us, least_us));
    json_put_real(j, "loss", (double)path.lost_datagrams / (double)num_max(path.sent_datagrams, 1));
    json_put_string(j, "state", path.state);
    put_cpu(j, "cpu_s_per_gb", own.cpu_us, bytes);
    put_cpu(j, "far_cpu_s_per_gb", far->cpu_us, bytes);
    say(r, &path, ended_us, least_us);
    return run_event(r->run, j);
}
