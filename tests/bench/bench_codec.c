/* bench_codec: bytes and CPU time of the block codec, on made-up scenes or recorded ppm streams.
 *
 *   bench_codec [-l FRAMES] [-t TILES] [-v] [FILE.ppm | -]...
 *
 * -l: the reference and history are so many frames old (default 1), -t: tiles a block (default 24),
 * -v: one line a frame. A file holds any number of P6 pictures of one size. Without files the
 * made-up scenes are run. Every picture is decoded and compared. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zstd.h>

#include "core/base/buf.h"
#include "core/base/num.h"
#include "core/codec/block.h"
#include "core/codec/block_kernels.h"
#include "tests/unit/scene.h"

enum { MAX_LAG = 64, MAX_PAYLOADS = 16384 };

/* Milliseconds of one stage: sum and the largest frame after the first. */
struct stage {
    const char *name;
    double first, sum, max, frame;
};

enum { UPDATE, HASH, FIND, ENCODE, DECODE, HISTORY, STAGES };

struct bench {
    unsigned lag, tiles_a_block;
    bool verbose;
    struct tile_pool pool;
    struct block_coder *encoder, *decoder;
    struct pic *ref[MAX_LAG];
    struct block_history *history[MAX_LAG];
    struct stage stage[STAGES];
    uint64_t frames, first_bytes, bytes, max_bytes, blocks, tiles, first_zstd, zstd;
    ZSTD_CCtx *plain;
};

static double now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void add_time(struct bench *b, int stage, double since)
{
    b->stage[stage].frame += now_ms() - since;
}

static void start(struct bench *b)
{
    static const char *const names[STAGES] = {"update", "hash",   "find",
                                              "encode", "decode", "history"};

    tile_pool_init(&b->pool, 400000);
    b->encoder = block_coder_new();
    b->decoder = block_coder_new();
    b->plain = ZSTD_createCCtx();
    CHECK(b->encoder && b->decoder && b->plain);
    for (int i = 0; i < STAGES; i++)
        b->stage[i].name = names[i];
}

static void finish(struct bench *b, const char *name)
{
    uint64_t rest = b->frames > b->lag ? b->frames - b->lag : 1;

    printf("%s: frames %llu, first frame %.1f kB (zstd-3 of its tiles %.1f), then mean %.2f kB, "
           "max %.1f kB (zstd-3 mean %.2f), total %.1f kB; changed tiles %llu, blocks %llu\n",
           name, (unsigned long long)b->frames, (double)b->first_bytes / 1e3,
           (double)b->first_zstd / 1e3, (double)b->bytes / 1e3 / (double)rest,
           (double)b->max_bytes / 1e3, (double)b->zstd / 1e3 / (double)rest, (double)b->bytes / 1e3,
           (unsigned long long)b->tiles, (unsigned long long)b->blocks);
    printf("   ms a frame, first / mean / max:");
    for (int i = 0; i < STAGES; i++)
        printf("  %s %.2f / %.2f / %.2f", b->stage[i].name, b->stage[i].first,
               b->stage[i].sum / (double)rest, b->stage[i].max);
    printf("\n");
    for (int i = 0; i < MAX_LAG; i++) {
        pic_unref(b->ref[i]);
        block_history_unref(b->history[i]);
    }
    CHECK(b->pool.in_use == 0);
    tile_pool_release(&b->pool);
    block_coder_free(b->encoder);
    block_coder_free(b->decoder);
    ZSTD_freeCCtx(b->plain);
}

/* Encodes and decodes one block; false when it must be smaller. */
static bool pass_block(struct bench *b, const struct pic *now, const struct block_reference *ref,
                       const uint32_t *tiles, size_t count, const struct block_vector *v,
                       size_t vectors, struct pic *into, struct buf *payload, uint64_t *bytes)
{
    struct block_tile out[BLOCK_MAX_TILES];
    struct buf coded, theirs;
    size_t n;

    buf_init(&coded, BLOCK_MAX_BYTES);
    buf_init(&theirs, 64 << 20);
    double t = now_ms();
    enum err e = block_encode(b->encoder, now, ref, tiles, count, v, vectors, &coded, payload);
    add_time(b, ENCODE, t);
    CHECK(e == OK || (e == ERR_LIMIT && count > 1));
    if (e) {
        buf_release(&coded);
        return false;
    }
    t = now_ms();
    CHECK(block_decode(b->decoder, now, ref, buf_bytes(&coded), out, &n, &theirs) == OK);
    add_time(b, DECODE, t);
    CHECK(n == count && bytes_equal(buf_bytes(&theirs), buf_bytes(payload)));
    for (size_t i = 0; i < n; i++)
        pic_set(into, out[i].index, out[i].tile);
    *bytes += coded.n;
    b->blocks++;
    buf_release(&coded);
    buf_release(&theirs);
    return true;
}

/* What plain zstd makes of the changed tiles. */
static uint64_t plain_zstd(struct bench *b, const struct pic *now, const uint8_t *changed)
{
    size_t n = 0, room = (size_t)pic_tiles(now) * TILE_PIXELS * 3;
    uint8_t *raw = heap_alloc(room), *out = heap_alloc(ZSTD_compressBound(room));

    CHECK(raw && out);
    for (uint32_t i = 0; i < pic_tiles(now); i++) {
        struct rect r = pic_tile_rect(now, i);
        for (uint32_t y = 0; y < r.height && changed[i] && now->tile[i]; y++)
            for (uint32_t x = 0; x < r.width; x++, n += 3)
                num_put_le(raw + n, 3, now->tile[i]->px[y * TILE_SIDE_PX + x]);
    }
    n = n ? ZSTD_compressCCtx(b->plain, out, ZSTD_compressBound(room), raw, n, 3) : 0;
    CHECK(!ZSTD_isError(n));
    heap_free(raw);
    heap_free(out);
    return n;
}

static void end_frame(struct bench *b, uint64_t bytes, uint64_t zstd, uint32_t changed)
{
    if (b->verbose) {
        printf("frame %llu: %u tiles, %llu bytes,", (unsigned long long)b->frames, changed,
               (unsigned long long)bytes);
        for (int i = 0; i < STAGES; i++)
            printf(" %s %.2f", b->stage[i].name, b->stage[i].frame);
        printf("\n");
    }
    for (int i = 0; i < STAGES; i++) {
        struct stage *s = &b->stage[i];
        if (b->frames == 0)
            s->first = s->frame;
        if (b->frames >= b->lag) {
            s->sum += s->frame;
            s->max = s->frame > s->max ? s->frame : s->max;
        }
        s->frame = 0;
    }
    if (b->frames++ == 0) {
        b->first_bytes = bytes;
        b->first_zstd = zstd;
    }
    if (b->frames <= b->lag) /* still without a reference */
        return;
    b->bytes += bytes;
    b->zstd += zstd;
    b->tiles += changed;
    b->max_bytes = num_max(b->max_bytes, bytes);
}

/* Puts the newest picture and history in front. */
static void remember(struct bench *b, struct pic *p, const struct bytes *payloads, size_t count)
{
    double t = now_ms();
    struct block_history *h = count ? block_history_new(b->history[0], payloads, count)
                                    : block_history_ref(b->history[0]);

    add_time(b, HISTORY, t);
    CHECK(h || !count);
    pic_unref(b->ref[b->lag - 1]);
    block_history_unref(b->history[b->lag - 1]);
    memmove(b->ref + 1, b->ref, (b->lag - 1) * sizeof b->ref[0]);
    memmove(b->history + 1, b->history, (b->lag - 1) * sizeof b->history[0]);
    b->ref[0] = p;
    b->history[0] = h;
}

static void frame(struct bench *b, const struct pixels *px)
{
    struct pic *now, *into;
    struct block_reference ref = {b->ref[b->lag - 1], b->history[b->lag - 1]};
    static struct bytes payloads[MAX_PAYLOADS];
    struct block_vector v[8];
    uint32_t count = 0, tiles[BLOCK_MAX_TILES];
    size_t listed = 0, parts = 0, vectors = 0;
    uint64_t bytes = 0;
    uint8_t hash[16];

    CHECK((b->ref[0] ? pic_copy(b->ref[0], &now)
                     : pic_new(&b->pool, px->width, px->height, false, &now)) == OK);
    uint8_t *changed = heap_alloc(pic_tiles(now));
    double t = now_ms();
    CHECK(changed &&
          pic_update(now, px, (struct rect){0, 0, px->width, px->height}, changed, &count) == OK);
    add_time(b, UPDATE, t);
    t = now_ms();
    pic_hash(now, hash);
    add_time(b, HASH, t);
    for (uint32_t i = 0; i < pic_tiles(now); i++)
        changed[i] = now->tile[i] != (ref.pic ? ref.pic->tile[i] : NULL);
    t = now_ms();
    if (ref.pic)
        vectors = block_find_vectors(now, ref.pic, changed, v, COUNT_OF(v));
    add_time(b, FIND, t);
    CHECK((ref.pic ? pic_copy(ref.pic, &into)
                   : pic_new(&b->pool, px->width, px->height, false, &into)) == OK);
    count = 0;
    for (uint32_t i = 0; i <= pic_tiles(now); i++) {
        if (i < pic_tiles(now) && changed[i])
            tiles[listed++] = i;
        if (listed < b->tiles_a_block && i < pic_tiles(now))
            continue;
        count += (uint32_t)listed;
        for (size_t done = 0, n = listed; done < listed;) {
            struct buf payload;
            buf_init(&payload, 64 << 20);
            n = num_min(n, listed - done);
            CHECK(parts < MAX_PAYLOADS);
            if (!pass_block(b, now, &ref, tiles + done, n, v, vectors, into, &payload, &bytes)) {
                n = (n + 1) / 2;
                buf_release(&payload);
                continue;
            }
            payloads[parts++] = buf_bytes(&payload);
            done += n;
        }
        listed = 0;
    }
    CHECK(pic_equal(now, into));
    pic_unref(into);
    uint64_t zstd = plain_zstd(b, now, changed);
    remember(b, now, payloads, parts);
    while (parts > 0)
        heap_free((void *)(uintptr_t)payloads[--parts].p);
    heap_free(changed);
    end_frame(b, bytes, zstd, count);
}

static void run_file(struct bench *b, const char *name)
{
    FILE *f = strcmp(name, "-") ? fopen(name, "rb") : stdin;
    unsigned width, height, max;
    struct scene s = {0};
    uint8_t *row = NULL;

    if (!f) {
        perror(name);
        exit(1);
    }
    while (fscanf(f, " P6 %u %u %u", &width, &height, &max) == 3 && fgetc(f) != EOF) {
        if (!s.px) {
            CHECK(width && height && width <= 16384 && height <= 16384 && max == 255);
            s = scene_new(width, height, 0);
            row = heap_alloc((size_t)width * 3);
        }
        CHECK(row && width == s.width && height == s.height);
        for (uint32_t y = 0; y < height; y++) {
            if (fread(row, 3, width, f) != width)
                goto out;
            for (uint32_t x = 0; x < width; x++)
                s.px[(size_t)y * width + x] =
                    (uint32_t)row[x * 3] << 16 | (uint32_t)row[x * 3 + 1] << 8 | row[x * 3 + 2];
        }
        struct pixels px = scene_pixels(&s);
        frame(b, &px);
    }
out:
    scene_release(&s);
    heap_free(row);
    if (f != stdin)
        fclose(f);
}

static void draw_scroll(struct scene *s, int i)
{
    struct rect r = {0, 0, s->width, s->height};

    scene_text(s, r, (uint32_t)i * 3, 0x203040, 0xfafafa);
}

static void draw_typing(struct scene *s, int i)
{
    if (i == 0)
        scene_desktop(s, 50, 40, 1);
    for (int k = 0; k < 2; k++)
        scene_glyph(s, 60 + (uint32_t)(i * 2 + k) * 8, 90, (uint32_t)(i * 7 + k) % 26, 0x101010,
                    0xffffff);
}

static void draw_window(struct scene *s, int i)
{
    scene_desktop(s, 50 + (uint32_t)i * 9, 40 + (uint32_t)i * 5, 1);
}

static void draw_photo(struct scene *s, int i)
{
    scene_photo(s, (struct rect){0, 0, s->width, s->height}, (uint64_t)i, 8);
}

static void draw_pages(struct scene *s, int i)
{
    struct rect r = {0, 0, s->width, s->height};

    scene_text(s, r, (uint32_t)i * 1000, 0x203040, 0xfafafa);
}

static void run_scenes(const struct bench *options)
{
    static const struct {
        const char *name;
        void (*draw)(struct scene *s, int i);
        int frames;
    } scenes[] = {{"scrolling text", draw_scroll, 30},
                  {"typing", draw_typing, 30},
                  {"moving window", draw_window, 30},
                  {"new pages of text", draw_pages, 6},
                  {"new photos", draw_photo, 6}};

    for (size_t i = 0; i < COUNT_OF(scenes); i++) {
        struct bench b = *options;
        struct scene s = scene_new(1920, 1080, 0);

        start(&b);
        for (int k = 0; k < scenes[i].frames; k++) {
            scenes[i].draw(&s, k);
            struct pixels px = scene_pixels(&s);
            frame(&b, &px);
        }
        finish(&b, scenes[i].name);
        scene_release(&s);
    }
}

int main(int argc, char **argv)
{
    struct bench options = {.lag = 1, .tiles_a_block = 24};
    int i = 1;

    for (; i < argc && argv[i][0] == '-' && argv[i][1]; i++) {
        if (strcmp(argv[i], "-v") == 0)
            options.verbose = true;
        else if (strcmp(argv[i], "-l") == 0 && i + 1 < argc)
            options.lag = (unsigned)num_clamp((uint64_t)atoi(argv[++i]), 1, MAX_LAG);
        else if (strcmp(argv[i], "-t") == 0 && i + 1 < argc)
            options.tiles_a_block =
                (unsigned)num_clamp((uint64_t)atoi(argv[++i]), 1, BLOCK_MAX_TILES);
        else
            return 2;
    }
    printf("kernels %s, reference %u frames old, %u tiles a block\n", block_kernels_best()->name,
           options.lag, options.tiles_a_block);
    if (i == argc)
        run_scenes(&options);
    for (; i < argc; i++) {
        struct bench b = options;
        start(&b);
        run_file(&b, argv[i]);
        finish(&b, argv[i]);
    }
    return 0;
}
