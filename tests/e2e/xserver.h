/* xserver: an X server of the test's own (Xvfb), and the programs in front of it. */
#ifndef FARSPAN_XSERVER_H
#define FARSPAN_XSERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <xcb/xcb.h>

#include "core/codec/pic.h"

/* A running server and the test's own connection to it. */
struct xserver {
    pid_t pid;
    char display[16]; /* ":N" */
    xcb_connection_t *c;
    xcb_screen_t *screen;
    xcb_gcontext_t gc;
};

/* Starts Xvfb with a screen like "640x480x24" and connects to it. False, with a message, when it
 * does not come up. Everything ends with the test program. */
bool xserver_start(struct xserver *x, const char *screen);

/* Disconnects and ends the server. */
void xserver_stop(struct xserver *x);

/* Starts a program with DISPLAY set to this server's; gives its pid. */
pid_t xserver_run(const struct xserver *x, const char *const *argv);

/* Ends a program started by xserver_run and waits for it. */
void xserver_end(pid_t pid);

/* Waits until the server has done all that the test asked for. */
void xserver_sync(struct xserver *x);

/* Fills a rectangle of `drawable` with a colour. */
void xserver_fill(struct xserver *x, xcb_drawable_t drawable, struct rect r, uint32_t rgb);

/* Gives the pixels of the root window or another drawable as the server has them, top bytes zero;
 * the caller's to free(). NULL when the server refuses. */
uint32_t *xserver_pixels(struct xserver *x, xcb_drawable_t d, uint32_t width, uint32_t height);

/* Changes the size of the screen by RANDR, to at most what it was started with. */
bool xserver_resize(struct xserver *x, uint16_t width, uint16_t height);

/* Monotonic time. */
uint64_t xserver_now_us(void);

#endif
