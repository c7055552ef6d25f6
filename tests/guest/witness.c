/* witness: what runs in a Debian guest while it is moved, and says when anything goes wrong.
 *
 * Writes a numbered, checksummed record to a disk file and to memory 20 times a second, reads older
 * ones back, answers each UDP datagram at port 7007 with the same, and says on the console how far
 * it is: "tick N" ten times a second, "ERROR ..." when a record is not what it was. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { RECORD = 4096, RECORDS = 4096, PORT = 7007 };

static uint8_t *memory; /* RECORDS of them */
static int console, disk;

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

int main(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(PORT)}, from;
    struct timeval wait = {.tv_usec = 5000};
    uint8_t datagram[2048];
    uint64_t number = 0, next = now_us();
    int s = socket(AF_INET, SOCK_DGRAM, 0);

    console = open("/dev/ttyS0", O_WRONLY | O_NOCTTY);
    disk = open("/var/lib/witness", O_RDWR | O_CREAT, 0600);
    memory = calloc(RECORDS, RECORD);
    if (console < 0 || disk < 0 || !memory || bind(s, (struct sockaddr *)&at, sizeof at))
        return 1;
    setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    for (;;) {
        socklen_t n = sizeof from;
        ssize_t got = recvfrom(s, datagram, sizeof datagram, 0, (struct sockaddr *)&from, &n);
        if (got > 0)
            sendto(s, datagram, (size_t)got, 0, (struct sockaddr *)&from, n);
        if (now_us() >= next) {
            work(++number);
            next = now_us() + 50000;
        }
    }
}
