/* page_carry: a migration stream through page_coder and page_decoder, in pieces of any size. */
#ifndef FARSPAN_PAGE_CARRY_H
#define FARSPAN_PAGE_CARRY_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/rng.h"
#include "core/guest/page_coder.h"
#include "core/guest/page_decoder.h"

/* Appends to `out` all that the decoder makes of `b`. Errors of page_decoder_put. */
enum err page_carry_decode(struct page_decoder *d, struct rng *g, struct bytes b, struct buf *out);

/* Carries `in` to an end that has `store` (NULL: nothing), files in `folder`; *coded is how much
 * that took. False: what came out is not what went in. */
bool page_carry(struct bytes in, struct content_store *store, const char *folder, uint64_t seed,
                uint64_t *coded, struct page_counters *counters);

#endif
