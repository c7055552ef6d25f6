/* A sink's work beside the loop: pictures stay what they were when they were given, in order. */
#include "core/run/sink_writer.h"

#include <string.h>

#include "core/base/heap.h"
#include "core/base/log.h"
#include "tests/unit/test.h"

enum { SEEN = 64 };

/* Remembers the first pixel and the marks of each picture; fails from the one that is told. */
struct memory {
    struct sink sink;
    uint32_t px[SEEN], width[SEEN], marks[SEEN];
    size_t seen, fails_at;
    bool finished, freed;
};

static struct memory memory;
static int written, lines;
static enum err result;
static struct loop *loop;
static struct tile_pool tiles;

static enum err remember(struct sink *s, const struct sink_frame *f)
{
    struct memory *m = (struct memory *)s;

    if (m->seen == m->fails_at) {
        log_error("the disk is full");
        return ERR_SYSTEM;
    }
    m->px[m->seen] = f->pic->tile[0] ? f->pic->tile[0]->px[0] : 0;
    m->width[m->seen] = f->pic->width;
    for (uint32_t i = 0; f->changed && i < pic_tiles(f->pic); i++)
        m->marks[m->seen] += f->changed[i];
    m->seen++;
    return OK;
}

static enum err end(struct sink *s, const struct sink_frame *last)
{
    (void)last;
    ((struct memory *)s)->finished = true;
    return OK;
}

static void release(struct sink *s)
{
    ((struct memory *)s)->freed = true;
}

static const struct sink_ops ops = {
    .name = "memory", .writes = true, .present = remember, .finish = end, .free = release};

static void on_written(void *ctx, enum err e)
{
    (void)ctx;
    written++;
    if (!result)
        result = e;
}

static void on_line(enum log_level level, const char *line)
{
    lines += level == LOG_ERROR && strcmp(line, "the disk is full") == 0;
}

static enum err begin(size_t fails_at, struct sink_writer **out)
{
    struct sink_writer_owner owner = {.written = on_written};

    memory = (struct memory){.sink = {&ops}, .fails_at = fails_at};
    written = lines = 0;
    result = OK;
    tile_pool_init(&tiles, 64);
    enum err e = loop_new(&loop);
    return e ? e : sink_writer_new(loop, &memory.sink, &owner, out);
}

/* Puts a tile of one colour in place `index`. */
static enum err paint(struct pic *p, uint32_t index, uint32_t colour)
{
    struct tile *t = tile_new(&tiles);

    if (!t)
        return ERR_MEMORY;
    for (size_t i = 0; i < TILE_PIXELS; i++)
        t->px[i] = colour;
    t->digested = 0;
    pic_set(p, index, t);
    return OK;
}

static void leave(struct sink_writer *w, struct pic *p)
{
    sink_writer_free(w);
    pic_unref(p);
    tile_pool_release(&tiles);
    loop_free(loop);
}

static void a_picture_stays_what_it_was(void)
{
    uint8_t changed[4] = {1, 0, 0, 0};
    struct sink_writer *w;
    struct pic *p;

    EXPECT_EQ(begin(SEEN, &w), OK);
    EXPECT_EQ(pic_new(&tiles, 128, 128, false, &p), OK);
    struct sink_frame f = {.pic = p, .changed = changed};
    for (uint32_t n = 1; n <= 40; n++) {
        EXPECT_EQ(paint(p, 0, n), OK);
        EXPECT_EQ(sink_writer_present(w, &f), OK);
        EXPECT(sink_writer_busy(w));
        /* The worker has a copy: this does not reach it. */
        EXPECT_EQ(paint(p, 0, 0xffffff), OK);
        memset(changed, 0, sizeof changed);
        while (written < (int)n)
            loop_turn(loop, true);
        changed[0] = 1;
        EXPECT(!sink_writer_busy(w));
    }
    EXPECT_EQ(sink_writer_finish(w, NULL), OK);
    EXPECT(memory.seen == 40 && memory.finished && result == OK);
    for (uint32_t n = 1; n <= 40; n++)
        EXPECT(memory.px[n - 1] == n && memory.marks[n - 1] == (n > 1));
    leave(w, p);
    EXPECT(memory.freed);
}

static void the_last_is_written_at_the_end(void)
{
    struct sink_writer *w;
    struct pic *p, *wide;

    EXPECT_EQ(begin(SEEN, &w), OK);
    EXPECT_EQ(pic_new(&tiles, 64, 64, false, &p), OK);
    EXPECT_EQ(pic_new(&tiles, 200, 64, false, &wide), OK);
    EXPECT_EQ(paint(p, 0, 7), OK);
    EXPECT_EQ(paint(wide, 0, 9), OK);
    EXPECT_EQ(sink_writer_present(w, &(struct sink_frame){.pic = p}), OK);
    EXPECT_EQ(sink_writer_finish(w, &(struct sink_frame){.pic = wide}), OK);
    EXPECT(memory.seen == 2 && memory.px[0] == 7 && memory.px[1] == 9);
    EXPECT(memory.width[0] == 64 && memory.width[1] == 200 && memory.finished);
    EXPECT_EQ(written, 0); /* told by what finish gave */
    pic_unref(wide);
    leave(w, p);
}

static void a_full_disk_comes_back(void)
{
    struct sink_writer *w;
    struct pic *p;

    log_set_sink(on_line);
    for (int at_end = 0; at_end < 2; at_end++) {
        EXPECT_EQ(begin(1, &w), OK);
        EXPECT_EQ(pic_new(&tiles, 64, 64, false, &p), OK);
        struct sink_frame f = {.pic = p};
        EXPECT_EQ(sink_writer_present(w, &f), OK);
        while (!written)
            loop_turn(loop, true);
        EXPECT_EQ(sink_writer_present(w, &f), OK);
        while (!at_end && written < 2)
            loop_turn(loop, true);
        EXPECT_EQ(result, at_end ? OK : ERR_SYSTEM);
        EXPECT_EQ(sink_writer_finish(w, &f), ERR_SYSTEM);
        EXPECT(memory.finished && memory.seen == 1);
        EXPECT_EQ(lines, 1); /* said on the loop's thread, once */
        leave(w, p);
    }
    log_set_sink(NULL);
}

static void memory_may_run_out(void)
{
    struct sink_writer *w;
    struct pic *p;
    bool through = false;

    for (uint64_t n = 1; n < 30 && !through; n++) {
        EXPECT_EQ(begin(SEEN, &w), OK);
        sink_writer_free(w);
        EXPECT_EQ(pic_new(&tiles, 128, 64, false, &p), OK);
        EXPECT_EQ(paint(p, 0, 5), OK);
        memory.freed = false;
        heap_fail_at(n);
        enum err e =
            sink_writer_new(loop, &memory.sink, &(struct sink_writer_owner){on_written, NULL}, &w);
        bool made = e == OK;
        if (made)
            e = sink_writer_present(w, &(struct sink_frame){.pic = p});
        through = !heap_fault_fired();
        heap_fail_at(0);
        EXPECT(through ? e == OK : e == ERR_MEMORY);
        EXPECT(made == (w != NULL) && !memory.freed);
        leave(w, p);
    }
    EXPECT(through);
    sink_writer_free(NULL);
    EXPECT(!sink_writer_busy(NULL));
}

TEST_MAIN({"a_picture_stays_what_it_was", a_picture_stays_what_it_was},
          {"the_last_is_written_at_the_end", the_last_is_written_at_the_end},
          {"a_full_disk_comes_back", a_full_disk_comes_back},
          {"memory_may_run_out", memory_may_run_out})
