/* The X11 sink in front of a real X server: what is on the screen, and what a user does there. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <xcb/xfixes.h>
#include <xcb/xtest.h>

#include "core/base/heap.h"
#include "core/base/rng.h"
#include "core/screen/keysym.h"
#include "core/screen/x11_sink.h"
#include "core/screen/x11_view.h"
#include "tests/e2e/xserver.h"
#include "tests/unit/test.h"

enum { SCREEN_WIDTH = 700, SCREEN_HEIGHT = 500, TURNS = 2000, MARGIN = 0 };

/* A server, a sink on it, and the picture that it is given. */
struct bench {
    struct xserver x;
    struct sink *sink;
    struct tile_pool pool;
    struct pic *pic;
    uint32_t *px;
    uint8_t *changed;
    xcb_window_t window;
    pid_t manager;
    struct rng rng;
};

static bool open_bench(struct bench *b, const char *without)
{
    char reason[200] = "";

    memset(b, 0, sizeof *b);
    setenv("FARSPAN_X11_WITHOUT", without, 1);
    tile_pool_init(&b->pool, 10000);
    rng_seed(&b->rng, 5);
    if (!xserver_start(&b->x, "700x500x24"))
        return false;
    if (!x11_sink_open(b->x.display, xserver_now_us(), &b->sink, reason, sizeof reason))
        return true;
    fprintf(stderr, "%s\n", reason);
    return false;
}

static void drop_picture(struct bench *b)
{
    pic_unref(b->pic);
    free(b->px);
    free(b->changed);
}

static void close_bench(struct bench *b)
{
    if (b->sink)
        b->sink->ops->free(b->sink);
    drop_picture(b);
    tile_pool_release(&b->pool);
    xserver_end(b->manager);
    xserver_stop(&b->x);
}

static bool new_picture(struct bench *b, uint32_t width, uint32_t height)
{
    drop_picture(b);
    b->px = calloc((size_t)width * height, 4);
    if (pic_new(&b->pool, width, height, false, &b->pic))
        return false;
    b->changed = calloc(pic_tiles(b->pic), 1);
    return true;
}

/* Paints a noisy rectangle into the picture and marks its tiles. */
static bool paint(struct bench *b, struct rect r)
{
    struct pixels from = {b->px, b->pic->width, b->pic->height, b->pic->width};
    uint32_t count;

    for (uint32_t y = r.y; y < r.y + r.height; y++)
        for (uint32_t x = r.x; x < r.x + r.width; x++)
            b->px[(size_t)y * b->pic->width + x] = (uint32_t)rng_below(&b->rng, 1 << 24);
    return pic_update(b->pic, &from, r, b->changed, &count) == OK;
}

static enum err present(struct bench *b, bool all)
{
    struct sink_frame f = {.pic = b->pic, .changed = all ? NULL : b->changed};
    enum err e = b->sink->ops->present(b->sink, &f);

    memset(b->changed, 0, pic_tiles(b->pic));
    return e;
}

static enum err turn(struct bench *b)
{
    poll(&(struct pollfd){b->sink->ops->fd(b->sink), POLLIN, 0}, 1, 5);
    return b->sink->ops->poll(b->sink, xserver_now_us());
}

/* Whether the window at x, y of the screen shows the picture's part at from_x, from_y. */
static bool shows(struct bench *b, int x, int y, int from_x, int from_y, uint32_t width,
                  uint32_t height)
{
    uint32_t *screen = xserver_pixels(&b->x, b->x.screen->root, SCREEN_WIDTH, SCREEN_HEIGHT);
    bool same = screen != NULL;

    for (uint32_t i = 0; same && i < height; i++)
        same = !memcmp(screen + (size_t)(y + (int)i) * SCREEN_WIDTH + x,
                       b->px + (size_t)(from_y + (int)i) * b->pic->width + from_x, width * 4);
    free(screen);
    return same;
}

static bool comes_to_show(struct bench *b, int x, int y, int from_x, int from_y, uint32_t width,
                          uint32_t height)
{
    for (int i = 0; i < TURNS; i++) {
        if (turn(b))
            return false;
        if (shows(b, x, y, from_x, from_y, width, height))
            return true;
    }
    return false;
}

/* The sink's window: the root's only child without a window manager. */
static xcb_window_t window_of(struct bench *b)
{
    xcb_query_tree_reply_t *r =
        xcb_query_tree_reply(b->x.c, xcb_query_tree(b->x.c, b->x.screen->root), NULL);
    xcb_window_t w = r && r->children_len == 1 ? xcb_query_tree_children(r)[0] : XCB_NONE;

    free(r);
    return w;
}

static bool open_shown(struct bench *b, const char *without, uint32_t width, uint32_t height)
{
    return open_bench(b, without) && new_picture(b, width, height) &&
           paint(b, (struct rect){0, 0, width, height}) && !present(b, true) &&
           comes_to_show(b, 0, 0, 0, 0, width, height) && (b->window = window_of(b));
}

/* ---- pixels ---- */

static void pictures_are_shown(const char *without)
{
    struct bench b;

    EXPECT(open_shown(&b, without, 333, 222));
    for (int i = 0; i < 40; i++) {
        struct rect r = {(uint32_t)rng_below(&b.rng, 333), (uint32_t)rng_below(&b.rng, 222), 0, 0};
        r.width = 1 + (uint32_t)rng_below(&b.rng, 333 - r.x);
        r.height = 1 + (uint32_t)rng_below(&b.rng, 222 - r.y);
        EXPECT(paint(&b, r));
        EXPECT_EQ(present(&b, false), OK);
    }
    EXPECT(comes_to_show(&b, 0, 0, 0, 0, 333, 222));
    close_bench(&b);
}

static void shown_by_shm(void)
{
    pictures_are_shown("");
}

static void shown_without_shm(void)
{
    pictures_are_shown("shm");
}

static void only_what_changed_is_sent(void)
{
    struct bench b;

    EXPECT(open_shown(&b, "", 300, 200));
    /* Somebody else draws over the window: it stays there where no tile is said to have changed. */
    xserver_fill(&b.x, b.window, (struct rect){0, 0, 300, 200}, 0x123456);
    xserver_sync(&b.x);
    EXPECT(paint(&b, (struct rect){70, 70, 10, 10}));
    EXPECT_EQ(present(&b, false), OK);
    EXPECT(comes_to_show(&b, 64, 64, 64, 64, 64, 64));
    EXPECT(!shows(&b, 0, 0, 0, 0, 64, 64));
    EXPECT(!shows(&b, 128, 64, 128, 64, 64, 64));
    close_bench(&b);
}

static void the_window_follows_the_picture(void)
{
    struct bench b;
    static const uint32_t sizes[][2] = {{600, 400}, {100, 80}, {200, 300}, {1, 1}, {900, 800}};

    EXPECT(open_shown(&b, "", 300, 200));
    xcb_warp_pointer(b.x.c, XCB_NONE, b.x.screen->root, 0, 0, 0, 0, 0, 0);
    for (int i = 0; i < 5; i++) {
        uint32_t width = sizes[i][0], height = sizes[i][1];
        EXPECT(new_picture(&b, width, height));
        EXPECT(paint(&b, (struct rect){0, 0, width, height}));
        EXPECT_EQ(present(&b, true), OK);
        /* Never larger than the screen. */
        width = width < SCREEN_WIDTH ? width : SCREEN_WIDTH;
        height = height < SCREEN_HEIGHT ? height : SCREEN_HEIGHT;
        EXPECT(comes_to_show(&b, 0, 0, 0, 0, width, height));
        xcb_get_geometry_reply_t *g =
            xcb_get_geometry_reply(b.x.c, xcb_get_geometry(b.x.c, b.window), NULL);
        EXPECT_EQ(g->width, width);
        EXPECT_EQ(g->height, height);
        free(g);
    }
    close_bench(&b);
}

static void resize(struct bench *b, uint32_t width, uint32_t height)
{
    const uint32_t size[2] = {width, height};

    xcb_configure_window(b->x.c, b->window, XCB_CONFIG_WINDOW_WIDTH | XCB_CONFIG_WINDOW_HEIGHT,
                         size);
    xserver_sync(&b->x);
}

static void a_larger_window_has_margins(void)
{
    struct bench b;

    EXPECT(open_shown(&b, "", 300, 200));
    resize(&b, 400, 350);
    EXPECT(comes_to_show(&b, 50, 75, 0, 0, 300, 200));
    uint32_t *screen = xserver_pixels(&b.x, b.x.screen->root, SCREEN_WIDTH, SCREEN_HEIGHT);
    EXPECT_EQ(screen[0], 0);
    EXPECT_EQ(screen[349 * SCREEN_WIDTH + 399], 0);
    EXPECT_EQ(screen[100 * SCREEN_WIDTH + 49], 0);
    free(screen);
    close_bench(&b);
}

static void a_smaller_window_follows_the_pointer(void)
{
    struct bench b;

    EXPECT(open_shown(&b, "", 300, 200));
    xcb_warp_pointer(b.x.c, XCB_NONE, b.window, 0, 0, 0, 0, 0, 0);
    resize(&b, 100, 50);
    EXPECT(comes_to_show(&b, 0, 0, 0, 0, 100, 50));
    xcb_warp_pointer(b.x.c, XCB_NONE, b.window, 0, 0, 0, 0, 99, 49);
    xcb_flush(b.x.c);
    EXPECT(comes_to_show(&b, 0, 0, 200, 150, 100, 50));
    /* The picture goes on changing there. */
    EXPECT(paint(&b, (struct rect){150, 100, 150, 100}));
    EXPECT_EQ(present(&b, false), OK);
    EXPECT(comes_to_show(&b, 0, 0, 200, 150, 100, 50));
    close_bench(&b);
}

static void what_was_covered_comes_back(void)
{
    struct bench b;

    EXPECT(open_shown(&b, "", 300, 200));
    xcb_window_t over = xcb_generate_id(b.x.c);
    xcb_create_window(b.x.c, XCB_COPY_FROM_PARENT, over, b.x.screen->root, 50, 60, 100, 40, 0,
                      XCB_WINDOW_CLASS_INPUT_OUTPUT, XCB_COPY_FROM_PARENT, 0, NULL);
    xcb_map_window(b.x.c, over);
    xserver_fill(&b.x, over, (struct rect){0, 0, 100, 40}, 0xff0000);
    xserver_sync(&b.x);
    EXPECT(!shows(&b, 0, 0, 0, 0, 300, 200));
    xcb_destroy_window(b.x.c, over);
    EXPECT(comes_to_show(&b, 0, 0, 0, 0, 300, 200));
    close_bench(&b);
}

/* ---- the window ---- */

static bool title_is(struct bench *b, const char *wanted)
{
    xcb_get_property_reply_t *r = xcb_get_property_reply(
        b->x.c, xcb_get_property(b->x.c, 0, b->window, XCB_ATOM_WM_NAME, XCB_ATOM_ANY, 0, 100),
        NULL);
    bool same = r && (size_t)xcb_get_property_value_length(r) == strlen(wanted) &&
                !memcmp(xcb_get_property_value(r), wanted, strlen(wanted));

    free(r);
    return same;
}

static void press_with_ctrl_alt(struct bench *b, uint8_t keycode)
{
    static const uint8_t ctrl = 37, alt = 64;
    const uint8_t keys[] = {ctrl, alt, keycode};

    for (int i = 0; i < 3; i++)
        xcb_test_fake_input(b->x.c, XCB_KEY_PRESS, keys[i], 0, XCB_NONE, 0, 0, 0);
    for (int i = 2; i >= 0; i--)
        xcb_test_fake_input(b->x.c, XCB_KEY_RELEASE, keys[i], 0, XCB_NONE, 0, 0, 0);
    xserver_sync(&b->x);
}

static void focus(struct bench *b, xcb_window_t w)
{
    xcb_set_input_focus(b->x.c, XCB_INPUT_FOCUS_POINTER_ROOT, w, XCB_CURRENT_TIME);
    xserver_sync(&b->x);
}

static void status_is_title_and_bar(void)
{
    struct bench b;

    EXPECT(open_shown(&b, "", 300, 200));
    b.sink->ops->status(b.sink, "exact, 12 ms");
    xserver_sync(&b.x);
    for (int i = 0; i < TURNS && !title_is(&b, "farspan: exact, 12 ms"); i++)
        turn(&b);
    EXPECT(title_is(&b, "farspan: exact, 12 ms"));
    focus(&b, b.window);
    press_with_ctrl_alt(&b, 31); /* I */
    bool changed = false;
    for (int i = 0; i < TURNS && !changed; i++) {
        EXPECT_EQ(turn(&b), OK);
        changed = !shows(&b, 0, 185, 0, 185, 50, 15);
    }
    EXPECT(changed);
    EXPECT(shows(&b, 0, 0, 0, 0, 300, 180));
    press_with_ctrl_alt(&b, 31);
    EXPECT(comes_to_show(&b, 0, 0, 0, 0, 300, 200));
    close_bench(&b);
}

static bool gets_size(struct bench *b, uint32_t width, uint32_t height)
{
    for (int i = 0; i < TURNS; i++) {
        xcb_get_geometry_reply_t *g =
            xcb_get_geometry_reply(b->x.c, xcb_get_geometry(b->x.c, b->window), NULL);
        bool good = g && g->width == width && g->height == height;
        free(g);
        if (good)
            return true;
        if (turn(b))
            return false;
    }
    return false;
}

static void full_screen_and_back(void)
{
    struct bench b;

    EXPECT(open_shown(&b, "", 300, 200));
    focus(&b, b.window);
    press_with_ctrl_alt(&b, 36); /* Return */
    EXPECT(gets_size(&b, SCREEN_WIDTH, SCREEN_HEIGHT));
    EXPECT(comes_to_show(&b, 200, 150, 0, 0, 300, 200));
    press_with_ctrl_alt(&b, 36);
    EXPECT(gets_size(&b, 300, 200));
    EXPECT(comes_to_show(&b, 0, 0, 0, 0, 300, 200));
    close_bench(&b);
}

/* Looks for the sink's window below `w`, two levels or more down, viewable. */
static bool framed(struct bench *b, xcb_window_t w, int level)
{
    xcb_query_tree_reply_t *r = xcb_query_tree_reply(b->x.c, xcb_query_tree(b->x.c, w), NULL);
    bool found = false;

    for (int i = 0; r && i < r->children_len && !found; i++) {
        b->window = xcb_query_tree_children(r)[i];
        xcb_get_window_attributes_reply_t *a = xcb_get_window_attributes_reply(
            b->x.c, xcb_get_window_attributes(b->x.c, b->window), NULL);
        found = level > 0 && a && a->map_state == XCB_MAP_STATE_VIEWABLE && title_is(b, "farspan");
        free(a);
        found = found || framed(b, xcb_query_tree_children(r)[i], level + 1);
    }
    free(r);
    return found;
}

static void full_screen_by_a_window_manager(void)
{
    struct bench b;
    static const char *const openbox[] = {"openbox", "--startup",
                                          "xprop -root -f READY 8s -set READY 1", NULL};
    xcb_intern_atom_reply_t *atom;
    bool there = false;

    EXPECT(open_bench(&b, ""));
    atom = xcb_intern_atom_reply(b.x.c, xcb_intern_atom(b.x.c, 0, 5, "READY"), NULL);
    b.manager = xserver_run(&b.x, openbox);
    for (int i = 0; i < TURNS && !there; i++) {
        xcb_get_property_reply_t *r = xcb_get_property_reply(
            b.x.c, xcb_get_property(b.x.c, 0, b.x.screen->root, atom->atom, XCB_ATOM_ANY, 0, 1),
            NULL);
        there = r && r->type;
        free(r);
        EXPECT_EQ(turn(&b), OK);
    }
    free(atom);
    EXPECT(there);
    EXPECT(new_picture(&b, 300, 200));
    EXPECT(paint(&b, (struct rect){0, 0, 300, 200}));
    EXPECT_EQ(present(&b, true), OK);
    /* The window manager puts it into a frame of its own, where and when it likes. */
    for (int i = 0; i < TURNS && !framed(&b, b.x.screen->root, 0); i++)
        EXPECT_EQ(turn(&b), OK);
    EXPECT(title_is(&b, "farspan"));
    focus(&b, b.window);
    press_with_ctrl_alt(&b, 36);
    EXPECT(gets_size(&b, SCREEN_WIDTH, SCREEN_HEIGHT));
    EXPECT(comes_to_show(&b, 200, 150, 0, 0, 300, 200));
    press_with_ctrl_alt(&b, 36);
    EXPECT(gets_size(&b, 300, 200));
    close_bench(&b);
}

static void closing_ends_it(void)
{
    struct bench b;
    xcb_client_message_event_t e = {.response_type = XCB_CLIENT_MESSAGE, .format = 32};
    static const char *const names[] = {"WM_PROTOCOLS", "WM_DELETE_WINDOW"};
    xcb_atom_t atoms[2];

    EXPECT(open_shown(&b, "", 30, 20));
    for (int i = 0; i < 2; i++) {
        xcb_intern_atom_reply_t *r = xcb_intern_atom_reply(
            b.x.c, xcb_intern_atom(b.x.c, 0, (uint16_t)strlen(names[i]), names[i]), NULL);
        atoms[i] = r->atom;
        free(r);
    }
    e.window = b.window;
    e.type = atoms[0];
    e.data.data32[0] = atoms[1];
    xcb_send_event(b.x.c, 0, b.window, 0, (const char *)&e);
    xserver_sync(&b.x);
    enum err err = OK;
    for (int i = 0; i < TURNS && !err; i++)
        err = turn(&b);
    EXPECT_EQ(err, ERR_END);
    close_bench(&b);
}

static void a_server_that_dies(void)
{
    struct bench b;

    EXPECT(open_shown(&b, "", 300, 200));
    kill(b.x.pid, SIGKILL);
    enum err e = OK;
    for (int i = 0; i < TURNS && !e; i++)
        e = turn(&b);
    EXPECT_EQ(e, ERR_UNREACHABLE);
    EXPECT_EQ(present(&b, true), ERR_UNREACHABLE);
    b.sink->ops->status(b.sink, "gone");
    b.sink->ops->pointer(b.sink, &(struct source_pointer){.serial = 7});
    close_bench(&b);
}

/* A server that stands still for a while gets the newest picture then, and nobody waits. */
static void a_server_that_stands_still(void)
{
    struct bench b;

    EXPECT(open_shown(&b, "", 300, 200));
    kill(b.x.pid, SIGSTOP);
    for (int i = 0; i < 300; i++) {
        EXPECT(paint(&b, (struct rect){10, 10, 200, 100}));
        EXPECT_EQ(present(&b, false), OK);
    }
    kill(b.x.pid, SIGCONT);
    EXPECT(comes_to_show(&b, 0, 0, 0, 0, 300, 200));
    close_bench(&b);
}

/* ---- the pointer ---- */

static void the_pointer_has_the_remote_shape(const char *without)
{
    struct bench b;
    uint32_t argb[12 * 10];
    bool colour = !*without;

    for (int i = 0; i < 120; i++)
        argb[i] = i % 12 < 6 ? 0xff000000u | (uint32_t)i * 0x20103 : 0;
    argb[0] = 0xffffffff;
    struct source_pointer p = {.visible = true,
                               .serial = 3,
                               .width = 12,
                               .height = 10,
                               .hot_x = 4,
                               .hot_y = 5,
                               .argb = argb};
    EXPECT(open_shown(&b, without, 300, 200));
    free(xcb_xfixes_query_version_reply(b.x.c, xcb_xfixes_query_version(b.x.c, 4, 0), NULL));
    xcb_warp_pointer(b.x.c, XCB_NONE, b.window, 0, 0, 0, 0, 50, 50);
    b.sink->ops->pointer(b.sink, &p);
    xcb_xfixes_get_cursor_image_reply_t *r = NULL;
    for (int i = 0; i < TURNS; i++) {
        free(r);
        EXPECT_EQ(turn(&b), OK);
        r = xcb_xfixes_get_cursor_image_reply(b.x.c, xcb_xfixes_get_cursor_image(b.x.c), NULL);
        if (r && r->width == 12)
            break;
    }
    EXPECT(r && r->width == 12);
    EXPECT_EQ(r->height, 10);
    EXPECT_EQ(r->xhot, 4);
    EXPECT_EQ(r->yhot, 5);
    const uint32_t *seen = xcb_xfixes_get_cursor_image_cursor_image(r);
    EXPECT_EQ(seen[0], 0xffffffff);
    EXPECT_EQ(seen[13], colour ? argb[13] : 0xff000000);
    EXPECT_EQ(seen[7], 0);
    free(r);
    close_bench(&b);
}

static void pointer_in_colour(void)
{
    the_pointer_has_the_remote_shape("");
}

static void pointer_in_black_and_white(void)
{
    the_pointer_has_the_remote_shape("render");
}

/* ---- the user ---- */

/* Works until `n` acts have come, or too long. */
static size_t acts(struct bench *b, struct input_event *out, size_t n)
{
    size_t got = 0;

    for (int i = 0; i < TURNS && got < n; i++) {
        while (got < n && b->sink->ops->input(b->sink, &out[got]))
            got++;
        if (got < n && turn(b))
            break;
    }
    return got;
}

static void drain(struct bench *b)
{
    struct input_event e;

    for (int i = 0; i < 5; i++)
        turn(b);
    while (b->sink->ops->input(b->sink, &e))
        ;
}

static void tap(struct bench *b, bool press, uint8_t keycode)
{
    xcb_test_fake_input(b->x.c, press ? XCB_KEY_PRESS : XCB_KEY_RELEASE, keycode, 0, XCB_NONE, 0, 0,
                        0);
    xserver_sync(&b->x);
}

static bool open_focused(struct bench *b)
{
    static const char *const german[] = {"setxkbmap", "de", NULL};

    if (!open_shown(b, "", 300, 200))
        return false;
    waitpid(xserver_run(&b->x, german), NULL, 0);
    focus(b, b->window);
    drain(b);
    return true;
}

static void keys_of_the_users_own_layout(void)
{
    struct bench b;
    struct input_event e[8];
    /* Shift+2, AltGr+q, y (where others have z). */
    static const uint8_t taps[] = {50, 11, 108, 24, 52};
    static const uint32_t syms[] = {KEYSYM_SHIFT_L, '"', 0, 0, KEYSYM_LEVEL3, '@', 0, 0, 'y'};

    EXPECT(open_focused(&b));
    tap(&b, true, taps[0]);
    tap(&b, true, taps[1]);
    tap(&b, false, taps[0]);
    tap(&b, false, taps[1]);
    EXPECT_EQ(acts(&b, e, 4), 4);
    for (int i = 0; i < 4; i++)
        EXPECT_EQ(e[i].kind, INPUT_KEY);
    EXPECT(e[0].keysym == syms[0] && e[0].down && e[0].scancode == 42);
    EXPECT(e[1].keysym == syms[1] && e[1].down && e[1].scancode == 3);
    EXPECT(e[2].keysym == syms[0] && !e[2].down && e[2].scancode == 42);
    EXPECT(e[3].keysym == syms[1] && !e[3].down && e[3].scancode == 3);
    tap(&b, true, taps[2]);
    tap(&b, true, taps[3]);
    tap(&b, false, taps[3]);
    tap(&b, false, taps[2]);
    EXPECT_EQ(acts(&b, e, 4), 4);
    EXPECT(e[0].keysym == syms[4] && e[0].scancode == 100);
    EXPECT(e[1].keysym == syms[5] && e[1].scancode == 16);
    EXPECT(e[2].keysym == syms[5] && !e[2].down);
    tap(&b, true, taps[4]);
    EXPECT_EQ(acts(&b, e, 1), 1);
    EXPECT(e[0].keysym == syms[8] && e[0].scancode == 44);
    close_bench(&b);
}

static void a_held_key_goes_down_again(void)
{
    struct bench b;
    struct input_event e[4];

    EXPECT(open_focused(&b));
    tap(&b, true, 38);
    EXPECT_EQ(acts(&b, e, 3), 3);
    for (int i = 0; i < 3; i++)
        EXPECT(e[i].keysym == 'a' && e[i].down);
    tap(&b, false, 38);
    do
        EXPECT_EQ(acts(&b, e, 1), 1);
    while (e[0].down);
    EXPECT_EQ(e[0].keysym, 'a');
    close_bench(&b);
}

static void losing_the_focus_releases(void)
{
    struct bench b;
    struct input_event e[2];

    EXPECT(open_focused(&b));
    tap(&b, true, 37);
    focus(&b, b.x.screen->root);
    EXPECT_EQ(acts(&b, e, 2), 2);
    EXPECT_EQ(e[0].keysym, KEYSYM_CONTROL_L);
    EXPECT_EQ(e[1].kind, INPUT_RELEASE);
    close_bench(&b);
}

static void wishes_are_not_passed_on(void)
{
    struct bench b;
    struct input_event e[4];

    EXPECT(open_focused(&b));
    press_with_ctrl_alt(&b, 31);
    EXPECT_EQ(acts(&b, e, 4), 4);
    EXPECT(e[0].keysym == KEYSYM_CONTROL_L && e[0].down);
    EXPECT(e[1].keysym == KEYSYM_ALT_L && e[1].down);
    EXPECT(e[2].keysym == KEYSYM_ALT_L && !e[2].down);
    EXPECT(e[3].keysym == KEYSYM_CONTROL_L && !e[3].down);
    close_bench(&b);
}

static void mouse_and_wheel(void)
{
    struct bench b;
    struct input_event e[8];

    EXPECT(open_focused(&b));
    resize(&b, 400, 350);
    EXPECT(comes_to_show(&b, 50, 75, 0, 0, 300, 200));
    drain(&b);
    xcb_test_fake_input(b.x.c, XCB_MOTION_NOTIFY, 0, 0, b.x.screen->root, 60, 80, 0);
    xserver_sync(&b.x);
    EXPECT_EQ(acts(&b, e, 1), 1);
    EXPECT(e[0].kind == INPUT_MOVE && e[0].x == 10 && e[0].y == 5);
    /* Outside the picture: its nearest pixel. */
    xcb_test_fake_input(b.x.c, XCB_MOTION_NOTIFY, 0, 0, b.x.screen->root, 399, 3, 0);
    static const uint8_t buttons[] = {3, 4, 7, 8};
    for (int i = 0; i < 4; i++) {
        xcb_test_fake_input(b.x.c, XCB_BUTTON_PRESS, buttons[i], 0, XCB_NONE, 0, 0, 0);
        xcb_test_fake_input(b.x.c, XCB_BUTTON_RELEASE, buttons[i], 0, XCB_NONE, 0, 0, 0);
    }
    xserver_sync(&b.x);
    size_t n = 0;
    while (n < 7) {
        EXPECT_EQ(acts(&b, &e[n], 1), 1);
        if (e[n].kind == INPUT_MOVE)
            EXPECT(e[n].x == 299 && e[n].y == 0);
        else
            n++;
        if (n == 6)
            break;
    }
    EXPECT(e[0].kind == INPUT_BUTTON && e[0].button == 3 && e[0].down);
    EXPECT(e[1].kind == INPUT_BUTTON && e[1].button == 3 && !e[1].down);
    EXPECT(e[2].kind == INPUT_SCROLL && e[2].dy == -1 && e[2].dx == 0);
    EXPECT(e[3].kind == INPUT_SCROLL && e[3].dy == 0 && e[3].dx == 1);
    EXPECT(e[4].kind == INPUT_BUTTON && e[4].button == 8 && e[4].down);
    EXPECT(e[5].kind == INPUT_BUTTON && e[5].button == 8 && !e[5].down);
    close_bench(&b);
}

static void no_server_is_said(void)
{
    struct sink *s = NULL;
    char reason[200] = "";

    EXPECT_EQ(x11_sink_open(":59999", 0, &s, reason, sizeof reason), ERR_UNREACHABLE);
    EXPECT(strstr(reason, ":59999"));
    EXPECT_EQ(x11_sink_open("far.example:0", 0, &s, reason, sizeof reason), ERR_USAGE);
    EXPECT(strstr(reason, "far.example:0"));
}

static void memory_runs_out(void)
{
    struct bench b;
    bool fired;
    uint64_t n = 1;

    EXPECT(open_shown(&b, "shm", 300, 200));
    b.sink->ops->free(b.sink);
    b.sink = NULL;
    do {
        struct sink *s = NULL;
        char reason[200];
        struct sink_frame f = {.pic = b.pic};
        heap_fail_at(n++);
        enum err e = x11_sink_open(b.x.display, 0, &s, reason, sizeof reason);
        if (!e)
            e = s->ops->present(s, &f);
        fired = heap_fault_fired();
        heap_fail_at(0);
        EXPECT(e == OK || (fired && e == ERR_MEMORY));
        /* The next picture has what it needs. */
        if (s)
            EXPECT_EQ(s->ops->present(s, &f), OK);
        if (s)
            s->ops->free(s);
    } while (fired);
    close_bench(&b);
}

TEST_MAIN({"shown_by_shm", shown_by_shm}, {"shown_without_shm", shown_without_shm},
          {"only_what_changed_is_sent", only_what_changed_is_sent},
          {"the_window_follows_the_picture", the_window_follows_the_picture},
          {"a_larger_window_has_margins", a_larger_window_has_margins},
          {"a_smaller_window_follows_the_pointer", a_smaller_window_follows_the_pointer},
          {"what_was_covered_comes_back", what_was_covered_comes_back},
          {"status_is_title_and_bar", status_is_title_and_bar},
          {"full_screen_and_back", full_screen_and_back},
          {"full_screen_by_a_window_manager", full_screen_by_a_window_manager},
          {"closing_ends_it", closing_ends_it}, {"a_server_that_dies", a_server_that_dies},
          {"a_server_that_stands_still", a_server_that_stands_still},
          {"pointer_in_colour", pointer_in_colour},
          {"pointer_in_black_and_white", pointer_in_black_and_white},
          {"keys_of_the_users_own_layout", keys_of_the_users_own_layout},
          {"a_held_key_goes_down_again", a_held_key_goes_down_again},
          {"losing_the_focus_releases", losing_the_focus_releases},
          {"wishes_are_not_passed_on", wishes_are_not_passed_on},
          {"mouse_and_wheel", mouse_and_wheel}, {"no_server_is_said", no_server_is_said},
          {"memory_runs_out", memory_runs_out})
