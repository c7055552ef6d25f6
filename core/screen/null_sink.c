#include "core/screen/null_sink.h"

#include "core/base/heap.h"

static enum err null_present(struct sink *s, const struct sink_frame *f)
{
    (void)s;
    (void)f;
    return OK;
}

static void null_free(struct sink *s)
{
    heap_free(s);
}

static const struct sink_ops ops = {.name = "null", .present = null_present, .free = null_free};

enum err null_sink_open(struct sink **out)
{
    struct sink *s = heap_alloc(sizeof *s);

    if (!s)
        return ERR_MEMORY;
    s->ops = &ops;
    *out = s;
    return OK;
}
