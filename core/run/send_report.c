#include "core/run/send_report.h"

#include <stdio.h>

#include "core/base/log.h"
#include "core/base/num.h"
#include "core/run/status_line.h"

enum { MB = 1000000, MIB = 1 << 20, LINE_CHARS = 160 };

static const char *const outcome_name[] = {
    [HANDOVER_OPEN] = "source_runs",        [HANDOVER_MOVED] = "moved",
    [HANDOVER_SOURCE_RUNS] = "source_runs", [HANDOVER_SOURCE_GONE] = "source_gone",
    [HANDOVER_STOPPED] = "undecided",       [HANDOVER_UNDECIDED] = "undecided",
};

enum err send_report_guest(struct send_report *r, const struct guest_facts *f)
{
    struct json *j = guest_facts_put(f);

    json_put_string(j, "event", "guest");
    log_info("%s: %s, %llu MiB, %llu processor%s, QEMU %s", f->name[0] ? f->name : "the guest",
             f->machine, (unsigned long long)(f->memory_bytes / MIB), (unsigned long long)f->cpus,
             f->cpus == 1 ? "" : "s", f->version);
    return run_event(r->run, j);
}

enum err send_report_connected(struct send_report *r, const struct peer *p, const struct addr *at)
{
    struct json *j = json_new();
    char text[ADDR_CHARS];

    r->peer = p;
    json_put_string(j, "event", "connected");
    json_put_string(j, "address", addr_print(at, text));
    log_info("connected to %s", text);
    return run_event(r->run, j);
}

void send_report_cut(struct send_report *r, uint64_t now_us)
{
    struct peer_path path;

    if (!r->peer)
        return;
    peer_path(r->peer, now_us, &path);
    r->link_bytes += path.sent_bytes;
    r->peer = NULL;
}

enum err send_report_stage(struct send_report *r, const char *stage)
{
    struct json *j = json_new();

    json_put_string(j, "event", "stage");
    json_put_string(j, "stage", stage);
    log_debug("the move is %s", stage);
    return run_event(r->run, j);
}

void send_report_clock(struct send_report *r, int64_t asked_us, int64_t us, int64_t now_us)
{
    int64_t half = (now_us - asked_us) / 2;

    if (half < 0 || (r->clocks && half >= r->ahead_error_us))
        return;
    r->clocks = true;
    r->ahead_us = us - asked_us - half;
    r->ahead_error_us = half + 1;
}

enum err send_report_progress(struct send_report *r, uint64_t now_us, const struct send_progress *p,
                              uint64_t disk_bytes, uint64_t disk_remaining_bytes)
{
    uint64_t total = p->total_bytes + disk_bytes,
             remaining = p->remaining_bytes + disk_remaining_bytes;
    uint64_t sent = r->memory.packed_bytes + r->disks.packed_bytes,
             past = num_max(now_us - r->told_us, 1);
    uint64_t rate = r->told_us ? num_mul_div(sent - r->told_bytes, 8000000, past) : 0;
    uint64_t raw_bps =
        num_mul_div(num_sub0(total, remaining), 8000000, num_max(now_us - r->begun_us, 1));
    char line[LINE_CHARS];

    r->told_us = now_us;
    r->told_bytes = sent;
    uint64_t eta_us = raw_bps ? num_mul_div(remaining, 8000000, raw_bps) : 0;
    snprintf(line, sizeof line,
             "%llu of %llu MB to go, %.1f Mbit/s on the way, %.1f Mbit/s written anew, round %llu, "
             "%.0f s",
             (unsigned long long)(remaining / MB), (unsigned long long)(total / MB),
             (double)rate / 1e6, (double)p->dirty_bps / 1e6, (unsigned long long)p->rounds,
             (double)eta_us / 1e6);
    status_line_show(line);
    struct json *j = json_new();
    json_put_string(j, "event", "progress");
    json_put_int(j, "remaining_bytes", (int64_t)p->remaining_bytes);
    json_put_int(j, "total_bytes", (int64_t)p->total_bytes);
    json_put_int(j, "disk_remaining_bytes", (int64_t)disk_remaining_bytes);
    json_put_int(j, "disk_bytes", (int64_t)disk_bytes);
    json_put_int(j, "rate_bps", (int64_t)rate);
    json_put_int(j, "dirty_bps", (int64_t)p->dirty_bps);
    json_put_int(j, "rounds", (int64_t)p->rounds);
    json_put_int(j, "eta_us", (int64_t)eta_us);
    return run_event(r->run, j);
}

enum err send_report_result(struct send_report *r, uint64_t now_us, const char *id,
                            enum handover_outcome outcome)
{
    bool moved = outcome == HANDOVER_MOVED, gap = moved && r->stop_us && r->resume_us && r->clocks;
    int64_t gap_us = r->resume_us - r->ahead_us - r->stop_us;
    struct json *j = json_new();

    send_report_cut(r, now_us);
    json_put_string(j, "event", "result");
    json_put_string(j, "id", id);
    json_put_string(j, "outcome", outcome_name[outcome]);
    json_put_int(j, "total_us", (int64_t)(now_us - r->begun_us));
    if (gap) {
        json_put_int(j, "gap_us", gap_us);
        json_put_int(j, "gap_error_us", r->ahead_error_us);
    } else {
        json_put_null(j, "gap_us");
        json_put_null(j, "gap_error_us");
    }
    json_put_int(j, "link_bytes", (int64_t)r->link_bytes);
    json_put_int(j, "memory_bytes", (int64_t)r->memory.raw_bytes);
    json_put_int(j, "packed_bytes", (int64_t)r->memory.packed_bytes);
    json_put_int(j, "fill_pages", (int64_t)r->memory.pages.fills);
    json_put_int(j, "same_pages", (int64_t)r->memory.pages.same);
    json_put_int(j, "copy_pages", (int64_t)r->memory.pages.copies);
    json_put_int(j, "known_pages", (int64_t)r->memory.pages.known);
    json_put_int(j, "delta_pages", (int64_t)r->memory.pages.deltas);
    json_put_int(j, "literal_pages", (int64_t)r->memory.pages.literals);
    json_put_int(j, "disk_bytes", (int64_t)r->disks.written_bytes);
    json_put_int(j, "disk_known_bytes", (int64_t)r->disks.known_bytes);
    json_put_int(j, "disk_packed_bytes", (int64_t)r->disks.packed_bytes);
    status_line_end();
    if (moved && r->memory.raw_bytes == 0) /* an earlier process has sent it */
        run_say(r->run, "the destination has the guest, and runs it");
    else if (moved)
        run_say(r->run,
                "moved in %.1f s, stood still for %.0f +- %.0f ms; %.1f MB on the link for "
                "%.1f MB of memory and %.1f MB of disks",
                (double)(now_us - r->begun_us) / 1e6, gap ? (double)gap_us / 1e3 : 0.0,
                gap ? (double)r->ahead_error_us / 1e3 : 0.0, (double)r->link_bytes / 1e6,
                (double)r->memory.raw_bytes / 1e6, (double)r->disks.written_bytes / 1e6);
    return run_event(r->run, j);
}
