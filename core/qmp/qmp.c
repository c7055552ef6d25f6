#include "core/qmp/qmp.h"

#include <string.h>

#include "core/base/buf.h"
#include "core/base/check.h"
#include "core/base/heap.h"
#include "core/base/limits.h"

enum { OUT_BYTES = 1 << 20 };

static const int64_t hello_tag = -1;

struct qmp {
    struct buf in, out;      /* not whole lines yet; not sent yet */
    size_t seen;             /* of `in`: no line ends before */
    struct json_value *line; /* owned: what the last news came from */
    bool greeted;
};

enum err qmp_new(struct qmp **out)
{
    struct qmp *q = heap_alloc(sizeof *q);

    *out = q;
    if (!q)
        return ERR_MEMORY;
    buf_init(&q->in, LIMIT_QMP_LINE_BYTES);
    buf_init(&q->out, OUT_BYTES);
    return OK;
}

void qmp_free(struct qmp *q)
{
    if (!q)
        return;
    json_discard(q->line);
    buf_release(&q->in);
    buf_release(&q->out);
    heap_free(q);
}

static enum err say(struct qmp *q, int64_t id, const char *command, struct json *arguments)
{
    struct json *j = json_new();

    json_put_string(j, "execute", command);
    if (arguments)
        json_put(j, "arguments", arguments);
    json_put_int(j, "id", id);
    return json_write(j, &q->out);
}

enum err qmp_do(struct qmp *q, uint64_t tag, const char *command, struct json *arguments)
{
    CHECK(tag > 0 && tag <= INT64_MAX);
    return say(q, (int64_t)tag, command, arguments);
}

enum err qmp_input(struct qmp *q, struct bytes b)
{
    return buf_append(&q->in, b);
}

struct bytes qmp_output(const struct qmp *q)
{
    return buf_bytes(&q->out);
}

void qmp_sent(struct qmp *q, size_t n)
{
    buf_drop(&q->out, n);
}

/* The next whole line, *used bytes with its end. */
static bool next_line(struct qmp *q, struct bytes *line, size_t *used)
{
    const uint8_t *end =
        q->seen < q->in.n ? memchr(q->in.p + q->seen, '\n', q->in.n - q->seen) : NULL;

    q->seen = q->in.n;
    if (!end)
        return false;
    *used = (size_t)(end - q->in.p) + 1;
    *line = bytes_of(q->in.p, *used);
    q->seen = 0;
    return true;
}

static int64_t time_of(const struct json_value *stamp)
{
    int64_t s = json_int(json_member(stamp, "seconds"), -1);
    int64_t us = json_int(json_member(stamp, "microseconds"), -1);

    return s > 0 && s < INT64_MAX / 2000000 && us >= 0 && us < 1000000 ? s * 1000000 + us : 0;
}

/* What a line means; false: nothing that anybody asked about. */
static bool read_line(struct qmp *q, struct qmp_news *out, enum err *e)
{
    const struct json_value *v = q->line, *error = json_member(v, "error");
    const struct json_value *returned = json_member(v, "return");
    const char *event = json_text(json_member(v, "event"));
    int64_t id = json_int(json_member(v, "id"), 0);

    *out = (struct qmp_news){0};
    if (!q->greeted) {
        /* The first line greets, the first answer is to that we know how. */
        if (json_member(v, "QMP"))
            *e = say(q, hello_tag, "qmp_capabilities", NULL);
        else if (id == hello_tag && returned)
            out->kind = QMP_GREETED, q->greeted = true;
        else if (!event)
            *e = ERR_MALFORMED;
        return q->greeted;
    }
    if (event) {
        out->kind = QMP_TOLD;
        out->text = event;
        out->value = json_member(v, "data");
        out->at_us = time_of(json_member(v, "timestamp"));
        return true;
    }
    if (id <= 0 || (!returned && !error)) {
        *e = ERR_MALFORMED;
        return false;
    }
    out->kind = returned ? QMP_RETURNED : QMP_FAILED;
    out->tag = (uint64_t)id;
    out->value = returned;
    if (error) {
        const char *why = json_text(json_member(error, "desc"));
        out->text = why ? why : "QEMU does not say why";
    }
    return true;
}

bool qmp_next(struct qmp *q, struct qmp_news *out, enum err *e)
{
    struct bytes line;
    size_t used;

    *e = OK;
    while (!*e && next_line(q, &line, &used)) {
        json_discard(q->line);
        q->line = NULL;
        *e = json_parse(line, &q->line);
        buf_drop(&q->in, used);
        if (!*e && read_line(q, out, e))
            return true;
    }
    return false;
}
