#include "core/guest/return_path.h"

#include <string.h>

#include "core/base/num.h"

enum { HEAD_BYTES = 4 };

static const uint8_t good_shut[RETURN_PATH_SHUT_BYTES] = {0, 1, 0, 4};

/* Takes a byte of a head, or of SHUT; writes to `out` what turns out to go on, and gives how much.
 */
static size_t take_head(struct return_path *r, uint8_t byte, uint8_t *out)
{
    r->head[r->head_n++] = byte;
    if (r->head_n < HEAD_BYTES)
        return 0;
    if (memcmp(r->head, good_shut, HEAD_BYTES) != 0) {
        memcpy(out, r->head, HEAD_BYTES);
        r->body_left = (size_t)num_get_be(r->head + 2, 2);
        r->head_n = 0;
        return HEAD_BYTES;
    }
    if (r->head_n == RETURN_PATH_SHUT_BYTES) {
        r->shut = true;
        r->code = (uint32_t)num_get_be(r->head + 4, 4);
    }
    return 0;
}

size_t return_path_sift(struct return_path *r, uint8_t *p, size_t n)
{
    const uint8_t *in = p + RETURN_PATH_SHUT_BYTES, *end = in + n;
    size_t out = 0;

    /* What was kept of an earlier call goes first: what is read makes room for it. */
    memmove(p + RETURN_PATH_SHUT_BYTES, p, n);
    while (in < end && !r->shut) {
        size_t body = num_min(r->body_left, (size_t)(end - in));
        memmove(p + out, in, body);
        out += body;
        in += body;
        r->body_left -= body;
        if (in < end)
            out += take_head(r, *in++, p + out);
    }
    r->strange |= in < end;
    return out;
}

void return_path_shut(uint8_t to[RETURN_PATH_SHUT_BYTES])
{
    memcpy(to, good_shut, sizeof good_shut);
}
