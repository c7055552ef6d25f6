/* Input typed into a real X server, as programs that nobody here wrote see it: xev and a shell in
 * xterm. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/bytes.h"
#include "core/screen/keysym.h"
#include "core/screen/script.h"
#include "core/screen/x11_source.h"
#include "tests/e2e/xserver.h"
#include "tests/unit/test.h"

enum { PATIENCE_MS = 20000 };

/* A server, a source that types into it, and what a program printed. */
struct bench {
    struct xserver x;
    struct source *source;
    pid_t program;
    char log[256];
};

static bool open_source(struct bench *b)
{
    char reason[200] = "";

    if (!x11_source_open(b->x.display, xserver_now_us(), &b->source, reason, sizeof reason))
        return true;
    fprintf(stderr, "%s\n", reason);
    return false;
}

static void run_and_wait(struct bench *b, const char *const *argv)
{
    pid_t pid = xserver_run(&b->x, argv);

    waitpid(pid, NULL, 0);
}

static bool open_bench(struct bench *b, const char *layout)
{
    const char *const setxkbmap[] = {"setxkbmap", layout, NULL};
    const char *folder = getenv("TMPDIR");

    memset(b, 0, sizeof *b);
    setenv("LC_ALL", "C.UTF-8", 1);
    snprintf(b->log, sizeof b->log, "%s/x11_input.%d", folder ? folder : "/tmp", (int)getpid());
    unlink(b->log);
    if (!xserver_start(&b->x, "500x400x24"))
        return false;
    run_and_wait(b, setxkbmap);
    return open_source(b);
}

static void close_bench(struct bench *b)
{
    if (b->source)
        b->source->ops->free(b->source);
    xserver_end(b->program);
    xserver_stop(&b->x);
    unlink(b->log);
}

/* Lets the source work for a moment, as the loop does. */
static bool turn(struct bench *b, int ms)
{
    poll(&(struct pollfd){b->source->ops->fd(b->source), POLLIN, 0}, 1, ms);
    return b->source->ops->poll(b->source, xserver_now_us()) == OK;
}

/* The log's text; the caller's to free(). */
static char *text_of(struct bench *b)
{
    FILE *f = fopen(b->log, "r");
    char *text = calloc(1, 1 << 20);

    if (f) {
        text[fread(text, 1, (1 << 20) - 1, f)] = 0;
        fclose(f);
    }
    return text;
}

/* Works until the log has `what`. */
static bool logged(struct bench *b, const char *what)
{
    for (int i = 0; i < PATIENCE_MS / 10; i++) {
        char *text = text_of(b);
        bool found = strstr(text, what);
        free(text);
        if (found)
            return true;
        turn(b, 10);
    }
    fprintf(stderr, "not seen: %s\n", what);
    return false;
}

/* Whether a window of some size is there at 20, 20. */
static bool window_there(struct bench *b)
{
    for (int i = 0; i < PATIENCE_MS / 10; i++) {
        struct input_event to = {.kind = INPUT_MOVE, .x = 60, .y = 60};
        b->source->ops->input(b->source, xserver_now_us(), &to);
        xcb_query_pointer_reply_t *r =
            xcb_query_pointer_reply(b->x.c, xcb_query_pointer(b->x.c, b->x.screen->root), NULL);
        bool there = r && r->child != XCB_NONE;
        free(r);
        if (there)
            return true;
        turn(b, 10);
    }
    return false;
}

static void act(struct bench *b, struct input_event e)
{
    b->source->ops->input(b->source, xserver_now_us(), &e);
}

static void key(struct bench *b, uint32_t keysym, uint32_t scancode, bool down)
{
    act(b, (struct input_event){
               .kind = INPUT_KEY, .keysym = keysym, .scancode = scancode, .down = down});
}

/* Carries out a script as `view --input` has them. */
static bool play(struct bench *b, const char *text)
{
    struct script s;
    struct script_error error;
    struct input_event e;
    bool good;

    script_init(&s);
    good = !script_feed(&s, bytes_of_string(text), &error) && !script_finish(&s, &error);
    while (good && script_next(&s, xserver_now_us(), &e) == SCRIPT_ACT)
        act(b, e);
    script_release(&s);
    return good;
}

/* ---- xev ---- */

static bool start_xev(struct bench *b)
{
    char command[400];

    snprintf(command, sizeof command, "exec xev -geometry 300x300+0+0 >'%s'", b->log);
    const char *const argv[] = {"sh", "-c", command, NULL};
    b->program = xserver_run(&b->x, argv);
    return window_there(b) && logged(b, "EnterNotify");
}

/* The keysyms of all key events since the start, as "+a-a", by name; modifiers' state in front when
 * `state`. Ends with an event that the test makes itself. */
static void events_of(struct bench *b, char *out, size_t room, bool state)
{
    static int mark;
    char word[64];

    /* The end is marked by a click at a place of its own. */
    act(b, (struct input_event){.kind = INPUT_MOVE, .x = 100 + ++mark, .y = 71});
    snprintf(word, sizeof word, "root:(%d,71)", 100 + mark);
    out[0] = 0;
    if (!logged(b, word))
        return;
    char *text = text_of(b), *at = text;
    while ((at = strstr(at, "Key"))) {
        char kind[16], sym[32];
        unsigned st;
        const char *s = strstr(at, "state 0x"), *k = strstr(at, "(keysym ");
        if (sscanf(at, "%15s", kind) == 1 && !strncmp(kind, "Key", 3) && kind[3] != 'm' && s && k &&
            sscanf(s, "state %x", &st) == 1 && sscanf(k, "(keysym %*x, %31[^)]", sym) == 1) {
            size_t n = strlen(out);
            if (state)
                snprintf(out + n, room - n, "%c%x:%s ", kind[3] == 'P' ? '+' : '-', st, sym);
            else
                snprintf(out + n, room - n, "%c%s ", kind[3] == 'P' ? '+' : '-', sym);
        }
        at += 3;
    }
    free(text);
}

static void expect_events(const char *layout, const char *script, const char *wanted)
{
    struct bench b;
    char seen[4096];

    EXPECT(open_bench(&b, layout));
    EXPECT(start_xev(&b));
    EXPECT(play(&b, script));
    events_of(&b, seen, sizeof seen, true);
    if (strcmp(seen, wanted))
        fprintf(stderr, "wanted %s\nseen   %s\n", wanted, seen);
    EXPECT(!strcmp(seen, wanted));
    close_bench(&b);
}

static void keys_and_levels(void)
{
    expect_events("us", "type aB1!\nkey Return\nkey ctrl+alt+t\nkey XF86AudioMute\n",
                  "+0:a -0:a +0:Shift_L +1:B -1:Shift_L -0:b +0:1 -0:1 "
                  "+0:Shift_L +1:exclam -1:Shift_L -0:1 +0:Return -0:Return "
                  "+0:Control_L +4:Alt_L +c:t -c:t -c:Alt_L -4:Control_L "
                  "+0:XF86AudioMute -0:XF86AudioMute ");
}

static void altgr_level(void)
{
    expect_events("de", "type @{\u20ac\n",
                  "+0:ISO_Level3_Shift +80:at -80:ISO_Level3_Shift -0:q "
                  "+0:ISO_Level3_Shift +80:braceleft -80:ISO_Level3_Shift -0:7 "
                  "+0:ISO_Level3_Shift +80:EuroSign -80:ISO_Level3_Shift -0:e ");
}

static void caps_lock_is_allowed_for(void)
{
    expect_events("us", "key Caps_Lock\ntype aB1\n",
                  "+0:Caps_Lock -2:Caps_Lock +2:Shift_L +3:a -3:Shift_L -2:A +2:B -2:B +2:1 -2:1 ");
}

static void another_group_is_taken_and_given_back(void)
{
    struct bench b;
    char seen[4096];

    EXPECT(open_bench(&b, "us,ru"));
    EXPECT(start_xev(&b));
    EXPECT(play(&b, "type \u0444a\n"));
    events_of(&b, seen, sizeof seen, true);
    /* State bits 13 and 14 are the group. */
    EXPECT(!strcmp(seen, "+2000:Cyrillic_ef -0:a +0:a -0:a "));
    close_bench(&b);
}

/* Typed where no key has it: each gets a keycode of its own. */
static void characters_that_no_key_has(void)
{
    struct bench b;
    char seen[4096];

    EXPECT(open_bench(&b, "us"));
    EXPECT(start_xev(&b));
    EXPECT(play(&b, "type \u03b1\u03a9\u65e5\u65e5\n"));
    /* They wait for each other for a moment, and say so. */
    EXPECT(b.source->ops->typing(b.source));
    EXPECT(logged(&b, "XLookupString gives 3 bytes"));
    EXPECT(!b.source->ops->typing(b.source));
    events_of(&b, seen, sizeof seen, false);
    EXPECT(strstr(seen, "U03B1") || strstr(seen, "Greek_alpha"));
    EXPECT(strstr(seen, "U03A9") || strstr(seen, "Greek_OMEGA"));
    EXPECT(strstr(seen, "+U65E5 -U65E5 +U65E5 -U65E5"));
    close_bench(&b);
}

/* The user's own layout differs: Shift is down although the sign needs none here, and the other way
 * round. */
static void held_modifiers_step_aside(void)
{
    struct bench b;
    char seen[4096];

    EXPECT(open_bench(&b, "us"));
    EXPECT(start_xev(&b));
    key(&b, KEYSYM_SHIFT_L, 42, true);
    key(&b, '/', 8, true); /* Shift+7 of a German keyboard */
    key(&b, '/', 8, false);
    key(&b, 'A', 30, true);
    key(&b, KEYSYM_SHIFT_L, 42, false);
    key(&b, 'a', 30, false);
    events_of(&b, seen, sizeof seen, true);
    EXPECT(!strcmp(seen, "+0:Shift_L -1:Shift_L +0:slash +0:Shift_L -1:question +1:A -1:Shift_L "
                         "-0:a "));
    close_bench(&b);
}

static void repeats_come_from_the_user_alone(void)
{
    struct bench b;
    char seen[4096];

    EXPECT(open_bench(&b, "us"));
    EXPECT(start_xev(&b));
    key(&b, 'a', 30, true);
    key(&b, 'a', 30, true);
    /* Longer than the server waits before it repeats a key itself. */
    for (uint64_t end = xserver_now_us() + 900000; xserver_now_us() < end;)
        turn(&b, 50);
    key(&b, 'a', 30, false);
    events_of(&b, seen, sizeof seen, false);
    EXPECT(!strcmp(seen, "+a -a +a -a "));
    b.source->ops->free(b.source);
    b.source = NULL;
    xcb_get_keyboard_control_reply_t *r =
        xcb_get_keyboard_control_reply(b.x.c, xcb_get_keyboard_control(b.x.c), NULL);
    EXPECT_EQ(r->global_auto_repeat, 1);
    free(r);
    close_bench(&b);
}

static void everything_is_let_go(void)
{
    struct bench b;
    char seen[4096];

    EXPECT(open_bench(&b, "us"));
    EXPECT(start_xev(&b));
    key(&b, KEYSYM_CONTROL_L, 29, true);
    key(&b, 'c', 46, true);
    act(&b, (struct input_event){.kind = INPUT_BUTTON, .button = 3, .down = true});
    act(&b, (struct input_event){.kind = INPUT_RELEASE});
    events_of(&b, seen, sizeof seen, true);
    EXPECT(!strcmp(seen, "+0:Control_L +4:c -404:c -404:Control_L "));
    EXPECT(logged(&b, "ButtonRelease"));
    /* A key that is not down is not let go of. */
    key(&b, 'c', 46, false);
    events_of(&b, seen, sizeof seen, true);
    EXPECT(!strcmp(seen, "+0:Control_L +4:c -404:c -404:Control_L "));
    close_bench(&b);
}

static void pointer_and_wheel(void)
{
    struct bench b;

    EXPECT(open_bench(&b, "us"));
    EXPECT(start_xev(&b));
    act(&b, (struct input_event){.kind = INPUT_MOVE, .x = 150, .y = 140});
    act(&b, (struct input_event){.kind = INPUT_BUTTON, .button = 1, .down = true});
    act(&b, (struct input_event){.kind = INPUT_BUTTON, .button = 1, .down = false});
    act(&b, (struct input_event){.kind = INPUT_SCROLL, .dy = 2, .dx = -1});
    act(&b, (struct input_event){.kind = INPUT_BUTTON, .button = 9, .down = true});
    EXPECT(logged(&b, "button 9"));
    char *text = text_of(&b), *at = text;
    EXPECT((at = strstr(at, "root:(150,140)")));
    EXPECT((at = strstr(at, "ButtonPress")) && (at = strstr(at, "button 1")));
    EXPECT((at = strstr(at, "ButtonRelease")) && (at = strstr(at, "button 1")));
    EXPECT((at = strstr(at, "ButtonPress")) && (at = strstr(at, "button 5")));
    EXPECT((at = strstr(at, "ButtonPress")) && (at = strstr(at, "button 5")));
    EXPECT((at = strstr(at, "ButtonPress")) && (at = strstr(at, "button 6")));
    free(text);
    close_bench(&b);
}

/* ---- what is left behind ---- */

/* The core keyboard mapping as text; the caller's to free(). */
static char *mapping(struct bench *b)
{
    xcb_get_keyboard_mapping_reply_t *r =
        xcb_get_keyboard_mapping_reply(b->x.c, xcb_get_keyboard_mapping(b->x.c, 8, 248), NULL);
    const xcb_keysym_t *s = xcb_get_keyboard_mapping_keysyms(r);
    char *text = calloc(1, 248 * 8 * 10), *at = text;

    for (int k = 0; k < 248; k++) {
        for (int i = 0; i < r->keysyms_per_keycode; i++)
            if (s[k * r->keysyms_per_keycode + i])
                at += sprintf(at, "%d:%x ", k + 8, s[k * r->keysyms_per_keycode + i]);
    }
    free(r);
    return text;
}

static void the_mapping_is_restored(void)
{
    struct bench b;

    EXPECT(open_bench(&b, "us"));
    char *before = mapping(&b);
    EXPECT(play(&b, "type \u03b1\u03b2\u03b3\u65e5\u672c\n"));
    for (int i = 0; i < 5; i++)
        turn(&b, 10);
    char *during = mapping(&b);
    EXPECT(strcmp(before, during));
    b.source->ops->free(b.source);
    b.source = NULL;
    char *after = mapping(&b);
    EXPECT(!strcmp(before, after));
    free(before);
    free(during);
    free(after);
    close_bench(&b);
}

/* A process that is killed while it holds keys and keycodes: the next one puts it right. */
static void a_killed_one_does_no_harm(void)
{
    struct bench b;
    int ready[2];
    char c;

    EXPECT(open_bench(&b, "us"));
    b.source->ops->free(b.source);
    b.source = NULL;
    char *before = mapping(&b);
    EXPECT(pipe(ready) == 0);
    pid_t child = fork();
    if (child == 0) {
        struct bench own = {.x = b.x};
        if (!open_source(&own) || !play(&own, "type \u03b1\u65e5\n"))
            _exit(1);
        for (int i = 0; i < 5; i++)
            turn(&own, 10);
        key(&own, KEYSYM_CONTROL_L, 29, true);
        key(&own, 'x', 45, true);
        turn(&own, 10);
        (void)!write(ready[1], "x", 1);
        pause();
    }
    close(ready[1]);
    EXPECT_EQ(read(ready[0], &c, 1), 1);
    close(ready[0]);
    char *during = mapping(&b);
    EXPECT(strcmp(before, during));
    xserver_end(child);
    EXPECT(open_source(&b));
    xserver_sync(&b.x);
    char *after = mapping(&b);
    EXPECT(!strcmp(before, after));
    free(before);
    free(during);
    free(after);
    xcb_query_keymap_reply_t *k = xcb_query_keymap_reply(b.x.c, xcb_query_keymap(b.x.c), NULL);
    for (int i = 0; i < 32; i++)
        EXPECT_EQ(k->keys[i], 0);
    free(k);
    xcb_get_keyboard_control_reply_t *r =
        xcb_get_keyboard_control_reply(b.x.c, xcb_get_keyboard_control(b.x.c), NULL);
    EXPECT_EQ(r->global_auto_repeat, 1);
    free(r);
    close_bench(&b);
}

/* ---- a shell ---- */

static const char shell[] = "while read -r l; do printf '%s\\n' \"$l\"; done >";

static void a_shell_reads(const char *layout, const char *script, const char *wanted)
{
    struct bench b;
    char command[500];

    EXPECT(open_bench(&b, layout));
    snprintf(command, sizeof command, "%s'%s'", shell, b.log);
    const char *const argv[] = {"xterm", "-u8", "-geometry", "70x20+0+0", "-e",
                                "sh",    "-c",  command,     NULL};
    b.program = xserver_run(&b.x, argv);
    EXPECT(window_there(&b));
    /* The shell opens the file when it is ready to read. */
    for (int i = 0; i < PATIENCE_MS / 10 && access(b.log, F_OK); i++)
        turn(&b, 10);
    EXPECT(play(&b, script));
    EXPECT(play(&b, "type the end\nkey Return\n"));
    EXPECT(logged(&b, "the end\n"));
    char *text = text_of(&b);
    bool same =
        !strncmp(text, wanted, strlen(wanted)) && !strcmp(text + strlen(wanted), "the end\n");
    if (!same)
        fprintf(stderr, "wanted: %sread: %s", wanted, text);
    free(text);
    EXPECT(same);
    close_bench(&b);
}

static void a_shell_reads_us(void)
{
    static const char all[] = " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_"
                              "`abcdefghijklmnopqrstuvwxyz{|}~";
    char script[300], wanted[300];

    snprintf(script, sizeof script, "type x%s\nkey Return\n", all);
    snprintf(wanted, sizeof wanted, "x%s\n", all);
    a_shell_reads("us", script, wanted);
}

static void a_shell_reads_de(void)
{
    a_shell_reads("de", "type Z\u00fcrich @home [{}] \u20ac ~|\u00b5 \u00df?\\\\ y\nkey Return\n",
                  "Z\u00fcrich @home [{}] \u20ac ~|\u00b5 \u00df?\\\\ y\n");
}

#define MANY                                                                                       \
    "\u0395\u03bb\u03bb\u03b7\u03bd\u03b9\u03ba\u03ac "                                            \
    "\u041a\u0438\u0440\u0438\u043b\u043b\u0438\u0446\u0430 "                                      \
    "\u65e5\u672c\u8a9e\u306e\u30c6\u30ad\u30b9\u30c8\u3001\u4e2d\u6587\u5b57\u7b26\u96c6\u5408"   \
    "\uc548\ub155\ud558\uc138\uc694 \u20ac\u00e9\u00df\u0153\u2026\u2603"

static void a_shell_reads_every_script(void)
{
    a_shell_reads("us", "type " MANY "\nkey Return\n", MANY "\n");
}

static void a_shell_reads_with_caps_lock(void)
{
    a_shell_reads("de",
                  "key Caps_Lock\ntype aB1 \u00fc\u00dc\u00df \u03b1\u0391 \u65e5\nkey "
                  "Return\nkey Caps_Lock\n",
                  "aB1 \u00fc\u00dc\u00df \u03b1\u0391 \u65e5\n");
}

static void a_shell_reads_two_groups(void)
{
    a_shell_reads("us,ru", "type Abc \u041f\u0440\u0438\u0432\u0435\u0442! xyz\nkey Return\n",
                  "Abc \u041f\u0440\u0438\u0432\u0435\u0442! xyz\n");
}

TEST_MAIN({"keys_and_levels", keys_and_levels}, {"altgr_level", altgr_level},
          {"caps_lock_is_allowed_for", caps_lock_is_allowed_for},
          {"another_group_is_taken_and_given_back", another_group_is_taken_and_given_back},
          {"characters_that_no_key_has", characters_that_no_key_has},
          {"held_modifiers_step_aside", held_modifiers_step_aside},
          {"repeats_come_from_the_user_alone", repeats_come_from_the_user_alone},
          {"everything_is_let_go", everything_is_let_go}, {"pointer_and_wheel", pointer_and_wheel},
          {"the_mapping_is_restored", the_mapping_is_restored},
          {"a_killed_one_does_no_harm", a_killed_one_does_no_harm},
          {"a_shell_reads_us", a_shell_reads_us}, {"a_shell_reads_de", a_shell_reads_de},
          {"a_shell_reads_every_script", a_shell_reads_every_script},
          {"a_shell_reads_with_caps_lock", a_shell_reads_with_caps_lock},
          {"a_shell_reads_two_groups", a_shell_reads_two_groups})
