/* y4m_age: how old the picture in a y4m stream is, by the barcodes of scroll_clock in it.
 *
 *   y4m_age [-s SECONDS] [-k SKIP] <STREAM
 *
 * The stream is what `view --to FILE.y4m` writes: Xt0_us in the header is its start on
 * CLOCK_MONOTONIC, Xt_us of a frame when it was shown. Between two frames the picture grows older:
 * age is sampled every millisecond of the time from SKIP on (default 2 s), as the age of the oldest
 * of the four barcodes. Prints one JSON object.
 *
 * It must not slow the viewer that it reads from: its pipe is made as large as the kernel allows,
 * and what it does not look at (chroma) is thrown away unread. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/num.h"
#include "core/base/stat.h"
#include "tests/bench/barcode.h"

enum { LEFT = 64, TOP = 64, RIGHT = 64 + 1216 - 64, BOTTOM = 64 + 832 - 64 };

static struct stat_hist ages;

/* The stream, and what was read of it beyond a line. */
static struct {
    int nowhere;
    size_t ahead_bytes, ahead_at;
    uint8_t ahead[64];
} in;

static void widen_pipe(void)
{
    for (int bytes = 64 << 20; bytes >= 1 << 20; bytes /= 2)
        if (fcntl(STDIN_FILENO, F_SETPIPE_SZ, bytes) >= 0)
            return;
}

/* Bytes that stand ready in in.ahead, at most `n`. */
static size_t take_ahead(size_t n, const uint8_t **p)
{
    size_t got = num_min(n, in.ahead_bytes - in.ahead_at);

    *p = in.ahead + in.ahead_at;
    in.ahead_at += got;
    return got;
}

static bool read_all(uint8_t *to, size_t n)
{
    const uint8_t *p;
    size_t done = take_ahead(n, &p);

    memcpy(to, p, done);
    while (done < n) {
        ssize_t got = read(STDIN_FILENO, to + done, n - done);
        if (got > 0)
            done += (size_t)got;
        else if (got == 0 || errno != EINTR)
            return false;
    }
    return true;
}

static bool throw_away(uint8_t *space, size_t n)
{
    const uint8_t *p;

    n -= take_ahead(n, &p);
    while (n > 0) {
        ssize_t got = splice(STDIN_FILENO, NULL, in.nowhere, NULL, n, 0);
        if (got < 0 && errno == EINVAL)
            return read_all(space, n); /* no pipe */
        if (got > 0)
            n -= (size_t)got;
        else if (got == 0 || errno != EINTR)
            return false;
    }
    return true;
}

/* Reads a line without its end; false at the end of the stream. A line is followed by more than
 * in.ahead holds. */
static bool read_line(char *to, size_t room)
{
    for (size_t n = 0; n < room; n++) {
        if (in.ahead_at == in.ahead_bytes) {
            ssize_t got = read(STDIN_FILENO, in.ahead, sizeof in.ahead);
            in.ahead_at = 0;
            in.ahead_bytes = got > 0 ? (size_t)got : 0;
            if (got <= 0)
                return false;
        }
        to[n] = (char)in.ahead[in.ahead_at++];
        if (to[n] == '\n') {
            to[n] = 0;
            return true;
        }
    }
    return false;
}

static uint64_t number_after(const char *line, const char *key)
{
    const char *at = strstr(line, key);

    return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

static bool time_at(const uint8_t *luma, unsigned width, unsigned x, unsigned y, uint64_t *time)
{
    uint64_t cells = 0;

    for (unsigned i = 0; i < 64; i++) {
        unsigned px = x + i % 8 * BARCODE_CELL_PX + 4, py = y + i / 8 * BARCODE_CELL_PX + 4;
        cells |= (uint64_t)(luma[(size_t)py * width + px] < 128) << i;
    }
    return barcode_time(cells, time);
}

/* The oldest time in the picture; false when a barcode is missing. */
static bool oldest(const uint8_t *luma, unsigned width, uint64_t *time)
{
    static const unsigned places[4][2] = {
        {LEFT, TOP}, {RIGHT, TOP}, {LEFT, BOTTOM}, {RIGHT, BOTTOM}};
    uint64_t t;

    *time = UINT64_MAX;
    for (int i = 0; i < 4; i++) {
        if (!time_at(luma, width, places[i][0], places[i][1], &t))
            return false;
        *time = num_min(*time, t);
    }
    return true;
}

int main(int argc, char **argv)
{
    uint64_t seconds = 20, skip = 2, frames = 0, without = 0, changes = 0;
    char line[512];

    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "-s") == 0)
            seconds = strtoull(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "-k") == 0)
            skip = strtoull(argv[i + 1], NULL, 10);
    }
    in.nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    widen_pipe();
    if (!read_line(line, sizeof line) || strncmp(line, "YUV4MPEG2 ", 10) != 0) {
        fprintf(stderr, "y4m_age: no y4m stream\n");
        return 1;
    }
    unsigned width = (unsigned)number_after(line, " W"),
             height = (unsigned)number_after(line, " H");
    uint64_t start = number_after(line, "Xt0_us="), shown = 0, painted = 0, first = 0;
    size_t plane = (size_t)width * height;
    uint8_t *picture = malloc(2 * plane + 1);
    while (picture && read_line(line, sizeof line)) {
        uint64_t at = start + number_after(line, "Xt_us="), time;
        if (!read_all(picture, plane) || !throw_away(picture, 2 * plane))
            break;
        if (width < 1280 || height < 896 || !oldest(picture, width, &time)) {
            without++;
            continue;
        }
        first = first ? first : at;
        uint64_t from = num_max(shown, first + skip * 1000000);
        uint64_t until = num_min(at, first + (skip + seconds) * 1000000);
        for (uint64_t t = from; painted && t < until; t += 1000)
            stat_add(&ages, t - painted);
        frames++;
        changes += time != painted;
        shown = at;
        painted = time;
    }
    printf("{\"frames\":%" PRIu64 ",\"times\":%" PRIu64 ",\"unreadable\":%" PRIu64
           ",\"samples\":%" PRIu64 ",\"age_us\":{\"p50\":%" PRIu64 ",\"p95\":%" PRIu64
           ",\"p99\":%" PRIu64 ",\"max\":%" PRIu64 "}}\n",
           frames, changes, without, ages.count, stat_quantile(&ages, 500),
           stat_quantile(&ages, 950), stat_quantile(&ages, 990), ages.max);
    free(picture);
    return ages.count == 0;
}
