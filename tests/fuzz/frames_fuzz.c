/* Images, ppm and y4m: read at once and in pieces they give the same pictures and the same end. The
 * first byte of an input says how large the pieces are. */

#include "core/base/check.h"
#include "core/base/heap.h"
#include "core/base/io.h"
#include "core/base/num.h"
#include "core/codec/frames.h"
#include "tests/fuzz/fuzz.h"

enum { PIXELS = 1 << 20 /* more than this is right or wrong for the same reasons, and slow */ };

/* Gives its bytes a few at a time, and sometimes none. */
struct trickle {
    struct io_in in;
    struct bytes left;
    size_t piece;
    unsigned calls;
};

static enum err trickle_read(struct io_in *in, void *to, size_t room, size_t *got)
{
    struct trickle *t = (struct trickle *)in;

    if (t->piece < 64 && ++t->calls % 7 == 0)
        return ERR_AGAIN;
    *got = num_min(num_min(room, t->piece), t->left.n);
    if (*got == 0)
        return ERR_END;
    memcpy(to, t->left.p, *got);
    t->left = bytes_of(t->left.p + *got, t->left.n - *got);
    return OK;
}

/* What reading a file comes to. */
struct outcome {
    uint64_t pictures, sum;
    enum err end;
};

static void look_at(const struct frames_picture *p, struct outcome *o)
{
    size_t n = (size_t)p->pixels.width * p->pixels.height;

    CHECK(samples_size_fits(p->pixels.width, p->pixels.height));
    CHECK(p->pixels.stride_px >= p->pixels.width && p->samples < SAMPLES_COUNT);
    o->pictures++;
    for (size_t i = 0; i < n && i < PIXELS; i++)
        o->sum = o->sum * 31 + p->pixels.px[i] % 0x1000193;
    o->sum += p->time_us;
}

/* Leaves a pattern where the next calls have their variables: what comes of memory that was not
 * written is then seen to differ. */
static __attribute__((noinline)) void soil_stack(uint8_t pattern)
{
    volatile uint8_t mud[64 * 1024];

    for (size_t i = 0; i < sizeof mud; i++)
        mud[i] = pattern;
}

static struct outcome read_all(struct bytes file, size_t piece)
{
    struct trickle t = {{trickle_read}, file, piece, 0};
    struct frames *f = frames_new(&t.in);
    struct outcome o = {0};

    CHECK(f);
    do {
        struct reason why = {""};
        struct frames_picture p;
        o.end = frames_next(f, &p, &why);
        if (o.end == OK)
            look_at(&p, &o);
        else
            CHECK(o.end == ERR_END || o.end == ERR_AGAIN || why.text[0]);
    } while (o.end == OK || o.end == ERR_AGAIN);
    frames_free(f);
    return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n == 0)
        return 0;
    uint8_t *copy = fuzz_copy(data + 1, n - 1);
    struct bytes file = bytes_of(copy, n - 1);

    soil_stack(0x5a);
    struct outcome whole = read_all(file, SIZE_MAX);
    soil_stack(0xa5);
    struct outcome pieces = read_all(file, 1 + data[0] % 100);
    CHECK(whole.end == pieces.end && whole.pictures == pieces.pictures && whole.sum == pieces.sum);
    free(copy);
    return 0;
}
