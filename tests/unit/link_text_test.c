#include "core/run/link_text.h"

#include <string.h>

#include "tests/unit/test.h"

static struct peer_path path_of(bool connected, uint64_t silent_us)
{
    return (struct peer_path){
        .remote = {.family = ADDR_IP4, .ip = {192, 0, 2, 1}, .port = 7470},
        .connected = connected,
        .rtt_us = 23600,
        .silent_us = silent_us,
        .silent = silent_us >= 1500000,
    };
}

static void says_what_is(void)
{
    char text[LINK_TEXT_CHARS];
    struct peer_path p = path_of(false, 9000000);

    link_text(&p, 0, false, false, text);
    EXPECT(!strcmp(text, "reaching 192.0.2.1:7470"));
    p = path_of(true, 1499999);
    link_text(&p, 1234567, false, false, text);
    EXPECT(!strcmp(text, "192.0.2.1:7470, 24 ms, 1.2 Mbit/s"));
    link_text(&p, 0, true, true, text);
    EXPECT(!strcmp(text, "192.0.2.1:7470, 24 ms, 0.0 Mbit/s, exact, view only"));
    p = path_of(true, 7900000);
    link_text(&p, 5, true, false, text);
    EXPECT(!strcmp(text, "reconnecting: 192.0.2.1:7470 has been silent for 7 s"));
    p.remote.via = ADDR_TCP;
    link_text(&p, 5, true, false, text);
    EXPECT(!strcmp(text, "reconnecting: 192.0.2.1:7470 has been silent over TCP for 7 s"));
    p.silent = false;
    link_text(&p, 0, false, false, text);
    EXPECT(!strcmp(text, "192.0.2.1:7470 over TCP, 24 ms, 0.0 Mbit/s"));
}

static void the_longest_fits(void)
{
    char text[LINK_TEXT_CHARS];
    struct peer_path p = path_of(true, 0);

    p.remote = (struct addr){.family = ADDR_IP6, .port = 65535, .via = ADDR_TCP};
    for (int i = 0; i < 16; i++)
        p.remote.ip[i] = (uint8_t)(0x11 * (i + 1));
    p.rtt_us = 120000000;
    link_text(&p, 99999999999, true, true, text);
    EXPECT(strlen(text) < LINK_TEXT_CHARS - 1);
    EXPECT(strstr(text, "view only") != NULL);
}

TEST_MAIN({"says_what_is", says_what_is}, {"the_longest_fits", the_longest_fits})
