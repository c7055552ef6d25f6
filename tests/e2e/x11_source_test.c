/* The X11 source against a real X server: what it says is damaged, and the pixels it gives. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/heap.h"
#include "core/base/rng.h"
#include "core/os/os.h"
#include "core/screen/x11_conn.h"
#include "core/screen/x11_source.h"
#include "tests/e2e/xserver.h"
#include "tests/unit/test.h"

enum { WIDTH = 500, HEIGHT = 300 };

/* A source and the picture made of its captures, as `serve` makes it. */
struct bench {
    struct xserver x;
    struct source *source;
    struct source_frame frame;
    struct tile_pool pool;
    struct pic *pic;
    uint8_t *changed;
};

static bool open_bench(struct bench *b, const char *screen, const char *without)
{
    char reason[200] = "";

    memset(b, 0, sizeof *b);
    setenv("FARSPAN_X11_WITHOUT", without, 1);
    tile_pool_init(&b->pool, 10000);
    if (!xserver_start(&b->x, screen))
        return false;
    if (x11_source_open(b->x.display, xserver_now_us(), &b->source, reason, sizeof reason)) {
        fprintf(stderr, "%s\n", reason);
        return false;
    }
    return true;
}

static void close_bench(struct bench *b)
{
    if (b->source)
        b->source->ops->free(b->source);
    pic_unref(b->pic);
    tile_pool_release(&b->pool);
    free(b->changed);
    xserver_stop(&b->x);
}

/* Takes a frame into the picture, only where it says it is damaged. */
static enum err take(struct bench *b)
{
    const struct source_frame *f = &b->frame;
    uint32_t count = 0;
    enum err e;

    if (!b->pic || b->pic->width != f->pixels.width || b->pic->height != f->pixels.height) {
        pic_unref(b->pic);
        free(b->changed);
        if ((e = pic_new(&b->pool, f->pixels.width, f->pixels.height, false, &b->pic)))
            return e;
        b->changed = calloc(pic_tiles(b->pic), 1);
    }
    for (size_t i = 0; i < f->damage_count; i++)
        if ((e = pic_update(b->pic, &f->pixels, f->damage[i], b->changed, &count)))
            return e;
    return OK;
}

/* Captures until nothing is damaged. */
static enum err settle(struct bench *b, bool whole)
{
    uint64_t give_up_us = xserver_now_us() + 20000000;
    enum err e;

    xserver_sync(&b->x);
    if ((e = b->source->ops->poll(b->source, xserver_now_us())))
        return e;
    do {
        if ((e = b->source->ops->capture(b->source, xserver_now_us(), whole, &b->frame)) ||
            (e = take(b)))
            return e;
        whole &= !b->frame.whole;
    } while ((whole || b->source->ops->damaged(b->source)) && xserver_now_us() < give_up_us &&
             !strstr(getenv("FARSPAN_X11_WITHOUT"), "damage"));
    return OK;
}

/* Whether the picture is what the server has. */
static bool same(struct bench *b)
{
    uint32_t width = b->pic->width, height = b->pic->height;
    uint32_t *there = xserver_pixels(&b->x, b->x.screen->root, width, height);
    uint32_t *here = calloc((size_t)width * height, 4);

    if (!there)
        return free(here), false;
    pic_read(b->pic, (struct rect){0, 0, width, height}, here, width);
    bool equal = !memcmp(here, there, (size_t)width * height * 4);
    free(here);
    free(there);
    return equal;
}

static void first_capture_is_everything(void)
{
    struct bench b;

    EXPECT(open_bench(&b, "500x300x24", ""));
    xserver_fill(&b.x, b.x.screen->root, (struct rect){10, 20, 300, 40}, 0x123456);
    EXPECT_EQ(settle(&b, false), OK);
    EXPECT_EQ(b.pic->width, WIDTH);
    EXPECT_EQ(b.pic->height, HEIGHT);
    EXPECT(same(&b));
    EXPECT_EQ(b.frame.pixels.px[20 * b.frame.pixels.stride_px + 10] & 0xffffff, 0x123456);
    close_bench(&b);
}

static void damage_is_what_was_drawn(void)
{
    struct bench b;
    struct rect r = {100, 50, 30, 20};

    EXPECT(open_bench(&b, "500x300x24", ""));
    EXPECT_EQ(settle(&b, false), OK);
    EXPECT(!b.source->ops->damaged(b.source));
    EXPECT_EQ(b.source->ops->capture(b.source, xserver_now_us(), false, &b.frame), OK);
    EXPECT_EQ(b.frame.damage_count, 0);
    EXPECT(!b.frame.whole);

    xserver_fill(&b.x, b.x.screen->root, r, 0xff8000);
    xserver_sync(&b.x);
    EXPECT_EQ(b.source->ops->poll(b.source, xserver_now_us()), OK);
    EXPECT(b.source->ops->damaged(b.source));
    EXPECT_EQ(b.source->ops->capture(b.source, xserver_now_us(), false, &b.frame), OK);
    EXPECT_EQ(b.frame.damage_count, 1);
    EXPECT(!memcmp(&b.frame.damage[0], &r, sizeof r));
    EXPECT(!b.frame.whole);
    EXPECT_EQ(take(&b), OK);
    EXPECT(same(&b));

    /* Everything, when it is asked for. */
    EXPECT_EQ(b.source->ops->capture(b.source, xserver_now_us(), true, &b.frame), OK);
    EXPECT_EQ(b.frame.damage_count, 1);
    EXPECT_EQ(b.frame.damage[0].width * b.frame.damage[0].height, WIDTH * HEIGHT);
    EXPECT(b.frame.whole);
    close_bench(&b);
}

/* Draws here and there while captures go on; nothing may be lost. */
static void nothing_drawn_is_lost(const char *without)
{
    struct bench b;
    struct rng rng;

    rng_seed(&rng, 7);
    EXPECT(open_bench(&b, "500x300x24", without));
    for (int round = 0; round < 150; round++) {
        uint32_t n = (uint32_t)rng_below(&rng, round % 10 == 9 ? 200 : 6);
        for (uint32_t i = 0; i < n; i++) {
            struct rect r = {(uint32_t)rng_below(&rng, WIDTH), (uint32_t)rng_below(&rng, HEIGHT), 0,
                             0};
            r.width = 1 + (uint32_t)rng_below(&rng, round % 3 ? 20 : WIDTH - r.x);
            r.height = 1 + (uint32_t)rng_below(&rng, round % 3 ? 20 : HEIGHT - r.y);
            xserver_fill(&b.x, b.x.screen->root, r, (uint32_t)rng_below(&rng, 1 << 24));
        }
        EXPECT_EQ(b.source->ops->poll(b.source, xserver_now_us()), OK);
        EXPECT_EQ(b.source->ops->capture(b.source, xserver_now_us(), false, &b.frame), OK);
        EXPECT_EQ(take(&b), OK);
    }
    EXPECT_EQ(settle(&b, false), OK);
    EXPECT(same(&b));
    close_bench(&b);
}

static void nothing_is_lost_with_all(void)
{
    nothing_drawn_is_lost("");
}

static void nothing_is_lost_without_shm(void)
{
    nothing_drawn_is_lost("shm");
}

static void nothing_is_lost_without_damage(void)
{
    nothing_drawn_is_lost("damage");
}

static void the_root_changes_its_size(const char *without)
{
    struct bench b;

    EXPECT(open_bench(&b, "1000x900x24", without));
    EXPECT_EQ(settle(&b, false), OK);
    uint16_t sizes[][2] = {{640, 480}, {1000, 900}, {333, 77}};
    for (int i = 0; i < 3; i++) {
        EXPECT(xserver_resize(&b.x, sizes[i][0], sizes[i][1]));
        xserver_fill(&b.x, b.x.screen->root, (struct rect){5, 5, 900, 30}, 0xabcd00u + (unsigned)i);
        EXPECT_EQ(settle(&b, false), OK);
        EXPECT_EQ(b.pic->width, sizes[i][0]);
        EXPECT_EQ(b.pic->height, sizes[i][1]);
        EXPECT(same(&b));
    }
    close_bench(&b);
}

static void sizes_with_shm(void)
{
    the_root_changes_its_size("");
}

static void sizes_without_shm(void)
{
    the_root_changes_its_size("shm");
}

/* A capture whose size is stale by the time the server reads the request. */
static void shrinking_before_a_capture(void)
{
    struct bench b;

    EXPECT(open_bench(&b, "1000x900x24", ""));
    EXPECT_EQ(settle(&b, false), OK);
    for (uint16_t i = 0; i < 20; i++) {
        EXPECT(xserver_resize(&b.x, 900 - i, 700 - i));
        EXPECT_EQ(b.source->ops->capture(b.source, xserver_now_us(), true, &b.frame), OK);
        EXPECT_EQ(take(&b), OK);
    }
    EXPECT_EQ(settle(&b, false), OK);
    EXPECT_EQ(b.pic->width, 881);
    EXPECT(same(&b));
    close_bench(&b);
}

static void the_pointer_is_followed(void)
{
    struct bench b;
    struct source_pointer p = {0};

    EXPECT(open_bench(&b, "500x300x24", ""));
    /* A cursor of two colours, its hot spot at 2, 3. */
    xcb_connection_t *c = b.x.c;
    xcb_pixmap_t map = xcb_generate_id(c);
    xcb_cursor_t cursor = xcb_generate_id(c);
    xcb_create_pixmap(c, 1, map, b.x.screen->root, 8, 8);
    xcb_gcontext_t gc = xcb_generate_id(c);
    uint32_t one = 1;
    xcb_create_gc(c, gc, map, XCB_GC_FOREGROUND, &one);
    xcb_poly_fill_rectangle(c, map, gc, 1, &(xcb_rectangle_t){0, 0, 8, 8});
    xcb_create_cursor(c, cursor, map, map, 0xffff, 0, 0, 0, 0, 0, 2, 3);
    xcb_change_window_attributes(c, b.x.screen->root, XCB_CW_CURSOR, &cursor);
    xcb_warp_pointer(c, XCB_NONE, b.x.screen->root, 0, 0, 0, 0, 123, 45);
    xserver_sync(&b.x);
    for (int i = 0; i < 300; i++) {
        EXPECT_EQ(b.source->ops->poll(b.source, xserver_now_us()), OK);
        if (b.source->ops->pointer(b.source, &p) && p.x == 123 && p.visible && p.width == 8)
            break;
        poll(&(struct pollfd){b.source->ops->fd(b.source), POLLIN, 0}, 1, 10);
    }
    EXPECT_EQ(p.x, 123);
    EXPECT_EQ(p.y, 45);
    EXPECT_EQ(p.hot_x, 2);
    EXPECT_EQ(p.hot_y, 3);
    EXPECT_EQ(p.argb[0], 0xffff0000);
    /* Only while somebody looks. */
    uint64_t later = xserver_now_us() + 2000000;
    EXPECT(b.source->ops->deadline_us(b.source) < later);
    EXPECT_EQ(b.source->ops->poll(b.source, later), OK);
    EXPECT_EQ(b.source->ops->deadline_us(b.source), UINT64_MAX);
    EXPECT(b.source->ops->pointer(b.source, &p));
    EXPECT_EQ(b.source->ops->deadline_us(b.source), later);
    close_bench(&b);
}

static void another_depth_is_refused(void)
{
    struct xserver x;
    struct source *s = NULL;
    char reason[200] = "";

    EXPECT(xserver_start(&x, "320x200x16"));
    EXPECT_EQ(x11_source_open(x.display, 0, &s, reason, sizeof reason), ERR_UNSUPPORTED);
    EXPECT(strstr(reason, "depth 16") && strstr(reason, x.display));
    xserver_stop(&x);
}

static void names_are_checked(void)
{
    static const struct {
        const char *name, *as;
    } good[] = {{":0", "unix:0"},
                {":12.1", "unix:12.1"},
                {"unix:3", "unix:3"},
                {"localhost:10.0", "127.0.0.1:10.0"},
                {"192.0.2.7:1", "192.0.2.7:1"},
                {"[::1]:2", "[::1]:2"}};
    static const char *const bad[] = {"",       "0x",     ":",         ":1.",     ":a",
                                      "host:0", ":0.0.0", "[::g]:0",   "1.2.3:0", ":123456",
                                      "x.y:0",  "[]:0",   "decnet::0", ":0 ",     "unix"};
    char out[X11_DISPLAY_CHARS], reason[200];

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        EXPECT_EQ(x11_conn_name(good[i].name, out, reason, sizeof reason), OK);
        EXPECT(strcmp(out, good[i].as) == 0);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        reason[0] = 0;
        EXPECT_EQ(x11_conn_name(bad[i], out, reason, sizeof reason), ERR_USAGE);
        EXPECT(reason[0]);
    }
    unsetenv("DISPLAY");
    EXPECT_EQ(x11_conn_name(NULL, out, reason, sizeof reason), ERR_USAGE);
    setenv("DISPLAY", ":5", 1);
    EXPECT_EQ(x11_conn_name(NULL, out, reason, sizeof reason), OK);
    EXPECT(strcmp(out, "unix:5") == 0);
}

static void no_server_is_said(void)
{
    struct source *s = NULL;
    char reason[200] = "";

    EXPECT_EQ(x11_source_open(":59999", 0, &s, reason, sizeof reason), ERR_UNREACHABLE);
    EXPECT(strstr(reason, ":59999"));
}

/* Programs grab the server while they move windows or take pictures; so does `import`. */
static void a_grabbed_server_is_still_captured(void)
{
    struct bench b;

    EXPECT(open_bench(&b, "500x300x24", ""));
    EXPECT_EQ(settle(&b, false), OK);
    xcb_grab_server(b.x.c);
    xserver_fill(&b.x, b.x.screen->root, (struct rect){10, 20, 300, 40}, 0x123456);
    EXPECT_EQ(settle(&b, true), OK);
    EXPECT(same(&b));
    EXPECT_EQ(b.frame.pixels.px[20 * b.frame.pixels.stride_px + 10] & 0xffffff, 0x123456);
    /* Typing needs it no less, and what is changed for it is given back. */
    const struct input_event e = {.kind = INPUT_KEY, .keysym = 0x010003b1, .down = true};
    b.source->ops->input(b.source, xserver_now_us(), &e);
    for (int i = 0; i < 1000 && b.source->ops->typing(b.source); i++) {
        EXPECT_EQ(b.source->ops->poll(b.source, xserver_now_us()), OK);
        poll(NULL, 0, 1);
    }
    EXPECT(!b.source->ops->typing(b.source));
    EXPECT_EQ(settle(&b, true), OK);
    close_bench(&b);
}

static void a_server_that_dies(void)
{
    struct bench b;

    EXPECT(open_bench(&b, "500x300x24", ""));
    EXPECT_EQ(settle(&b, false), OK);
    kill(b.x.pid, SIGKILL);
    enum err e = OK;
    for (int i = 0; i < 500 && !e; i++) {
        e = b.source->ops->capture(b.source, xserver_now_us(), true, &b.frame);
        poll(NULL, 0, 2);
    }
    EXPECT_EQ(e, ERR_UNREACHABLE);
    EXPECT_EQ(b.source->ops->poll(b.source, xserver_now_us()), ERR_UNREACHABLE);
    EXPECT_EQ(b.source->ops->capture(b.source, xserver_now_us(), false, &b.frame), ERR_UNREACHABLE);
    close_bench(&b);
}

static void a_server_that_hangs(void)
{
    struct bench b;
    uint64_t now_us = xserver_now_us();

    EXPECT(open_bench(&b, "500x300x24", ""));
    EXPECT_EQ(settle(&b, false), OK);
    kill(b.x.pid, SIGSTOP);
    EXPECT_EQ(b.source->ops->capture(b.source, now_us, true, &b.frame), OK);
    EXPECT_EQ(b.frame.damage_count, 0);
    EXPECT(!b.frame.whole);
    EXPECT(b.source->ops->damaged(b.source));
    /* It comes back: the capture goes on. */
    kill(b.x.pid, SIGCONT);
    EXPECT_EQ(settle(&b, true), OK);
    EXPECT(same(&b));
    /* It does not. */
    kill(b.x.pid, SIGSTOP);
    EXPECT_EQ(b.source->ops->capture(b.source, now_us, true, &b.frame), OK);
    now_us += (X11_PATIENCE_MS + 1000) * 1000ull;
    EXPECT_EQ(b.source->ops->capture(b.source, now_us, true, &b.frame), ERR_UNREACHABLE);
    close_bench(&b);
}

/* Every allocation fails once, with shared memory and without. */
static void memory_runs_out(void)
{
    static const char *const without[] = {"", "shm"};
    struct xserver x;
    char reason[200];

    EXPECT(xserver_start(&x, "500x300x24"));
    for (int i = 0; i < 2; i++) {
        setenv("FARSPAN_X11_WITHOUT", without[i], 1);
        for (uint64_t n = 1;; n++) {
            struct source *s = NULL;
            struct source_frame f;
            heap_fail_at(n);
            enum err e = x11_source_open(x.display, xserver_now_us(), &s, reason, sizeof reason);
            if (!e)
                e = s->ops->capture(s, xserver_now_us(), true, &f);
            bool fired = heap_fault_fired();
            heap_fail_at(0);
            if (s)
                s->ops->free(s);
            /* A keyboard mapping that cannot be kept costs only input. */
            EXPECT(e == OK || (fired && e == ERR_MEMORY));
            if (!fired)
                break;
        }
    }
    xserver_stop(&x);
}

/* Every system call of ours fails once; without shared memory it goes on without. */
static void system_calls_fail(void)
{
    static const enum os_call calls[] = {OS_MAP, OS_FD, OS_POLL};
    struct xserver x;
    char reason[200];

    setenv("FARSPAN_X11_WITHOUT", "", 1);
    EXPECT(xserver_start(&x, "500x300x24"));
    for (int i = 0; i < 3; i++)
        for (uint64_t n = 1;; n++) {
            struct source *s = NULL;
            struct source_frame f;
            os_fail_at(calls[i], n, EMFILE);
            enum err e = x11_source_open(x.display, xserver_now_us(), &s, reason, sizeof reason);
            if (!e)
                e = s->ops->capture(s, xserver_now_us(), true, &f);
            bool fired = os_fault_fired(calls[i]);
            os_fail_at(calls[i], 0, 0);
            if (s)
                s->ops->free(s);
            EXPECT(e == OK || (fired && calls[i] == OS_POLL && e == ERR_UNREACHABLE));
            if (!fired)
                break;
        }
    xserver_stop(&x);
}

TEST_MAIN({"names_are_checked", names_are_checked}, {"no_server_is_said", no_server_is_said},
          {"first_capture_is_everything", first_capture_is_everything},
          {"damage_is_what_was_drawn", damage_is_what_was_drawn},
          {"nothing_is_lost_with_all", nothing_is_lost_with_all},
          {"nothing_is_lost_without_shm", nothing_is_lost_without_shm},
          {"nothing_is_lost_without_damage", nothing_is_lost_without_damage},
          {"sizes_with_shm", sizes_with_shm}, {"sizes_without_shm", sizes_without_shm},
          {"shrinking_before_a_capture", shrinking_before_a_capture},
          {"the_pointer_is_followed", the_pointer_is_followed},
          {"another_depth_is_refused", another_depth_is_refused},
          {"a_grabbed_server_is_still_captured", a_grabbed_server_is_still_captured},
          {"a_server_that_dies", a_server_that_dies}, {"a_server_that_hangs", a_server_that_hangs},
          {"memory_runs_out", memory_runs_out}, {"system_calls_fail", system_calls_fail})
