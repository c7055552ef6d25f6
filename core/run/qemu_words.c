#include "core/run/qemu_words.h"

#include <string.h>

#include "core/base/log.h"
#include "core/base/utf8.h"
#include "core/os/folder.h"
#include "core/os/process.h"
#include "core/qemu/command_owner.h"

static enum err read_words(int pid, struct buf *words, char folder[FOLDER_PATH_CHARS])
{
    buf_init(words, COMMAND_BYTES);
    enum err e = process_words(pid, words);
    if (!e)
        e = process_folder(pid, folder, FOLDER_PATH_CHARS);
    if (e)
        log_warn("how QEMU was started cannot be seen: %s", err_text(e));
    return e;
}

struct json *qemu_words_put(int pid)
{
    char folder[FOLDER_PATH_CHARS];
    struct json *j = NULL, *list;
    struct buf words;

    if (pid == 0)
        return NULL;
    if (!read_words(pid, &words, folder)) {
        j = json_new();
        list = json_new_list();
        for (size_t at = 0; at < words.n; at += strnlen((char *)words.p + at, words.n - at) + 1) {
            struct json *one = json_new();
            json_put_string(one, "w", (char *)words.p + at);
            json_append(list, one);
        }
        json_put(j, "words", list);
        json_put_string(j, "folder", folder);
    }
    buf_release(&words);
    return j;
}

/* Reads how it was started; false: that cannot be looked at. command_line_release is due. */
static bool read_line(int pid, struct command_line *line)
{
    char folder[FOLDER_PATH_CHARS];
    struct reason unread = {0};
    struct buf words;

    *line = (struct command_line){0};
    if (pid == 0)
        return false;
    bool read = read_words(pid, &words, folder) == OK &&
                command_line_read(line, buf_bytes(&words), &unread) == OK;
    buf_release(&words);
    return read;
}

enum err qemu_words_free(int pid, struct reason *why)
{
    struct command_line line;
    const char *owner = read_line(pid, &line) ? command_owner(&line) : NULL;

    command_line_release(&line);
    return owner ? reason_give(why, ERR_UNSUPPORTED,
                               "%s owns this guest, and would start it again here: have it migrate "
                               "the guest itself, through farspan migrate relay",
                               owner)
                 : OK;
}

enum err qemu_words_defers(int pid, struct reason *why)
{
    struct command_line line;
    enum err e = OK;

    if (read_line(pid, &line))
        for (size_t i = 0; !e && i < line.options; i++) {
            const struct command_option *o = &line.option[i];
            if (strcmp(o->name, "incoming") == 0 && o->value && strcmp(o->value, "defer") != 0)
                e = reason_give(why, ERR_UNSUPPORTED,
                                "the QEMU there waits for a guest at %.80s: start it with "
                                "-incoming defer, and farspan brings it",
                                o->value);
        }
    command_line_release(&line);
    return e;
}

enum err qemu_words_get(const struct json_value *v, struct command_line *c, const char **folder,
                        struct reason *why)
{
    const struct json_value *list = json_member(v, "words");
    const char *where = json_text(json_member(v, "folder"));
    struct buf words;
    enum err e = OK;

    *c = (struct command_line){0};
    if (!json_count(list))
        return reason_give(why, ERR_UNSUPPORTED,
                           "the source cannot tell how the guest's QEMU was started: start one "
                           "here, and receive with --qmp");
    if (!where || where[0] != '/')
        return reason_give(why, ERR_MALFORMED, "the source does not tell the folder of its QEMU");
    buf_init(&words, COMMAND_BYTES);
    for (size_t i = 0; !e && i < json_count(list); i++) {
        const char *word = json_text(json_member(json_item(list, i), "w"));
        e = word ? buf_append(&words, bytes_of(word, strlen(word) + 1)) : ERR_MALFORMED;
    }
    if (!e)
        e = command_line_read(c, buf_bytes(&words), why);
    if (!e && !(*folder = command_line_copy(c, where, strlen(where))))
        e = ERR_MEMORY;
    buf_release(&words);
    return e;
}
