/* scroll_clock: scrolls text at 30 frames a second on $DISPLAY, with the time painted in each
 * corner.
 *
 *   scroll_clock [-s SECONDS] [-f FPS]
 *
 * The window covers 1216x832 pixels at 64,64; barcodes (barcode.h) stand in its four corners, each
 * in one 64x64 tile of the screen. The time is CLOCK_MONOTONIC in microseconds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <xcb/xcb.h>

#include "tests/bench/barcode.h"

enum { X = 64, Y = 64, WIDTH = 1216, HEIGHT = 832, STEP = 4, LINE = 16 };

static xcb_connection_t *c;
static xcb_window_t window;
static xcb_pixmap_t canvas;
static xcb_gcontext_t ink, paper;

static uint64_t now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static xcb_gcontext_t pen(uint32_t foreground, uint32_t background, xcb_font_t font)
{
    xcb_gcontext_t gc = xcb_generate_id(c);
    uint32_t values[] = {foreground, background, font, 0};

    xcb_create_gc(c, gc, canvas,
                  XCB_GC_FOREGROUND | XCB_GC_BACKGROUND | XCB_GC_FONT | XCB_GC_GRAPHICS_EXPOSURES,
                  values);
    return gc;
}

static void open_window(void)
{
    c = xcb_connect(NULL, NULL);
    if (xcb_connection_has_error(c)) {
        fprintf(stderr, "scroll_clock: no display\n");
        exit(1);
    }
    xcb_screen_t *s = xcb_setup_roots_iterator(xcb_get_setup(c)).data;
    uint32_t values[] = {s->white_pixel, 1};
    window = xcb_generate_id(c);
    xcb_create_window(c, s->root_depth, window, s->root, X, Y, WIDTH, HEIGHT, 0,
                      XCB_WINDOW_CLASS_INPUT_OUTPUT, s->root_visual,
                      XCB_CW_BACK_PIXEL | XCB_CW_OVERRIDE_REDIRECT, values);
    canvas = xcb_generate_id(c);
    xcb_create_pixmap(c, s->root_depth, canvas, window, WIDTH, HEIGHT);
    xcb_font_t font = xcb_generate_id(c);
    xcb_open_font(c, font, 5, "fixed");
    ink = pen(0x202020, 0xfcfcf4, font);
    paper = pen(0xfcfcf4, 0x202020, font);
    xcb_poly_fill_rectangle(c, canvas, paper, 1, &(xcb_rectangle_t){0, 0, WIDTH, HEIGHT});
    xcb_map_window(c, window);
}

static void write_line(unsigned number)
{
    static const char *const words[] = {"latency", "packet",  "tile",   "exact", "window",
                                        "damage",  "scroll",  "copy",   "far",   "near",
                                        "pixel",   "history", "stream", "loss",  "queue"};
    char line[256];
    int n = snprintf(line, sizeof line, "%6u  ", number);

    for (unsigned i = 0, at = number * 7919; i < 14; i++, at = at * 1103515245 + 12345)
        n += snprintf(line + n, sizeof line - (size_t)n, "%s ", words[(at >> 16) % 15]);
    xcb_image_text_8(c, (uint8_t)(n < 180 ? n : 180), canvas, ink, 80, HEIGHT - 5, line);
}

static void paint_time(int16_t x, int16_t y, uint64_t cells)
{
    xcb_rectangle_t dark[64];
    uint32_t count = 0;

    for (int i = 0; i < 64; i++)
        if (cells >> i & 1)
            dark[count++] = (xcb_rectangle_t){(int16_t)(x + i % 8 * BARCODE_CELL_PX),
                                              (int16_t)(y + i / 8 * BARCODE_CELL_PX),
                                              BARCODE_CELL_PX, BARCODE_CELL_PX};
    xcb_poly_fill_rectangle(c, canvas, paper, 1, &(xcb_rectangle_t){x, y, BARCODE_PX, BARCODE_PX});
    xcb_poly_fill_rectangle(c, canvas, ink, count, dark);
}

static void frame(unsigned n)
{
    xcb_copy_area(c, canvas, canvas, ink, 0, STEP, 0, 0, WIDTH, HEIGHT - STEP);
    xcb_poly_fill_rectangle(c, canvas, paper, 1, &(xcb_rectangle_t){0, HEIGHT - STEP, WIDTH, STEP});
    if (n % (LINE / STEP) == 0)
        write_line(n / (LINE / STEP));
    uint64_t cells = barcode_cells(now_us());
    paint_time(0, 0, cells);
    paint_time(WIDTH - BARCODE_PX, 0, cells);
    paint_time(0, HEIGHT - BARCODE_PX, cells);
    paint_time(WIDTH - BARCODE_PX, HEIGHT - BARCODE_PX, cells);
    xcb_copy_area(c, canvas, window, ink, 0, 0, 0, 0, WIDTH, HEIGHT);
    xcb_flush(c);
}

int main(int argc, char **argv)
{
    unsigned seconds = 20, fps = 30;

    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "-s") == 0)
            seconds = (unsigned)strtoul(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "-f") == 0)
            fps = (unsigned)strtoul(argv[i + 1], NULL, 10);
    }
    open_window();
    uint64_t start = now_us();
    for (unsigned n = 0; n < seconds * fps; n++) {
        frame(n);
        uint64_t next = start + (n + 1) * 1000000ull / fps, now = now_us();
        if (next > now)
            usleep((useconds_t)(next - now));
        if (xcb_connection_has_error(c))
            return 1;
    }
    xcb_disconnect(c);
    return 0;
}
