#include "core/qemu/command_plan.h"

#include <stdio.h>
#include <string.h>

#include "core/base/limits.h"
#include "core/base/num.h"
#include "core/base/problems.h"
#include "core/qemu/command_place.h"

enum {
    ARENA_BYTES = 8 * COMMAND_BYTES,
    PATH_CHARS = 4096,
    WORD_CHARS = 16 * 1024, /* of an option's value, made anew */
    LEFT_OUT = 64           /* block nodes that lie below others */
};

/* Ours, at the source and here: it is made anew each time. */
static const char monitor_id[] = "farspan-monitor";

struct planning {
    struct command_plan *p;
    const struct command_line *c;
    const struct command_wish *wish;
    struct problems problems;
    const struct command_option *at; /* what is looked at */
    const char *below[LEFT_OUT];     /* names of block nodes that need not come */
    size_t below_n;
    bool screen;  /* somebody can look at it from elsewhere: -vnc */
    bool helpers; /* QEMU starts one for its network */
    bool full;    /* something did not fit */
    enum err failure;
};

const char *command_plan_copy(struct command_plan *p, const char *text)
{
    size_t n = strlen(text);
    char *to = arena_alloc(&p->arena, n + 1);

    if (to)
        memcpy(to, text, n);
    return to;
}

static const char *keep(struct planning *l, const char *text)
{
    const char *to = command_plan_copy(l->p, text);

    if (!to)
        l->failure = ERR_MEMORY;
    return to ? to : "";
}

static void add_word(struct planning *l, const char *word)
{
    if (l->p->words == COMMAND_PLAN_WORDS)
        l->full = true;
    else
        l->p->word[l->p->words++] = keep(l, word);
}

static void add_option(struct planning *l, const char *name, const char *value)
{
    char word[LIMIT_LINE_CHARS];

    snprintf(word, sizeof word, "-%s", name);
    add_word(l, word);
    if (value)
        add_word(l, value);
}

/* Where a file of the source is here; NULL: nowhere, and that was told. */
static const char *place(struct planning *l, const char *from, enum command_file_kind kind)
{
    const char *to;
    enum err e = command_place(l->p, l->wish, from, kind, &l->problems, &to);

    l->full |= e == ERR_LIMIT;
    if (e == ERR_MEMORY)
        l->failure = e;
    return to;
}

/* ---- values ---- */

static bool is_no(const char *v)
{
    return !*v || strcmp(v, "no") == 0 || strcmp(v, "off") == 0 || strcmp(v, "none") == 0;
}

/* "tcp:127.0.0.1:22-:22", "127.0.0.1:5", "localhost": not what other hosts can reach. */
static bool is_local(const char *v)
{
    static const char *const names[] = {"127.0.0.1", "localhost", "[::1]", "::1"};

    if (strncmp(v, "tcp:", 4) == 0 || strncmp(v, "udp:", 4) == 0)
        v += 4;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        size_t n = strlen(names[i]);
        if (strncmp(v, names[i], n) == 0 && (v[n] == 0 || v[n] == ':'))
            return true;
    }
    return false;
}

static const char *memory_folder(const char *v)
{
    static const char *const folders[] = {"/dev/hugepages", "/dev/shm"};

    for (size_t i = 0; i < COUNT_OF(folders); i++) {
        size_t n = strlen(folders[i]);
        if (strncmp(v, folders[i], n) == 0 && (v[n] == 0 || v[n] == '/') && !strstr(v, ".."))
            return folders[i];
    }
    return NULL;
}

/* Gives the value that a key of that letter has here; NULL: it may not have this one. */
static const char *value_for(struct planning *l, char letter, const char *v, bool *told)
{
    switch (letter) {
    case 'p':
        return strchr(v, '/') ? NULL : v;
    case 't':
        return v;
    case 'f':
    case 'd':
    case 's':
    case 'l':
        *told = true;
        return place(l, v,
                     letter == 'f'   ? COMMAND_NEEDED
                     : letter == 'd' ? COMMAND_DISK
                     : letter == 's' ? COMMAND_SOCKET
                                     : COMMAND_LOG);
    case 'b':
        return command_table_has("raw qcow2 file host_device", v) ? v : NULL;
    case 'h':
        return memory_folder(v);
    case 'r':
        return command_table_has("/dev/urandom /dev/random /dev/hwrng", v) ? v : NULL;
    case 'o':
        return is_local(v) ? v : NULL;
    case 'n':
        return is_no(v) ? v : NULL;
    case 'e':
        return *v ? NULL : v;
    default:
        return NULL;
    }
}

/* ---- parts ---- */

/* An option's value that is made part by part. */
struct value {
    char text[WORD_CHARS];
    size_t n;
    bool full;
};

static void put_char(struct value *v, char c)
{
    if (v->n + 1 == sizeof v->text)
        v->full = true;
    else
        v->text[v->n++] = c;
    v->text[v->n] = 0;
}

static void put_part(struct value *v, const char *key, const char *value)
{
    if (v->n)
        put_char(v, ',');
    for (; *key; key++)
        put_char(v, *key);
    put_char(v, '=');
    for (; *value; value++) {
        put_char(v, *value);
        if (*value == ',')
            put_char(v, ',');
    }
}

/* A key as forms have it: of a block node below, that node's; of an item, the list's. */
static const char *form_key(const char *option, const char *key, char room[PATH_CHARS])
{
    size_t n = 0;

    if (strcmp(option, "drive") == 0 || strcmp(option, "blockdev") == 0)
        while (strncmp(key, "file.", 5) == 0)
            key += 5;
    while (*key && n < PATH_CHARS - 1) {
        size_t digits = *key == '.' ? strspn(key + 1, "0123456789") : 0;
        if (digits && (key[1 + digits] == 0 || key[1 + digits] == '.'))
            key += 1 + digits;
        else
            room[n++] = *key++;
    }
    room[n] = 0;
    return room;
}

static const char *which_of(const struct command_option *o)
{
    const char *first = o->row->first ? command_line_part(o, o->row->first) : NULL;

    return first ? first : strcmp(o->name, "smbios") == 0 ? command_line_part(o, "type") : NULL;
}

static void refuse_part(struct planning *l, const struct command_part *q, const char *which)
{
    if (strcmp(q->key, "fd") == 0 || strcmp(q->key, "fds") == 0 ||
        strcmp(q->key, "vhostfds") == 0 || strcmp(q->key, "vhostfd") == 0)
        problems_tell(
            &l->problems,
            "-%s %.40s has descriptors that its starter gave it: give receive a rule: netdev %.40s "
            "TYPE,...",
            l->at->name, which ? which : "",
            command_line_part(l->at, "id") ? command_line_part(l->at, "id") : "ID");
    else if (which)
        problems_tell(
            &l->problems,
            "-%s %.40s with %.40s=%.60s is not taken from another host: leave it out, or give "
            "a rule: allow %s.%.40s",
            l->at->name, which, q->key, q->value, l->at->name, q->key);
    else
        problems_tell(
            &l->problems,
            "-%s with %.40s=%.60s is not taken from another host: leave it out, or give receive a "
            "rule: allow %s.%.40s",
            l->at->name, q->key, q->value, l->at->name, q->key);
}

static void put_judged(struct planning *l, struct value *v, const struct command_part *q,
                       const struct command_form *form, const char *which)
{
    char room[PATH_CHARS], turned[PATH_CHARS];
    const char *key = form_key(l->at->name, q->key, room), *value = q->value, *to = NULL;
    char letter = command_table_key(form->keys, key);
    bool told = false;

    snprintf(turned, sizeof turned, "%s", q->key);
    if (!letter && q->bare && strncmp(key, "no", 2) == 0) {
        letter = command_table_key(form->keys, key + 2);
        snprintf(turned, sizeof turned, "%s", q->key + 2);
        value = "off";
    }
    if (q->null)
        return; /* that there is none is so without it */
    if (command_rules_allow(l->wish->rules, l->at->name, which, q->key))
        to = value;
    else if (letter)
        to = value_for(l, letter, value, &told);
    if (to)
        put_part(v, turned, to);
    else if (!told)
        refuse_part(l, q, which);
}

static void finish_parts(struct planning *l, const struct value *v)
{
    if (v->full)
        l->full = true;
    add_option(l, l->at->name, v->text);
}

static void do_parts(struct planning *l, const char *which)
{
    const struct command_option *o = l->at;
    const struct command_form *form = command_table_form(o->name, which);
    struct value v = {.n = 0};

    if (command_rules_allow(l->wish->rules, o->name, which, NULL)) {
        for (size_t i = 0; i < o->parts; i++)
            if (!o->part[i].null)
                put_part(&v, o->part[i].key, o->part[i].value);
        finish_parts(l, &v);
        return;
    }
    if (!form) {
        problems_tell(
            &l->problems,
            "-%s %.60s is not taken from another host: unplug it, start the QEMU there yourself "
            "(receive --qmp), or give receive a rule: allow %s:%.60s",
            o->name, which ? which : o->value, o->name, which ? which : o->value);
        return;
    }
    for (size_t i = 0; i < o->parts; i++)
        put_judged(l, &v, &o->part[i], form, which);
    finish_parts(l, &v);
}

/* ---- options that are told apart ---- */

/* Of a device, the property that is set must be one that it could have. */
static void do_global(struct planning *l)
{
    const struct command_option *o = l->at;
    const struct command_form *form = command_table_form("device", "isa-serial");
    const char *property = o->parts == 3 ? command_line_part(o, "property") : NULL;
    const char *key = property ? property : o->parts == 1 ? strrchr(o->part[0].key, '.') : NULL;

    if (key && !property)
        key++; /* after the dot */
    if (!key || command_table_key(form->keys, key) != 'p' || strchr(o->value, '/') ||
        (property && (!command_line_part(o, "driver") || !command_line_part(o, "value")))) {
        if (!command_rules_allow(l->wish->rules, "global", NULL, key)) {
            problems_tell(
                &l->problems,
                "-global %.80s is not taken from another host: leave it out, or give receive a "
                "rule: "
                "allow global",
                o->value);
            return;
        }
    }
    add_option(l, o->name, o->value);
}

/* A tap must be there, and in its bridge: no script is started. */
static void do_own_network(struct planning *l, const char *which)
{
    const struct command_option *o = l->at;
    const struct command_form *form = command_table_form(o->name, which);
    const char *id = command_line_part(o, "id");
    struct value v = {.n = 0};

    if (!form && !command_rules_allow(l->wish->rules, o->name, which, NULL)) {
        problems_tell(
            &l->problems,
            "the network -%s %.60s is not taken from another host: give receive a rule: netdev "
            "%.40s "
            "TYPE,...",
            o->name, o->value, id ? id : "ID");
        return;
    }
    if (!form || !which || strcmp(which, "tap") != 0) {
        do_parts(l, which);
        return;
    }
    for (size_t i = 0; i < o->parts; i++)
        put_judged(l, &v, &o->part[i], form, which);
    if (!command_line_part(o, "script"))
        put_part(&v, "script", "no");
    if (!command_line_part(o, "downscript"))
        put_part(&v, "downscript", "no");
    finish_parts(l, &v);
}

static void do_network(struct planning *l, const char *which)
{
    const char *id = command_line_part(l->at, "id");
    const char *rule = id ? command_rules_netdev(l->wish->rules, id) : NULL;
    struct value v = {.n = 0};

    if (!rule) {
        do_own_network(l, which);
        return;
    }
    l->helpers |= !strstr(rule, "script=no") &&
                  (strncmp(rule, "bridge", 6) == 0 || strncmp(rule, "tap", 3) == 0);
    for (const char *s = rule; *s; s++)
        put_char(&v, *s);
    put_part(&v, "id", id);
    finish_parts(l, &v);
}

static bool is_below(const struct planning *l, const char *node)
{
    for (size_t i = 0; node && i < l->below_n; i++)
        if (strcmp(l->below[i], node) == 0)
            return true;
    return false;
}

/* A disk that comes whole needs nothing below it. */
static void do_block(struct planning *l, const char *which)
{
    const struct command_form *form = command_table_form("blockdev", which);
    struct value v = {.n = 0};

    if (!l->wish->copy || !form) {
        do_parts(l, which);
        return;
    }
    if (is_below(l, command_line_part(l->at, "node-name")))
        return;
    for (size_t i = 0; i < l->at->parts; i++) {
        const struct command_part *q = &l->at->part[i];
        if (strcmp(q->key, "backing") != 0 && strncmp(q->key, "backing.", 8) != 0)
            put_judged(l, &v, q, form, which);
    }
    finish_parts(l, &v);
}

static void add_below(struct planning *l, const char *node)
{
    if (!node || !*node || is_below(l, node))
        return;
    if (l->below_n == LEFT_OUT)
        l->full = true;
    else
        l->below[l->below_n++] = node;
}

/* Finds the nodes that others name as what lies below them, and what those are made of. */
static void find_below(struct planning *l)
{
    for (size_t i = 0; i < l->c->options; i++)
        if (strcmp(l->c->option[i].name, "blockdev") == 0)
            add_below(l, command_line_part(&l->c->option[i], "backing"));
    for (size_t before = 0; before != l->below_n;) {
        before = l->below_n;
        for (size_t i = 0; i < l->c->options; i++) {
            const struct command_option *o = &l->c->option[i];
            if (strcmp(o->name, "blockdev") == 0 && is_below(l, command_line_part(o, "node-name")))
                add_below(l, command_line_part(o, "file"));
        }
    }
}

/* "unix:PATH,server=on" of a serial line or a monitor; false: it is none. */
static bool local_socket(struct planning *l, const char *v, char to[WORD_CHARS])
{
    char path[PATH_CHARS];
    size_t n = strncmp(v, "unix:", 5) == 0 ? strcspn(v + 5, ",") : 0;

    if (n == 0 || n >= sizeof path)
        return false;
    memcpy(path, v + 5, n);
    path[n] = 0;
    const char *more = v + 5 + n;

    if (!strstr(more, "server") || strstr(more, "server=off") || strstr(more, "noserver"))
        return false; /* it would connect, and could reach another's monitor */
    const char *here = strchr(more, '/') ? NULL : place(l, path, COMMAND_SOCKET);
    if (here)
        snprintf(to, WORD_CHARS, "unix:%s%s", here, more);
    else
        to[0] = 0;
    return true;
}

static void do_monitor(struct planning *l)
{
    char to[WORD_CHARS];

    if (local_socket(l, l->at->value, to)) {
        if (to[0])
            add_option(l, l->at->name, to);
    } else if (strcmp(l->at->name, "monitor") == 0) {
        add_option(l, l->at->name, "none");
    }
}

static void do_line(struct planning *l)
{
    const char *v = l->at->value;
    char to[WORD_CHARS];

    if (strncmp(v, "file:", 5) == 0) {
        const char *here = place(l, v + 5, COMMAND_LOG);
        snprintf(to, sizeof to, "file:%s", here ? here : "");
        add_option(l, l->at->name, to);
    } else if (local_socket(l, v, to)) {
        add_option(l, l->at->name, to);
    } else if (strcmp(v, "stdio") == 0 || strcmp(v, "mon:stdio") == 0) {
        add_option(l, l->at->name, "null");
    } else if (strncmp(v, "chardev:", 8) == 0 || command_table_has("null none pty vc", v) ||
               strncmp(v, "vc:", 3) == 0 ||
               command_rules_allow(l->wish->rules, l->at->name, NULL, NULL)) {
        add_option(l, l->at->name, v);
    } else {
        problems_tell(
            &l->problems,
            "-%s %.60s is not taken from another host: use null, pty or unix:PATH, or give "
            "a rule: allow %s",
            l->at->name, v, l->at->name);
    }
}

static bool is_ours(const struct command_option *o)
{
    const char *id = command_line_part(o, strcmp(o->name, "mon") == 0 ? "chardev" : "id");

    return id && strcmp(id, monitor_id) == 0;
}

/* Whether every word of it says that it listens. */
static bool listens(const struct command_option *o)
{
    bool yes = false;

    for (size_t i = 0; i < o->parts; i++) {
        if (strcmp(o->part[i].key, "noserver") == 0)
            return false;
        if (strcmp(o->part[i].key, "server") != 0)
            continue;
        if (strcmp(o->part[i].value, "on") != 0)
            return false;
        yes = true;
    }
    return yes;
}

/* What ends at a terminal ends nowhere: there is none. */
static void do_chardev(struct planning *l, const char *which)
{
    struct value v = {.n = 0};
    const char *mux = command_line_part(l->at, "mux"), *id = command_line_part(l->at, "id");

    if (which && strcmp(which, "socket") == 0 && !listens(l->at) &&
        !command_rules_allow(l->wish->rules, "chardev", which, NULL)) {
        problems_tell(
            &l->problems,
            "-chardev %.80s connects to a socket, and could reach another's monitor: have it "
            "listen (server=on), or give receive a rule: allow chardev:socket",
            l->at->value);
        return;
    }
    if (!which || strcmp(which, "stdio") != 0 || !id) {
        do_parts(l, which);
        return;
    }
    put_part(&v, "backend", "null");
    put_part(&v, "id", id);
    if (mux)
        put_part(&v, "mux", mux);
    finish_parts(l, &v);
}

static void do_sound(struct planning *l)
{
    const char *id = command_line_part(l->at, "id");
    struct value v = {.n = 0};

    put_part(&v, "driver", "none");
    if (id && !strchr(id, '/'))
        put_part(&v, "id", id);
    finish_parts(l, &v);
}

/* Of what is a part somewhere else: "unix:PATH" is a socket too. */
static void do_screen(struct planning *l)
{
    const char *where = command_line_part(l->at, "vnc");
    struct value v = {.n = 0};
    const struct command_form *form = command_table_form("vnc", NULL);

    if (!where || strcmp(where, "none") == 0)
        return;
    l->screen = true;
    for (size_t i = 0; i < l->at->parts; i++) {
        const struct command_part *q = &l->at->part[i];
        char to[PATH_CHARS];
        if (strcmp(q->key, "vnc") != 0 || strncmp(where, "unix:", 5) != 0) {
            put_judged(l, &v, q, form, NULL);
            continue;
        }
        const char *there = place(l, where + 5, COMMAND_SOCKET);
        snprintf(to, sizeof to, "unix:%s", there ? there : "");
        put_part(&v, "vnc", to);
    }
    finish_parts(l, &v);
}

static void do_path(struct planning *l, enum command_file_kind kind)
{
    const char *here = place(l, l->at->value, kind);

    if (!here)
        return;
    if (l->at->name[0])
        add_option(l, l->at->name, here);
    else
        add_word(l, here);
}

static void do_value(struct planning *l)
{
    const struct command_option *o = l->at;
    bool free_text = strcmp(o->name, "append") == 0;

    if (o->value && !free_text && strchr(o->value, '/') &&
        !command_rules_allow(l->wish->rules, o->name, NULL, NULL))
        problems_tell(&l->problems,
                      "-%s %.80s is not taken from another host: give receive a rule: allow %s",
                      o->name, o->value, o->name);
    else
        add_option(l, o->name, o->value);
}

/* The words of its start are as they were. */
static bool was_unplugged(const struct planning *l)
{
    const char *id = command_line_part(l->at, "id");

    return id && !l->wish->plugged(l->wish->ctx, id);
}

/* QEMU goes by the last, and what may be said with it by the first. */
static bool said_twice(const struct command_option *o)
{
    size_t first = 0, id = 0;

    for (size_t i = 0; i < o->parts; i++) {
        first += o->row->first && strcmp(o->part[i].key, o->row->first) == 0;
        id += strcmp(o->part[i].key, "id") == 0;
    }
    return first > 1 || id > 1;
}

static void do_pass(struct planning *l)
{
    const struct command_option *o = l->at;

    if (o->row->kind != COMMAND_PARTS) {
        do_value(l);
        return;
    }
    const char *which = which_of(o);
    if (said_twice(o)) {
        problems_tell(&l->problems, "-%s %.80s says twice what it is", o->name, o->value);
        return;
    }
    if ((strcmp(o->name, "chardev") == 0 || strcmp(o->name, "mon") == 0) && is_ours(o))
        return;
    if (strcmp(o->name, "device") == 0 && was_unplugged(l))
        return;
    if (strcmp(o->name, "global") == 0)
        do_global(l);
    else if (strcmp(o->name, "netdev") == 0 || strcmp(o->name, "nic") == 0)
        do_network(l, which);
    else if (strcmp(o->name, "blockdev") == 0)
        do_block(l, which);
    else if (strcmp(o->name, "chardev") == 0)
        do_chardev(l, which);
    else if (strcmp(o->name, "vnc") == 0)
        do_screen(l);
    else
        do_parts(l, which);
}

static void do_unknown(struct planning *l)
{
    const struct command_option *o = l->at;

    if (command_rules_allow(l->wish->rules, o->name, NULL, NULL))
        add_option(l, o->name, o->value);
    else
        problems_tell(
            &l->problems,
            "-%.40s is not taken from another host: start the QEMU there yourself (receive "
            "--qmp), or "
            "give receive a rule: allow %.40s",
            o->name, o->name);
}

static void do_option(struct planning *l)
{
    if (!l->at->row || l->at->row->deal == COMMAND_REFUSE) {
        do_unknown(l);
        return;
    }
    switch (l->at->row->deal) {
    case COMMAND_PASS:
        do_pass(l);
        break;
    case COMMAND_FILE:
        do_path(l, COMMAND_NEEDED);
        break;
    case COMMAND_IMAGE:
        do_path(l, COMMAND_DISK);
        break;
    case COMMAND_LINE:
        do_line(l);
        break;
    case COMMAND_MONITOR:
        do_monitor(l);
        break;
    case COMMAND_SOUND:
        do_sound(l);
        break;
    case COMMAND_DISPLAY: /* said below, once */
    case COMMAND_DROP:
    case COMMAND_REFUSE:
        break;
    }
}

static void add_ours(struct planning *l)
{
    struct value v = {.n = 0};

    if (!l->screen)
        add_option(l, "display", "none");
    put_part(&v, "backend", "socket");
    put_part(&v, "id", monitor_id);
    put_part(&v, "path", l->wish->monitor);
    put_part(&v, "server", "on");
    put_part(&v, "wait", "off");
    add_option(l, "chardev", v.text);
    v.n = 0;
    put_part(&v, "chardev", monitor_id);
    put_part(&v, "mode", "control");
    add_option(l, "mon", v.text);
    add_option(l, "incoming", "defer");
    add_option(l, "sandbox",
               l->helpers ? "on,obsolete=deny,resourcecontrol=deny"
                          : "on,obsolete=deny,elevateprivileges=deny,spawn=deny,"
                            "resourcecontrol=deny");
}

/* A QEMU's name, and nothing else, is taken from the source. */
static void choose_program(struct planning *l)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";
    const char *rule = command_rules_emulator(l->wish->rules), *name = l->c->program;

    if (rule) {
        l->p->program = keep(l, rule);
    } else if ((strncmp(name, "qemu-system-", 12) == 0 && strspn(name, letters) == strlen(name)) ||
               command_table_has("qemu-kvm kvm", name)) {
        l->p->program = keep(l, name);
    } else {
        problems_tell(&l->problems,
                      "the guest's QEMU is called %.60s: give receive a rule: emulator PATH", name);
        l->p->program = "";
    }
}

enum err command_plan_make(struct command_plan *p, const struct command_line *c,
                           const struct command_wish *wish,
                           void (*tell)(void *ctx, const char *problem), void *ctx)
{
    struct planning l = {.p = p, .c = c, .wish = wish, .problems = {tell, ctx, 0}};

    memset(p, 0, sizeof *p);
    arena_init(&p->arena, ARENA_BYTES);
    choose_program(&l);
    if (wish->copy)
        find_below(&l);
    for (size_t i = 0; i < c->options; i++) {
        l.at = &c->option[i];
        do_option(&l);
    }
    add_ours(&l);
    if (l.full)
        problems_tell(&l.problems, "the command line of the guest's QEMU is too long");
    return l.failure;
}

void command_plan_release(struct command_plan *p)
{
    arena_release(&p->arena);
    memset(p, 0, sizeof *p);
}
