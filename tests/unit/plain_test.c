/* Kernel TCP on loopback, and what its system calls may refuse. */
#include <errno.h>
#include <poll.h>

#include "core/base/num.h"
#include "core/os/os.h"
#include "core/os/plain.h"
#include "tests/unit/test.h"

static const struct addr here = {.family = ADDR_IP4, .ip = {127, 0, 0, 1}};
static int listening, near, far;

static bool wait_for(int fd, short what)
{
    struct pollfd p = {.fd = fd, .events = what};

    return poll(&p, 1, 10000) == 1;
}

static void join(void)
{
    struct addr at;

    far = -1;
    EXPECT_EQ(plain_listen(-1, &here, &listening, &at), OK);
    EXPECT(at.port);
    EXPECT_EQ(plain_accept(listening, &far), ERR_AGAIN);
    EXPECT_EQ(plain_connect(-1, &at, "cubic", &near), OK);
    EXPECT(wait_for(listening, POLLIN));
    EXPECT_EQ(plain_accept(listening, &far), OK);
}

static void part(void)
{
    plain_close(&near);
    plain_close(&far);
    plain_close(&listening);
    plain_close(&listening);
}

static void bytes_go_from_one_end_to_the_other(void)
{
    static uint8_t out[100000], in[4096];
    struct plain_path path;
    size_t n, sent = 0, came = 0;

    for (size_t i = 0; i < sizeof out; i++)
        out[i] = (uint8_t)(i * 7);
    join();
    EXPECT_EQ(plain_receive(far, in, sizeof in, &n), ERR_AGAIN);
    while (came < sizeof out) {
        if (sent < sizeof out) {
            enum err e = plain_send(near, bytes_of(out + sent, sizeof out - sent), &n);
            EXPECT(e == OK || e == ERR_AGAIN);
            sent += n;
        }
        EXPECT(wait_for(far, POLLIN));
        enum err e = plain_receive(far, in, sizeof in, &n);
        EXPECT(e == OK || e == ERR_AGAIN);
        EXPECT(came + n <= sent && memcmp(in, out + came, n) == 0);
        came += n;
    }
    plain_look(near, &path);
    EXPECT(path.rtt_us > 0 && path.sent_segments > 0);
    plain_close(&near);
    EXPECT(wait_for(far, POLLIN));
    /* It was closed at once, so that nothing is sent in its name any more. */
    EXPECT_EQ(plain_receive(far, in, sizeof in, &n), ERR_UNREACHABLE);
    part();
    plain_look(-1, &path);
    EXPECT_EQ(path.rtt_us, 0);
}

static void a_control_that_the_kernel_has_not_is_refused(void)
{
    struct addr at;

    EXPECT_EQ(plain_listen(-1, &here, &listening, &at), OK);
    EXPECT_EQ(plain_connect(-1, &at, "no-such-control", &near), ERR_UNSUPPORTED);
    EXPECT_EQ(near, -1);
    part();
}

static void calls_may_fail(void)
{
    struct addr at;
    size_t n;

    os_fail_at(OS_SOCKET, 1, EMFILE);
    EXPECT_EQ(plain_listen(-1, &here, &listening, &at), ERR_SYSTEM);
    EXPECT_EQ(listening, -1);
    for (uint64_t nth = 1; nth <= 2; nth++) {
        os_fail_at(OS_BIND, nth, EADDRINUSE);
        EXPECT_EQ(plain_listen(-1, &here, &listening, &at), ERR_SYSTEM);
        EXPECT_EQ(listening, -1);
    }
    at = (struct addr){.family = ADDR_IP4, .ip = {127, 0, 0, 1}, .port = 9};
    os_fail_at(OS_SETOPT, 2, EPERM);
    EXPECT_EQ(plain_connect(-1, &at, "cubic", &near), ERR_SYSTEM);
    EXPECT_EQ(near, -1);
    join();
    os_fail_at(OS_SEND, 1, ECONNRESET);
    EXPECT_EQ(plain_send(near, bytes_of("x", 1), &n), ERR_UNREACHABLE);
    EXPECT_EQ(n, 0);
    os_fail_at(OS_RECV, 1, ETIMEDOUT);
    uint8_t in[4];
    EXPECT_EQ(plain_receive(far, in, sizeof in, &n), ERR_UNREACHABLE);
    os_fail_at(OS_FD, 1, EMFILE);
    int other;
    EXPECT_EQ(plain_accept(listening, &other), ERR_SYSTEM);
    part();
}

TEST_MAIN({"bytes_go_from_one_end_to_the_other", bytes_go_from_one_end_to_the_other},
          {"a_control_that_the_kernel_has_not_is_refused",
           a_control_that_the_kernel_has_not_is_refused},
          {"calls_may_fail", calls_may_fail})
