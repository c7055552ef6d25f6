/* Recordings: frames have the shape that they say; damage has a reason; seeking finds the frame
 * that was asked for or none. */

#include "core/base/check.h"
#include "core/base/limits.h"
#include "core/codec/fsr_reader.h"
#include "tests/fuzz/fuzz.h"

enum { POOL_TILES = 4000, SEEKS = 4 };

static void look_at(const struct fsr_frame *f)
{
    CHECK(samples_size_fits(f->pic->width, f->pic->height));
    CHECK(f->pic->width == f->shape->width && f->pic->height == f->shape->height);
    CHECK(f->pic->alpha == samples_shape(f->shape->samples)->alpha);
    CHECK(f->time_us <= FSR_TIME_MAX && f->number < (uint64_t)1 << 62);
}

/* Reads to the end; every call that is no frame is damage or the end, so it comes to an end. */
static uint64_t read_all(struct fsr_reader *r, size_t n)
{
    uint64_t frames = 0;

    for (size_t calls = 0;; calls++) {
        struct reason why = {""};
        struct fsr_frame f;
        enum err e = fsr_reader_next(r, &f, &why);
        CHECK(calls <= n);
        if (e == ERR_END)
            return frames;
        if (e == OK)
            look_at(&f);
        else
            CHECK(why.text[0]);
        frames += e == OK;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    uint8_t *copy = fuzz_copy(data, n);
    struct tile_pool pool;
    struct io_memory m;
    struct fsr_reader *r;
    struct fsr_frame f;
    struct reason why = {""};

    tile_pool_init(&pool, POOL_TILES);
    io_memory_init(&m, bytes_of(copy, n));
    if (fsr_reader_open(&m.at, &pool, &r, &why) == OK) {
        uint64_t frames = fsr_reader_info(r)->frames;
        read_all(r, n);
        for (uint64_t i = 0; i < SEEKS && frames; i++) {
            uint64_t wanted = frames / (SEEKS - 1) * i;
            memset(&why, 0, sizeof why);
            if (fsr_reader_seek(r, wanted, &why) == OK) {
                if (fsr_reader_next(r, &f, &why) == OK) {
                    look_at(&f);
                    CHECK(f.number == wanted);
                }
            } else {
                CHECK(why.text[0]);
            }
        }
        fsr_reader_free(r);
    } else {
        CHECK(why.text[0]);
    }
    tile_pool_release(&pool);
    free(copy);
    return 0;
}
