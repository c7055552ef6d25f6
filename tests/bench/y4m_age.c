/* y4m_age: how old the picture in a y4m stream is, by the barcodes of scroll_clock in it.
 *
 *   y4m_age [-s SECONDS] [-k SKIP] <STREAM
 *
 * The stream is what `view --to FILE.y4m` writes: Xt0_us in the header is its start on
 * CLOCK_MONOTONIC, Xt_us of a frame when it was shown. Between two frames the picture grows older:
 * age is sampled every millisecond of the time from SKIP on (default 2 s), as the age of the oldest
 * of the four barcodes. Prints one JSON object. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/num.h"
#include "core/base/stat.h"
#include "tests/bench/barcode.h"

enum { LEFT = 64, TOP = 64, RIGHT = 64 + 1216 - 64, BOTTOM = 64 + 832 - 64 };

static struct stat_hist ages;

/* Reads a line without its end; false at the end of the stream. */
static bool read_line(char *to, size_t room)
{
    if (!fgets(to, (int)room, stdin))
        return false;
    to[strcspn(to, "\n")] = 0;
    return true;
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
    if (!read_line(line, sizeof line) || strncmp(line, "YUV4MPEG2 ", 10) != 0) {
        fprintf(stderr, "y4m_age: no y4m stream\n");
        return 1;
    }
    unsigned width = (unsigned)number_after(line, " W"),
             height = (unsigned)number_after(line, " H");
    uint64_t start = number_after(line, "Xt0_us="), shown = 0, painted = 0, first = 0;
    size_t bytes = (size_t)width * height * 3;
    uint8_t *picture = malloc(bytes ? bytes : 1);
    while (picture && read_line(line, sizeof line)) {
        uint64_t at = start + number_after(line, "Xt_us="), time;
        if (fread(picture, 1, bytes, stdin) != bytes)
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
