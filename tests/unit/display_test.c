#include <string.h>

#include "core/screen/display.h"
#include "tests/unit/test.h"

static void names_mean_displays(void)
{
    static const struct {
        const char *name, *display;
    } cases[] = {{"x11:0", ":0"},          {"x11::0", ":0"},
                 {"x11::1.2", ":1.2"},     {"x11:12.3", ":12.3"},
                 {"x11:host:0", "host:0"}, {"x11:10.0.0.1:0", "10.0.0.1:0"},
                 {"x11:unix:7", "unix:7"}, {"x11:/tmp/x:0", "/tmp/x:0"}};
    char space[DISPLAY_CHARS], reason[100];
    const char *display = "";

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        EXPECT(display_is_named(cases[i].name));
        EXPECT_EQ(display_of_name(cases[i].name, space, &display, reason, sizeof reason), OK);
        EXPECT(strcmp(display, cases[i].display) == 0);
    }
    EXPECT_EQ(display_of_name("x11", space, &display, reason, sizeof reason), OK);
    EXPECT(!display);
}

static void others_do_not(void)
{
    char space[DISPLAY_CHARS], reason[100], longer[DISPLAY_CHARS + 10] = "x11:";
    const char *display;

    EXPECT(!display_is_named("x1") && !display_is_named("x11.png") && !display_is_named("x110"));
    memset(longer + 4, 'a', DISPLAY_CHARS);
    EXPECT_EQ(display_of_name("x11:", space, &display, reason, sizeof reason), ERR_USAGE);
    EXPECT_EQ(display_of_name("x11::", space, &display, reason, sizeof reason), ERR_USAGE);
    EXPECT_EQ(display_of_name(longer, space, &display, reason, sizeof reason), ERR_USAGE);
}

TEST_MAIN({"names_mean_displays", names_mean_displays}, {"others_do_not", others_do_not})
