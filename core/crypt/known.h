/* known: the servers met before and the key of each, from a known_hosts file. */
#ifndef FARSPAN_KNOWN_H
#define FARSPAN_KNOWN_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/crypt/key.h"
#include "core/crypt/keyfile.h"
#include "core/crypt/target.h"

enum { KNOWN_LINE_CHARS = TARGET_TEXT_CHARS + KEY_TEXT_CHARS + 1 }; /* with its end */

/* One line of the file. */
struct known_host {
    struct target target;
    uint8_t key[KEY_BYTES];
    uint32_t line;
};

/* All hosts of a file, sorted by target. */
struct known {
    struct known_host *hosts; /* owned */
    size_t count;
};

enum known_verdict {
    KNOWN_SAME,  /* the key is the one on record */
    KNOWN_NEW,   /* nothing is on record for that host and port */
    KNOWN_OTHER, /* another key is on record: refuse, whatever the user wishes to accept */
};

/* Reads "HOST:PORT KEY" lines (see keyfile_next and target_parse) from a borrowed file. The same
 * line may stand more than once (two programs can have met the same server at once); two keys for
 * one host and port are an error. ERR_MALFORMED or ERR_LIMIT with *error set, ERR_MEMORY; *k is
 * then empty. */
enum err known_parse(struct known *k, struct bytes text, struct keyfile_error *error) MUST_USE;

/* The entry of `target` (borrowed), borrowed from the list, or NULL. */
const struct known_host *known_find(const struct known *k, const struct target *target);

/* What the record says of a server at `target` that claims `key`. */
enum known_verdict known_check(const struct known *k, const struct target *target,
                               const uint8_t key[KEY_BYTES]);

/* Writes the line to append for a new server, without a line end. */
void known_line(const struct target *target, const uint8_t key[KEY_BYTES],
                char line[KNOWN_LINE_CHARS]);

/* Frees the list and leaves it empty; a zeroed struct is an empty list. */
void known_release(struct known *k);

#endif
