/* witness: what runs in a Debian guest while it is moved, and says when anything goes wrong.
 *
 * Writes a numbered, checksummed record to a disk file and to memory 20 times a second, reads older
 * ones back, and says on the console how far it is: "tick N" ten times a second, "ERROR ..." when a
 * record is not what it was. A process beside, which waits for no disk, answers each UDP datagram
 * at port 7007 with the same; one "dirty N" has it change 32 bytes in each page of 64 MiB, N MB of
 * pages a second.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { RECORD = 4096, RECORDS = 4096, PORT = 7007, SET_PAGES = 16384, CHANGED = 32 };

static uint8_t *memory; /* RECORDS of them */
static int console, disk;
static uint8_t *set; /* SET_PAGES of RECORD bytes, once something is to be written there */
static uint64_t dirty_bytes_s, dirty_page, dirty_since_us;

static void say(const char *text)
{
    if (write(console, text, strlen(text)) < 0)
        exit(1);
}

static void fill(uint64_t number, uint8_t to[RECORD])
{
    uint64_t v = number * 0x9e3779b97f4a7c15u + 1;

    memcpy(to, &number, sizeof number);
    for (int i = 8; i < RECORD; i += 8) {
        v ^= v << 13, v ^= v >> 7, v ^= v << 17;
        memcpy(to + i, &v, sizeof v);
    }
}

static void check(uint64_t number)
{
    uint8_t want[RECORD], got[RECORD];
    char text[80];

    fill(number, want);
    if (memcmp(memory + number % RECORDS * RECORD, want, RECORD)) {
        snprintf(text, sizeof text, "ERROR record %llu in memory\n", (unsigned long long)number);
        say(text);
    }
    if (pread(disk, got, RECORD, (off_t)(number % RECORDS * RECORD)) != RECORD ||
        memcmp(got, want, RECORD)) {
        snprintf(text, sizeof text, "ERROR record %llu on the disk\n", (unsigned long long)number);
        say(text);
    }
}

static void work(uint64_t number)
{
    uint8_t record[RECORD];
    char text[40];

    fill(number, record);
    memcpy(memory + number % RECORDS * RECORD, record, RECORD);
    if (pwrite(disk, record, RECORD, (off_t)(number % RECORDS * RECORD)) != RECORD)
        say("ERROR writing\n");
    if (number % 20 == 0 && fdatasync(disk))
        say("ERROR syncing\n");
    if (number > 100)
        check(number - 1 - (number * 7919) % (number < RECORDS ? number - 1 : RECORDS - 1));
    if (number % 2 == 0) {
        snprintf(text, sizeof text, "tick %llu\n", (unsigned long long)(number / 2));
        say(text);
    }
}

static uint64_t now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void hear(const uint8_t *datagram, size_t n)
{
    char text[32] = {0};

    if (n < 7 || n >= sizeof text || memcmp(datagram, "dirty ", 6) != 0)
        return;
    memcpy(text, datagram + 6, n - 6);
    dirty_bytes_s = strtoull(text, NULL, 10) * 1000000;
    dirty_since_us = now_us();
    dirty_page = 0;
    if (!set)
        set = malloc((size_t)SET_PAGES * RECORD);
    for (size_t i = 0; set && i < SET_PAGES; i++) /* text, more or less */
        for (size_t k = 0; k < RECORD; k++)
            set[i * RECORD + k] = (uint8_t)("etaoin shrdlu cm"[(i * 31 + k * k / 7 + k) % 16]);
}

static void dirty(void)
{
    uint64_t due = set ? (now_us() - dirty_since_us) * (dirty_bytes_s / 1000) / 1000 / RECORD : 0;

    for (int i = 0; dirty_page < due && i < 256; i++, dirty_page++) {
        uint8_t *page = set + dirty_page % SET_PAGES * RECORD;
        for (int k = 0; k < CHANGED; k++)
            page[(dirty_page * 61 + (uint64_t)k * 97) % RECORD] = (uint8_t)(dirty_page * 7 + k);
    }
}

/* Writes and checks, however long its disk takes. */
static void keep_records(void)
{
    uint64_t number = 0, next = now_us();

    for (;;) {
        uint64_t now = now_us();
        if (now < next)
            usleep((useconds_t)(next - now));
        work(++number);
        next = now_us() + 50000;
    }
}

int main(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(PORT)}, from;
    struct timeval wait = {.tv_usec = 5000};
    uint8_t datagram[2048];
    int s = socket(AF_INET, SOCK_DGRAM, 0);

    console = open("/dev/ttyS0", O_WRONLY | O_NOCTTY);
    disk = open("/var/lib/witness", O_RDWR | O_CREAT, 0600);
    memory = calloc(RECORDS, RECORD);
    if (console < 0 || disk < 0 || !memory || bind(s, (struct sockaddr *)&at, sizeof at))
        return 1;
    setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    pid_t records = fork();
    if (records == 0)
        keep_records();
    for (;;) {
        socklen_t n = sizeof from;
        ssize_t got = recvfrom(s, datagram, sizeof datagram, 0, (struct sockaddr *)&from, &n);
        if (got > 0)
            hear(datagram, (size_t)got);
        dirty();
        if (got > 0)
            sendto(s, datagram, (size_t)got, 0, (struct sockaddr *)&from, n);
        if (records < 0 || waitpid(records, NULL, WNOHANG) > 0) {
            say("ERROR nobody writes records\n");
            return 1;
        }
    }
}
