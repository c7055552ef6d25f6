#include "tests/e2e/xserver.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <xcb/randr.h>

static pid_t spawn(const char *const *argv, const char *display)
{
    pid_t parent = getpid(), pid = fork();

    if (pid)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(127);
    if (display)
        setenv("DISPLAY", display, 1);
    execvp(argv[0], (char *const *)(uintptr_t)argv);
    perror(argv[0]);
    _exit(127);
}

/* Reads the number that the server writes once it is ready. */
static bool read_number(int fd, char *out, size_t room)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    size_t n = 0;

    while (n + 1 < room && (n == 0 || out[n - 1] != '\n')) {
        ssize_t got;
        if (poll(&p, 1, 20000) != 1 || (got = read(fd, out + n, room - 1 - n)) <= 0)
            return false;
        n += (size_t)got;
    }
    out[n - 1] = 0;
    return true;
}

bool xserver_start(struct xserver *x, const char *screen)
{
    int ends[2];
    char fd[16], number[8];

    memset(x, 0, sizeof *x);
    signal(SIGPIPE, SIG_IGN);
    if (pipe(ends))
        return false;
    snprintf(fd, sizeof fd, "%d", ends[1]);
    const char *argv[] = {"Xvfb", "-displayfd", fd,    "-screen",  "0",
                          screen, "-nolisten",  "tcp", "-noreset", NULL};
    x->pid = spawn(argv, NULL);
    close(ends[1]);
    bool up = read_number(ends[0], number, sizeof number);
    close(ends[0]);
    if (!up) {
        fprintf(stderr, "Xvfb does not start\n");
        xserver_end(x->pid);
        return false;
    }
    snprintf(x->display, sizeof x->display, ":%s", number);
    x->c = xcb_connect(x->display, NULL);
    if (xcb_connection_has_error(x->c))
        return false;
    x->screen = xcb_setup_roots_iterator(xcb_get_setup(x->c)).data;
    x->gc = xcb_generate_id(x->c);
    uint32_t inferiors = XCB_SUBWINDOW_MODE_INCLUDE_INFERIORS;
    xcb_create_gc(x->c, x->gc, x->screen->root, XCB_GC_SUBWINDOW_MODE, &inferiors);
    return true;
}

void xserver_end(pid_t pid)
{
    if (pid <= 0)
        return;
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

void xserver_stop(struct xserver *x)
{
    if (x->c)
        xcb_disconnect(x->c);
    /* Asked kindly first, so that it removes its socket and lock. */
    if (x->pid > 0) {
        kill(x->pid, SIGTERM);
        kill(x->pid, SIGCONT);
        for (int i = 0; i < 200 && waitpid(x->pid, NULL, WNOHANG) == 0; i++)
            poll(NULL, 0, 10);
        kill(x->pid, SIGKILL);
        waitpid(x->pid, NULL, 0);
    }
    memset(x, 0, sizeof *x);
}

pid_t xserver_run(const struct xserver *x, const char *const *argv)
{
    return spawn(argv, x->display);
}

void xserver_sync(struct xserver *x)
{
    free(xcb_get_input_focus_reply(x->c, xcb_get_input_focus(x->c), NULL));
}

void xserver_fill(struct xserver *x, xcb_drawable_t drawable, struct rect r, uint32_t rgb)
{
    xcb_rectangle_t area = {(int16_t)r.x, (int16_t)r.y, (uint16_t)r.width, (uint16_t)r.height};

    xcb_change_gc(x->c, x->gc, XCB_GC_FOREGROUND, &rgb);
    xcb_poly_fill_rectangle(x->c, drawable, x->gc, 1, &area);
    xcb_flush(x->c);
}

uint32_t *xserver_pixels(struct xserver *x, xcb_drawable_t d, uint32_t width, uint32_t height)
{
    xcb_get_image_reply_t *r =
        xcb_get_image_reply(x->c,
                            xcb_get_image(x->c, XCB_IMAGE_FORMAT_Z_PIXMAP, d, 0, 0, (uint16_t)width,
                                          (uint16_t)height, ~0u),
                            NULL);
    uint32_t *px = r ? malloc((size_t)width * height * 4) : NULL;

    if (px) {
        memcpy(px, xcb_get_image_data(r), (size_t)width * height * 4);
        for (size_t i = 0; i < (size_t)width * height; i++)
            px[i] &= 0xffffff;
    }
    free(r);
    return px;
}

/* The screen without its one output can have any size up to the first. */
bool xserver_resize(struct xserver *x, uint16_t width, uint16_t height)
{
    xcb_window_t root = x->screen->root;
    xcb_randr_get_screen_resources_current_reply_t *r =
        xcb_randr_get_screen_resources_current_reply(
            x->c, xcb_randr_get_screen_resources_current(x->c, root), NULL);

    if (!r || r->num_crtcs < 1)
        return free(r), false;
    free(xcb_randr_set_crtc_config_reply(
        x->c,
        xcb_randr_set_crtc_config(x->c, xcb_randr_get_screen_resources_current_crtcs(r)[0],
                                  XCB_CURRENT_TIME, r->config_timestamp, 0, 0, XCB_NONE,
                                  XCB_RANDR_ROTATION_ROTATE_0, 0, NULL),
        NULL));
    free(r);
    xcb_generic_error_t *e = xcb_request_check(
        x->c, xcb_randr_set_screen_size_checked(x->c, root, width, height, width, height));
    if (e)
        fprintf(stderr, "RANDR refuses: error %u\n", e->error_code);
    bool good = !e;
    free(e);
    return good;
}

uint64_t xserver_now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}
