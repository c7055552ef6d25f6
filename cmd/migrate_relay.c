#include "cmd/call_opt.h"
#include "cmd/cmd.h"
#include "core/base/limits.h"
#include "core/run/run_migrate_relay.h"

static const char *const forms[] = {
    "--listen A:P --socket [NAME=]PATH... [OPTION]...",
    "TARGET|TICKET|-|@FILE --socket [NAME=]PATH... [OPTION]...",
    NULL,
};

static const char *const about[] = {
    "Carries local sockets to another host, for whatever migrates a virtual machine by itself: "
    "QEMU's migrate command, libvirt's virsh migrate. The near end, on the host that the machine "
    "leaves, calls the far end and listens on its sockets. Each connection to one of them becomes "
    "a "
    "channel, for which the far end connects to its own socket of that name. What is not named by "
    "the far end cannot be reached through it.",
    "The name of a socket is the last part of its path, or what stands before the equals sign. Any "
    "number of connections can go on at once, as with multifd and post-copy; the far end makes "
    "them "
    "in the order in which the near end took them. An end of one direction is passed on as such, a "
    "connection that breaks breaks at the other side.",
    "What one side writes faster than the path takes waits in its own socket: no more than 30 ms "
    "of "
    "the path wait in front of it, so that QEMU sees what the link takes, and its last pages do "
    "not "
    "stand in a queue while the machine does. While the link is away the socket is slow, and "
    "nothing else; the session ends when nothing was heard for as long as --patience says, and "
    "all channels with it.",
    "The bytes are compressed with zstd, unless that does not make them shorter, and are not "
    "looked into. With multifd set multifd-compression to none: compressed twice they cost twice.",
    "With libvirt, name one socket for the memory and, for --copy-storage-all, one for the disks. "
    "Their paths are the same on both hosts, since virsh tells them to both. At the destination "
    "QEMU makes them: its user (libvirt-qemu, qemu) must be let write in their folder, also by "
    "SELinux or AppArmor. At the source run this as root; libvirt gives QEMU's user its sockets. "
    "The files of the disks must be there at the destination, as without a relay. When the session "
    "ends while memory or disks still go, the machine runs on where it was.",
    "A third socket can carry what the two libvirts say to each other: with --socket "
    "libvirt=/run/libvirt/libvirt-sock (or virtqemud-sock) there and --socket /run/vm1/libvirt "
    "here the address for virsh is 'qemu+unix:///system?socket=/run/vm1/libvirt'. Whoever is let "
    "in can then do there what root can.",
    "The far end lets in keys with the role migrate in authorized_keys, and with --invite whoever "
    "has the ticket that it prints, until it ends.",
    "Events: listening at the far end; connected at the near end, once its sockets are there; "
    "channel when one opens and closed when it has ended, with reason, sent_bytes, packed_bytes "
    "(what sent_bytes became) and received_bytes; at the near end a result with the sums.",
    NULL,
};

static const struct arg args[] = {
    {"TARGET", OPT_STRING(run_migrate_relay_config, target), "the far end, or a ticket from it",
     .optional = true},
    {0},
};

static const struct opt options[] = {
    {"listen", 0, OPT_ADDRESS(run_migrate_relay_config, listen), "A:P",
     "be the far end, on this address; port 0 picks a free one"},
    {"socket", 0, OPT_LIST(run_migrate_relay_config, socket), "[NAME=]PATH",
     "a socket: listened on at the near end, connected to by the far end"},
    {"advertise", 0, OPT_ADDRESS(run_migrate_relay_config, advertise), "HOST",
     "the host that the ticket names when listening on every address"},
    {"authorized", 0, OPT_STRING(run_migrate_relay_config, authorized), "FILE",
     "keys that may call; default authorized_keys in the configuration folder (see farspan(1))"},
    {"invite", 0, OPT_FLAG(run_migrate_relay_config, invite), NULL,
     "let in whoever has the ticket, as often as they come, until this one ends"},
    {"once", 0, OPT_FLAG(run_migrate_relay_config, once), NULL, "end with the first session"},
    {"patience", 0, OPT_TIME(run_migrate_relay_config, patience_us), "T",
     "how long the other end may be silent before the session ends", "2min",
     .min = LIMIT_PATIENCE_LEAST_S * 1000000ull, .max = LIMIT_PATIENCE_MOST_S * 1000000ull},
    CALL_OPT_TCP(run_migrate_relay_config),
    {"accept-new", 0, OPT_FLAG(run_migrate_relay_config, accept_new), NULL,
     "trust a host that is not known yet, and remember its key"},
    {0},
};

static const struct cmd_example examples[] = {
    {"farspan migrate relay --listen 192.0.2.7:7470 --invite --socket /run/vm1.in",
     "the host that the machine goes to, where QEMU was started with -incoming unix:/run/vm1.in"},
    {"farspan migrate relay @ticket --socket vm1.in=/run/vm1.out",
     "the host that it leaves: then migrate unix:/run/vm1.out in QEMU's monitor"},
    {"farspan migrate relay --listen 192.0.2.7:7470 --socket /run/vm1/ram --socket /run/vm1/disk",
     "the host that a machine of libvirt's goes to, where QEMU's user may write in /run/vm1"},
    {"farspan migrate relay 192.0.2.7:7470 --socket /run/vm1/ram --socket /run/vm1/disk",
     "the host that it leaves: then\n"
     "      virsh migrate --live --p2p --persistent \\\n"
     "        --copy-storage-all vm1 qemu+ssh://192.0.2.7/system \\\n"
     "        --migrateuri unix:///run/vm1/ram \\\n"
     "        --disks-uri unix:///run/vm1/disk"},
    {0},
};

static enum err migrate_relay(void *config, struct run *run)
{
    return run_migrate_relay(config, run);
}

const struct cmd cmd_migrate_relay = {
    .name = "migrate relay",
    .summary = "carry QEMU's or libvirt's own migration between two hosts",
    .forms = forms,
    .about = about,
    .args = args,
    .options = options,
    .examples = examples,
    .config_bytes = sizeof(struct run_migrate_relay_config),
    .run = migrate_relay,
};
