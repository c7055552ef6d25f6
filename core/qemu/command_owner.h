/* command_owner: who has started a QEMU, as its command line shows. */
#ifndef FARSPAN_COMMAND_OWNER_H
#define FARSPAN_COMMAND_OWNER_H

#include "core/qemu/command_line.h"

/* The manager that the QEMU belongs to, and that would start its guest again where it left:
 * "libvirt", "Proxmox"; NULL: none that is known. Static. */
const char *command_owner(const struct command_line *c);

#endif
