#include "core/guest/guest_facts.h"

#include <stdio.h>
#include <string.h>

#include "core/base/num.h"
#include "core/base/parse.h"
#include "core/base/problems.h"
#include "core/base/utf8.h"

enum { MIB = 1 << 20 };

/* QEMU before 9.0 takes its bitmap of dirty pages 64 pages at a time where a block of memory is
 * made of such, and leaves the TLBs of emulated processors as they are: what these write to a page
 * that was looked at stays unseen (QEMU commit 03bfc2188f of 2024; docs/decisions.md). */
enum { LOSES_BEFORE = 9, LOSES_BLOCK_BYTES = 64 * 4096 };

static const char no_uuid[] = "00000000-0000-0000-0000-000000000000";

static bool take_text(const struct json_value *v, char *to, size_t room)
{
    const char *text = json_text(v);

    utf8_clean(text ? bytes_of_string(text) : bytes_of(NULL, 0), to, room);
    return text;
}

/* ---- what QEMU answers ---- */

static enum err hear_status(struct guest_facts *f, const struct json_value *v)
{
    return take_text(json_member(v, "status"), f->status, sizeof f->status) ? OK : ERR_MALFORMED;
}

static enum err hear_name(struct guest_facts *f, const struct json_value *v)
{
    take_text(json_member(v, "name"), f->name, sizeof f->name); /* there may be none */
    return OK;
}

static enum err hear_uuid(struct guest_facts *f, const struct json_value *v)
{
    return take_text(json_member(v, "UUID"), f->uuid, sizeof f->uuid) ? OK : ERR_MALFORMED;
}

static enum err hear_version(struct guest_facts *f, const struct json_value *v)
{
    const struct json_value *q = json_member(v, "qemu");
    int64_t major = json_int(json_member(q, "major"), -1);

    snprintf(f->version, sizeof f->version, "%lld.%lld.%lld", (long long)major,
             (long long)json_int(json_member(q, "minor"), 0),
             (long long)json_int(json_member(q, "micro"), 0));
    return major < 0 ? ERR_MALFORMED : OK;
}

/* A QEMU without KVM says that it is not enabled, one that was built without that it has no such
 * command: then nothing is known. */
static enum err hear_kvm(struct guest_facts *f, const struct json_value *v)
{
    const struct json_value *enabled = json_member(v, "enabled");

    f->emulated = enabled && !json_flag(enabled);
    return OK;
}

static enum err hear_machine(struct guest_facts *f, const struct json_value *v)
{
    return take_text(v, f->machine, sizeof f->machine) ? OK : ERR_MALFORMED;
}

static enum err hear_memory(struct guest_facts *f, const struct json_value *v)
{
    int64_t base = json_int(json_member(v, "base-memory"), -1);
    int64_t more = json_int(json_member(v, "plugged-memory"), 0);

    if (base < 0 || more < 0 || base > INT64_MAX - more)
        return ERR_MALFORMED;
    f->memory_bytes = (uint64_t)(base + more);
    return OK;
}

static enum err hear_cpus(struct guest_facts *f, const struct json_value *v)
{
    f->cpus = json_count(v);
    return f->cpus ? OK : ERR_MALFORMED;
}

/* An empty drive is none: what is put in later comes later. */
static enum err hear_drive(struct guest_facts *f, const struct json_value *v)
{
    const struct json_value *in = json_member(v, "inserted"), *image = json_member(in, "image");
    const char *device = json_text(json_member(v, "device"));

    if (!in)
        return OK;
    if (f->disks == LIMIT_GUEST_DISKS)
        return ERR_LIMIT;
    struct guest_disk *d = &f->disk[f->disks++];
    /* A drive's name is its user's; the path of a device is as good when it has one of its own. */
    if (!take_text(json_member(v, device && *device ? "device" : "qdev"), d->name,
                   sizeof d->name) ||
        !take_text(json_member(in, "file"), d->file, sizeof d->file))
        return ERR_MALFORMED;
    take_text(json_member(in, "node-name"), d->node, sizeof d->node);
    int64_t size = json_int(json_member(image, "virtual-size"), -1);
    d->size_bytes = size < 0 ? 0 : (uint64_t)size;
    take_text(json_member(image, "format"), d->format, sizeof d->format);
    int64_t used = json_int(json_member(image, "actual-size"), 0);
    d->used_bytes = used < 0 ? 0 : (uint64_t)used;
    d->snapshots = json_count(json_member(image, "snapshots"));
    d->read_only = json_flag(json_member(in, "ro"));
    return size < 0 ? ERR_MALFORMED : OK;
}

static enum err hear_block(struct guest_facts *f, const struct json_value *v)
{
    enum err e = OK;

    f->disks = 0;
    for (size_t i = 0; !e && i < json_count(v); i++)
        e = hear_drive(f, json_item(v, i));
    return e;
}

/* Members of an object; devices are its children: "child<virtio-net-pci>". */
static enum err add_devices(struct guest_facts *f, const struct json_value *v, bool named)
{
    static const char child[] = "child<";

    for (size_t i = 0; i < json_count(v); i++) {
        const char *type = json_text(json_member(json_item(v, i), "type"));
        if (!type || strncmp(type, child, strlen(child)) != 0)
            continue;
        if (f->devices == GUEST_DEVICES)
            return ERR_LIMIT;
        struct guest_device *d = &f->device[f->devices++];
        const char *kind = type + strlen(child);
        utf8_clean(bytes_of(kind, strcspn(kind, ">")), d->kind, sizeof d->kind);
        if (named)
            take_text(json_member(json_item(v, i), "name"), d->name, sizeof d->name);
    }
    return OK;
}

static enum err hear_named(struct guest_facts *f, const struct json_value *v)
{
    f->devices = 0;
    return add_devices(f, v, true);
}

static enum err hear_unnamed(struct guest_facts *f, const struct json_value *v)
{
    return add_devices(f, v, false);
}

static enum err hear_migrate(struct guest_facts *f, const struct json_value *v)
{
    take_text(json_item(json_member(v, "blocked-reasons"), 0), f->blocked, sizeof f->blocked);
    take_text(json_member(v, "status"), f->migration, sizeof f->migration);
    return OK;
}

const struct guest_question guest_facts_questions[] = {
    {"query-status", NULL, NULL, hear_status},
    {"query-name", NULL, NULL, hear_name},
    {"query-uuid", NULL, NULL, hear_uuid},
    {"query-version", NULL, NULL, hear_version},
    {"query-kvm", NULL, NULL, hear_kvm},
    {"qom-get", "/machine", "type", hear_machine},
    {"query-memory-size-summary", NULL, NULL, hear_memory},
    {"query-cpus-fast", NULL, NULL, hear_cpus},
    {"query-block", NULL, NULL, hear_block},
    {"query-migrate", NULL, NULL, hear_migrate},
    {"qom-list", "/machine/peripheral", NULL, hear_named},
    {"qom-list", "/machine/peripheral-anon", NULL, hear_unnamed},
    {0},
};

bool guest_facts_runs(const struct guest_facts *f)
{
    return strcmp(f->status, "running") == 0;
}

/* ---- what hosts tell each other ---- */

struct json *guest_facts_put(const struct guest_facts *f)
{
    struct json *j = json_new(), *disks = json_new_list(), *devices = json_new_list();

    json_put_string(j, "name", f->name);
    json_put_string(j, "uuid", f->uuid);
    json_put_string(j, "machine", f->machine);
    json_put_string(j, "version", f->version);
    json_put_string(j, "status", f->status);
    json_put_int(j, "memory_bytes", (int64_t)f->memory_bytes);
    json_put_int(j, "cpus", (int64_t)f->cpus);
    for (size_t i = 0; i < f->disks; i++) {
        struct json *d = json_new();
        json_put_string(d, "name", f->disk[i].name);
        json_put_string(d, "node", f->disk[i].node);
        json_put_string(d, "file", f->disk[i].file);
        json_put_string(d, "format", f->disk[i].format);
        json_put_int(d, "size_bytes", (int64_t)f->disk[i].size_bytes);
        json_put_int(d, "used_bytes", (int64_t)f->disk[i].used_bytes);
        json_put_bool(d, "read_only", f->disk[i].read_only);
        json_append(disks, d);
    }
    json_put(j, "disks", disks);
    for (size_t i = 0; i < f->devices; i++) {
        struct json *d = json_new();
        json_put_string(d, "name", f->device[i].name);
        json_put_string(d, "kind", f->device[i].kind);
        json_append(devices, d);
    }
    json_put(j, "devices", devices);
    return j;
}

static bool get_count(const struct json_value *v, const char *key, uint64_t *to)
{
    int64_t n = json_int(json_member(v, key), -1);

    *to = n < 0 ? 0 : (uint64_t)n;
    return n >= 0;
}

static bool get_disk(const struct json_value *v, struct guest_disk *d)
{
    d->read_only = json_flag(json_member(v, "read_only"));
    take_text(json_member(v, "format"), d->format, sizeof d->format);
    get_count(v, "used_bytes", &d->used_bytes);
    return take_text(json_member(v, "name"), d->name, sizeof d->name) &&
           take_text(json_member(v, "node"), d->node, sizeof d->node) &&
           take_text(json_member(v, "file"), d->file, sizeof d->file) &&
           get_count(v, "size_bytes", &d->size_bytes);
}

enum err guest_facts_get(const struct json_value *v, struct guest_facts *out)
{
    const struct json_value *disks = json_member(v, "disks");
    const struct json_value *devices = json_member(v, "devices");

    memset(out, 0, sizeof *out);
    if (!take_text(json_member(v, "name"), out->name, sizeof out->name) ||
        !take_text(json_member(v, "uuid"), out->uuid, sizeof out->uuid) ||
        !take_text(json_member(v, "machine"), out->machine, sizeof out->machine) ||
        !take_text(json_member(v, "version"), out->version, sizeof out->version) ||
        !take_text(json_member(v, "status"), out->status, sizeof out->status) ||
        !get_count(v, "memory_bytes", &out->memory_bytes) || !get_count(v, "cpus", &out->cpus))
        return ERR_MALFORMED;
    if (json_count(disks) > LIMIT_GUEST_DISKS || json_count(devices) > GUEST_DEVICES)
        return ERR_LIMIT;
    for (; out->devices < json_count(devices); out->devices++) {
        const struct json_value *d = json_item(devices, out->devices);
        struct guest_device *to = &out->device[out->devices];
        take_text(json_member(d, "name"), to->name, sizeof to->name);
        take_text(json_member(d, "kind"), to->kind, sizeof to->kind);
    }
    for (; out->disks < json_count(disks); out->disks++)
        if (!get_disk(json_item(disks, out->disks), &out->disk[out->disks]))
            return ERR_MALFORMED;
    return OK;
}

/* ---- whether they fit ---- */

static const struct guest_disk *disk_of(const struct guest_facts *f, const char *name)
{
    for (size_t i = 0; i < f->disks; i++)
        if (strcmp(f->disk[i].name, name) == 0)
            return &f->disk[i];
    return NULL;
}

static void look_at_leaving(const struct guest_disk *d, const char *disks, struct problems *p)
{
    if (d->read_only)
        return;
    if (!disks)
        problems_tell(p,
                      "the guest writes to %.80s: give --disks copy, or --disks shared when the "
                      "destination has the same disk",
                      d->file);
    else if (d->snapshots && strcmp(disks, "copy") == 0)
        problems_tell(
            p,
            "%.80s has snapshots inside, which are not copied: delete them (qemu-img snapshot "
            "-d), or have both hosts use it (--disks shared)",
            d->file);
}

bool guest_facts_leaves(const struct guest_facts *f, const char *disks,
                        void (*tell)(void *ctx, const char *problem), void *ctx)
{
    struct problems p = {tell, ctx, 0};

    if (f->blocked[0])
        problems_tell(&p, "QEMU cannot migrate this guest: %s", f->blocked);
    if (strcmp(f->status, "postmigrate") == 0)
        problems_tell(
            &p, "the guest was moved from here (--keep has left its QEMU), or nearly: see farspan "
                "migrate status, and end this QEMU when the guest runs elsewhere");
    else if (strcmp(f->status, "running") != 0 && strcmp(f->status, "paused") != 0)
        problems_tell(&p, "the guest is neither running nor paused, but %.40s", f->status);
    for (size_t i = 0; i < f->disks; i++)
        look_at_leaving(&f->disk[i], disks, &p);
    return p.n == 0;
}

void guest_facts_doubts(const struct guest_facts *f, void (*tell)(void *ctx, const char *doubt),
                        void *ctx)
{
    struct problems p = {tell, ctx, 0};

    uint64_t major;

    if (parse_number(bytes_of(f->version, strcspn(f->version, ".")), &major))
        return;
    if (f->emulated && major < LOSES_BEFORE && f->memory_bytes % LOSES_BLOCK_BYTES == 0)
        problems_tell(
            &p,
            "emulated (no KVM) by QEMU %.20s, which like all before %d.0 loses pages of "
            "memory in a move: it may crash there. Use KVM, QEMU %d.0, or a -m that is no "
            "multiple of 256 KiB",
            f->version, LOSES_BEFORE, LOSES_BEFORE);
}

static void match_disks(const struct guest_facts *from, const struct guest_facts *to,
                        struct problems *p)
{
    for (size_t i = 0; i < from->disks; i++) {
        const struct guest_disk *d = &from->disk[i], *other = disk_of(to, d->name);
        if (!other)
            problems_tell(
                p,
                "the QEMU there has nothing in the drive %.60s: start it with the same drives "
                "and disks",
                d->name);
        else if (other->size_bytes != d->size_bytes)
            problems_tell(
                p, "the disk in %.60s has %llu bytes here and %llu there: give it the same size",
                d->name, (unsigned long long)d->size_bytes, (unsigned long long)other->size_bytes);
        else if (other->read_only != d->read_only)
            problems_tell(p, "the disk in %.60s can be written to at one side only", d->name);
    }
}

static size_t devices_of(const struct guest_facts *f, const char *kind, size_t before)
{
    size_t n = 0;

    for (size_t i = 0; i < before; i++)
        n += strcmp(f->device[i].kind, kind) == 0;
    return n;
}

/* QEMU would find out in the middle of the guest's state. What is there besides it does not mind.
 */
static void match_devices(const struct guest_facts *from, const struct guest_facts *to,
                          struct problems *p)
{
    for (size_t i = 0; i < from->devices; i++) {
        const char *kind = from->device[i].kind;
        if (!kind[0] || devices_of(from, kind, i))
            continue; /* not told, or seen already */
        size_t wanted = devices_of(from, kind, from->devices),
               have = devices_of(to, kind, to->devices);
        if (have < wanted)
            problems_tell(
                p,
                "the guest has %zu of the device %.64s, the QEMU there %zu: start it with "
                "the same -device",
                wanted, kind, have);
    }
}

bool guest_facts_compare(const struct guest_facts *from, const struct guest_facts *to,
                         void (*tell)(void *ctx, const char *problem), void *ctx)
{
    struct problems p = {tell, ctx, 0};

    if (strcmp(from->machine, to->machine) != 0)
        problems_tell(
            &p,
            "the machine is %.64s here and %.64s there: start the QEMU there with the same "
            "-machine type, version included",
            from->machine, to->machine);
    if (from->memory_bytes != to->memory_bytes)
        problems_tell(&p,
                      "the guest has %llu MiB of memory, the QEMU there %llu: give it the same -m",
                      (unsigned long long)(from->memory_bytes / MIB),
                      (unsigned long long)(to->memory_bytes / MIB));
    if (from->cpus != to->cpus)
        problems_tell(&p,
                      "the guest has %llu processors, the QEMU there %llu: give it the same -smp",
                      (unsigned long long)from->cpus, (unsigned long long)to->cpus);
    if (strcmp(to->uuid, no_uuid) != 0 && strcmp(from->uuid, to->uuid) != 0)
        problems_tell(&p, "the QEMU there has another guest's -uuid %.36s: that guest's is %.36s",
                      to->uuid, from->uuid);
    match_disks(from, to, &p);
    match_devices(from, to, &p);
    return p.n == 0;
}

static void keep_first(void *ctx, const char *text)
{
    reason_give(ctx, ERR_UNSUPPORTED, "%s", text);
}

enum err guest_facts_match(const struct guest_facts *from, const struct guest_facts *to,
                           struct reason *why)
{
    return guest_facts_compare(from, to, keep_first, why) ? OK : ERR_UNSUPPORTED;
}
