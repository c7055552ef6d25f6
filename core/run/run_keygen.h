/* run_keygen: makes an identity, or shows the public key of one. */
#ifndef FARSPAN_RUN_KEYGEN_H
#define FARSPAN_RUN_KEYGEN_H

#include "core/run/run.h"

struct run_keygen_config {
    const char *output; /* the file; NULL: the identity of the common options, or the default one */
    bool show;          /* make nothing, read it */
};

/* Makes or reads the identity and prints its public key; as JSON a result with key and path.
 * ERR_EXISTS when the file is there, which is kept; ERR_NOT_FOUND to show one that is not there;
 * else as identity_make and key_load. */
enum err run_keygen(const struct run_keygen_config *config, struct run *run) MUST_USE;

#endif
