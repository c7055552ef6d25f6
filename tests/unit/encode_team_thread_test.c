#include "core/base/heap.h"
#include "core/codec/fsr_writer.h"
#include "core/run/encode_team.h"
#include "tests/unit/scene.h"
#include "tests/unit/test.h"

enum { FRAMES = 4, WIDTH = 900, HEIGHT = 500 };

/* Records some frames of a moving desktop into `file`. */
static enum err record(struct fsr_workers *workers, struct buf *file)
{
    struct scene s = scene_new(WIDTH, HEIGHT, 0);
    struct tile_pool pool;
    struct pic *p = NULL;
    struct io_buf out;
    struct fsr_writer *w = NULL;

    tile_pool_init(&pool, 1000);
    buf_init(file, 16 << 20);
    io_buf_init(&out, file);
    struct fsr_writer_config c = {.out = &out.out, .workers = workers};
    enum err e = fsr_writer_new(&c, &w);
    if (!e)
        e = pic_new(&pool, WIDTH, HEIGHT, false, &p);
    for (uint32_t i = 0; !e && i < FRAMES; i++) {
        scene_desktop(&s, 20 + 13 * i, 30, i);
        scene_update(&s, p, NULL);
        e = fsr_writer_frame(w, p, i, NULL);
    }
    if (!e)
        e = fsr_writer_finish(w);
    fsr_writer_free(w);
    pic_unref(p);
    tile_pool_release(&pool);
    scene_release(&s);
    return e;
}

static void threads_change_nothing(void)
{
    struct buf alone, together;
    struct loop *l;
    struct encode_team *t;

    EXPECT_EQ(loop_new(&l), OK);
    EXPECT_EQ(encode_team_new(l, &t), OK);
    EXPECT_EQ(record(NULL, &alone), OK);
    EXPECT_EQ(record(encode_team_workers(t), &together), OK);
    EXPECT(bytes_equal(buf_bytes(&alone), buf_bytes(&together)));
    buf_release(&alone);
    buf_release(&together);
    encode_team_free(t);
    loop_free(l);
}

TEST_MAIN({"threads change nothing", threads_change_nothing})
