#!/usr/bin/env python3
"""A guest that counts is moved by `migrate send` to a `migrate receive`: it goes on counting there
where it stopped here; and what must be refused is, by name, with the guest running on."""
import json
import os
import signal
import subprocess
import sys

sys.path.insert(0, "tests")
from move import Qemu, Qmp, Stuck, Tally, World, consecutive, disk_holds, until  # noqa: E402

t = Tally("migrate_send")


def moves():
    w = World(rate="50M", delay="20ms", loss="0.5%")
    try:
        one, two = Qemu(w, "one"), Qemu(w, "two", incoming=True)
        receive = w.receive(two, more=["--invite", "--once"])
        w.relay()
        one.counts(1000)
        # The first takes a while: the second is not begun before it has ended.
        hook(w, "near", "[ $1 != stopped ] || sleep 0.5", f"echo end-$1 >>{w.folder}/told")
        send = w.send(one, more=["--hook", f"{w.folder}/near"])
        t.check("send ends well", send.wait(60) == 0, send.text())
        told = [x.split()[0] for x in hooks(w)]
        t.check("its hook hears of it, one after the other", told == [
            "stopped", "end-stopped", "committed", "end-committed"], told)
        r = send.event("result")
        t.check("it was moved", r["outcome"] == "moved", r)
        t.check("the gap is measured", r["gap_us"] > 0 and r["gap_error_us"] > 15000, r)
        t.check("bytes are counted", r["memory_bytes"] > r["packed_bytes"] > 0 and
                r["link_bytes"] > r["packed_bytes"], r)
        stages = [e["stage"] for e in send.events() if e["event"] == "stage"]
        t.check("the stages in their order", stages == ["moving", "switching", "settling",
                                                        "noting", "handed", "ended"], stages)
        t.check("receive ends well", receive.wait(20) == 0, receive.text())
        r = receive.event("result")
        t.check("it came", r["outcome"] == "moved", r)
        two.counts(1000)
        t.check("it runs there", two.runs(), two.status())
        until("the QEMU here has ended", 10, one.ended)
        t.check("one number after another", consecutive(one.numbers(), two.numbers()))
        for host in "near", "far":
            code, p = w.farspan(host, "migrate", "status")
            t.check(f"nothing is left at the {host} end", code == 0 and not p.events(), p.events())
    finally:
        w.close()


def refusals():
    w = World()
    w.trust()
    try:
        one, two = Qemu(w, "one"), Qemu(w, "two", incoming=True, memory=80)
        receive = w.receive(two)
        w.relay()
        one.counts()

        def refused(what, code, words, *more, qemu=one):
            send = w.send(qemu, more=more)
            got = send.wait(30)
            error = [e for e in send.events() if e["event"] == "error"]
            t.check(what, got == code and error and words in error[0]["reason"],
                    f"exit {got}, {error}, {send.text()[-300:]}")
            t.check(f"{what}: the guest runs on", one.runs(), one.status())

        refused("another memory", 4, "-m")
        stranger = w.start("other", "send", ["migrate", "send", "--qmp", one.qmp, w.through])
        t.check("a key that nobody has let in", stranger.wait(30) == 4, stranger.text())
        t.check("is in the log there", f"refused {w.key('other')}" in receive.text(),
                receive.text())
        p = w.start("near", "send", ["migrate", "send", "--qmp", one.qmp, "127.0.0.1:1",
                                     "--timeout", "2s", "--accept-new"])
        t.check("nobody answers", p.wait(20) == 3 and "is a server running there" in p.text(),
                p.text())
        two.kill()
        refused("no QEMU there", 4, "no QEMU listens")
        three = Qemu(w, "three")
        receive.kill()
        receive = w.receive(three)
        w.relay()
        refused("one that runs", 4, "-incoming defer")
        receive.kill()
        taken = Qemu(w, "taken", incoming=True)
        receive = w.receive(taken)
        w.relay()
        holder = Qmp(taken.qmp)
        refused("a monitor that is taken, there", 4, "another client")
        holder.close()
        holder = Qmp(one.qmp)
        refused("a monitor that is taken, here", 4, "another client")
        holder.close()
        rng = Qemu(w, "rng", "-device", "virtio-rng-pci")
        refused("a device that is not there", 4, "1 of the device virtio-rng-pci", qemu=rng)
        elsewhere = Qemu(w, "elsewhere", "-incoming", f"unix:{w.folder}/elsewhere.in")
        receive.kill()
        receive = w.receive(elsewhere)
        w.relay()
        refused("a QEMU that waits for others", 4, "elsewhere.in: start it with -incoming defer")
        receive.kill()
        receive = w.receive(taken)
        w.relay()
        subprocess.run(["qemu-img", "create", "-q", "-f", "raw", f"{w.folder}/disk", "1M"],
                       check=True)
        disk = Qemu(w, "disk", "-drive", f"file={w.folder}/disk,format=raw,if=ide")
        refused("a disk that is written to", 1, "--disks shared", qemu=disk)
        refused("another machine's disks", 4, "ide0-hd0", "--disks", "shared", qemu=disk)
        one.ask("stop")
        one.ask("cont")
        os.remove(f"{w.folder}/home-far/config/authorized_keys")
        receive.kill()
        with open(f"{w.folder}/home-far/config/authorized_keys", "w") as f:
            f.write(f"{w.key('near')} view near\n")
        p = w.start("far", "receive", ["migrate", "receive", "--listen", f"127.0.0.1:{w.port}",
                                       "--qmp", taken.qmp])
        t.check("keys without the role let nobody in", p.wait(20) == 2, p.text())
    finally:
        w.close()


def checked():
    """What stands in the way is told, all of it, and nothing is changed."""
    w = World(rate="20M", delay="10ms")
    w.trust()
    try:
        one, two = Qemu(w, "one"), Qemu(w, "two", incoming=True)
        w.receive(two)
        w.relay()
        one.counts()
        before = one.ask("query-migrate-capabilities"), one.ask("query-migrate-parameters")

        def check(qemu, *more):
            code, p = w.farspan("near", "migrate", "check", "--qmp", qemu.qmp, w.through, *more)
            says = [e["says"] for e in p.events() if e["event"] == "problem"]
            return code, says, p

        code, says, p = check(one)
        t.check("nothing in the way", code == 0 and says == [], (code, says, p.text()))
        warned = [e["says"] for e in p.events() if e["event"] == "warning"]
        t.check("and nothing to fear", warned == [], warned)
        r = p.event("result") if code == 0 else {}
        # Figures of a busy machine: that they are there, and what follows from them.
        t.check("what the path takes", r.get("rate_bps", 0) > 0 and r["rtt_us"] > 0, r)
        rest = r.get("rate_bps", 0) - (r.get("dirty_bps") or 0)
        total = r.get("total_us")
        t.check("bytes and time", r.get("bytes") == (64 << 20) + 8192 and
                (abs(total - r["bytes"] * 8e6 / rest) < 1e5 if rest > 0 else total is None) and
                r["gap_us"] == 300000 + 2 * r["rtt_us"], r)
        other = Qemu(w, "other", "-smp", "2", memory=80)
        code, says, p = check(other, "--for", "0")
        t.check("two problems", code == 1 and len(says) == 2 and any("-m" in s for s in says) and
                any("-smp" in s for s in says), (code, says, p.text()))
        whole = Qemu(w, "whole", "-m", "64")
        code, says, p = check(whole, "--for", "0")
        loses = one.ask("query-version")["qemu"]["major"] < 9
        warned = [e["says"] for e in p.events() if e["event"] == "warning"]
        t.check("but where this QEMU loses pages, if it does", ["no KVM" in x for x in warned] == [
            True] * loses, (loses, warned))
        send = w.send(whole, more=["--disks", "copy"])
        send.wait(30)
        t.check("send tells it as well", [e["says"] for e in send.events()
                                          if e["event"] == "warning"] == warned, send.text())
        whole.kill()
        after = one.ask("query-migrate-capabilities"), one.ask("query-migrate-parameters")
        t.check("nothing was changed", before == after and two.status() == "inmigrate",
                two.status())
        send = w.send(one)
        t.check("and then it moves", send.wait(60) == 0, send.text())
    finally:
        w.close()


def taken_back():
    """Ctrl-C while the memory goes over a slow link."""
    w = World(rate="2M")
    try:
        one, two = Qemu(w, "one"), Qemu(w, "two", incoming=True)
        receive = w.receive(two, more=["--invite"])
        w.relay()
        one.counts()
        before = one.ask("query-migrate-capabilities"), one.ask("query-migrate-parameters")
        hook(w, "near", "true")
        send = w.send(one, more=["--hook", f"{w.folder}/near"])
        send.event("progress")
        send.signal(signal.SIGINT)
        t.check("128 + the signal", send.wait(20) == 130, send.text())
        t.check("source_runs", send.event("result")["outcome"] == "source_runs")
        told = hooks(w)
        t.check("its hook hears that it stays", len(told) == 1 and told[0].startswith("failed one"),
                told)
        t.check("it runs here", one.runs(), one.status())
        after = one.ask("query-migrate-capabilities"), one.ask("query-migrate-parameters")
        t.check("what was set is set back", before == after)
        until("the QEMU there has ended", 20, two.ended)
        t.check("it is said there why", receive.event("result")["reason"] ==
                "its source says: taken back", receive.event("result"))
        t.check("nothing was counted there", two.numbers() == "")
        n = one.numbers().count("\n")
        one.counts(n + 100)
        t.check("one number after another", consecutive(one.numbers()))
    finally:
        w.close()


def paused():
    """A guest that stands is moved, and stands there."""
    w = World()
    try:
        one, two = Qemu(w, "one"), Qemu(w, "two", incoming=True)
        receive = w.receive(two, more=["--invite", "--once"])
        w.relay()
        one.counts()
        one.ask("stop")
        send = w.send(one, more=["--keep"])
        t.check("send ends well", send.wait(30) == 0, send.text())
        t.check("receive ends well", receive.wait(20) == 0, receive.text())
        t.check("it stands there", two.status() in ("paused", "prelaunch"), two.status())
        t.check("the QEMU here was kept, stopped", one.status() == "postmigrate", one.status())
        again = w.send(one)
        code = again.wait(20)
        t.check("it is not moved twice", code == 1 and "moved from here" in
                again.event("error")["reason"], f"exit {code}, {again.text()}")
        two.ask("cont")
        two.counts(50)
        t.check("one number after another", consecutive(one.numbers(), two.numbers()))
    finally:
        w.close()


def disk_files(w, image, form):
    """Two disks of the guest, at each end in a folder of its own; those at the far end with rubbish
    in them, as a used disk has."""
    files = {}
    for host in "near", "far":
        os.makedirs(f"{w.folder}/{host}", exist_ok=True)
        for name in image:
            files[host, name] = f"{w.folder}/{host}/{name}.{form}"
            subprocess.run(["qemu-img", "create", "-q", "-f", form, files[host, name], "16M"],
                           check=True)
            if host == "far":
                subprocess.run(["qemu-io", "-f", form, "-c", "write -P 0x5a 0 16M",
                                files[host, name]], check=True, stdout=subprocess.DEVNULL)
    return files


def hook(w, name, *lines):
    """A program that notes what it is told, then does so much."""
    with open(f"{w.folder}/{name}", "w") as f:
        f.write("#!/bin/sh\n" f"echo $1 $FARSPAN_GUEST $FARSPAN_MOVE $FARSPAN_OUTCOME "
                f">>{w.folder}/told\n" + "\n".join(lines) + "\n")
    os.chmod(f"{w.folder}/{name}", 0o700)


def hooks(w):
    """What they have noted."""
    try:
        with open(f"{w.folder}/told") as f:
            return f.read().split("\n")[:-1]
    except OSError:
        return []


def drives(files, host, form):
    words = []
    for (at, name), path in files.items():
        if at == host:
            words += ["-drive", f"file={path},format={form},if=none,id={name}", "-device",
                      f"virtio-blk-pci,drive={name},id={name}-device"]
    return words


def disks(form):
    """A guest that writes to its disk all the time is moved with it, and with one that it does not
    write to, at 20 Mbit/s."""
    w = World(rate="50M", delay="20ms", loss="0.5%", guest="writer")
    try:
        files = disk_files(w, ["data", "spare"], form)
        subprocess.run(["qemu-io", "-f", form, "-c", "write -P 0x77 3M 1M", "-c",
                        "write -P 0x11 15M 1M", files["near", "spare"]], check=True,
                       stdout=subprocess.DEVNULL)
        one = Qemu(w, "one", *drives(files, "near", form))
        two = Qemu(w, "two", *drives(files, "far", form), incoming=True)
        hook(w, "prepared", *[f"qemu-img compare -U -f {form} -F {form} {files['near', name]} "
                              f"{files['far', name]} || exit 1" for name in ("data", "spare")])
        hook(w, "committed", "true")
        receive = w.receive(two, more=["--invite", "--once", "--on-prepared",
                                       f"{w.folder}/prepared", "--on-committed",
                                       f"{w.folder}/committed"])
        w.relay()
        one.counts(1500)
        send = w.send(one, more=["--disks", "copy", "--keep"])
        t.check(f"{form}: send ends well", send.wait(90) == 0, send.text())
        r = send.event("result")
        t.check(f"{form}: it was moved", r["outcome"] == "moved", r)
        t.check(f"{form}: what was written is counted", r["disk_bytes"] >= 2 << 20 and
                r["disk_packed_bytes"] < r["disk_bytes"], r)
        t.check(f"{form}: receive ends well", receive.wait(20) == 0, receive.text())
        told = hooks(w)
        t.check(f"{form}: hooks in their order", [x.split()[0] for x in told] ==
                ["prepared", "committed"] and all("one" in x for x in told), told)
        n = two.numbers().count("\n")
        two.counts(n + 500)
        t.check(f"{form}: one number after another", consecutive(one.numbers(), two.numbers()),
                (one.numbers()[-200:], two.numbers()[:200]))
        two.ask("quit")
        two.wait(10)
        one.kill()
        last = (one.numbers() + two.numbers()).count("\n")
        for name in "data", "spare":
            if form != "raw":
                subprocess.run(["qemu-img", "convert", "-f", form, "-O", "raw",
                                files["far", name], files["far", name] + ".raw"], check=True)
        raw = "" if form == "raw" else ".raw"
        wrong = disk_holds(files["far", "data"] + raw, last)
        t.check(f"{form}: the disk holds all that was written", wrong is None, wrong)
        same = subprocess.run(["qemu-img", "compare", "-f", form, "-F", form,
                               files["near", "spare"], files["far", "spare"]],
                              capture_output=True, text=True)
        t.check(f"{form}: the other disk is the same", same.returncode == 0, same.stdout)
    finally:
        w.close()


def random_disk(path, form, blocks, repeat=1):
    """Puts random content at the start of a disk: so many KiB, one after the other again."""
    raw = path + ".content"
    with open(raw, "wb") as f:
        f.write(os.urandom(blocks * 1024) * repeat)
    subprocess.run(["qemu-img", "dd", "-f", "raw", "-O", form, "bs=1M", f"if={raw}",
                    f"of={path}.new"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["qemu-img", "resize", "-q", "-f", form, f"{path}.new", "16M"], check=True)
    os.replace(path + ".new", path)


def known(form, what):
    """What the destination has is not sent: a seed has it ("seed"), or it came before ("twice").
    A seed that is changed meanwhile ends the move, and the guest goes on."""
    w = World(rate="50M", delay="10ms")
    try:
        files = disk_files(w, ["spare"], form)
        random_disk(files["near", "spare"], form, 6144, repeat=2)
        more = []
        if what != "twice":
            seed = f"{w.folder}/seed"
            subprocess.run(["cp", files["near", "spare"], seed], check=True)
            more = ["--seed", seed]
        one = Qemu(w, "one", *drives(files, "near", form))
        two = Qemu(w, "two", *drives(files, "far", form), incoming=True)
        receive = w.receive(two, more=["--invite", "--once", *more])
        w.relay()
        one.counts()
        if what == "changed":
            until("the seed is read", 10, lambda: "are here already" in receive.text())
            with open(seed, "r+b") as f:
                f.write(os.urandom(os.path.getsize(seed)))
        send = w.send(one, more=["--disks", "copy", "--keep"])
        name = f"{form}, {what}"
        if what == "changed":
            t.check(f"{name}: it is refused", send.wait(60) == 1 and
                    "--seed" in send.event("error")["reason"], send.text())
            n = one.numbers().count("\n")
            one.counts(n + 200)
            return
        t.check(f"{name}: send ends well", send.wait(60) == 0, send.text())
        r = send.event("result")
        least = (12 << 20) - 65536 if what == "seed" else 4 << 20
        t.check(f"{name}: what is known is named", r["disk_known_bytes"] >= least, r)
        t.check(f"{name}: and not sent", r["disk_packed_bytes"] <
                r["disk_bytes"] - r["disk_known_bytes"] + 100000, r)
        t.check(f"{name}: receive ends well", receive.wait(20) == 0, receive.text())
        if what == "twice": # six megabytes at 50 Mbit/s: a second, and it is told each half
            told = [e for e in send.events() if e["event"] == "progress"]
            t.check(f"{name}: how far the disk is", any(
                0 < e["disk_remaining_bytes"] <= e["disk_bytes"] and
                e["remaining_bytes"] == e["total_bytes"] > 0 for e in told), told)
        two.ask("quit")
        two.wait(10)
        one.kill()
        same = subprocess.run(["qemu-img", "compare", "-f", form, "-F", form,
                               files["near", "spare"], files["far", "spare"]],
                              capture_output=True, text=True)
        t.check(f"{name}: the disk is the same", same.returncode == 0, same.stdout)
    finally:
        w.close()


def strangers():
    """What one source has brought is not told to another, but to itself."""
    w = World(rate="50M", delay="10ms")
    try:
        files = disk_files(w, ["spare"], "raw")
        random_disk(files["near", "spare"], "raw", 6144)
        receive, known = None, []
        for turn, host in enumerate(["near", "other", "other"]):
            two = Qemu(w, "two", *drives(files, "far", "raw"), incoming=True)
            one = Qemu(w, f"one-{turn}", *drives(files, "near", "raw"))
            if not receive:
                receive = w.receive(two, more=["--invite"])
                w.relay()
            one.counts()
            send = w.start(host, "send", ["migrate", "send", "--qmp", one.qmp, w.through,
                                          "--disks", "copy"])
            t.check(f"strangers, {turn}: send ends well", send.wait(60) == 0, send.text())
            known.append(send.event("result")["disk_known_bytes"])
            two.kill()
            os.remove(two.look)
            until("the move is forgotten", 10, lambda: sum(
                e["event"] == "result" for e in receive.events()) == turn + 1)
        t.check("strangers: what another has brought is not known", known[1] == 0, known)
        t.check("strangers: one's own is", known[2] > 5 << 20, known)
    finally:
        w.close()


def left_behind():
    """The NBD server that a move has left in a QEMU there is ended; somebody else's is not."""
    w = World()
    try:
        files = disk_files(w, ["spare"], "raw")
        one = Qemu(w, "one", *drives(files, "near", "raw"))
        two = Qemu(w, "two", *drives(files, "far", "raw"), incoming=True)
        two.ask("nbd-server-start", addr={"type": "unix", "data": {"path": f"{w.folder}/theirs"}})
        receive = w.receive(two, more=["--invite"])
        w.relay()
        one.counts()
        send = w.send(one, more=["--disks", "copy", "--keep"])
        t.check("another's NBD server: refused", send.wait(60) == 4 and
                "cannot take disks in" in send.event("error")["reason"], send.text())
        t.check("another's NBD server is there yet", os.path.exists(f"{w.folder}/theirs"))
        node = next(b["inserted"]["node-name"] for b in two.ask("query-block")
                    if b["device"] == "spare")
        two.ask("block-export-add", id="farspan-disk-3", type="nbd", writable=True,
                **{"node-name": node})
        send = w.send(one, more=["--disks", "copy", "--keep"])
        t.check("our own that was left: moved", send.wait(60) == 0, send.text())
        t.check("nothing of it is there", two.ask("query-block-exports") == [] and
                not os.path.exists(f"{w.folder}/theirs"))
        del receive
    finally:
        w.close()


def hook_refuses():
    """A hook that does not want the guest: it goes on here."""
    w = World()
    try:
        one, two = Qemu(w, "one"), Qemu(w, "two", incoming=True)
        hook(w, "prepared", "exit 3")
        hook(w, "failed", "true")
        w.receive(two, more=["--invite", "--on-prepared", f"{w.folder}/prepared", "--on-failed",
                             f"{w.folder}/failed"])
        w.relay()
        one.counts()
        send = w.send(one)
        t.check("a hook refuses", send.wait(30) == 1 and "hook" in
                send.event("error")["reason"], send.text())
        n = one.numbers().count("\n")
        one.counts(n + 200)
        t.check("a hook refuses: one number after another", consecutive(one.numbers()))
        until("the QEMU there has ended", 20, two.ended)
        until("both hooks were started", 10, lambda: len(hooks(w)) == 2)
        t.check("a hook refuses: which", [x.split()[0] for x in hooks(w)] ==
                ["prepared", "failed"], hooks(w))
        for words in (["--on-prepared", "/nowhere"], ["--on-failed", "x"]):
            p = w.start("far", "receive", ["migrate", "receive", "--listen", "127.0.0.1:0",
                                           "--qmp", two.qmp, "--invite", *words])
            t.check("a hook that is none", p.wait(20) == 2, p.text())
    finally:
        w.close()


def full_disk():
    """The destination's disk cannot take it: the guest runs on here, what was begun is undone."""
    w = World(guest="writer")
    try:
        files = disk_files(w, ["data"], "raw")
        subprocess.run(["qemu-io", "-f", "raw", "-c", "write -P 0x77 1M 4M", files["near", "data"]],
                       check=True, stdout=subprocess.DEVNULL)
        near = files["near", "data"]
        one = Qemu(w, "one", "-blockdev", f"driver=file,node-name=near,filename={near}",
                   "-device", "virtio-blk-pci,drive=near,id=data-device")
        # A disk that fails where the guest does not write often.
        with open(f"{w.folder}/errors.conf", "w") as f:
            f.write('[inject-error]\nevent = "pwritev"\nerrno = "28"\nsector = "4096"\n'
                    'once = "off"\n')
        far = files["far", "data"]
        two = Qemu(w, "two", "-blockdev",
                   f"driver=blkdebug,node-name=far,config={w.folder}/errors.conf,"
                   f"image.driver=file,image.filename={far}",
                   "-device", "virtio-blk-pci,drive=far,id=data-device", incoming=True)
        receive = w.receive(two, more=["--invite"])
        w.relay()
        one.counts(500)
        send = w.send(one, more=["--disks", "copy"])
        t.check("a full disk ends it", send.wait(60) == 1, send.text())
        r = send.event("result")
        t.check("a full disk: source_runs", r["outcome"] == "source_runs", r)
        t.check("a full disk: the reason", "space" in send.event("error")["reason"] if
                send.events() else False, send.text())
        t.check("a full disk: it runs on here", one.runs(), one.status())
        n = one.numbers().count("\n")
        one.counts(n + 300)
        t.check("a full disk: one number after another", consecutive(one.numbers()))
        jobs, nodes = one.ask("query-block-jobs"), one.ask("query-named-block-nodes")
        t.check("a full disk: no mirror is left", jobs == [] and not
                [x for x in nodes if x["node-name"].startswith("farspan")], (jobs, nodes))
        until("the QEMU there has ended", 20, two.ended)
        del receive
    finally:
        w.close()


def raw_disks():
    disks("raw")


def qcow2_disks():
    disks("qcow2")


def seeds():
    for form in "raw", "qcow2":
        known(form, "seed")
    known("raw", "twice")
    known("raw", "changed")


for case in (moves, refusals, checked, taken_back, paused, raw_disks, qcow2_disks, seeds, strangers,
             full_disk, left_behind, hook_refuses):
    try:
        case()
    except Stuck as e:
        t.check(case.__name__, False, e)
t.finish()
