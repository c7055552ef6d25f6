/* authorized: the keys that may come in and what each may do, from an authorized_keys file. */
#ifndef FARSPAN_AUTHORIZED_H
#define FARSPAN_AUTHORIZED_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/base/limits.h"
#include "core/crypt/key.h"
#include "core/crypt/keyfile.h"

/* One line of the file. */
struct authorized_key {
    uint8_t key[KEY_BYTES];
    uint32_t roles; /* enum role bits, not empty */
    uint32_t line;
    char name[LIMIT_NAME_CHARS + 1]; /* empty where the line has none */
};

/* All keys of a file, sorted by key. */
struct authorized {
    struct authorized_key *keys; /* owned */
    size_t count;
};

/* Reads "KEY role[,role] [NAME]" lines (see keyfile_next) from a borrowed file; NAME is the rest of
 * the line, at most LIMIT_NAME_CHARS bytes. A key may stand only once. An empty file gives no
 * keys. ERR_MALFORMED or ERR_LIMIT with *error set, ERR_MEMORY; *a is then empty. */
enum err authorized_parse(struct authorized *a, struct bytes text,
                          struct keyfile_error *error) MUST_USE;

/* The entry of `key` (borrowed), borrowed from the list, or NULL. */
const struct authorized_key *authorized_find(const struct authorized *a,
                                             const uint8_t key[KEY_BYTES]);

/* Frees the list and leaves it empty; a zeroed struct is an empty list. */
void authorized_release(struct authorized *a);

#endif
