#include "core/os/tun.h"

#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/num.h"
#include "core/os/os.h"
#include "tests/unit/test.h"

static const char here[] = "/proc/self/ns/net";

/* Runs `body` in a child with a network of its own; gives whether it said that all is well. Where
 * even root may not have one, or nobody may, that is what tun_open must say. */
static bool in_own_network(bool (*body)(void))
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
            _exit(geteuid() == 0);
        _exit(!body());
    }
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

static struct tun_config config(void)
{
    struct tun_config c = {.addresses = 1, .mtu_bytes = 1500, .queue_packets = 100};

    if (addr_parse_ip("10.77.0.1", &c.address[0].own) ||
        addr_parse_ip("10.77.0.2", &c.address[0].peer))
        c.addresses = 0;
    return c;
}

/* The checksum of an IPv4 header (RFC 1071). */
static void finish_header(uint8_t *p)
{
    uint32_t sum = 0;

    for (int i = 0; i < 20; i += 2)
        sum += (uint32_t)p[i] << 8 | p[i + 1];
    sum = (sum & 0xffff) + (sum >> 16);
    sum = ~(sum + (sum >> 16));
    p[10] = (uint8_t)(sum >> 8);
    p[11] = (uint8_t)sum;
}

/* A ping by hand: the kernel behind the device answers. */
static bool answers(void)
{
    uint8_t ping[28] = {0x45, 0, 0,  28, 0, 1, 0, 0, 64,   1,    0, 0, 10, 77,
                        0,    2, 10, 77, 0, 1, 8, 0, 0xf7, 0xfd, 0, 1, 0,  1};
    struct tun_config c = config();
    uint8_t packet[2000];
    struct tun t;
    size_t n = 0;
    enum err e = tun_open(&t, here, &c);

    if (geteuid() != 0 && e == ERR_UNSUPPORTED)
        return true;
    if (e != OK || if_nametoindex(t.name) == 0)
        return false;
    finish_header(ping);
    if (tun_read(&t, packet, sizeof packet, &n) != ERR_AGAIN)
        return false;
    if (tun_write(&t, bytes_of(ping, sizeof ping)) != OK)
        return false;
    if (tun_read(&t, packet, sizeof packet, &n) != OK || n != 28 || packet[20] != 0)
        return false;
    ping[0] = 0x15; /* no version of IP */
    if (tun_write(&t, bytes_of(ping, sizeof ping)) != ERR_MALFORMED || tun_overflow(&t) != 0)
        return false;
    tun_close(&t);
    tun_close(&t);
    return if_nametoindex("farspan0") == 0;
}

static void the_kernel_answers_through_it(void)
{
    EXPECT(in_own_network(answers));
}

/* Packets that nobody reads are counted. */
static bool overflows(void)
{
    struct tun_config c = config();
    struct tun t;
    enum err e = tun_open(&t, here, &c);

    if (geteuid() != 0 && e == ERR_UNSUPPORTED)
        return true;
    uint8_t ping[28] = {0x45, 0, 0,  28, 0, 1, 0, 0, 64,   1,    0, 0, 10, 77,
                        0,    2, 10, 77, 0, 1, 8, 0, 0xf7, 0xfd, 0, 1, 0,  1};
    finish_header(ping);
    for (int i = 0; e == OK && i < 3000; i++)
        e = tun_write(&t, bytes_of(ping, sizeof ping));
    bool some = e == OK && tun_overflow(&t) > 0;
    tun_close(&t);
    return some;
}

static void what_is_not_read_is_counted(void)
{
    EXPECT(in_own_network(overflows));
}

/* Whichever call fails: no device is left, and we are where we were. */
static bool faults(void)
{
    static const int errors[] = {EIO, EPERM, EBUSY};
    struct tun_config c = config();
    struct stat before, after;

    if (addr_parse_ip("fd77::1", &c.address[1].own) || addr_parse_ip("fd77::2", &c.address[1].peer))
        return false;
    c.addresses = 2;
    for (size_t k = 0; k < COUNT_OF(errors); k++) {
        bool fired = true;
        uint64_t n = 0;
        while (fired && ++n < 100) {
            struct tun t;
            if (stat(here, &before) != 0)
                return false;
            os_fail_at(OS_ANY, n, errors[k]);
            enum err e = tun_open(&t, here, &c);
            fired = os_fault_fired(OS_ANY);
            os_fail_at(OS_ANY, 0, 0);
            if (e != OK && e != ERR_SYSTEM && e != ERR_UNSUPPORTED)
                return false;
            tun_close(&t);
            if (stat(here, &after) != 0 || before.st_ino != after.st_ino)
                return false;
            if (if_nametoindex("farspan0") != 0)
                return false;
            if (e == OK && fired)
                return false;
        }
        if (geteuid() == 0 && (n < 10 || n == 100))
            return false;
    }
    return true;
}

static void every_call_may_fail(void)
{
    EXPECT(in_own_network(faults));
}

static void namespaces_must_be_there(void)
{
    struct tun_config c = config();
    struct tun t;

    EXPECT_EQ(tun_open(&t, "no-such-namespace", &c), ERR_NOT_FOUND);
    EXPECT_EQ(tun_open(&t, "/no/such/namespace", &c), ERR_NOT_FOUND);
    EXPECT(tun_open(&t, "/etc/passwd", &c) != OK && t.fd == -1);
}

TEST_MAIN({"the_kernel_answers_through_it", the_kernel_answers_through_it},
          {"what_is_not_read_is_counted", what_is_not_read_is_counted},
          {"every_call_may_fail", every_call_may_fail},
          {"namespaces_must_be_there", namespaces_must_be_there})
