#include "core/run/guest_start.h"

#include <stdio.h>
#include <string.h>

#include "core/base/heap.h"
#include "core/base/log.h"
#include "core/base/num.h"
#include "core/base/problems.h"
#include "core/base/utf8.h"
#include "core/os/child.h"
#include "core/os/file.h"
#include "core/os/folder.h"
#include "core/os/path.h"
#include "core/os/stream_socket.h"
#include "core/os/unix_socket.h"
#include "core/qemu/command_plan.h"
#include "core/run/qemu_words.h"

enum {
    MB = 1000000,
    LOOK_US = 10000,
    GIVE_UP_US = 60 * 1000000, /* a program that takes longer to begin is ended */
    SAID_BYTES = 64 * 1024,    /* of its output are looked at */
    MADE_BYTES = (LIMIT_GUEST_DISKS + COMMAND_PLAN_FILES) * FOLDER_PATH_CHARS
};

/* A disk that is to be made. */
struct new_disk {
    const char *path;           /* the plan's */
    uint64_t bytes, used_bytes; /* as the guest sees it, as it takes at the source */
    bool qcow2;
};

struct guest_start {
    struct guest_start_config config;
    struct command_line line;
    struct command_plan plan;
    const struct guest_facts *offered; /* borrowed, while it is planned */
    struct new_disk disk[LIMIT_GUEST_DISKS];
    size_t disks, at; /* how many; which is made now, or `disks`: QEMU */
    char program[FOLDER_PATH_CHARS], imager[FOLDER_PATH_CHARS];
    const char *word[COMMAND_PLAN_WORDS + 2];

    struct loop *loop; /* borrowed, as are why and ctx */
    struct reason *why;
    void (*started)(void *ctx, enum err e);
    void *ctx;
    int pid;   /* of the program that runs; 0: none does */
    int greet; /* owned: a connection to the new QEMU's monitor, until it greets; -1: none */
    char monitor[FOLDER_PATH_CHARS], log[FOLDER_PATH_CHARS];
    uint64_t since_us;
    struct loop_timer look;
    bool going;
};

/* The monitor's path with another end. */
static void beside(const char *monitor, const char *end_with, char to[FOLDER_PATH_CHARS])
{
    snprintf(to, FOLDER_PATH_CHARS, "%.*s%s", (int)(strlen(monitor) - strlen(".qmp")), monitor,
             end_with);
}

/* ---- planning ---- */

/* Who is told of problems; the first is the reason as well. */
struct hearer {
    void (*tell)(void *ctx, const char *problem); /* NULL: nobody else */
    void *ctx;
    struct reason *why;
};

static void hear(void *ctx, const char *text)
{
    const struct hearer *h = ctx;

    reason_give(h->why, ERR_UNSUPPORTED, "%s", text);
    if (h->tell)
        h->tell(h->ctx, text);
}

static void pass_on(void *ctx, const char *text)
{
    problems_tell(ctx, "%s", text);
}

static const struct guest_disk *disk_of(const struct guest_facts *f, const char *file)
{
    for (size_t i = 0; i < f->disks; i++) {
        const char *its = f->disk[i].file;
        its += strncmp(its, "file:", 5) == 0 ? 5 : 0;
        if (strcmp(its, file) == 0)
            return &f->disk[i];
    }
    return NULL;
}

static void add_disk(struct guest_start *g, const struct guest_disk *d, const char *path,
                     struct problems *p)
{
    bool qcow2 = strcmp(d->format, "qcow2") == 0;

    if (!qcow2 && strcmp(d->format, "raw") != 0)
        problems_tell(
            p, "a disk of the format %.40s cannot be made at the destination: make %.100s yourself",
            d->format, path);
    else if (qcow2 && path_program("qemu-img", g->imager, sizeof g->imager))
        problems_tell(
            p,
            "the destination has no qemu-img, and %.100s is to be made: install it (Debian: "
            "qemu-utils), or make the disk yourself",
            path);
    else if (g->disks < LIMIT_GUEST_DISKS)
        g->disk[g->disks++] =
            (struct new_disk){path, d->size_bytes, num_min(d->used_bytes, d->size_bytes), qcow2};
}

/* What is copied takes at least what it takes there. */
static void look_at_space(const struct guest_start *g, struct problems *p)
{
    const char *folder = g->config.rules->folder;
    uint64_t needed = 0, have = path_free_bytes(folder);

    if (!path_writable(folder))
        problems_tell(p, "nothing can be written in %.120s, for QEMU's sockets and disks", folder);
    for (size_t i = 0; i < g->disks; i++)
        needed += g->disk[i].used_bytes;
    if (needed > have)
        problems_tell(p, "the guest's disks take %llu MB, and %llu MB are free in %.100s",
                      (unsigned long long)(needed / MB), (unsigned long long)(have / MB), folder);
}

static void look_at_disk(struct guest_start *g, const struct command_file *f, struct problems *p)
{
    const struct guest_disk *d = disk_of(g->offered, f->from);
    enum path_kind kind = path_look(f->to);

    for (size_t i = 0; i < g->disks; i++)
        if (strcmp(g->disk[i].path, f->to) == 0)
            return;
    if (!d)
        problems_tell(
            p,
            "%.80s is in no drive of the guest any more: start the QEMU there yourself, as the "
            "guest's is now, and receive with --qmp",
            f->from);
    else if (d->read_only || !g->config.copy) {
        if (kind != PATH_FILE && kind != PATH_DEVICE)
            problems_tell(
                p,
                "the guest has %.60s, which does not come: put it there as %.80s, or give "
                "receive a "
                "rule: map FROM TO",
                f->from, f->to);
    } else if (kind == PATH_NOTHING) {
        add_disk(g, d, f->to, p);
    } else if (kind != PATH_FILE && kind != PATH_DEVICE) {
        problems_tell(p, "%.120s is no disk", f->to);
    } else if (!g->config.overwrite) {
        problems_tell(
            p,
            "%.100s is there already: when it is an old copy of this guest's disk, receive "
            "with --overwrite",
            f->to);
    }
}

static void look_at_socket(const char *path, struct problems *p)
{
    enum path_kind kind = path_look(path);
    int fd;

    if (kind == PATH_NOTHING)
        return;
    if (kind != PATH_SOCKET) {
        problems_tell(
            p,
            "%.120s is to be a socket, and is something else: take it away, or give receive a "
            "rule: "
            "map FROM TO",
            path);
    } else if (unix_socket_connect(path, &fd) == OK) {
        stream_socket_close(fd);
        problems_tell(p, "somebody listens on %.120s already: give receive a rule: map FROM TO",
                      path);
    }
}

static void look_at_files(struct guest_start *g, struct problems *p)
{
    for (size_t i = 0; i < g->plan.files; i++) {
        const struct command_file *f = &g->plan.file[i];
        switch (f->kind) {
        case COMMAND_NEEDED:
            if (path_look(f->to) != PATH_FILE)
                problems_tell(
                    p,
                    "the guest needs %.70s: put it there as %.80s, or give receive a rule: map "
                    "FROM "
                    "TO",
                    f->from, f->to);
            break;
        case COMMAND_DISK:
            look_at_disk(g, f, p);
            break;
        case COMMAND_SOCKET:
            look_at_socket(f->to, p);
            break;
        case COMMAND_LOG:
            if (path_look(f->to) != PATH_NOTHING)
                problems_tell(
                    p, "%.120s is there already: take it away, or give receive a rule: map FROM TO",
                    f->to);
            break;
        }
    }
}

static bool has_device(const struct command_line *c, const char *id)
{
    for (size_t i = 0; i < c->options; i++) {
        const char *its = command_line_part(&c->option[i], "id");
        if (strcmp(c->option[i].name, "device") == 0 && its && strcmp(its, id) == 0)
            return true;
    }
    return false;
}

/* What was plugged in later is in no command line. */
static void look_at_devices(const struct guest_start *g, struct problems *p)
{
    for (size_t i = 0; i < g->offered->devices; i++)
        if (g->offered->device[i].name[0] && !has_device(&g->line, g->offered->device[i].name))
            problems_tell(p,
                          "the device %.64s was plugged in after the start of its QEMU: unplug it "
                          "(device_del), or start the QEMU there yourself and receive with --qmp",
                          g->offered->device[i].name);
}

static bool is_plugged(void *ctx, const char *id)
{
    const struct guest_start *g = ctx;

    for (size_t i = 0; i < g->offered->devices; i++)
        if (strcmp(g->offered->device[i].name, id) == 0)
            return true;
    return false;
}

static enum err plan(struct guest_start *g, const struct json_value *words, const char *monitor,
                     struct problems *p)
{
    struct command_wish wish = {.rules = g->config.rules,
                                .monitor = monitor,
                                .copy = g->config.copy,
                                .plugged = is_plugged,
                                .ctx = g};
    struct reason why = {0};
    enum err e = qemu_words_get(words, &g->line, &wish.folder, &why);

    if (e) {
        pass_on(p, reason_text(&why, e));
        return e == ERR_MEMORY ? e : ERR_UNSUPPORTED;
    }
    e = command_plan_make(&g->plan, &g->line, &wish, pass_on, p);
    if (e)
        return e;
    look_at_devices(g, p);
    look_at_files(g, p);
    look_at_space(g, p);
    look_at_socket(monitor, p);
    if (g->plan.program[0] && path_program(g->plan.program, g->program, sizeof g->program))
        problems_tell(p,
                      "the destination has no %.60s: install it (Debian: qemu-system-x86), or give "
                      "receive a rule: "
                      "emulator PATH",
                      g->plan.program);
    return p->n ? ERR_UNSUPPORTED : OK;
}

enum err guest_start_new(const struct guest_start_config *c, const struct json_value *words,
                         const struct guest_facts *offered, const char *monitor,
                         void (*tell)(void *ctx, const char *problem), void *ctx,
                         struct reason *why, struct guest_start **out)
{
    struct hearer h = {tell, ctx, why};
    struct problems p = {hear, &h, 0};
    struct guest_start *g = heap_alloc(sizeof *g);

    *out = NULL;
    if (!g)
        return ERR_MEMORY;
    g->config = *c;
    g->offered = offered;
    g->greet = -1;
    snprintf(g->monitor, sizeof g->monitor, "%s", monitor);
    beside(monitor, ".log", g->log);
    enum err e = plan(g, words, monitor, &p);
    g->offered = NULL;
    if (e)
        guest_start_free(g);
    else
        *out = g;
    return e;
}

/* ---- starting ---- */

static void end(struct guest_start *g, enum err e)
{
    g->going = false;
    g->started(g->ctx, e);
}

static void next(struct guest_start *g);

/* The last line of its output says most; empty when there is none. */
static void last_words(const struct guest_start *g, char text[LIMIT_REASON_CHARS + 1])
{
    struct buf all;

    text[0] = 0;
    buf_init(&all, SAID_BYTES);
    if (file_read(g->log, false, &all) == OK) {
        while (all.n && all.p[all.n - 1] == '\n')
            all.n--;
        const uint8_t *last = all.n ? memrchr(all.p, '\n', all.n) : NULL;
        size_t at = last ? (size_t)(last + 1 - all.p) : 0;
        utf8_clean(bytes_of(all.p + at, all.n - at), text, LIMIT_REASON_CHARS + 1);
    }
    buf_release(&all);
}

static enum err why_not(struct guest_start *g, const char *what, int status)
{
    char text[LIMIT_REASON_CHARS + 1];

    last_words(g, text);
    if (!text[0])
        snprintf(text, sizeof text, "it ended with status %d", status);
    return reason_give(g->why, ERR_UNSUPPORTED, "%s: %s", what, text);
}

void guest_start_why(const struct guest_start *g, struct reason *why)
{
    char text[LIMIT_REASON_CHARS + 1];

    last_words(g, text);
    if (!text[0])
        return;
    why->text[0] = 0;
    reason_give(why, OK, "QEMU does not start at the destination: %s", text);
}

/* Whether the new QEMU has said something on its monitor: then it is all there. */
static bool greets(struct guest_start *g)
{
    uint8_t byte;
    size_t n;

    if (g->greet < 0 && unix_socket_connect(g->monitor, &g->greet)) {
        g->greet = -1;
        return false;
    }
    if (stream_socket_receive(g->greet, &byte, 1, &n))
        return false;
    stream_socket_close(g->greet);
    g->greet = -1;
    return true;
}

static void on_look(void *ctx)
{
    struct guest_start *g = ctx;
    bool disk = g->at < g->disks;
    int status = 0;
    bool ended = child_ended(g->pid, &status), there = !disk && !ended && greets(g);

    if (there) {
        end(g, OK);
        return;
    }
    if (!ended && loop_now_us(g->loop) - g->since_us < GIVE_UP_US) {
        loop_timer_set(&g->look, loop_now_us(g->loop) + LOOK_US);
        return;
    }
    if (!ended)
        child_kill(g->pid);
    g->pid = 0;
    if (disk && ended && status == 0) {
        g->at++;
        next(g);
    } else {
        end(g, why_not(g,
                       disk ? "a disk could not be made at the destination"
                            : "QEMU does not start at the destination",
                       ended ? status : -1));
    }
}

static void start(struct guest_start *g, const char *const *words)
{
    if (child_start_apart(words, g->log, &g->pid)) {
        g->pid = 0;
        end(g, reason_give(g->why, ERR_SYSTEM, "%.100s cannot be started", words[0]));
        return;
    }
    g->since_us = loop_now_us(g->loop);
    loop_timer_set(&g->look, loop_now_us(g->loop) + LOOK_US);
}

static void make_qcow2(struct guest_start *g, const struct new_disk *d)
{
    char bytes[32];
    const char *words[] = {g->imager, "create", "-q", "-f", "qcow2", d->path, bytes, NULL};

    snprintf(bytes, sizeof bytes, "%llu", (unsigned long long)d->bytes);
    start(g, words);
}

static void next(struct guest_start *g)
{
    for (; g->at < g->disks && !g->disk[g->at].qcow2; g->at++) {
        struct new_disk *d = &g->disk[g->at];
        enum err e = path_make_disk(d->path, d->bytes);
        if (e) {
            end(g,
                reason_give(g->why, e, "the disk %.120s cannot be made: %s", d->path, err_text(e)));
            return;
        }
    }
    if (g->at < g->disks) {
        make_qcow2(g, &g->disk[g->at]);
        return;
    }
    g->word[0] = g->program;
    memcpy(g->word + 1, g->plan.word, (g->plan.words + 1) * sizeof *g->word);
    log_info("starting %s", g->program);
    for (size_t i = 0; i < g->plan.words; i++)
        log_debug("  %s", g->plan.word[i]);
    start(g, g->word);
}

static enum err add_line(struct buf *list, const char *path)
{
    enum err e = buf_append(list, bytes_of_string(path));

    return e ? e : buf_append(list, bytes_of("\n", 1));
}

/* Before anything is made: whoever comes after this process finds it. */
static enum err list_all(const struct guest_start *g)
{
    char path[FOLDER_PATH_CHARS];
    struct buf list;

    buf_init(&list, MADE_BYTES);
    enum err e = add_line(&list, g->monitor);
    for (size_t i = 0; !e && i < g->disks; i++)
        e = add_line(&list, g->disk[i].path);
    for (size_t i = 0; !e && i < g->plan.files; i++)
        if (g->plan.file[i].kind == COMMAND_SOCKET || g->plan.file[i].kind == COMMAND_LOG)
            e = add_line(&list, g->plan.file[i].to);
    beside(g->monitor, ".made", path);
    if (!e)
        e = file_create(path, buf_bytes(&list), 0600);
    buf_release(&list);
    return e;
}

void guest_start_go(struct guest_start *g, struct loop *l, struct reason *why,
                    void (*started)(void *ctx, enum err e), void *ctx)
{
    g->loop = l;
    g->why = why;
    g->started = started;
    g->ctx = ctx;
    loop_timer_init(&g->look, l, on_look, g);
    g->going = true;
    enum err e = list_all(g);
    if (e)
        end(g, reason_give(why, e, "%.120s cannot be written to", g->config.rules->folder));
    else
        next(g);
}

void guest_start_undo(const char *monitor)
{
    char path[FOLDER_PATH_CHARS];
    struct buf list;

    beside(monitor, ".log", path);
    file_remove(path);
    beside(monitor, ".made", path);
    buf_init(&list, MADE_BYTES);
    if (file_read(path, false, &list) == OK && buf_append(&list, bytes_of("", 1)) == OK) {
        for (char *line = (char *)list.p, *end_of; (end_of = strchr(line, '\n'));
             line = end_of + 1) {
            *end_of = 0;
            if (path_look(line) == PATH_FILE)
                log_info("%s is taken away: its guest does not come", line);
            file_remove(line);
        }
        file_remove(path);
    }
    buf_release(&list);
}

void guest_start_keep(const char *monitor)
{
    char path[FOLDER_PATH_CHARS];

    beside(monitor, ".made", path);
    file_remove(path);
}

void guest_start_free(struct guest_start *g)
{
    int status;

    if (!g)
        return;
    if (g->going && g->pid)
        child_kill(g->pid);
    else if (g->pid)
        child_ended(g->pid, &status); /* when it has, nobody else would take note */
    stream_socket_close(g->greet);
    if (g->loop)
        loop_timer_release(&g->look);
    command_plan_release(&g->plan);
    command_line_release(&g->line);
    heap_free(g);
}
