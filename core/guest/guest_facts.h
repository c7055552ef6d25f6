/* guest_facts: what a QEMU says of its guest that decides whether another can take it. */
#ifndef FARSPAN_GUEST_FACTS_H
#define FARSPAN_GUEST_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/json.h"
#include "core/base/limits.h"
#include "core/base/reason.h"

enum { GUEST_UUID_CHARS = 36, GUEST_FILE_CHARS = 1023, GUEST_DEVICES = 256 };

/* A drive with something in it. */
struct guest_disk {
    char name[LIMIT_REASON_CHARS + 1]; /* the device's path or name: the same at both ends */
    char node[LIMIT_NAME_CHARS + 1];   /* the block node on top */
    char file[GUEST_FILE_CHARS + 1];   /* what QEMU opened */
    char format[LIMIT_NAME_CHARS + 1]; /* "qcow2" */
    uint64_t size_bytes;               /* as the guest sees it */
    uint64_t used_bytes;               /* as its file takes */
    uint64_t snapshots;                /* inside its file */
    bool read_only;
};

/* What was given to QEMU as a device, or plugged in later. */
struct guest_device {
    char name[LIMIT_NAME_CHARS + 1]; /* its id; empty: it has none */
    char kind[LIMIT_NAME_CHARS + 1]; /* "virtio-net-pci" */
};

/* All text is fit to print; what was not said is empty or zero. */
struct guest_facts {
    char name[LIMIT_NAME_CHARS + 1];
    char uuid[GUEST_UUID_CHARS + 1];
    char machine[LIMIT_NAME_CHARS + 1];   /* "pc-q35-7.2-machine" */
    char version[LIMIT_NAME_CHARS + 1];   /* QEMU's: "7.2.22" */
    bool emulated;                        /* without KVM */
    char status[LIMIT_NAME_CHARS + 1];    /* "running", "inmigrate" */
    char blocked[LIMIT_REASON_CHARS + 1]; /* why it cannot be moved, as QEMU says */
    char migration[LIMIT_NAME_CHARS + 1]; /* a migration's status, if there was one */
    uint64_t memory_bytes, cpus;
    size_t disks;
    struct guest_disk disk[LIMIT_GUEST_DISKS];
    size_t devices;
    struct guest_device device[GUEST_DEVICES];
};

/* A question to a QEMU monitor. */
struct guest_question {
    const char *command;
    const char *object, *property; /* of qom-get and qom-list; NULL: it takes none */
    /* Takes the answer. ERR_MALFORMED: that is none; ERR_LIMIT: more than is kept. */
    enum err (*hear)(struct guest_facts *f, const struct json_value *value);
};

/* All of them, until one with command NULL. */
extern const struct guest_question guest_facts_questions[];

enum { GUEST_QUESTIONS = 12 };

/* Whether the guest was on its way, that is ran, when it was asked. */
bool guest_facts_runs(const struct guest_facts *f);

/* Gives the facts as an object, for the other host. */
struct json *guest_facts_put(const struct guest_facts *f);

/* Reads what guest_facts_put has made and the other host may have made up. ERR_MALFORMED,
 * ERR_LIMIT. */
enum err guest_facts_get(const struct json_value *v, struct guest_facts *out) MUST_USE;

/* Whether the guest can leave its host, with its disks `copy` or `shared`, or without any (NULL);
 * else each problem is told, as guest_facts_compare does. */
bool guest_facts_leaves(const struct guest_facts *f, const char *disks,
                        void (*tell)(void *ctx, const char *problem), void *ctx);

/* Tells what does not stand in the way of a move but may end the guest after it: tell(ctx, a
 * sentence that says what to do). */
void guest_facts_doubts(const struct guest_facts *f, void (*tell)(void *ctx, const char *doubt),
                        void *ctx);

/* Whether a QEMU that waits with the facts `to` can take in the guest of `from`; else each problem
 * is told: tell(ctx, a sentence that says what to do). */
bool guest_facts_compare(const struct guest_facts *from, const struct guest_facts *to,
                         void (*tell)(void *ctx, const char *problem), void *ctx);

/* As guest_facts_compare: OK, or ERR_UNSUPPORTED with the first problem as the reason. */
enum err guest_facts_match(const struct guest_facts *from, const struct guest_facts *to,
                           struct reason *why) MUST_USE;

#endif
