#!/usr/bin/env python3
"""libvirt's own `virsh migrate` through `migrate relay`: two libvirtds that have nothing in common
but the relay, which carries the memory, the disk and what they say to each other. The guest, which
writes to its disk, goes on where it is when the relay ends in the middle, and there when not."""
import os
import shlex
import signal
import subprocess
import sys
import uuid

sys.path.insert(0, "tests")
from move import FARSPAN, Program, Stuck, Tally, World, consecutive, disk_holds, until  # noqa: E402

t = Tally("migrate_virsh")

IMAGES = "/var/lib/libvirt/images"
OWN = ["/run", "/var/lib", "/var/cache", "/var/log", "/etc/libvirt", "/etc/passwd", "/etc/group"]
DEVICES = ["null", "zero", "full", "random", "urandom"]

# A host of the name $2: what is its own lies below $1. No KVM, no control groups. The shell stays,
# as the first process, to take in what libvirtd leaves behind.
SETUP = f"""
echo "$2" >/proc/sys/kernel/hostname
for d in {" ".join(DEVICES)}; do mount --bind "/dev/$d" "$1/dev/$d"; done
mount --rbind "$1/dev" /dev
for p in {" ".join(OWN)}; do mount --bind "$1$p" "$p"; done
! grep -q ' /sys/fs/cgroup ' /proc/mounts || umount -l /sys/fs/cgroup
libvirtd &
wait
"""

# QEMU runs as Debian's libvirt has it, as a user who may not do what root may.
UID = 64055
FILES = {
    "/etc/libvirt/libvirtd.conf": """auth_unix_rw = "none"
host_uuid = "UUID"
log_outputs = "3:stderr"
""",
    "/etc/libvirt/qemu.conf": """security_driver = "none"
namespaces = []
cgroup_controllers = []
stdio_handler = "file"
""",
    "/etc/passwd": f"""root:x:0:0::/root:/bin/sh
libvirt-qemu:x:{UID}:{UID}::/var/lib/libvirt:/usr/sbin/nologin
""",
    "/etc/group": f"""root:x:0:
tty:x:5:
libvirt-qemu:x:{UID}:
kvm:x:{UID + 1}:
""",
    # QEMU's mirror over a link is never the same as the disk of a guest that writes all the time.
    f"{IMAGES}/vm1.xml": f"""<domain type='qemu'>
  <name>vm1</name>
  <memory unit='KiB'>65544</memory>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='floppy'>
      <driver name='qemu' type='raw'/><source file='{IMAGES}/boot.img'/>
      <target dev='fda' bus='fdc'/><boot order='1'/><readonly/>
    </disk>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/><source file='{IMAGES}/vm1.img'/>
      <iotune><total_iops_sec>20</total_iops_sec></iotune>
      <target dev='vda' bus='virtio'/><boot order='2'/>
    </disk>
    <serial type='file'><source path='{IMAGES}/vm1.serial'/></serial>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
  </devices>
</domain>
""",
}

# As the manual has them.
SOCKETS = ["--socket", "/run/vm1/ram", "--socket", "/run/vm1/disk"]
FAR = ["--socket", "libvirt=/run/libvirt/libvirt-sock"]
NEAR = ["--socket", "/run/vm1/libvirt"]
ADDRESS = "qemu+unix:///system?socket=/run/vm1/libvirt"
MIGRATE = ["virsh", "migrate", "--live", "--p2p", "--persistent", "--copy-storage-all", "vm1"]
URIS = ["--migrateuri", "unix:///run/vm1/ram", "--disks-uri", "unix:///run/vm1/disk"]


class Host:
    """A libvirtd and what it runs, in namespaces that end with this process. Its network has
    nothing in it; the relay alone is outside of that."""

    def __init__(self, world, name):
        self.world, self.name, self.root = world, name, f"{world.folder}/{name}"
        self.images = self.root + IMAGES
        for path in "/etc/libvirt", "/var/cache", "/var/log", "/run/vm1", "/dev", IMAGES:
            os.makedirs(self.root + path)
        for path, text in FILES.items():
            with open(self.root + path, "w") as f:
                f.write(text.replace("UUID", str(uuid.uuid4())))
        for d in DEVICES:
            open(f"{self.root}/dev/{d}", "w").close()
        subprocess.run(["cp", world.image, f"{self.images}/boot.img"], check=True)
        subprocess.run(["truncate", "-s", "4M", f"{self.images}/vm1.img"], check=True)
        self.daemon = Program(world.folder, f"host-{name}", [
            "setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--uts", "--net", "--pid",
            "--fork", "--kill-child", "--mount-proc", "sh", "-ec", SETUP, "sh", self.root,
            f"farspan-{name}"])
        world.programs.append(self.daemon)
        try:
            until("it answers", 60, lambda: self.virsh("list")[0] == 0)
        except Stuck:
            raise Stuck(f"no libvirtd at {name}: {self.daemon.text()[-800:]}")

    def inside(self, *words):
        return ["nsenter", "-t", str(self.daemon.pid), "-m", *words]

    def run(self, *words):
        """The exit status and what it says."""
        r = subprocess.run(self.inside(*words), text=True, stdin=subprocess.DEVNULL,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=100,
                           check=False)
        return r.returncode, r.stdout.strip()

    def virsh(self, *words):
        return self.run("virsh", "-q", *words)

    def relay(self, *words):
        """One end of the relay on this host, as root."""
        self.world.turn += 1
        p = Program(self.world.folder, f"relay-{self.name}-{self.world.turn}", self.inside(
            f"{self.world.folder}/farspan", "migrate", "relay", *words, "--json"),
            self.world.env(self.name))
        self.world.programs.append(p)
        return p

    def state(self):
        """As libvirt says; None: it knows no such guest."""
        code, says = self.virsh("domstate", "vm1")
        return says if code == 0 else None

    def numbers(self):
        """What the guest has counted here."""
        try:
            with open(f"{self.images}/vm1.serial") as f:
                return f.read()
        except OSError:
            return ""

    def counts(self, n):
        """Waits until it has counted so many more."""
        before = self.numbers().count("\n")
        until(f"the guest counts at {self.name}", 60,
              lambda: self.numbers().count("\n") > before + n)


def breaks(near, far, relay, name):
    """The relay ends once something goes over the socket of that name."""
    p = Program(near.world.folder, f"virsh-{name}", near.inside(
        *MIGRATE, ADDRESS, *URIS, "--bandwidth", "1"))
    near.world.programs.append(p)

    def used():
        if p.ended():
            raise Stuck(f"{name}: virsh has ended before that: {p.text()}")
        return name in [e["name"] for e in relay.events() if e["event"] == "channel"]

    until(f"{name} is used", 60, used)
    relay.signal(signal.SIGINT)
    t.check(f"{name}: virsh fails", p.wait(60) == 1, p.text())
    relay.wait(20)
    t.check(f"{name}: it runs on here", near.state() == "running", near.state())
    near.counts(40)
    until(f"{name}: nothing of it is left there", 30, lambda: far.state() is None)
    t.check(f"{name}: it never ran there", far.numbers() == "", far.numbers()[:80])


def moves(near, far, relay, what, words, channels):
    """A guest that runs here runs there then, having missed nothing, with its disk."""
    code, says = near.run(*words, ADDRESS, *URIS)
    t.check(f"{what}: virsh is content", code == 0, says)
    t.check(f"{what}: it is shut off here", near.state() == "shut off", near.state())
    t.check(f"{what}: it runs there", far.state() == "running", far.state())
    far.counts(40)
    far.virsh("suspend", "vm1")
    here, there = near.numbers(), far.numbers()
    t.check(f"{what}: one number after another", consecutive(here, there),
            (here[-40:], there[:40]))
    last = int(there.split("\n")[-2], 16)
    wrong = disk_holds(f"{far.images}/vm1.img", last)
    t.check(f"{what}: the disk there holds what was written", wrong is None, wrong)
    closed = until(f"{what}: all channels have ended", 20, lambda: sum(
        e["event"] == "closed" for e in relay.events()) >= channels + 2 and [
            e for e in relay.events() if e["event"] == "closed"])
    for name, count, least in (("ram", channels, 300000), ("disk", 1, 65536),
                               ("libvirt", 1, 3000)):
        of = [e for e in closed if e["name"] == name]
        t.check(f"{what}: {name} went through the relay", len(of) == count and
                all(e["reason"] == "done" for e in of) and
                sum(e["sent_bytes"] for e in of) > least, of)
    relay.signal(signal.SIGINT)
    relay.wait(20)


def main():
    w = World(rate="100M", delay="5ms", loss="0.5%", guest="writer")
    try:
        # Where the program lies a host may have a folder of its own; not below /tmp.
        subprocess.run(["cp", FARSPAN, f"{w.folder}/farspan"], check=True)
        near, far = Host(w, "near"), Host(w, "far")
        # QEMU makes the sockets there, as its own user.
        os.chown(f"{far.root}/run/vm1", UID, UID)
        p = far.relay("--listen", "127.0.0.1:0", "--invite", *SOCKETS, *FAR)
        w.ticket = p.event("listening")["ticket"]
        w.relay()

        def connect():
            p = near.relay(w.through, *SOCKETS, *NEAR)
            p.event("connected")
            return p

        def begin():
            for file in near.images, far.images:
                subprocess.run(["rm", "-f", f"{file}/vm1.serial"], check=True)
                size = os.path.getsize(f"{file}/vm1.img")
                for n in 0, size:  # it counts from 1 again, on an empty disk
                    os.truncate(f"{file}/vm1.img", n)
            code, says = near.virsh("start", "vm1")
            t.check("it starts", code == 0, says)
            near.counts(100)

        code, says = near.virsh("define", f"{IMAGES}/vm1.xml")
        t.check("the guest is known", code == 0, says)
        begin()
        for name in "disk", "ram":
            breaks(near, far, connect(), name)
        moves(near, far, connect(), "as in the manual", MIGRATE, 1)
        manual = subprocess.run([FARSPAN, "help", "migrate", "relay"], capture_output=True,
                                text=True, check=True).stdout.replace("\\\n", "")
        for words in SOCKETS, FAR, NEAR, [ADDRESS], MIGRATE, URIS:
            t.check("which says", shlex.join(words) in " ".join(manual.split()), words)

        # Once more, led by virsh itself, over several connections.
        t.check("it ends there", far.virsh("destroy", "vm1")[0] == 0)
        begin()
        moves(near, far, connect(), "in parallel", [x for x in MIGRATE if x != "--p2p"] +
              ["--parallel", "--parallel-connections", "3"], 4)
    finally:
        w.close()


if os.getuid() != 0:
    t.check("root", False, "this test needs it")
else:
    try:
        main()
    except Stuck as e:
        t.check("nothing hangs", False, str(e))
t.finish()
