/* shared: memory that another process can map by its descriptor. */
#ifndef FARSPAN_SHARED_H
#define FARSPAN_SHARED_H

#include <stddef.h>

#include "core/base/err.h"

/* Zeroed pages with a fixed size; nobody, the other process included, can shrink them. */
struct shared {
    void *p;
    size_t bytes;
    int fd; /* -1 once given away */
};

/* Makes `bytes` (> 0) of shared memory in *out. ERR_SYSTEM (logged), and *out is then released. */
enum err shared_init(struct shared *out, size_t bytes) MUST_USE;

/* Gives the descriptor, which the caller closes or hands on; the memory stays mapped here. */
int shared_give_fd(struct shared *s);

/* Unmaps the memory and closes a descriptor not given away; an already released one is fine. */
void shared_release(struct shared *s);

#endif
