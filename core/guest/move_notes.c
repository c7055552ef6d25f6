#include "core/guest/move_notes.h"

#include <stdio.h>

#include "core/base/log.h"
#include "core/os/file.h"
#include "core/os/folder_list.h"
#include "core/os/lock.h"
#include "core/os/process.h"

enum { NOTE_BYTES = 4096, LOCK_MS = 2000, MODE = 0600, FOLDER_MODE = 0700 };

enum err move_notes_open(struct move_notes *m)
{
    struct folder_user user = folder_user_here();
    enum err e = folder_path(&user, FOLDER_STATE, "moves", m->folder);

    m->pid = process_self();
    m->ticks = 0;
    if (process_started(m->pid, &m->ticks))
        log_warn("this process cannot tell when it was started: is /proc there?");
    return e ? e : file_make_folder(m->folder, FOLDER_MODE);
}

static enum err place(const struct move_notes *m, const char *id, char to[FOLDER_PATH_CHARS])
{
    int n = snprintf(to, FOLDER_PATH_CHARS, "%s/%s", m->folder, id);

    return n < FOLDER_PATH_CHARS ? OK : ERR_LIMIT;
}

enum err move_notes_put(const struct move_notes *m, const struct move_note *n)
{
    char path[FOLDER_PATH_CHARS];
    struct buf text;
    enum err e = place(m, n->id, path);

    struct move_note mine = *n;

    mine.owner_pid = m->pid;
    mine.owner_ticks = m->ticks;
    buf_init(&text, NOTE_BYTES);
    if (!e)
        e = move_note_write(&mine, &text);
    if (!e)
        e = file_replace(path, buf_bytes(&text), MODE);
    buf_release(&text);
    return e;
}

enum err move_notes_get(const struct move_notes *m, const char *id, struct move_note *out)
{
    char path[FOLDER_PATH_CHARS];
    struct buf text;

    if (!move_note_id_right(id))
        return ERR_NOT_FOUND;
    enum err e = place(m, id, path);
    buf_init(&text, NOTE_BYTES);
    if (!e)
        e = file_read(path, false, &text);
    if (!e) {
        e = move_note_read(buf_bytes(&text), out);
        if (e)
            log_warn("%s is no note of a move: %s", path, err_text(e));
    }
    buf_release(&text);
    return e;
}

bool move_notes_owned(const struct move_notes *m, const struct move_note *n)
{
    return n->owner_pid && n->owner_pid != m->pid && process_lives(n->owner_pid, n->owner_ticks);
}

enum err move_notes_take(const struct move_notes *m, const char *id, struct move_note *out)
{
    char path[FOLDER_PATH_CHARS];
    struct lock lock;

    /* Two that come at once must not both find it free. */
    enum err e = place(m, ".lock", path);
    if (!e)
        e = lock_wait(&lock, path, LOCK_MS);
    if (e)
        return e;
    e = move_notes_get(m, id, out);
    if (!e && move_notes_owned(m, out))
        e = ERR_BUSY;
    if (!e)
        e = move_notes_put(m, out);
    lock_release(&lock);
    return e;
}

void move_notes_drop(const struct move_notes *m, const char *id)
{
    char path[FOLDER_PATH_CHARS];

    if (place(m, id, path) == OK)
        file_remove(path);
}

struct each {
    const struct move_notes *notes;
    enum err (*fn)(void *ctx, const struct move_note *n);
    void *ctx;
};

static enum err take(void *ctx, const char *name)
{
    const struct each *x = ctx;
    struct move_note n;

    /* What a write that was cut short has left behind has other names. */
    if (!move_note_id_right(name) || move_notes_get(x->notes, name, &n))
        return OK;
    return x->fn(x->ctx, &n);
}

enum err move_notes_each(const struct move_notes *m,
                         enum err (*fn)(void *ctx, const struct move_note *n), void *ctx)
{
    struct each x = {m, fn, ctx};

    return folder_list(m->folder, take, &x);
}
