/* known_content: what this host has already of guests and disks that come, read on the loop. */
#ifndef FARSPAN_KNOWN_CONTENT_H
#define FARSPAN_KNOWN_CONTENT_H

#include <stdint.h>

#include "core/base/parse.h"
#include "core/run/loop.h"
#include "core/store/content_store.h"

/* In its owner's storage; zeroed there is none. */
struct known_content {
    struct content_store *store; /* owned */
    struct loop *loop;           /* borrowed */
    struct loop_task read;
    void (*ended)(void *ctx); /* all has been read; NULL: nobody is told. Set by the owner */
    void *ctx;                /* borrowed */
};

/* Begins to read the files `seeds` (borrowed), and keeps up to `most_bytes` of what comes in a file
 * without a name in this user's cache folder. ERR_SYSTEM, ERR_NOT_FOUND, ERR_LIMIT (logged),
 * ERR_MEMORY. */
enum err known_content_begin(struct known_content *k, struct loop *l,
                             const struct parse_list *seeds, uint64_t most_bytes) MUST_USE;

/* Copies what is in the file `path`, which will be written over; `ended` is called when that is
 * done. Errors as known_content_begin. */
enum err known_content_copy(struct known_content *k, const char *path) MUST_USE;

/* Frees all. */
void known_content_release(struct known_content *k);

#endif
