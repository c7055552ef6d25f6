/* send_report: what a host that gives a guest away tells: stages, progress, its result. */
#ifndef FARSPAN_SEND_REPORT_H
#define FARSPAN_SEND_REPORT_H

#include <stdint.h>

#include "core/guest/handover.h"
#include "core/run/run.h"
#include "core/run/send_disks.h"
#include "core/run/send_memory.h"
#include "core/run/send_qemu.h"

/* What is counted; in the caller's storage, zeroed but for `run`. */
struct send_report {
    struct run *run;         /* borrowed */
    const struct peer *peer; /* borrowed, while there is a session */
    uint64_t begun_us;
    uint64_t told_us, told_bytes;     /* when progress was told last, and how much was sent then */
    int64_t stop_us, resume_us;       /* the guest, by each host's clock, since 1970 */
    int64_t ahead_us, ahead_error_us; /* the other clock's lead, +- half the best round trip */
    bool clocks;                      /* that is known */
    struct send_memory_counters memory;
    struct send_disks_count disks;
    uint64_t link_bytes; /* of the last session, sent */
};

/* Tells of the guest. Errors of run_event, here and below. */
enum err send_report_guest(struct send_report *r, const struct guest_facts *f) MUST_USE;

/* Tells of the session. */
enum err send_report_connected(struct send_report *r, const struct peer *p,
                               const struct addr *at) MUST_USE;

/* The session is over: what it sent is counted. */
void send_report_cut(struct send_report *r, uint64_t now_us);

/* Tells of a stage. */
enum err send_report_stage(struct send_report *r, const char *stage) MUST_USE;

/* The other host was asked for its clock at `asked_us` of ours, said `us`, and we heard at now_us
 * (all since 1970): the quickest answer tells most. */
void send_report_clock(struct send_report *r, int64_t asked_us, int64_t us, int64_t now_us);

/* Tells how far it is: memory, and disks of so many bytes. */
enum err send_report_progress(struct send_report *r, uint64_t now_us, const struct send_progress *p,
                              uint64_t disk_bytes, uint64_t disk_remaining_bytes) MUST_USE;

/* The result. */
enum err send_report_result(struct send_report *r, uint64_t now_us, const char *id,
                            enum handover_outcome outcome) MUST_USE;

#endif
