#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/heap.h"
#include "core/base/num.h"
#include "core/codec/fsr.h"
#include "core/codec/fsr_index.h"
#include "core/codec/fsr_reader.h"
#include "core/codec/fsr_writer.h"
#include "tests/unit/scene.h"
#include "tests/unit/test.h"

enum { MOST_FRAMES = 64, SECOND_US = 1000000 };

/* A recording in memory beside the pictures that went in. */
struct tape {
    struct tile_pool pool;
    struct buf file;
    struct io_buf out;
    struct pic *pic[MOST_FRAMES];
    uint64_t time_us[MOST_FRAMES];
    uint64_t end[MOST_FRAMES]; /* where the frame ends in the file */
    bool key[MOST_FRAMES];
    size_t n;
    struct fsr_writer *w;
};

static enum err tape_begin(struct tape *t, enum samples samples, struct fsr_workers *workers,
                           const char *line)
{
    struct fsr_writer_config c = {.samples = samples, .workers = workers, .line = line};

    memset(t, 0, sizeof *t);
    tile_pool_init(&t->pool, 40000);
    buf_init(&t->file, 512 << 20);
    io_buf_init(&t->out, &t->file);
    c.out = &t->out.out;
    return fsr_writer_new(&c, &t->w);
}

/* Adds a frame of what is on the canvas. */
static enum err tape_add(struct tape *t, const struct scene *s, bool alpha, uint64_t time_us)
{
    struct fsr_frame_cost cost;
    struct pic *p = NULL, *last = t->n ? t->pic[t->n - 1] : NULL;
    enum err e = last && last->width == s->width && last->height == s->height
                     ? pic_copy(last, &p)
                     : pic_new(&t->pool, s->width, s->height, alpha, &p);

    if (e)
        return e;
    struct pixels px = scene_pixels(s);
    uint8_t *changed = heap_alloc(pic_tiles(p));
    uint32_t count = 0;
    e = changed ? pic_update(p, &px, (struct rect){0, 0, p->width, p->height}, changed, &count)
                : ERR_MEMORY;
    heap_free(changed);
    if (!e)
        e = fsr_writer_frame(t->w, p, time_us, &cost);
    if (e) {
        pic_unref(p);
        return e;
    }
    t->pic[t->n] = p;
    t->time_us[t->n] = time_us;
    t->end[t->n] = t->file.n;
    t->key[t->n++] = cost.key;
    return OK;
}

static void tape_release(struct tape *t)
{
    fsr_writer_free(t->w);
    for (size_t i = 0; i < t->n; i++)
        pic_unref(t->pic[i]);
    buf_release(&t->file);
    tile_pool_release(&t->pool);
}

/* How reading a file went. */
struct seen {
    size_t frames, damages; /* frames that came, each of them right */
    enum err end;           /* ERR_END, or what else stopped it */
    bool wrong;             /* a frame came that did not go in */
    bool finished;
};

static struct seen watch(struct tape *t, struct bytes file)
{
    struct io_memory m;
    struct fsr_reader *r = NULL;
    struct fsr_frame f;
    struct reason why = {{0}};
    struct seen s = {0};

    io_memory_init(&m, file);
    s.end = fsr_reader_open(&m.at, &t->pool, &r, &why);
    if (s.end) {
        s.wrong = !why.text[0];
        return s;
    }
    s.finished = fsr_reader_info(r)->finished;
    for (;;) {
        memset(&why, 0, sizeof why);
        enum err e = fsr_reader_next(r, &f, &why);
        if (e == OK) {
            s.frames++;
            s.wrong |= f.number >= t->n || !pic_equal(f.pic, t->pic[f.number]) ||
                       f.time_us != t->time_us[f.number];
        } else if (e == ERR_MALFORMED || e == ERR_VERIFY || e == ERR_LIMIT || e == ERR_VERSION) {
            s.damages++;
            s.wrong |= !why.text[0];
        } else {
            s.end = e;
            break;
        }
    }
    fsr_reader_free(r);
    return s;
}

/* Something moves, something is new, now and then nothing changes. */
static void animate(struct scene *s, size_t i)
{
    if (i % 5 == 4)
        return;
    for (uint32_t y = 0; y < s->height / 3; y += 2)
        for (uint32_t x = 0; x < s->width && x < 24; x++)
            s->px[y * s->width + x] = (uint32_t)((x + i) * (y + 3) * 2654435761u);
    s->px[(i * 7919) % ((size_t)s->width * s->height)] ^= 0x808080;
}

static void one_round(uint32_t width, uint32_t height, enum samples samples, size_t frames)
{
    struct tape t;
    struct scene s = scene_new(width, height, 0xff204060);

    EXPECT_EQ(tape_begin(&t, samples, NULL, NULL), OK);
    for (size_t i = 0; i < frames; i++, animate(&s, i))
        EXPECT_EQ(tape_add(&t, &s, samples_shape(samples)->alpha, i * SECOND_US / 25), OK);
    EXPECT_EQ(fsr_writer_finish(t.w), OK);
    EXPECT_EQ(fsr_writer_bytes(t.w), t.file.n);
    struct seen seen = watch(&t, buf_bytes(&t.file));
    EXPECT_EQ(seen.frames, frames);
    EXPECT(seen.damages == 0 && !seen.wrong && seen.end == ERR_END && seen.finished);
    tape_release(&t);
    scene_release(&s);
}

static void what_goes_in_comes_out(void)
{
    static const uint32_t sizes[][2] = {{1, 1}, {17, 3}, {4097, 1}, {1, 200}, {640, 480}};

    for (size_t i = 0; i < COUNT_OF(sizes) && !test_failed(); i++) {
        one_round(sizes[i][0], sizes[i][1], SAMPLES_RGB, 8);
        one_round(sizes[i][0], sizes[i][1], SAMPLES_RGBA, 3);
        one_round(sizes[i][0], sizes[i][1], SAMPLES_420, 2);
    }
}

static void noise_needs_several_records(void)
{
    struct tape t;
    struct scene s = scene_new(1200, 700, 0);

    EXPECT_EQ(tape_begin(&t, SAMPLES_RGB, NULL, NULL), OK);
    for (size_t i = 0; i < 3; i++) {
        scene_random(&s, i);
        EXPECT_EQ(tape_add(&t, &s, false, i), OK);
    }
    EXPECT_EQ(fsr_writer_finish(t.w), OK);
    EXPECT(t.file.n > 3 * 1200 * 700 * 3);
    struct seen seen = watch(&t, buf_bytes(&t.file));
    EXPECT(seen.frames == 3 && seen.damages == 0 && !seen.wrong);
    /* One flipped bit in the middle of the second frame: that one and what refers to it are lost.
     */
    t.file.p[(t.end[0] + t.end[1]) / 2] ^= 4;
    seen = watch(&t, buf_bytes(&t.file));
    EXPECT(seen.frames == 1 && seen.damages == 1 && !seen.wrong && seen.end == ERR_END);
    tape_release(&t);
    scene_release(&s);
}

static void run_backwards(struct fsr_workers *w, struct fsr_job *const *jobs, size_t n)
{
    (void)w;
    while (n-- > 0)
        fsr_writer_work(jobs[n]);
}

static void workers_change_nothing(void)
{
    struct buf first;

    buf_init(&first, 64 << 20);
    for (size_t workers = 0; workers < 4 && !test_failed(); workers++) {
        struct fsr_workers team = {workers, run_backwards};
        struct scene s = scene_new(1300, 600, 0x123456);
        struct tape t;
        EXPECT_EQ(tape_begin(&t, SAMPLES_RGB, workers ? &team : NULL, NULL), OK);
        for (size_t i = 0; i < 4; i++, animate(&s, i))
            EXPECT_EQ(tape_add(&t, &s, false, i), OK);
        EXPECT_EQ(fsr_writer_finish(t.w), OK);
        if (workers == 0)
            EXPECT_EQ(buf_append(&first, buf_bytes(&t.file)), OK);
        EXPECT(bytes_equal(buf_bytes(&first), buf_bytes(&t.file)));
        tape_release(&t);
        scene_release(&s);
    }
    buf_release(&first);
}

/* A tape of `frames` with a key frame every `every` (by time) and a change of size in the middle.
 */
static enum err make_tape(struct tape *t, size_t frames, size_t every)
{
    struct scene s = scene_new(100, 70, 0x405060);
    enum err e = tape_begin(t, SAMPLES_RGB, NULL, "YUV4MPEG2 of no meaning");

    for (size_t i = 0; !e && i < frames; i++) {
        animate(&s, i);
        e = tape_add(t, &s, false, i * 60 * SECOND_US / every);
        if (i == frames / 2) {
            scene_release(&s);
            s = scene_new(130, 64, 0x111111);
        }
    }
    scene_release(&s);
    return e ? e : fsr_writer_finish(t->w);
}

static void every_frame_can_be_reached(void)
{
    struct tape t;
    struct io_memory m;
    struct fsr_reader *r;
    struct fsr_frame f;
    struct reason why = {{0}};
    size_t keys = 0;

    EXPECT_EQ(make_tape(&t, 40, 7), OK);
    for (size_t i = 0; i < t.n; i++)
        keys += t.key[i];
    EXPECT(keys >= 6 && keys <= 8 && t.key[0] && t.key[21]);
    for (int cut = 0; cut < 2 && !test_failed(); cut++) { /* with and without the index */
        io_memory_init(&m, bytes_of(t.file.p, cut ? t.file.n - 1 : t.file.n));
        EXPECT_EQ(fsr_reader_open(&m.at, &t.pool, &r, &why), OK);
        const struct fsr_info *info = fsr_reader_info(r);
        EXPECT(info->frames == 40 && info->finished == !cut && info->has_shape &&
               info->shape.width == 100 && info->end_us == t.time_us[39]);
        EXPECT(strcmp(info->shape.line, "YUV4MPEG2 of no meaning") == 0);
        for (size_t i = 0; i < 200; i++) {
            size_t n = i * 29 % 40;
            EXPECT_EQ(fsr_reader_seek(r, n, &why), OK);
            EXPECT_EQ(fsr_reader_next(r, &f, &why), OK);
            EXPECT_EQ(f.number, n);
            EXPECT(pic_equal(f.pic, t.pic[n]) && f.time_us == t.time_us[n]);
        }
        EXPECT_EQ(fsr_reader_seek(r, 40, &why), ERR_NOT_FOUND);
        EXPECT_EQ(fsr_reader_seek(r, UINT64_MAX, &why), ERR_NOT_FOUND);
        fsr_reader_free(r);
    }
    tape_release(&t);
}

static void changed_tiles_are_told(void)
{
    struct tape t;
    struct io_memory m;
    struct fsr_reader *r;
    struct fsr_frame f;
    struct reason why = {{0}};
    struct scene s = scene_new(200, 70, 0x405060);

    EXPECT_EQ(tape_begin(&t, SAMPLES_RGB, NULL, NULL), OK);
    EXPECT_EQ(tape_add(&t, &s, false, 0), OK);
    s.px[65] ^= 1;
    EXPECT_EQ(tape_add(&t, &s, false, 1), OK);
    io_memory_init(&m, buf_bytes(&t.file));
    EXPECT_EQ(fsr_reader_open(&m.at, &t.pool, &r, &why), OK);
    EXPECT_EQ(fsr_reader_next(r, &f, &why), OK);
    EXPECT(!f.changed && f.shape->width == 200);
    EXPECT_EQ(fsr_reader_next(r, &f, &why), OK);
    EXPECT(!f.changed[0] && f.changed[1] && !f.changed[2] && !f.changed[7]);
    EXPECT_EQ(fsr_reader_next(r, &f, &why), ERR_END);
    EXPECT_EQ(fsr_reader_next(r, &f, &why), ERR_END);
    fsr_reader_free(r);
    tape_release(&t);
    scene_release(&s);
}

/* Cut at any byte: exactly the frames that are whole come, and nothing is called damaged. */
static void cut_anywhere(void)
{
    struct tape t;

    EXPECT_EQ(make_tape(&t, 8, 3), OK);
    for (size_t n = 0; n < t.file.n && !test_failed(); n++) {
        uint8_t *exact = heap_alloc(n);
        memcpy(exact, t.file.p, n);
        struct seen s = watch(&t, bytes_of(exact, n));
        heap_free(exact);
        size_t whole = 0;
        while (whole < t.n && t.end[whole] <= n)
            whole++;
        EXPECT(!s.wrong && s.damages == 0 && !s.finished);
        EXPECT_EQ(s.frames, whole);
        EXPECT_EQ(s.end, n < FSR_HEADER_BYTES ? ERR_MALFORMED : ERR_END);
    }
    tape_release(&t);
}

/* Any bit flipped: no wrong frame, all frames before it, and those from the next key frame on. */
static void flipped_anywhere(void)
{
    struct tape t;

    EXPECT_EQ(make_tape(&t, 8, 3), OK);
    for (size_t i = 0; i < t.file.n && !test_failed(); i++) {
        size_t at = 0, back;
        t.file.p[i] ^= (uint8_t)(1 << i % 8);
        struct seen s = watch(&t, buf_bytes(&t.file));
        t.file.p[i] ^= (uint8_t)(1 << i % 8);
        EXPECT(!s.wrong);
        if (i < FSR_HEADER_BYTES) {
            EXPECT_EQ(s.end, ERR_MALFORMED);
            continue;
        }
        while (at < t.n && t.end[at] <= i)
            at++;
        for (back = at + 1; back < t.n && !t.key[back]; back++)
            ;
        size_t expected = at == t.n ? t.n : at + (t.n - num_min(back, t.n));
        EXPECT_EQ(s.frames, expected);
        EXPECT(s.damages >= 1 || at == t.n);
        EXPECT_EQ(s.end, ERR_END);
    }
    tape_release(&t);
}

/* Whole records taken out, doubled or swapped are seen; key frames are still found. */
static void records_out_of_place(void)
{
    struct tape t;
    struct buf other;

    EXPECT_EQ(make_tape(&t, 12, 5), OK);
    buf_init(&other, 1 << 20);
    for (size_t i = 1; i < t.n && !test_failed(); i++) {
        size_t begin = t.end[i - 1], end = t.end[i];
        other.n = 0; /* frame i is missing */
        EXPECT_EQ(buf_append(&other, bytes_of(t.file.p, begin)), OK);
        EXPECT_EQ(buf_append(&other, bytes_of(t.file.p + end, t.file.n - end)), OK);
        struct seen s = watch(&t, buf_bytes(&other));
        EXPECT(!s.wrong && s.frames >= i && s.end == ERR_END);
        EXPECT(s.damages >= 1 || i == t.n - 1);
        other.n = 0; /* frame i comes twice */
        EXPECT_EQ(buf_append(&other, bytes_of(t.file.p, end)), OK);
        EXPECT_EQ(buf_append(&other, bytes_of(t.file.p + begin, t.file.n - begin)), OK);
        s = watch(&t, buf_bytes(&other));
        EXPECT(!s.wrong && s.damages >= 1 && s.frames >= i + 1 && s.end == ERR_END);
    }
    buf_release(&other);
    tape_release(&t);
}

static void headers_are_checked(void)
{
    uint8_t h[FSR_HEADER_BYTES + 8];
    struct reason why = {{0}};

    fsr_put_header(h);
    EXPECT_EQ(fsr_check_header(h, FSR_HEADER_BYTES, &why), OK);
    EXPECT_EQ(fsr_check_header(h, 0, &why), ERR_MALFORMED);
    EXPECT_EQ(fsr_check_header(h, 31, &why), ERR_MALFORMED);
    /* From the layout in docs/codec.md alone. */
    static const char expected[] = "89465352 0d0a1a0a 0100 0000 00000000 00000000 00000000";
    char seen[80];
    size_t n = 0;
    for (size_t i = 0; i < 24; i++)
        n += (size_t)snprintf(seen + n, sizeof seen - n, "%02x%s", h[i],
                              i == 3 || i == 7 || i == 9 || i == 11 || i == 15 || i == 19 ? " "
                                                                                          : "");
    EXPECT(strcmp(seen, expected) == 0);
    /* Well formed: a later major version, an unknown incompatible addition, a compatible one. */
    static const char *const later[] = {"894653520d0a1a0a0200000000000000"
                                        "000000000000000037345bcfe2fe8378",
                                        "894653520d0a1a0a0100000000000000"
                                        "02000000000000006c690daf377bba41",
                                        "894653520d0a1a0a0100000001000000"
                                        "00000000000000006a1e23b58fff8a84"};
    static const enum err judged[] = {ERR_VERSION, ERR_VERSION, OK};
    for (size_t i = 0; i < 3; i++) {
        memset(&why, 0, sizeof why);
        EXPECT_EQ(test_hex(later[i], h, sizeof h), FSR_HEADER_BYTES);
        EXPECT_EQ(fsr_check_header(h, FSR_HEADER_BYTES, &why), judged[i]);
    }
    EXPECT_EQ(test_hex(later[0], h, sizeof h), FSR_HEADER_BYTES);
    EXPECT_EQ(fsr_check_header(h, FSR_HEADER_BYTES, &why), ERR_VERSION);
    EXPECT(strstr(why.text, "version 2") && strstr(why.text, "version 1"));
}

static void records_are_checked(void)
{
    uint8_t p[FSR_RECORD_HEADER_BYTES + 5];
    struct fsr_record r;

    memcpy(p + FSR_RECORD_HEADER_BYTES, "hello", 5);
    fsr_put_record(p, FSR_PART, FSR_FIRST | FSR_KEY, bytes_of(p + FSR_RECORD_HEADER_BYTES, 5));
    EXPECT_EQ(fsr_get_record(p, &r), OK);
    EXPECT(r.kind == FSR_PART && r.flags == (FSR_FIRST | FSR_KEY) && r.payload_bytes == 5);
    EXPECT(fsr_payload_good(&r, bytes_of("hello", 5)));
    EXPECT(!fsr_payload_good(&r, bytes_of("hallo", 5)));
    EXPECT(!fsr_payload_good(&r, bytes_of("hell", 4)));
    for (size_t i = 0; i < 16 * 8; i++) {
        p[i / 8] ^= (uint8_t)(1 << i % 8);
        EXPECT_EQ(fsr_get_record(p, &r), ERR_MALFORMED);
        p[i / 8] ^= (uint8_t)(1 << i % 8);
    }
}

static void parts_are_checked(void)
{
    struct fsr_part p = {5, 0, 77, {640, 480, SAMPLES_420, true, "YUV4MPEG2 W640 H480"}}, back;
    uint8_t space[100];
    struct wr w = wr_of(space, sizeof space);

    fsr_put_part(&w, FSR_FIRST | FSR_KEY, &p);
    struct rd r = rd_of(wr_done(&w));
    EXPECT_EQ(fsr_get_part(&r, FSR_FIRST | FSR_KEY, &back), OK);
    EXPECT(rd_done(&r) == OK && back.frame == 5 && back.time_us == 77);
    EXPECT(fsr_shape_equal(&p.shape, &back.shape));
    for (size_t n = 0; n < w.n; n++) {
        r = rd_of(bytes_of(space, n));
        EXPECT_EQ(fsr_get_part(&r, FSR_FIRST | FSR_KEY, &back), ERR_MALFORMED);
    }
    static const struct {
        uint32_t width, height;
        int samples, range;
        enum err e;
    } bad[] = {{0, 1, 0, 0, ERR_LIMIT},         {16385, 1, 0, 0, ERR_LIMIT},
               {16384, 16384, 0, 0, ERR_LIMIT}, {1, 1, SAMPLES_COUNT, 0, ERR_MALFORMED},
               {1, 1, 0, 2, ERR_MALFORMED},     {1, 1, 0, 0, OK}};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        w = wr_of(space, sizeof space);
        wr_var(&w, 0), wr_var(&w, 0), wr_var(&w, 0);
        wr_u8(&w, (uint8_t)bad[i].samples), wr_u8(&w, (uint8_t)bad[i].range);
        wr_var(&w, bad[i].width), wr_var(&w, bad[i].height), wr_var(&w, 0);
        r = rd_of(wr_done(&w));
        EXPECT_EQ(fsr_get_part(&r, FSR_FIRST | FSR_KEY, &back), bad[i].e);
    }
    r = rd_of(bytes_of("\0\0\0", 3)); /* part 0 that is no first one; flags that do not exist */
    EXPECT_EQ(fsr_get_part(&r, FSR_LAST, &back), ERR_MALFORMED);
    r = rd_of(bytes_of("\0\0\0", 3));
    EXPECT_EQ(fsr_get_part(&r, FSR_FIRST | 8, &back), ERR_MALFORMED);
}

static void the_index_stays_bounded(void)
{
    struct fsr_index x, back;
    struct buf b;
    uint64_t offset = 0;

    EXPECT_EQ(fsr_index_init(&x), OK);
    EXPECT_EQ(fsr_index_init(&back), OK);
    buf_init(&b, FSR_RECORD_BYTES);
    EXPECT(!fsr_index_find(&x, 5));
    for (uint64_t i = 0; i < 100000; i++) {
        fsr_index_add(&x, (struct fsr_key){i * 3, 32 + i * 1000, i * 7});
        if (i % 977 == 0) { /* at no time is there a hole of more than what is left out */
            const struct fsr_key *k = fsr_index_find(&x, i * 3);
            EXPECT(k && k->frame <= i * 3 && i * 3 - k->frame < 3 * x.every);
        }
    }
    x.frames = 300000;
    EXPECT(x.n > FSR_INDEX_ENTRIES / 2 && x.n <= FSR_INDEX_ENTRIES && x.key[0].frame == 0);
    for (size_t i = 1; i < x.n; i++)
        EXPECT_EQ(x.key[i].frame - x.key[i - 1].frame, 3 * x.every);
    EXPECT_EQ(fsr_index_encode(&x, &b), OK);
    uint64_t size = 200000000 + b.n;
    EXPECT_EQ(fsr_index_locate(b.p + b.n - FSR_TAIL_BYTES, size, &offset), OK);
    EXPECT_EQ(offset, 200000000);
    struct bytes payload = bytes_of(b.p + FSR_RECORD_HEADER_BYTES, b.n - FSR_RECORD_HEADER_BYTES);
    EXPECT_EQ(fsr_index_decode(&back, payload, offset), OK);
    EXPECT(back.n == x.n && back.frames == 300000 &&
           memcmp(back.key, x.key, x.n * sizeof *x.key) == 0);
    for (size_t n = 0; n < payload.n; n += 97)
        EXPECT_EQ(fsr_index_decode(&back, bytes_of(payload.p, n), offset), ERR_MALFORMED);
    EXPECT_EQ(fsr_index_decode(&back, payload, 5000), ERR_MALFORMED); /* beyond the records */
    x.frames = 100;
    b.n = 0;
    EXPECT_EQ(fsr_index_encode(&x, &b), OK);
    EXPECT_EQ(fsr_index_decode(&back, bytes_of(b.p + 24, b.n - 24), offset), ERR_MALFORMED);
    EXPECT_EQ(fsr_index_locate(b.p + b.n - FSR_TAIL_BYTES, b.n + 31, &offset), ERR_MALFORMED);
    fsr_index_release(&x);
    fsr_index_release(&back);
    buf_release(&b);
}

/* An index that points elsewhere is no more than a missing one. */
static void a_lying_index_is_found_out(void)
{
    struct tape t;
    struct fsr_index x;
    struct io_memory m;
    struct fsr_reader *r;
    struct fsr_frame f;
    struct reason why = {{0}};

    EXPECT_EQ(make_tape(&t, 12, 5), OK);
    EXPECT_EQ(fsr_index_init(&x), OK);
    fsr_index_add(&x, (struct fsr_key){3, t.end[1], 0});
    fsr_index_add(&x, (struct fsr_key){7, t.end[3] + 1, 0});
    x.frames = 12;
    t.file.n = t.end[11];
    EXPECT_EQ(fsr_index_encode(&x, &t.file), OK);
    struct seen s = watch(&t, buf_bytes(&t.file));
    EXPECT(s.frames == 12 && !s.wrong && s.finished && s.damages == 0);
    for (size_t n = 0; n < 12; n++) {
        io_memory_init(&m, buf_bytes(&t.file));
        EXPECT_EQ(fsr_reader_open(&m.at, &t.pool, &r, &why), OK);
        if (n == 0)
            EXPECT(!fsr_reader_info(r)->has_shape);
        enum err e = fsr_reader_seek(r, n, &why);
        EXPECT_EQ(e, n < 3 ? ERR_NOT_FOUND : OK);
        if (!e) {
            EXPECT_EQ(fsr_reader_next(r, &f, &why), OK);
            EXPECT(f.number == n && pic_equal(f.pic, t.pic[n]));
        }
        fsr_reader_free(r);
    }
    fsr_index_release(&x);
    tape_release(&t);
}

/* Records into a file of at most `room` bytes. */
static enum err fill_tape(struct tape *t, size_t room)
{
    struct scene s = scene_new(100, 70, 0x405060);
    struct fsr_writer_config c = {0};

    memset(t, 0, sizeof *t);
    tile_pool_init(&t->pool, 1000);
    buf_init(&t->file, room);
    io_buf_init(&t->out, &t->file);
    c.out = &t->out.out;
    enum err e = fsr_writer_new(&c, &t->w);
    for (size_t i = 0; !e && i < 12; i++) {
        animate(&s, i);
        e = tape_add(t, &s, false, i);
    }
    scene_release(&s);
    return e ? e : fsr_writer_finish(t->w);
}

/* The space ends at any byte: the file is readable up to the last whole frame. */
static void disk_full_anywhere(void)
{
    struct tape t;

    EXPECT_EQ(fill_tape(&t, 1 << 20), OK);
    size_t whole = t.file.n;
    tape_release(&t);
    for (size_t room = 0; room < whole && !test_failed(); room += 1 + room / 50) {
        EXPECT_EQ(fill_tape(&t, room), ERR_LIMIT);
        if (t.w)
            EXPECT_EQ(fsr_writer_finish(t.w), ERR_LIMIT);
        struct seen seen = watch(&t, buf_bytes(&t.file));
        EXPECT(!seen.wrong && seen.damages == 0 && seen.frames == t.n);
        tape_release(&t);
    }
}

/* Every allocation fails once: an error, no leak, what was written is right. */
static void memory_ends_anywhere(void)
{
    for (uint64_t nth = 1; !test_failed(); nth++) {
        struct tape t;
        heap_fail_at(nth);
        struct scene s = {0};
        enum err e = tape_begin(&t, SAMPLES_RGB, NULL, NULL);
        bool early = heap_fault_fired();
        heap_fail_at(0);
        s = scene_new(100, 70, 0x405060);
        heap_fail_at(early ? 0 : nth);
        for (size_t i = 0; !e && i < 4; i++) {
            animate(&s, i);
            e = tape_add(&t, &s, false, i);
        }
        if (!e)
            e = fsr_writer_finish(t.w);
        bool fired = early || heap_fault_fired();
        heap_fail_at(0);
        EXPECT_EQ(e, fired ? ERR_MEMORY : OK);
        struct seen seen = watch(&t, buf_bytes(&t.file));
        EXPECT(!seen.wrong && seen.damages == 0 && seen.frames == t.n);
        tape_release(&t);
        scene_release(&s);
        if (!fired)
            break;
    }
    struct tape t;
    EXPECT_EQ(make_tape(&t, 12, 5), OK);
    for (uint64_t nth = 1; !test_failed(); nth++) {
        heap_fail_at(nth);
        struct seen s = watch(&t, buf_bytes(&t.file));
        bool fired = heap_fault_fired();
        heap_fail_at(0);
        EXPECT_EQ(s.end, fired ? ERR_MEMORY : ERR_END);
        EXPECT(!s.wrong && s.damages == 0);
        if (!fired)
            break;
    }
    tape_release(&t);
}

/* A place to read from whose `nth` read fails. */
struct flaky {
    struct io_memory memory;
    struct io_at at;
    unsigned nth;
};

static enum err flaky_read(struct io_at *at, uint64_t offset, void *to, size_t n, size_t *got)
{
    struct flaky *f = (struct flaky *)((char *)at - offsetof(struct flaky, at));

    if (f->nth && --f->nth == 0)
        return ERR_SYSTEM;
    return f->memory.at.read_at(&f->memory.at, offset, to, n, got);
}

static void reads_fail_anywhere(void)
{
    struct tape t;

    EXPECT_EQ(make_tape(&t, 12, 5), OK);
    for (int cut = 0; cut < 2; cut++)
        for (unsigned nth = 1; !test_failed(); nth++) {
            struct flaky f = {.nth = nth};
            struct fsr_reader *r;
            struct fsr_frame frame;
            struct reason why = {{0}};
            io_memory_init(&f.memory, bytes_of(t.file.p, t.file.n - (size_t)cut));
            f.at = (struct io_at){f.memory.at.size_bytes, flaky_read};
            enum err e = fsr_reader_open(&f.at, &t.pool, &r, &why);
            while (!e)
                e = fsr_reader_next(r, &frame, &why);
            fsr_reader_free(r);
            EXPECT_EQ(e, f.nth ? ERR_END : ERR_SYSTEM);
            EXPECT(f.nth || why.text[0]);
            if (f.nth)
                break;
        }
    tape_release(&t);
}

TEST_MAIN({"what goes in comes out", what_goes_in_comes_out},
          {"noise needs several records", noise_needs_several_records},
          {"workers change nothing", workers_change_nothing},
          {"every frame can be reached", every_frame_can_be_reached},
          {"changed tiles are told", changed_tiles_are_told}, {"cut anywhere", cut_anywhere},
          {"flipped anywhere", flipped_anywhere}, {"records out of place", records_out_of_place},
          {"headers are checked", headers_are_checked},
          {"records are checked", records_are_checked}, {"parts are checked", parts_are_checked},
          {"the index stays bounded", the_index_stays_bounded},
          {"a lying index is found out", a_lying_index_is_found_out},
          {"disk full anywhere", disk_full_anywhere},
          {"memory ends anywhere", memory_ends_anywhere},
          {"reads fail anywhere", reads_fail_anywhere})
