/* monitor: a connection to a QEMU monitor on this host, on the loop. */
#ifndef FARSPAN_MONITOR_H
#define FARSPAN_MONITOR_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/json.h"
#include "core/run/loop.h"

enum { MONITOR_GREETING_US = 2000000, MONITOR_COMMANDS = 64 /* on their way at once */ };

struct monitor;

/* Who it is for; all in the loop's thread. */
struct monitor_owner {
    /* QEMU has greeted: commands may go. */
    void (*ready)(void *ctx);
    /* An event: its name and data (may be NULL), borrowed for the call; QEMU's clock, 0: not said.
     * NULL: nobody wants to know. */
    void (*told)(void *ctx, const char *name, const struct json_value *data, int64_t at_us);
    /* The connection is over: nothing comes any more but monitor_free. ERR_BUSY: no greeting within
     * MONITOR_GREETING_US, since QEMU serves one at a time and another has it; ERR_UNREACHABLE:
     * QEMU has gone; ERR_MALFORMED: that is no QEMU; ERR_MEMORY. Commands on their way have heard
     * already that they failed. */
    void (*lost)(void *ctx, enum err e);
    void *ctx; /* borrowed */
};

/* What a command gave: `value` (borrowed for the call) or, when that is NULL, why it was refused.
 */
typedef void monitor_answer(void *ctx, const struct json_value *value, const char *refused);

/* Connects to the monitor at `path`. ERR_USAGE, ERR_NOT_FOUND (nobody listens there), ERR_BUSY,
 * ERR_SYSTEM (logged), ERR_MEMORY. */
enum err monitor_new(struct loop *l, const char *path, const struct monitor_owner *owner,
                     struct monitor **out) MUST_USE;

/* Takes it, also within its owner's calls; commands on their way hear nothing. NULL is fine. */
void monitor_free(struct monitor *m);

/* Sends a command with the arguments that it takes (NULL: none); `answer` (NULL: nobody) is called
 * with `ctx` later, never within this. ERR_LIMIT, ERR_MEMORY, ERR_END when it is lost. */
enum err monitor_do(struct monitor *m, const char *command, struct json *arguments,
                    monitor_answer *answer, void *ctx) MUST_USE;

/* As monitor_do for a command that takes a descriptor with it (getfd): takes `fd`, and closes it
 * once QEMU has a copy, or in case of an error. ERR_LIMIT also when another one waits. */
enum err monitor_give(struct monitor *m, const char *command, struct json *arguments, int fd,
                      monitor_answer *answer, void *ctx) MUST_USE;

/* Whether the connection is over. */
bool monitor_lost(const struct monitor *m);

/* The connected socket, borrowed: who stands at its other end. */
int monitor_fd(const struct monitor *m);

#endif
