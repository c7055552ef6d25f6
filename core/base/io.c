#include "core/base/io.h"

#include <string.h>

#include "core/base/num.h"

static enum err memory_read(struct io_in *in, void *to, size_t room, size_t *got)
{
    struct io_memory *m = (struct io_memory *)((char *)in - offsetof(struct io_memory, in));

    *got = num_min(room, m->data.n - m->next);
    if (*got == 0)
        return ERR_END;
    memcpy(to, m->data.p + m->next, *got);
    m->next += *got;
    return OK;
}

static enum err memory_read_at(struct io_at *at, uint64_t offset, void *to, size_t n, size_t *got)
{
    struct io_memory *m = (struct io_memory *)((char *)at - offsetof(struct io_memory, at));

    *got = offset < m->data.n ? num_min(n, m->data.n - offset) : 0;
    if (*got)
        memcpy(to, m->data.p + offset, *got);
    return OK;
}

void io_memory_init(struct io_memory *m, struct bytes data)
{
    *m = (struct io_memory){{memory_read}, {data.n, memory_read_at}, data, 0};
}

static enum err buf_write(struct io_out *out, struct bytes data)
{
    return buf_append(((struct io_buf *)out)->to, data);
}

void io_buf_init(struct io_buf *b, struct buf *to)
{
    *b = (struct io_buf){{buf_write}, to};
}
