#include "core/run/link_report.h"

#include <stdio.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/num.h"
#include "core/run/status_line.h"

enum { SAY_US = 1000000 };

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

static struct trial_log_count newest(const struct trial_log *l)
{
    return l->n ? l->counts[l->n - 1] : (struct trial_log_count){l->begun_us, 0};
}

/* The rate delivered from one count, at first none, to another. */
static uint64_t rate_between(const struct trial_log *l, struct trial_log_count a,
                             struct trial_log_count b)
{
    a.at_us = num_max(a.at_us, l->begun_us);
    return b.at_us > a.at_us ? num_mul_div(b.bytes - a.bytes, 8000000, b.at_us - a.at_us) : 0;
}

/* The mean delay of the probes that came since the last interval; 0: none did. */
static uint64_t delay_since(struct link_report *r)
{
    const struct stat_hist *now = &r->log->delay_us;
    uint64_t count = now->count - r->delays_told, sum = now->sum - r->delay_told_us;

    r->delays_told = now->count;
    r->delay_told_us = now->sum;
    return count ? num_max(sum / count, 1) : 0;
}

/* How it goes, for people: a plot on a terminal, else a line a second. */
static void say_interval(struct link_report *r, uint64_t now_us, uint64_t rate_bps,
                         uint64_t delay_us, const struct trial_report *path)
{
    char plot[LINK_PLOT_CHARS], line[LINK_PLOT_CHARS + 160];
    bool due = now_us - r->said_us >= SAY_US;

    if (r->run->json || (!r->live && !due))
        return;
    if (!r->live) {
        rate_bps = rate_between(r->log, r->said, newest(r->log));
        r->said = newest(r->log);
        r->said_us = now_us;
    }
    link_plot_print(&r->plot, plot);
    if (r->end->ask.bulk)
        snprintf(line, sizeof line, "%8.2f Mbit/s, %.1f ms, %.2f %% lost, %s",
                 (double)rate_bps / 1e6, (double)r->log->last_rtt_us / 1e3,
                 (double)path->loss_millionths / 1e4, path->state);
    else
        snprintf(line, sizeof line, "%llu messages, %.1f ms, %.2f %% lost, %s",
                 (unsigned long long)r->log->delay_us.count, (double)delay_us / 1e3,
                 (double)path->loss_millionths / 1e4, path->state);
    if (!r->live) {
        log_info("%s", line);
        return;
    }
    size_t n = strlen(line);
    snprintf(line + n, sizeof line - n, "  %s", plot);
    status_line_show(line);
}

enum err link_report_interval(struct link_report *r, uint64_t now_us)
{
    struct json *j = json_new();
    struct trial_log_count now = newest(r->log);
    struct trial_report path;
    uint64_t rate_bps = rate_between(r->log, r->told, now), delay_us = delay_since(r);

    r->told = now;
    path_of_sender(r, now_us, &path);
    json_put_string(j, "event", "interval");
    json_put_int(j, "at_us", (int64_t)num_sub0(now_us, r->log->begun_us));
    json_put_int(j, "rate_bps", (int64_t)rate_bps);
    if (r->end->ask.bulk) {
        json_put_int(j, "delivered_bytes", (int64_t)now.bytes);
        json_put_int(j, "counted_us", (int64_t)num_sub0(now.at_us, r->log->begun_us));
    }
    if (r->end->ask.message_bytes) {
        json_put_int(j, "messages", (int64_t)r->log->delay_us.count);
        json_put_int(j, "delay_us", (int64_t)delay_us);
    }
    json_put_int(j, "rtt_us", (int64_t)r->log->last_rtt_us);
    json_put_real(j, "loss", (double)path.loss_millionths / 1e6);
    json_put_string(j, "state", path.state);
    json_put_int(j, "in_flight_bytes", (int64_t)path.in_flight_bytes);
    json_put_int(j, "window_bytes", (int64_t)path.window_bytes);
    link_plot_add(&r->plot, r->end->ask.bulk ? rate_bps : delay_us);
    say_interval(r, now_us, rate_bps, delay_us, &path);
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
    if (steady_bps && trial_log_held_us(l, l->begun_us, steady_bps / 10 * 9, ended_us, &ramp_us))
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

static void put_probes(const struct link_report *r, const struct trial_report *sender,
                       struct json *j)
{
    const struct trial_log *l = r->log;

    json_put_int(j, "message_bytes", r->end->ask.message_bytes);
    json_put_int(j, "every_us", (int64_t)r->end->ask.message_us);
    json_put_int(j, "messages_sent", (int64_t)sender->probes_sent);
    json_put_int(j, "messages_received", (int64_t)l->delay_us.count);
    json_put(j, "delay_us", quantiles(&l->delay_us, 0));
    json_put_string(j, "clock", l->one_clock ? "one" : "aligned");
    json_put_int(j, "clock_error_us", l->one_clock ? 0 : (int64_t)(l->fastest_us / 2));
}

static void say(const struct link_report *r, const struct trial_report *sender, uint64_t ended_us,
                uint64_t least_us)
{
    const struct trial_log *l = r->log;
    double seconds = (double)num_max(num_sub0(ended_us, l->begun_us), 1) / 1e6;

    if (r->end->ask.bulk)
        run_say(r->run, "%.2f Mbit/s delivered over %.1f s, %.2f Mbit/s from second 2",
                (double)trial_log_rate_bps(l, l->begun_us, ended_us) / 1e6, seconds,
                (double)trial_log_rate_bps(l, l->begun_us + TRIAL_LOG_STEADY_US, ended_us) / 1e6);
    if (r->end->ask.message_bytes)
        run_say(r->run, "%llu of %llu messages came, one way %.1f ms, 95 %% in %.1f, 99 %% in %.1f",
                (unsigned long long)l->delay_us.count, (unsigned long long)sender->probes_sent,
                (double)stat_quantile(&l->delay_us, 500) / 1e3,
                (double)stat_quantile(&l->delay_us, 950) / 1e3,
                (double)stat_quantile(&l->delay_us, 990) / 1e3);
    run_say(r->run, "round trip %.1f ms, 95 %% queue for less than %.1f ms, %.2f %% lost, %s",
            (double)stat_quantile(&l->rtt_us, 500) / 1e3,
            (double)num_sub0(stat_quantile(&l->rtt_us, 950), least_us) / 1e3,
            (double)sender->lost_datagrams * 100 / (double)num_max(sender->sent_datagrams, 1),
            sender->state);
}

enum err link_report_result(struct link_report *r, uint64_t ended_us,
                            const struct trial_report *own)
{
    const struct trial_log *l = r->log;
    const struct trial_report *far = &r->end->far;
    bool sends = trial_end_sends(r->end);
    const struct trial_report *sender = sends ? own : far, *receiver = sends ? far : own;
    struct json *j = json_new();

    json_put_string(j, "event", "result");
    json_put_bool(j, "reverse", r->end->ask.reverse);
    json_put_int(j, "since_start_us", (int64_t)num_sub0(l->begun_us, r->started_us));
    json_put_int(j, "for_us", (int64_t)num_sub0(ended_us, l->begun_us));
    if (r->end->ask.bulk) {
        put_rates(r, ended_us, j);
        json_put_int(j, "delivered_bytes", (int64_t)receiver->delivered_bytes);
        json_put_int(j, "longest_gap_us", (int64_t)receiver->gap_us);
    }
    if (r->end->ask.message_bytes)
        put_probes(r, sender, j);
    json_put_int(j, "sent_bytes", (int64_t)sender->sent_bytes);
    json_put_int(j, "sent_datagrams", (int64_t)sender->sent_datagrams);
    json_put_int(j, "lost_datagrams", (int64_t)sender->lost_datagrams);
    json_put(j, "rtt_us", quantiles(&l->rtt_us, 0));
    json_put(j, "queue_us", quantiles(&l->rtt_us, l->fastest_us));
    json_put_real(j, "loss",
                  (double)sender->lost_datagrams / (double)num_max(sender->sent_datagrams, 1));
    json_put_string(j, "state", sender->state);
    put_cpu(j, "cpu_s_per_gb", own->cpu_us, receiver->delivered_bytes);
    put_cpu(j, "far_cpu_s_per_gb", far->cpu_us, receiver->delivered_bytes);
    say(r, sender, ended_us, l->fastest_us);
    return run_event(r->run, j);
}
