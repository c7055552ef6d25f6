#include "core/base/log.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/test.h"

static char story[4096];

static void on_line(enum log_level level, const char *line)
{
    size_t n = strlen(story);

    snprintf(story + n, sizeof story - n, "%d %s\n", level, line);
}

static void begin(void)
{
    story[0] = 0;
    log_set_sink(on_line);
}

static void one_event_is_one_line(void)
{
    begin();
    log_warn("a\nb\x1b%s", "\177c");
    log_debug("not at this level");
    log_set_level(LOG_ERROR);
    log_info("nor this");
    log_error("this");
    log_set_level(LOG_INFO);
    log_set_sink(NULL);
    EXPECT(strcmp(story, "1 a?b??c\n0 this\n") == 0);
}

static void what_is_kept_is_told_later(void)
{
    static struct log_kept kept;

    begin();
    log_keep(&kept);
    log_info("first");
    log_error("second");
    EXPECT(story[0] == 0);
    log_keep(NULL);
    log_info("third");
    log_tell(&kept);
    log_tell(&kept); /* empty now */
    log_set_sink(NULL);
    EXPECT(strcmp(story, "2 third\n2 first\n0 second\n") == 0);
}

static void too_much_is_said_to_be(void)
{
    static struct log_kept kept;
    char text[2 * LOG_KEPT_CHARS];

    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = 0;
    begin();
    log_keep(&kept);
    log_info("%s", text);
    for (int i = 1; i < LOG_KEPT_LINES + 3; i++)
        log_info("%d", i);
    log_keep(NULL);
    log_tell(&kept);
    log_set_sink(NULL);
    EXPECT_EQ(strspn(story + 2, "x"), LOG_KEPT_CHARS - 1);
    EXPECT(strstr(story, "\n2 7\n1 3 more lines were not kept\n") != NULL);
}

TEST_MAIN({"one_event_is_one_line", one_event_is_one_line},
          {"what_is_kept_is_told_later", what_is_kept_is_told_later},
          {"too_much_is_said_to_be", too_much_is_said_to_be})
