/* nbd_server: our side of a connection to whoever uses a disk of ours, as a pure machine. */
#ifndef FARSPAN_NBD_SERVER_H
#define FARSPAN_NBD_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/nbd/nbd.h"

/* Fixed newstyle with structured replies and the context base:allocation, without TLS: for local
 * sockets (the NBD project's doc/proto.md). */
struct nbd_server;

/* What can be used. */
struct nbd_export {
    const char *name; /* borrowed, up to LIMIT_NBD_NAME_BYTES */
    uint64_t size_bytes;
    uint32_t least_bytes, preferred_bytes; /* of a block: powers of two; 0: 1, 4096 */
    uint16_t flags; /* enum nbd_export_flag; HAS_FLAGS and DF by themselves */
};

/* A request, right for its export: within its size, of a kind and with flags that it has. */
struct nbd_request {
    enum nbd_command command; /* never NBD_DISC */
    uint16_t flags;           /* enum nbd_command_flag */
    uint64_t cookie;          /* for its answer; not always another one for each */
    uint64_t offset;
    uint32_t length;
    struct bytes data; /* of NBD_WRITE, borrowed until the next call of nbd_server_next, _input */
};

/* A part of an export. */
struct nbd_extent {
    uint32_t length; /* > 0 */
    uint32_t state;  /* enum nbd_state */
};

/* Gives one for a fresh connection: there is something to send already. `exports` is borrowed, at
 * least one. ERR_MEMORY. */
enum err nbd_server_new(const struct nbd_export *exports, size_t n,
                        struct nbd_server **out) MUST_USE;

/* Takes it; NULL is fine. */
void nbd_server_free(struct nbd_server *s);

/* Whether it makes sense to give it more: not while a whole request waits to be taken. */
bool nbd_server_wants(const struct nbd_server *s);

/* Takes bytes of the client's. ERR_LIMIT: more than it wanted; ERR_MEMORY. */
enum err nbd_server_input(struct nbd_server *s, struct bytes b) MUST_USE;

/* Takes the next request; false: none. *e: ERR_END: the client has said that it is done (all
 * requests before were given); ERR_MALFORMED: it speaks no NBD; ERR_REFUSED: it wants something
 * that cannot be had; ERR_MEMORY. */
bool nbd_server_next(struct nbd_server *s, struct nbd_request *out, enum err *e);

/* The export that the client has chosen; NULL: none yet. */
const struct nbd_export *nbd_server_export(const struct nbd_server *s);

/* Answers a request that is done, or could not be. For a read: see the next ones. ERR_MEMORY,
 * ERR_LIMIT (too much was not sent yet). */
enum err nbd_server_reply(struct nbd_server *s, const struct nbd_request *r,
                          enum nbd_error error) MUST_USE;

/* Answers a read with all its bytes (r->length of them, copied). Errors as nbd_server_reply. */
enum err nbd_server_reply_data(struct nbd_server *s, const struct nbd_request *r,
                               struct bytes data) MUST_USE;

/* Answers NBD_BLOCK_STATUS with extents from its offset on, one at least. Errors as
 * nbd_server_reply. */
enum err nbd_server_reply_extents(struct nbd_server *s, const struct nbd_request *r,
                                  const struct nbd_extent *extents, size_t n) MUST_USE;

/* What is to be sent, borrowed until the next call. */
struct bytes nbd_server_output(const struct nbd_server *s);

/* So many bytes of it have been sent. */
void nbd_server_sent(struct nbd_server *s, size_t n);

#endif
