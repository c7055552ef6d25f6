/* resolve: a host's addresses by hosts file and DNS, without waiting (the only c-ares). */
#ifndef FARSPAN_RESOLVE_H
#define FARSPAN_RESOLVE_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/addr.h"
#include "core/base/err.h"
#include "core/run/loop.h"

enum { RESOLVE_MAX = 16 };

/* One lookup. */
struct resolve;

/* How a lookup ended. */
struct resolve_result {
    enum err e;              /* OK; ERR_UNREACHABLE: no such host, no answer in time; ERR_MEMORY */
    const char *why;         /* static, one phrase when it failed */
    size_t count;            /* addresses; > 0 when OK */
    const struct addr *list; /* IPv6 first, of each family the best (RFC 6724), with the port asked
                                for; borrowed */
};

/* Looks up `host` (a name or numeric address, borrowed for the call) and calls done(ctx, result)
 * once in a later turn, within `timeout_us`. Numeric addresses and localhost (RFC 6761, 6.3) ask
 * nobody; other names the hosts file first, then the DNS servers of the system or, for tests,
 * `servers` ("A:P,A:P"; NULL: the system's), for both families at once; when one has answered the
 * other is waited for only shortly (RFC 8305, section 3). Gives the lookup. ERR_MEMORY, ERR_SYSTEM
 * (logged). */
enum err resolve_start(struct loop *l, const char *host, uint16_t port, uint64_t timeout_us,
                       const char *servers,
                       void (*done)(void *ctx, const struct resolve_result *result), void *ctx,
                       struct resolve **out) MUST_USE;

/* Runs the loop until the addresses of `host` are known: *count > 0 of them in `list`. ERR_AGAIN:
 * the loop was stopped by something else (*code is what loop_run gave), else errors as in
 * resolve_start and struct resolve_result, with *why set. For the start of a command. */
enum err resolve_wait(struct loop *l, const char *host, uint16_t port, uint64_t timeout_us,
                      struct addr list[RESOLVE_MAX], size_t *count, const char **why,
                      int *code) MUST_USE;

/* Takes the lookup, whether it has ended or not; done() is not called any more. Fine within done(),
 * and for NULL. */
void resolve_free(struct resolve *r);

#endif
