/* nbd_client: our side of a connection to a disk that somebody serves, as a pure machine. */
#ifndef FARSPAN_NBD_CLIENT_H
#define FARSPAN_NBD_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/nbd/nbd.h"

/* Fixed newstyle by NBD_OPT_GO, simple replies, without TLS: for local sockets (the NBD project's
 * doc/proto.md). */
struct nbd_client;

enum { NBD_CLIENT_REQUESTS = 256 /* on their way at once */ };

enum nbd_client_kind {
    NBD_CLIENT_READY, /* size_bytes, flags: requests may go */
    NBD_CLIENT_DONE   /* tag, error, and of a read data: what became of a request */
};

/* What has come; data is borrowed until the next call. */
struct nbd_client_news {
    enum nbd_client_kind kind;
    uint64_t size_bytes;
    uint16_t flags; /* enum nbd_export_flag */
    uint64_t tag;
    enum nbd_error error;
    struct bytes data;
};

/* Gives one for a fresh connection, for the export `name` (copied). ERR_MEMORY, ERR_LIMIT. */
enum err nbd_client_new(const char *name, struct nbd_client **out) MUST_USE;

/* Takes it; NULL is fine. */
void nbd_client_free(struct nbd_client *c);

/* Queues a request, with `data` (copied, `length` bytes) when it is NBD_WRITE; its answer carries
 * `tag`. ERR_AGAIN: as many are on their way as may be, or too much has not been sent yet;
 * ERR_UNSUPPORTED: the export cannot do that; ERR_MEMORY. Never before READY. */
enum err nbd_client_do(struct nbd_client *c, uint64_t tag, enum nbd_command command, uint16_t flags,
                       uint64_t offset, uint32_t length, struct bytes data) MUST_USE;

/* Queues the word that says that nothing more comes: all answers should have come. ERR_MEMORY. */
enum err nbd_client_part(struct nbd_client *c) MUST_USE;

/* How many requests are on their way. */
size_t nbd_client_waiting(const struct nbd_client *c);

/* Takes bytes of the server's. ERR_MEMORY, ERR_LIMIT. */
enum err nbd_client_input(struct nbd_client *c, struct bytes b) MUST_USE;

/* Takes the next news; false: none. *e: ERR_MALFORMED; ERR_REFUSED: the server has no such export,
 * or does not want to; ERR_UNSUPPORTED: it is of another time; ERR_MEMORY. */
bool nbd_client_next(struct nbd_client *c, struct nbd_client_news *out, enum err *e);

/* What is to be sent, borrowed until the next call. */
struct bytes nbd_client_output(const struct nbd_client *c);

/* So many bytes of it have been sent. */
void nbd_client_sent(struct nbd_client *c, size_t n);

#endif
