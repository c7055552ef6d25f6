/* qmp: our side of a QEMU monitor: commands, what came of them, and what QEMU tells by itself. */
#ifndef FARSPAN_QMP_H
#define FARSPAN_QMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/base/json.h"

/* The QEMU Machine Protocol (QEMU's docs/interop/qmp-spec.txt), one JSON object a line each way. It
 * knows no socket: bytes in, bytes out, and what they mean. */
struct qmp;

enum qmp_kind {
    QMP_GREETED,  /* QEMU has greeted and is ready for commands */
    QMP_RETURNED, /* tag, value: what a command gave */
    QMP_FAILED,   /* tag, text: why a command was refused */
    QMP_TOLD      /* text: an event's name; value: its data, may be NULL; at_us */
};

/* What has come; the text and the value are borrowed until the next call of qmp_next. */
struct qmp_news {
    enum qmp_kind kind;
    uint64_t tag;
    const char *text;
    const struct json_value *value;
    int64_t at_us; /* by QEMU's clock, since 1970; 0: not said */
};

/* Gives one for a fresh connection. ERR_MEMORY. */
enum err qmp_new(struct qmp **out) MUST_USE;

/* Takes it; NULL is fine. */
void qmp_free(struct qmp *q);

/* Queues a command, with the arguments that it takes (NULL: none). Its answer carries `tag`, which
 * is above 0; several may be on their way. ERR_MEMORY, ERR_LIMIT. */
enum err qmp_do(struct qmp *q, uint64_t tag, const char *command, struct json *arguments) MUST_USE;

/* Takes bytes that QEMU has sent. ERR_MALFORMED: it is no QMP; ERR_LIMIT: a line that is too long;
 * ERR_MEMORY. After an error only qmp_free makes sense. */
enum err qmp_input(struct qmp *q, struct bytes b) MUST_USE;

/* What is to be sent, borrowed until the next call. */
struct bytes qmp_output(const struct qmp *q);

/* So many bytes of it have been sent. */
void qmp_sent(struct qmp *q, size_t n);

/* Takes the next news; false: none. ERR_MALFORMED, as of qmp_input, in *e. */
bool qmp_next(struct qmp *q, struct qmp_news *out, enum err *e);

#endif
