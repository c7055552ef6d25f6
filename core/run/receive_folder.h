/* receive_folder: the folder in which QEMUs are started for guests that come, and by what rules. */
#ifndef FARSPAN_RECEIVE_FOLDER_H
#define FARSPAN_RECEIVE_FOLDER_H

#include <stdbool.h>

#include "core/guest/move_notes.h"
#include "core/run/guest_start.h"

/* In its owner's storage; zeroed there is none: a person starts the QEMU. */
struct receive_folder {
    struct command_rules rules;
    bool overwrite; /* disks that are there may be written over */
};

/* Reads what --dir and --rules (NULL: none) name. With a reason in `why`: ERR_USAGE, ERR_LIMIT,
 * ERR_MEMORY; receive_folder_release is due all the same. */
enum err receive_folder_open(struct receive_folder *f, const char *dir, const char *rules,
                             bool overwrite, struct reason *why) MUST_USE;

/* Writes where the QEMU for the move `id` is to have its monitor. */
void receive_folder_monitor(const struct receive_folder *f, const char *id,
                            char to[MOVE_PATH_CHARS + 1]);

/* Plans to start a QEMU for the guest of an offer (`body`, its record), with the facts `offered`;
 * `copy`: its disks come as well; all is borrowed for this call, but `f` for as long as the start
 * lives. NULL goes to *out when there is no folder. With a reason in `why`: ERR_UNSUPPORTED,
 * ERR_MEMORY. */
enum err receive_folder_plan(const struct receive_folder *f, const struct json_value *body,
                             bool copy, const struct guest_facts *offered, const char *monitor,
                             struct reason *why, struct guest_start **out) MUST_USE;

/* Gives the list of what stands in the way of such a guest, as a FOUND has it; nothing is
 * started. */
struct json *receive_folder_look(const struct receive_folder *f, const struct json_value *body,
                                 bool copy, const struct guest_facts *offered);

/* Frees what it holds. Fine when zeroed. */
void receive_folder_release(struct receive_folder *f);

#endif
