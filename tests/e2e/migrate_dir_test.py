#!/usr/bin/env python3
"""A guest goes to a host where nobody has started a QEMU for it: `migrate receive --dir` starts one
as the guest's own was, with its disks; and what a host may not be made to start is refused, by
name, with the guest running on."""
import json
import os
import signal
import socket
import subprocess
import sys

sys.path.insert(0, "tests")
from move import Qemu, Stuck, Tally, There, World, consecutive, until  # noqa: E402

t = Tally("migrate_dir")


def world(**more):
    w = World(rate="100M", delay="5ms", **more)
    w.trust()
    w.far = f"{w.folder}/far"
    os.mkdir(w.far)
    subprocess.run(["cp", w.image, w.far], check=True)
    return w


def make(path, *words):
    subprocess.run(["qemu-img", "create", "-q", *words[:-1], path, words[-1]], check=True)
    return path


def listed(folder):
    """What is in it, but for what a QEMU of another name leaves."""
    return sorted(n for n in os.listdir(folder) if not n.startswith("farspan-"))


def libvirt_style(w):
    """Words as libvirt writes them: block nodes in JSON, each layer its own, all with a name."""
    def node(**members):
        return ["-blockdev", json.dumps(members)]

    def device(**members):
        return ["-device", json.dumps(members)]

    base = make(f"{w.folder}/base.qcow2", "-f", "qcow2", "8M")
    subprocess.run(["qemu-io", "-c", "write -P 7 1M 1M", base], stdout=subprocess.DEVNULL,
                   check=True)
    make(f"{w.folder}/root.qcow2", "-f", "qcow2", "-F", "qcow2", "-b", base, "8M")
    with open(f"{w.folder}/data.img", "wb") as f:
        f.write(os.urandom(3 << 20))
    make(f"{w.folder}/cd.iso", "-f", "raw", "1M")
    subprocess.run(["cp", f"{w.folder}/cd.iso", w.far], check=True)
    return [
        "-nodefaults", "-no-user-config", "-rtc", "base=utc,driftfix=slew", "-no-shutdown",
        "-global", "PIIX4_PM.disable_s3=1", "-msg", "timestamp=on",
        "-overcommit", "mem-lock=off",
        "-object", json.dumps({"qom-type": "iothread", "id": "iothread1"}),
        *device(driver="virtio-serial-pci", id="virtio-serial0", bus="pci.0", addr="0x6"),
        *node(driver="file", filename=base, **{"node-name": "libvirt-4-storage"},
              discard="unmap", **{"auto-read-only": True}),
        *node(driver="qcow2", file="libvirt-4-storage", **{"node-name": "libvirt-4-format"},
              **{"read-only": True}, backing=None),
        *node(driver="file", filename=f"{w.folder}/root.qcow2",
              **{"node-name": "libvirt-3-storage"}, cache={"direct": False, "no-flush": False}),
        *node(driver="qcow2", file="libvirt-3-storage", **{"node-name": "libvirt-3-format"},
              backing="libvirt-4-format"),
        *device(driver="virtio-blk-pci", drive="libvirt-3-format", id="virtio-disk0",
                **{"write-cache": "on"}, iothread="iothread1"),
        *node(driver="file", filename=f"{w.folder}/data.img",
              **{"node-name": "libvirt-2-storage"}),
        *node(driver="raw", file="libvirt-2-storage", **{"node-name": "libvirt-2-format"}),
        *device(driver="virtio-blk-pci", drive="libvirt-2-format", id="virtio-disk1"),
        *node(driver="file", filename=f"{w.folder}/cd.iso", **{"node-name": "libvirt-1-storage"},
              **{"read-only": True}),
        *node(driver="raw", file="libvirt-1-storage", **{"node-name": "libvirt-1-format"},
              **{"read-only": True}),
        *device(driver="ide-cd", bus="ide.0", unit=1, drive="libvirt-1-format", id="ide0-0-1"),
        "-netdev", json.dumps({"type": "user", "id": "hostnet0"}),
        *device(driver="virtio-net-pci", netdev="hostnet0", id="net0",
                mac="52:54:00:11:22:33"),
        "-netdev", json.dumps({"type": "stream", "id": "hostnet1", "server": True,
                               "addr": {"type": "inet", "host": "127.0.0.1", "port": "0"}}),
        *device(driver="e1000", netdev="hostnet1", id="net1"),
        "-chardev", f"socket,id=charserial1,path={w.folder}/agent.sock,server=on,wait=off",
        *device(driver="virtserialport", chardev="charserial1", id="channel0",
                name="org.qemu.guest_agent.0"),
        "-audiodev", json.dumps({"id": "audio1", "driver": "none"}),
        "-vnc", "127.0.0.1:0,to=90",
        *device(driver="cirrus-vga", id="video0"),
        *device(driver="virtio-balloon-pci", id="balloon0"),
        "-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
    ]


def moves():
    """There, with all its disks, and back; the way back writes over what lies there."""
    w = world()
    try:
        one = Qemu(w, "one", *libvirt_style(w))
        receive = w.receive(w.far)
        w.relay()
        one.counts(500)
        code, p = w.farspan("near", "migrate", "check", "--qmp", one.qmp, w.through, "--disks",
                            "copy", "--for", "0")
        t.check("nothing stands in its way", code == 0, (p.events(), p.text()))
        t.check("nothing was made", listed(w.far) == ["cd.iso", "counter.img"], listed(w.far))
        send = w.send(one, more=["--disks", "copy"])
        t.check("it moves", send.wait(60) == 0, send.text())
        two = There(w, one, w.far, receive.event("result", outcome="moved"))
        two.counts(300)
        t.check("it runs there", two.runs(), two.status())
        until("the QEMU here has ended", 10, one.ended)
        t.check("one number after another", consecutive(one.numbers(), two.numbers()))
        same = subprocess.run(["qemu-io", "-r", "-U", "-c", "read -P 7 1M 1M",
                               f"{w.far}/root.qcow2"], capture_output=True, text=True, check=False)
        t.check("the disk is whole without what lay below it", "failed" not in same.stdout and
                same.returncode == 0, same.stdout + same.stderr)
        words = two.words()
        t.check("the new QEMU starts no programs", any("spawn=deny" in x for x in words), words)
        t.check("nothing below the disk was asked for", not any("base.qcow2" in x for x in words))
        # Where it came from, its disks lie as they were.
        receive.kill()
        back = f"{w.folder}/back"
        os.mkdir(back)
        for name in "cd.iso", "counter.img":
            subprocess.run(["cp", f"{w.far}/{name}", back], check=True)
        old = make(f"{back}/root.qcow2", "-f", "qcow2", "8M")
        subprocess.run(["cp", f"{w.folder}/data.img", back], check=True)
        receive = w.receive(back)
        w.relay()
        send = w.send(two, more=["--disks", "copy"])
        t.check("a disk that is there is not written over", send.wait(30) == 4 and
                "--overwrite" in send.text(), send.text())
        receive.kill()
        receive = w.receive(back, more=["--overwrite"])
        w.relay()
        send = w.send(two, more=["--disks", "copy"])
        t.check("unless that was said", send.wait(60) == 0, send.text())
        r = send.event("result")
        t.check("what lies there is not sent again", r["disk_known_bytes"] >= 3 << 20 and
                r["disk_packed_bytes"] < 1 << 20, r)
        three = There(w, one, back, receive.event("result", outcome="moved"))
        three.counts(300)
        t.check("one number after another, still",
                consecutive(one.numbers(), two.numbers(), three.numbers()))
        t.check("one monitor of ours, not two", sum("farspan-monitor" in x
                                                    for x in three.words()) == 2, three.words())
        same = subprocess.run(["qemu-io", "-r", "-U", "-c", "read -P 7 1M 1M", old],
                              capture_output=True, text=True, check=False)
        t.check("and so is the old disk", same.returncode == 0, same.stdout + same.stderr)
        receive.kill()
        t.check("it outlives its receive", three.runs(), three.status())
    finally:
        w.close()


def refusals():
    w = world()
    try:
        rules = f"{w.folder}/rules"
        receive = w.receive(w.far)
        w.relay()

        def refused(what, words, qemu, *more, code=4):
            send = w.send(qemu, more=["--disks", "copy", *more])
            got = send.wait(40)
            error = [e["reason"] for e in send.events() if e["event"] == "error"]
            t.check(what, got == code and error and words in error[0],
                    f"exit {got}, {error}, {send.text()[-300:]}")
            t.check(f"{what}: the guest runs on", qemu.runs(), qemu.status())
            t.check(f"{what}: nothing is left there", listed(w.far) == ["counter.img"],
                    os.listdir(w.far))

        disk = make(f"{w.folder}/disk.qcow2", "-f", "qcow2", "4M")
        drive = ["-drive", f"file={disk},format=qcow2,if=none,id=d0", "-device",
                 "virtio-blk-pci,drive=d0,id=vd0"]
        one = Qemu(w, "one", *drive, "-device", "virtio-rng-pci,id=rng0", "-netdev",
                   "user,id=n0", "-device", "virtio-net-pci,netdev=n0,id=net0")
        one.counts()
        one.ask("device_add", driver="usb-ehci", id="late0")
        refused("what was plugged in later", "late0", one)
        t.check("the log there says whose it is", f"refused one, of {w.key('near')}: "
                in receive.text(), receive.text())
        one.ask("device_del", id="late0")
        one.kill()

        one = Qemu(w, "two", *drive)
        one.counts()
        one.ask("blockdev-snapshot-sync", device="d0",
                **{"snapshot-file": f"{w.folder}/over.qcow2"})
        refused("a disk that was changed for another", "no drive of the guest any more", one)
        one.kill()

        listener = socket.socket(socket.AF_UNIX)
        listener.bind(f"{w.folder}/other.sock")
        listener.listen()
        one = Qemu(w, "three", "-chardev", f"socket,id=c,path={w.folder}/other.sock", "-device",
                   "isa-serial,chardev=c")
        one.counts()
        refused("a channel that reaches for a monitor", "could reach another's monitor", one)
        one.kill()

        libvirt = f"{w.folder}/libvirt/qemu/domain-1-four"
        os.makedirs(libvirt)
        one = Qemu(w, "four", "-qmp", f"unix:{libvirt}/monitor.sock,server=on,wait=off")
        one.counts()
        refused("one of libvirt's", "libvirt owns this guest", one, code=1)
        code, p = w.farspan("near", "migrate", "check", "--qmp", one.qmp, w.through, "--for", "0")
        t.check("check says so too", code == 1 and
                any("migrate relay" in e.get("says", "") for e in p.events()), p.events())
        one.kill()

        subprocess.run(["qemu-img", "snapshot", "-c", "old", disk], check=True)
        one = Qemu(w, "five", *drive)
        one.counts()
        refused("a disk with snapshots inside", "snapshots inside", one, code=1)
        one.kill()
        subprocess.run(["qemu-img", "snapshot", "-d", "old", disk], check=True)

        small = f"{w.folder}/small"
        os.mkdir(small)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", small], check=True)
        try:
            receive.kill()
            receive = w.receive(small)
            w.relay()
            subprocess.run(["cp", w.image, small], check=True)
            full = make(f"{w.folder}/full.img", "-f", "raw", "3M")
            with open(full, "r+b") as f:
                f.write(os.urandom(3 << 20))
            one = Qemu(w, "space", "-drive", f"file={full},format=raw,if=virtio")
            one.counts()
            refused("a folder without room", "MB are free", one)
            subprocess.run(["mount", "-o", "remount,ro", small], check=True)
            code, p = w.farspan("near", "migrate", "check", "--qmp", one.qmp, "--disks", "copy",
                                w.through, "--for", "0")
            t.check("check sees a folder that cannot be written", code == 1 and any(
                "nothing can be written" in e.get("says", "") for e in p.events()), p.events())
            one.kill()
            t.check("nothing was made there", listed(small) == ["counter.img"], listed(small))
        finally:
            subprocess.run(["umount", "-l", small], check=False)
        receive.kill()
        with open(rules, "w") as f:
            f.write("emulator /bin/false\n")
        receive = w.receive(w.far, more=["--rules", rules])
        w.relay()
        one = Qemu(w, "six", *drive)
        one.counts()
        refused("a QEMU that does not start", "QEMU does not start at the destination", one)
        receive.kill()
        with open(rules, "w") as f:
            f.write("# theirs is elsewhere\nnetdev n0 user,restrict=on\n")
        receive = w.receive(w.far, more=["--rules", rules])
        w.relay()
        one.kill()
        one = Qemu(w, "seven", *drive, "-netdev", "user,id=n0", "-device",
                   "virtio-net-pci,netdev=n0,id=net0")
        one.counts()
        send = w.send(one, more=["--disks", "copy"])
        t.check("and with rules it goes", send.wait(60) == 0, send.text())
        two = There(w, one, w.far, receive.event("result", outcome="moved"))
        t.check("with the network that the rules give", "user,restrict=on,id=n0" in two.words(),
                two.words())
    finally:
        w.close()


def cut_off():
    """A receive that is killed, and started again, ends what it had begun, or goes on with it."""
    w = world()
    try:
        w.receive(w.far).kill()
        w.relay()
        for stage, moved in ("loading", False), ("starting", True):
            disk = make(f"{w.folder}/{stage}.qcow2", "-f", "qcow2", "4M")
            one = Qemu(w, stage, "-drive", f"file={disk},format=qcow2,if=virtio")
            one.counts()
            receive = w.receive(w.far, halt=stage)
            send = w.send(one, more=["--disks", "copy"])
            until(f"it stands at {stage}", 30, receive.halted)
            made = [n for n in os.listdir(w.far) if n.endswith(".made")]
            t.check(f"{stage}: what was made is listed", len(made) == 1 and
                    f"{stage}.qcow2" in listed(w.far), os.listdir(w.far))
            receive.kill()
            receive = w.receive(w.far)
            code = send.wait(60)
            t.check(f"{stage}: send", (code == 0) == moved, send.text())
            if moved:
                two = There(w, one, w.far, receive.event("result", outcome="moved"))
                two.counts()
                t.check("it goes on there", two.runs() and
                        consecutive(one.numbers(), two.numbers()))
                two.kill()
            else:
                t.check("it goes on here", one.runs(), one.status())
            until(f"{stage}: nothing of it is left", 20, lambda: moved or listed(w.far) == [
                "counter.img"])
            t.check(f"{stage}: no list of what was made", not any(
                n.endswith(".made") for n in os.listdir(w.far)), os.listdir(w.far))
            receive.kill()
    finally:
        w.close()


def killed():
    """A send that is killed while the disk goes: it can be moved all the same, with nothing to be
    done by hand; what was begun there is given up."""
    w = world()
    try:
        disk = f"{w.folder}/disk.img"
        with open(disk, "wb") as f:
            f.write(os.urandom(16 << 20))
        one = Qemu(w, "one", "-drive", f"file={disk},format=raw,if=virtio")
        receive = w.receive(w.far, more=["--store-size", "0"])
        w.link[1] = "20M"
        w.relay()
        one.counts()
        for by in "send", "resolve":
            send = w.send(one, more=["--disks", "copy"])
            until("the disk goes", 20, lambda: any(
                e.get("disk_remaining_bytes") for e in send.events()))
            send.kill()
            if by == "resolve":
                code, p = w.farspan("near", "migrate", "status")
                code, p = w.farspan("near", "migrate", "resolve", p.event("move")["id"])
                nodes = [n["node-name"] for n in one.ask("query-named-block-nodes")]
                t.check("resolve takes the mirror away", code == 0 and
                        one.ask("query-block-jobs") == [] and
                        not [n for n in nodes if n.startswith("farspan")], (p.text(), nodes))
            send = w.send(one, more=["--disks", "copy", "--rate", "1M"])
            t.check(f"{by}: it is still being given up there", send.wait(40) == 4 and
                    "send it again" in send.text(), send.text())
            until("it is given up there", 20, lambda: listed(w.far) == ["counter.img"])
            code, p = w.farspan("far", "migrate", "status")
        send = w.send(one, more=["--disks", "copy"])
        t.check("and then it moves", send.wait(60) == 0, send.text())
        code, p = w.farspan("far", "migrate", "status")
        t.check("nothing is left of the others", code == 0 and not p.events(), p.events())
        two = There(w, one, w.far, receive.event("result", outcome="moved"))
        two.counts()
        t.check("one number after another", consecutive(one.numbers(), two.numbers()))
    finally:
        w.close()


def gone_early():
    """A source that goes while its QEMU is being started there leaves nothing there."""
    w = world()
    try:
        slow = f"{w.folder}/slow"
        with open(slow, "w") as f:
            f.write(f'#!/bin/sh\ntouch {w.folder}/begun\nsleep 20\nexec qemu-system-x86_64 "$@"\n')
        os.chmod(slow, 0o700)
        with open(f"{w.folder}/rules", "w") as f:
            f.write(f"emulator {slow}\n")
        receive = w.receive(w.far, more=["--rules", f"{w.folder}/rules"])
        w.relay()
        disk = make(f"{w.folder}/disk.img", "-f", "raw", "4M")
        one = Qemu(w, "one", "-drive", f"file={disk},format=raw,if=virtio")
        one.counts()
        send = w.send(one, more=["--disks", "copy"])
        until("it is being started", 20, lambda: os.path.exists(f"{w.folder}/begun"))
        t.check("its disk was made", "disk.img" in listed(w.far), listed(w.far))
        send.signal(signal.SIGINT)
        t.check("send is taken back", send.wait(20) == 130, send.text())
        receive.event("result", outcome="refused")
        until("nothing is left there", 20, lambda: os.listdir(w.far) == ["counter.img"])
        code, p = w.farspan("far", "migrate", "status")
        t.check("no note is left", code == 0 and not p.events(), p.events())
        t.check("it runs here", one.runs(), one.status())
    finally:
        w.close()


def told():
    """Every problem is told by check, and usage is."""
    w = world()
    try:
        w.receive(w.far)
        w.relay()
        one = Qemu(w, "one", "-fw_cfg", f"name=opt/x,file={w.image}", "-device", "loader,addr=0,"
                   "data=1,data-len=1", "-debugcon", "stdio", "-parallel", f"file:{w.folder}/par",
                   "-L", "/usr/share/qemu")
        one.counts()
        os.remove(f"{w.far}/counter.img")
        code, p = w.farspan("near", "migrate", "check", "--qmp", one.qmp, w.through, "--for", "0")
        says = [e["says"] for e in p.events() if e["event"] == "problem"]
        for words in "allow device:loader", "-L", "put it there as":
            t.check(f"check tells of {words}", code == 1 and any(words in s for s in says), says)
        with open(f"{w.folder}/nope", "w") as f:
            f.write("allow vcn\nmap /images /nowhere-at-all\nemulator /nowhere/qemu\n")
        nope = ["--dir", w.far, "--rules", f"{w.folder}/nope"]
        for words, want in ((["--qmp", "x", "--dir", w.far], "give one of them"),
                            (nope, "emulator /nowhere/qemu: there is no such file"),
                            (nope, "-vcn is no option of QEMU that is known here"),
                            (nope, "there is no /nowhere-at-all here"),
                            (["--dir", f"{w.folder}/nowhere"], "no such folder"),
                            (["--dir", w.image], "that is no folder"),
                            (["--dir", "/proc/1"], "nothing can be written there"),
                            (["--dir", w.far, "--patience", "3s"], "(5s to 7d)"),
                            (["--dir", w.far, "--rules", f"{w.folder}/none"], "cannot be read"),
                            (["--qmp", "x", "--rules", "y"], "goes with --dir"), ([], "--dir")):
            p = w.start("far", "usage", ["migrate", "receive", "--listen", "127.0.0.1:0", *words])
            t.check(f"usage: {words}", p.wait(20) == 2 and want in p.text(), p.text())
    finally:
        w.close()


for test in moves, refusals, cut_off, killed, gone_early, told:
    try:
        test()
    except Stuck as e:
        t.check(test.__name__, False, str(e))
t.finish()
