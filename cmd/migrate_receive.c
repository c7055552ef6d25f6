#include "cmd/cmd.h"
#include "core/base/limits.h"
#include "core/run/run_migrate_receive.h"

static const char *const about[] = {
    "Waits for guests that farspan migrate send brings from other hosts.",
    "--qmp names the monitor of a QEMU that was started here with -incoming defer and otherwise as "
    "the guest's own: the same -machine (with its version), -cpu, -m, -smp and devices. It is "
    "looked at before anything moves, and what does not fit is refused by name. It stands until "
    "the guest is whole here and its source has handed it over, whatever -S says.",
    "What is decided is noted in the state folder before it is done. A receive that was killed "
    "goes "
    "on where it was when it is started again: guests that came run on, those that did not are "
    "given up, and one that stands here whole waits for its source to say whose it is. Without "
    "that word nobody lets it go but a person; a receive that ends meanwhile exits 6 and says so.",
    "--dir starts such a QEMU instead, for each guest that comes, in that folder: as the guest's "
    "own "
    "was started, which the source tells. Disks, firmware and sockets are looked for, or made, in "
    "the folder, under the last part of their names; with --disks copy disks that are not there "
    "are made, and taken away again when the guest does not come. The new QEMU has no terminal: "
    "what ended there ends nowhere; monitors and serial lines that are local sockets are in the "
    "folder too. Once the guest goes, farspan may end: the QEMU is a process of its own.",
    "A command line from another host could start programs and read files. What is not known to "
    "be harmless is refused by name: scripts, other formats and protocols of disks, descriptors, "
    "host devices, files outside the folder, channels that connect to local sockets, ports that "
    "other hosts can reach (-vnc, hostfwd). --rules names "
    "a file that says what else may be, one rule a line: map FROM TO (what lies below FROM there "
    "lies below TO here), emulator PATH (the QEMU to start), netdev ID TYPE,KEY=VALUE... (that "
    "network of the guest is this one here), allow WHAT (an option, such as device, or "
    "device:TYPE, "
    "device.KEY, as refusals name it). A file of four rules: map /var/lib/images /srv/guests, then "
    "netdev net0 tap,ifname=tap7,script=no,downscript=no for the guest's -netdev with the id net0, "
    "then allow vnc, then allow device:ivshmem-doorbell.",
    "Sources are let in by a line `KEY migrate [name]` in authorized_keys (SIGHUP has it read "
    "anew), "
    "KEY as farspan keygen --show tells it there, and with --invite by the ticket "
    "that it prints. A source fills the QEMU with any memory and any state of devices, which QEMU "
    "was not made to distrust. Let in only hosts whose machines you would run, and start a QEMU of "
    "your own with -sandbox on (--dir does).",
    "What this host has already is not sent again. --seed names files that have much of what "
    "guests "
    "bring: base images, old copies of their disks. They are read once, at the start, and must "
    "stay "
    "as they are. --overwrite says that the disks that are here are old copies of the guest's, as "
    "when it comes back to where it was: they are written over, and what they hold is read before "
    "the guest is accepted, and kept. And so is what comes, of disks and memory: in a file without "
    "a "
    "name in the cache folder, up to --store-size, as long as this receive runs: a guest's pages "
    "that are blocks of its disk are not sent twice, and the next guest of the same kind from the "
    "same source brings little. What came from one source is never used for another; seeds are "
    "used "
    "for all that are let in, and old disks for whoever brings a guest to them.",
    "Hooks are for what else must know, such as DNS, BGP or a load balancer. Their argument and "
    "FARSPAN_EVENT say which it is (prepared, committed, failed); FARSPAN_MOVE, FARSPAN_GUEST (its "
    "name), FARSPAN_QMP, FARSPAN_PEER (the source's key), FARSPAN_OUTCOME and FARSPAN_REASON tell "
    "more. The guest stands while --on-prepared runs. "
    "With send --fast nobody waits for it, and it may not be started.",
    "Events: listening, stage (id, stage), and result for each move that is over (id, outcome: "
    "moved, source_runs, refused; reason; qmp, the monitor of its QEMU).",
    NULL,
};

static const struct opt options[] = {
    {"listen", 0, OPT_ADDRESS(run_migrate_receive_config, listen), "A:P",
     "wait on this address; port 0 picks a free one; default every address, port 7470"},
    {"qmp", 0, OPT_STRING(run_migrate_receive_config, qmp), "SOCKET",
     "the monitor of the QEMU that takes the guest in"},
    {"dir", 0, OPT_STRING(run_migrate_receive_config, dir), "FOLDER",
     "start a QEMU for each guest, with its disks and sockets in this folder"},
    {"rules", 0, OPT_STRING(run_migrate_receive_config, rules), "FILE",
     "what the QEMUs of other hosts' guests may have, and where; with --dir"},
    {"overwrite", 0, OPT_FLAG(run_migrate_receive_config, overwrite), NULL,
     "the disks that are here are old copies of the guest's: write over them"},
    {"advertise", 0, OPT_ADDRESS(run_migrate_receive_config, advertise), "HOST",
     "the host that the ticket names when listening on every address"},
    {"authorized", 0, OPT_STRING(run_migrate_receive_config, authorized), "FILE",
     "keys that may send: `KEY migrate [name]` a line; default authorized_keys in the "
     "configuration folder (see farspan(1))"},
    {"invite", 0, OPT_FLAG(run_migrate_receive_config, invite), NULL,
     "let in whoever has the ticket, as often as they come, until this one ends"},
    {"seed", 0, OPT_LIST(run_migrate_receive_config, seeds), "FILE",
     "do not have sent what is in this file or block device; may be given again"},
    {"store-size", 0, OPT_SIZE(run_migrate_receive_config, store_bytes), "BYTES",
     "keep so much of what comes, for others like it; 0: nothing", "4GiB"},
    {"on-prepared", 0, OPT_STRING(run_migrate_receive_config, on_prepared), "PROGRAM",
     "start this when a guest is here whole and stands, and give it up unless it ends with 0 "
     "within a minute"},
    {"on-committed", 0, OPT_STRING(run_migrate_receive_config, on_committed), "PROGRAM",
     "start this when a guest goes here"},
    {"on-failed", 0, OPT_STRING(run_migrate_receive_config, on_failed), "PROGRAM",
     "start this when one that was on its way does not come"},
    {"once", 0, OPT_FLAG(run_migrate_receive_config, once), NULL, "end with the first move"},
    {"patience", 0, OPT_TIME(run_migrate_receive_config, patience_us), "T",
     "how long a source may be silent before its session ends", "2min",
     .min = LIMIT_PATIENCE_LEAST_S * 1000000ull, .max = LIMIT_PATIENCE_MOST_S * 1000000ull},
    {0},
};

static const struct cmd_example examples[] = {
    {"farspan migrate receive --dir /srv/guests --invite --advertise 192.0.2.7",
     "starts a QEMU for whatever guest comes from who has the ticket"},
    {"farspan migrate receive --qmp /run/vm1.qmp --invite --once --advertise 192.0.2.7",
     "waits for one guest, from whoever has the ticket"},
    {"farspan migrate receive --qmp /run/vm1.qmp --listen 192.0.2.7:7470 --json",
     "waits for one from a host with the role migrate"},
    {"farspan migrate receive --qmp /run/vm1.qmp --seed /srv/debian-12.img --invite",
     "... whose disk was made from that image, which need not come"},
    {0},
};

static enum err migrate_receive(void *config, struct run *run)
{
    return run_migrate_receive(config, run);
}

const struct cmd cmd_migrate_receive = {
    .name = "migrate receive",
    .summary = "take in a running guest from another host",
    .about = about,
    .options = options,
    .examples = examples,
    .config_bytes = sizeof(struct run_migrate_receive_config),
    .run = migrate_receive,
};
