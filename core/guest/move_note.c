#include "core/guest/move_note.h"

#include <stdio.h>
#include <string.h>

#include "core/base/check.h"
#include "core/base/num.h"
#include "core/base/utf8.h"

enum { VERSION = 1 };

static const char *const stage_name[NOTE_STAGES] = {"moving",   "handed",  "loading",  "prepared",
                                                    "starting", "running", "abandoned"};

void move_note_id(struct rng *rng, char id[MOVE_ID_CHARS + 1])
{
    snprintf(id, MOVE_ID_CHARS + 1, "%016llx", (unsigned long long)rng_u64(rng));
}

bool move_note_id_right(const char *id)
{
    return strspn(id, "0123456789abcdef") == MOVE_ID_CHARS && id[MOVE_ID_CHARS] == 0;
}

bool move_note_of_source(const struct move_note *n)
{
    return n->stage == NOTE_MOVING || n->stage == NOTE_HANDED;
}

const char *move_note_stage(enum move_stage stage)
{
    CHECK((unsigned)stage < NOTE_STAGES);
    return stage_name[stage];
}

enum err move_note_write(const struct move_note *n, struct buf *to)
{
    struct json *j = json_new();
    char key[KEY_TEXT_CHARS + 1];

    key_to_text(n->peer, key);
    json_put_int(j, "farspan_move", VERSION);
    json_put_string(j, "id", n->id);
    json_put_string(j, "stage", move_note_stage(n->stage));
    json_put_string(j, "peer", key);
    json_put_string(j, "target", n->target);
    json_put_string(j, "guest", n->guest);
    json_put_string(j, "qmp", n->qmp);
    json_put_int(j, "pid", n->pid);
    json_put_int(j, "started_ticks", (int64_t)n->started_ticks);
    json_put_int(j, "owner_pid", n->owner_pid);
    json_put_int(j, "owner_ticks", (int64_t)n->owner_ticks);
    json_put_int(j, "at_s", n->at_s);
    json_put_bool(j, "runs", n->runs);
    json_put_bool(j, "ours", n->ours);
    return json_write(j, to);
}

static bool get_text(const struct json_value *v, const char *key, char *to, size_t room)
{
    const char *text = json_text(json_member(v, key));

    if (!text || strlen(text) >= room)
        return false;
    utf8_clean(bytes_of_string(text), to, room);
    return strcmp(to, text) == 0;
}

static bool get_stage(const struct json_value *v, enum move_stage *out)
{
    const char *text = json_text(json_member(v, "stage"));

    for (int i = 0; text && i < NOTE_STAGES; i++)
        if (strcmp(text, stage_name[i]) == 0) {
            *out = (enum move_stage)i;
            return true;
        }
    return false;
}

static bool get_all(const struct json_value *v, struct move_note *n)
{
    const char *key = json_text(json_member(v, "peer"));

    n->pid = (int)json_int(json_member(v, "pid"), 0);
    n->started_ticks = (uint64_t)json_int(json_member(v, "started_ticks"), 0);
    n->owner_pid = (int)json_int(json_member(v, "owner_pid"), 0);
    n->owner_ticks = (uint64_t)json_int(json_member(v, "owner_ticks"), 0);
    n->at_s = json_int(json_member(v, "at_s"), 0);
    n->runs = json_flag(json_member(v, "runs"));
    n->ours = json_flag(json_member(v, "ours"));
    return get_text(v, "id", n->id, sizeof n->id) && move_note_id_right(n->id) &&
           get_stage(v, &n->stage) && key && key_from_text(bytes_of_string(key), n->peer) == OK &&
           get_text(v, "target", n->target, sizeof n->target) &&
           get_text(v, "guest", n->guest, sizeof n->guest) &&
           get_text(v, "qmp", n->qmp, sizeof n->qmp);
}

enum err move_note_read(struct bytes text, struct move_note *out)
{
    struct json_value *v;

    memset(out, 0, sizeof *out);
    if (json_parse(text, &v))
        return ERR_MALFORMED;
    int64_t version = json_int(json_member(v, "farspan_move"), 0);
    enum err e = version > VERSION                       ? ERR_VERSION
                 : version == VERSION && get_all(v, out) ? OK
                                                         : ERR_MALFORMED;
    json_discard(v);
    return e;
}
