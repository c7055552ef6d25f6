/* dirtier: the first program of a small Linux guest: rewrites memory at a rate, and counts on the
 * serial port, ten times a second, so that whoever looks sees that it lives and where it stood.
 *
 *   kernel command line: dirty=MIB/S set=MIB kind=rand|text|delta */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, TICK_MS = 20 };

static uint64_t seed = 88172645463325252u;

static uint64_t next(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    return seed ^= seed << 17;
}

static void fill(uint8_t *p, const char *kind)
{
    static const char *const words[] = {"users", "select", "insert", "commit", "order", "where",
                                        "value", "index"};

    if (strcmp(kind, "delta") == 0) {
        for (int i = 0; i < 32; i++)
            p[next() % PAGE] = (uint8_t)next();
    } else if (strcmp(kind, "text") == 0) {
        for (size_t n = 0; n + 24 < PAGE;)
            n += (size_t)sprintf((char *)p + n, "%s %llu ", words[next() % 8],
                                 (unsigned long long)(next() % 100000));
    } else {
        for (size_t i = 0; i < PAGE; i += 8)
            *(uint64_t *)(void *)(p + i) = next();
    }
}

static uint64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

int main(void)
{
    char line[4096] = "", kind[16] = "rand", *at;
    unsigned rate = 0, set = 64, count = 0;

    mkdir("/proc", 0755);
    mkdir("/dev", 0755);
    mount("proc", "/proc", "proc", 0, "");
    mount("dev", "/dev", "devtmpfs", 0, "");
    int fd = open("/proc/cmdline", O_RDONLY);
    if (fd < 0 || read(fd, line, sizeof line - 1) < 0)
        return 1;
    if ((at = strstr(line, "dirty=")))
        rate = (unsigned)strtoul(at + 6, NULL, 10);
    if ((at = strstr(line, "set=")))
        set = (unsigned)strtoul(at + 4, NULL, 10);
    if ((at = strstr(line, "kind=")))
        sscanf(at + 5, "%15[a-z]", kind);
    int tty = open("/dev/ttyS0", O_WRONLY);
    size_t pages = (size_t)set * 256, page = 0;
    uint8_t *memory = malloc(pages * PAGE);
    if (tty < 0 || !memory)
        return 1;
    for (size_t i = 0; i < pages; i++)
        fill(memory + i * PAGE, strcmp(kind, "delta") == 0 ? "text" : kind);
    uint64_t due = now_ms(), told = 0;
    for (;;) {
        for (unsigned i = 0; i < rate * 256 * TICK_MS / 1000; i++)
            fill(memory + page++ % pages * PAGE, kind);
        if (now_ms() - told >= 100) {
            told = now_ms();
            dprintf(tty, "tick %u\n", ++count);
        }
        due += TICK_MS;
        uint64_t now = now_ms();
        if (due > now)
            usleep((useconds_t)(due - now) * 1000);
        else
            due = now;
    }
}
