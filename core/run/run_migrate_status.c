#include "core/run/run_migrate_status.h"

#include <stdbool.h>

#include "core/guest/move_notes.h"
#include "core/os/process.h"

struct status {
    struct run *run;
    struct move_notes notes;
    unsigned moves;
};

/* What is to be done, for a person; NULL: nothing. */
static const char *advice(const struct move_note *n, bool lives)
{
    switch (n->stage) {
    case NOTE_MOVING:
        return lives ? "cut off before it was handed over, so it is this host's: migrate resolve"
                     : "cut off, and its QEMU is no more: migrate resolve clears it away";
    case NOTE_HANDED:
        return "handed over, and nobody knows whether it was taken: migrate resolve";
    case NOTE_LOADING:
        return "cut off before it was here: the next migrate receive gives it up";
    case NOTE_PREPARED:
        return "here whole, and not handed over: start migrate receive, or migrate resolve";
    case NOTE_STARTING:
        return "handed over to this host: the next migrate receive lets it go";
    case NOTE_RUNNING:
        return "moved here; its source has not heard that yet: start migrate receive";
    case NOTE_ABANDONED:
        return "given up here; its source has not heard that yet: start migrate receive";
    default:
        return "";
    }
}

static enum err tell(void *ctx, const struct move_note *n)
{
    struct status *s = ctx;
    bool owned = move_notes_owned(&s->notes, n);
    bool lives = n->pid && process_lives(n->pid, n->started_ticks);
    struct json *j = json_new();
    char key[KEY_TEXT_CHARS + 1];

    s->moves++;
    key_to_text(n->peer, key);
    json_put_string(j, "event", "move");
    json_put_string(j, "id", n->id);
    json_put_string(j, "side", move_note_of_source(n) ? "source" : "destination");
    json_put_string(j, "stage", move_note_stage(n->stage));
    json_put_string(j, "state", owned ? "working" : "left");
    json_put_string(j, "guest", n->guest);
    json_put_string(j, "peer", key);
    json_put_string(j, "qmp", n->qmp);
    json_put_int(j, "pid", n->pid);
    json_put_bool(j, "qemu_lives", lives);
    json_put_int(j, "at_s", n->at_s);
    if (owned)
        json_put_int(j, "process", n->owner_pid);
    run_say(s->run, "%s %s %s %s (%s)", n->id,
            move_note_of_source(n) ? "leaves this host" : "comes to this host",
            move_note_stage(n->stage), n->guest[0] ? n->guest : "-",
            owned ? "a farspan works on it" : advice(n, lives));
    return run_event(s->run, j);
}

enum err run_migrate_status(const struct run_migrate_status_config *config, struct run *run)
{
    struct status s = {.run = run};
    enum err e = move_notes_open(&s.notes);

    (void)config;
    if (!e)
        e = move_notes_each(&s.notes, tell, &s);
    if (e)
        return reason_give(&run->reason, e, "the notes of moves cannot be read");
    if (s.moves == 0)
        run_say(run, "no moves");
    return OK;
}
