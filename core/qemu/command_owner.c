#include "core/qemu/command_owner.h"

#include <string.h>

#include "core/base/num.h"

/* Where the sockets are by which managers talk to their QEMUs. */
static const struct {
    const char *owner, *place;
} marks[] = {
    {"libvirt", "/libvirt/qemu/domain-"}, /* and "run/libvirt/qemu/channel" is the guest's own */
    {"libvirt", "/lib/libvirt/qemu/"},
    {"Proxmox", "/run/qemu-server/"},
};

static bool is_channel(const struct command_option *o)
{
    return strcmp(o->name, "chardev") == 0 || strcmp(o->name, "object") == 0 ||
           (o->row && o->row->deal == COMMAND_MONITOR);
}

const char *command_owner(const struct command_line *c)
{
    for (size_t i = 0; i < c->options; i++) {
        const struct command_option *o = &c->option[i];
        for (size_t k = 0; o->value && is_channel(o) && k < COUNT_OF(marks); k++)
            if (strstr(o->value, marks[k].place))
                return marks[k].owner;
    }
    return NULL;
}
