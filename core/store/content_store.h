/* content_store: blocks that this host has, by their content, for guests and disks that come. */
#ifndef FARSPAN_CONTENT_STORE_H
#define FARSPAN_CONTENT_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/codec/content_print.h"
#include "core/store/content_index.h"

/* An entry is 4 KiB that stay: in a file that was there before (a seed), or in one without a name
 * that is the store's own. Numbers are given in order and never again. */
struct content_store;

/* Gives one that keeps up to `most_bytes` in a file in `folder`, with a key of `seed`. ERR_MEMORY,
 * ERR_SYSTEM (logged). */
enum err content_store_new(const char *folder, uint64_t most_bytes,
                           const uint8_t seed[CONTENT_SEED_BYTES],
                           struct content_store **out) MUST_USE;

/* Takes it; NULL is fine. */
void content_store_free(struct content_store *s);

/* Its key, borrowed. */
const struct content_key *content_store_key(const struct content_store *s);

/* Adds a file or block device whose blocks are to be known; it is read by content_store_scan, and
 * must stay as it is. ERR_SYSTEM, ERR_NOT_FOUND (logged); ERR_LIMIT: there are too many. */
enum err content_store_seed(struct content_store *s, const char *path) MUST_USE;

/* Adds a file or block device that will be written over: what content_store_scan reads of it is
 * kept as if it had come, as long as there is room. Errors as content_store_seed. */
enum err content_store_copy(struct content_store *s, const char *path) MUST_USE;

/* Reads on in what was added, about `bytes` more; false: all have been read. What cannot be read is
 * left out (logged). */
bool content_store_scan(struct content_store *s, uint64_t bytes);

/* Keeps a block that has come, unless it is known, all zeroes, or the store is full. */
void content_store_keep(struct content_store *s, const uint8_t block[CONTENT_BLOCK_BYTES]);

/* The names of the entries in their order, borrowed until the next is made. */
const uint64_t *content_store_names(const struct content_store *s, uint32_t *n);

/* Reads an entry; *check is its check (content_print.h). ERR_MALFORMED: there is none of that
 * number. ERR_VERIFY: its file was changed (logged). ERR_SYSTEM (logged). */
enum err content_store_get(struct content_store *s, uint64_t entry, uint8_t to[CONTENT_BLOCK_BYTES],
                           uint64_t *check) MUST_USE;

/* How much of its own file it uses. */
uint64_t content_store_bytes(const struct content_store *s);

#endif
