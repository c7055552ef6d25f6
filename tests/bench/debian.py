#!/usr/bin/env python3
"""What it takes to move a Debian guest with a database at work, its disk with it.

    tests/bench/debian.py [--runs N] [--case NAME]... [--how HOW]... [--folder DIR] [--qemu FILE]

The guest (tests/guest/debian.sh: 1 GiB, an image of 2 GiB with some 1.4 GB in it) is booted once,
works until its page cache is warm, and is kept in DIR; each run begins with that. Its program
checks what it has written to memory and disk all the time; a run in which it finds anything wrong
fails. With --compare so does one whose disk is not the same there while both guests stand, and the
pages of memory that differ are counted: QEMU before 9.0 loses some of an emulated guest's, and such
a guest may be dead, whoever has moved it (docs/decisions.md, "Guests that die under TCG"). There
the guest has two pages more than a GiB, which is slow and loses none; --qemu is another program
than that in $PATH (tests/guest/qemu.sh brings one).

The gap of a client is the longest time between two answers to its 500 packets a second, at any time
of the move; handover_us is that around the guest's RESUME, of which so much is before_us its STOP
and so much after_us the RESUME; still_us is the longest in 8 s before the move. The client sits
beside the source, on a bridge that both hosts share; the way to the other host takes as long as
that of the link. The bridge learns where the guest is from what the guest sends; with --led it is
told so by `send --hook` when the guest has stopped. The gap of QEMU is from the source's STOP to
the destination's RESUME. Bytes are what entered the link, headers included.
Processor seconds are those of both farspans. Prints one JSON object a run, then medians."""
import argparse
import heapq
import json
import os
import select
import signal
import socket
import statistics
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, "tests")
from move import FARSPAN, Program, Qemu, Stuck, Watch, World, until  # noqa: E402

# What the destination has beforehand: nothing, the disk as it was, or a guest of the same image.
# `dirty`: MB of memory a second that are written besides; `outage`: when the link is away, by the
# relay's clock; `hops`: there, back, and so on, each on the disk that was left behind. STOCK is
# QEMU by itself: the disk by blockdev-mirror to an NBD server there, then memory, over kernel TCP
# with BBR.
CASES = {
    "cold": {"link": ["250M", "50ms", "0"]},
    "known": {"link": ["250M", "50ms", "0"], "seed": True},
    "second": {"link": ["250M", "50ms", "0"], "twice": True},
    "lossy": {"link": ["100M", "25ms", "0.5%"], "seed": True},
    "t3": {"link": ["45M", "50ms", "0"]},
    "metro": {"link": ["622M", "2500us", "0"], "seed": True, "dirty": 20},
    "long": {"link": ["250M", "75ms", "0"], "seed": True, "dirty": 20},
    "outage": {"link": ["250M", "50ms", "0"], "outage": "8s:30s"},
    "round": {"link": ["250M", "50ms", "0"], "hops": 3},
}
DIRTY = 5  # a guest that does so little that QEMU's TLB under TCG stays as it is loses more pages
HOW = {"safe": [], "fast": ["--fast"]}
STOCK = {"tcp": {}, "multifd-zstd": {"multifd-channels": 4, "multifd-compression": "zstd"}}
MAC = bytes.fromhex("525400123456")
CLIENT = bytes.fromhex("525400000001")


class Emulator:
    """The QEMU that is measured, and what depends on it."""
    program = "qemu-system-x86_64"

    @classmethod
    def choose(cls, program):
        cls.program = program
        said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
        cls.major = int(said.stdout.split(" version ")[1].split(".")[0])
        cls.memory = "1048584k" if cls.major < 9 else "1024M"
        cls.warm = f"warm-{cls.major}"


def words(folder, name, state, image, incoming):
    """QEMU's command line."""
    monitors = []
    for end in "qmp", "look", "watch":
        monitors += ["-qmp", f"unix:{folder}/{name}.{end},server=on,wait=off"]
    return [
        Emulator.program, "-accel", "tcg,thread=single", "-cpu", "max", "-m", Emulator.memory,
        "-nodefaults", "-display", "none", "-name", name, "-kernel", f"{state}/debian.vmlinuz",
        "-initrd", f"{state}/debian.initrd", "-append",
        "console=ttyS0 root=/dev/vda rw quiet net.ifnames=0 mitigations=off",
        "-drive", f"file={image},format=raw,if=none,id=disk",
        "-device", "virtio-blk-pci,drive=disk,id=disk-device",
        "-netdev", f"dgram,id=n,local.type=unix,local.path={folder}/{name}.net,"
                   f"remote.type=unix,remote.path={folder}/{name}.bridge",
        "-device", f"virtio-net-pci,netdev=n,mac={MAC.hex(':')},id=net",
        "-object", "rng-random,filename=/dev/urandom,id=rng", "-device", "virtio-rng-pci,rng=rng",
        "-serial", f"file:{folder}/{name}.serial", *monitors,
        *(["-incoming", incoming] if incoming else [])]


def start(w, name, state, image, incoming, within=()):
    q = Qemu.__new__(Qemu)
    q.qmp, q.look, q.serial, q.watch = (f"{w.folder}/{name}.{x}"
                                        for x in ("qmp", "look", "serial", "watch"))
    Program.__init__(q, w.folder, name, [*within, *words(w.folder, name, state, image, incoming)])
    w.programs.append(q)
    until(f"{name} has a monitor", 20, lambda: os.path.exists(q.watch))
    return q


def ticks(q):
    return q.numbers().count("tick")


class Bridge(threading.Thread):
    """Two guests' ports, the second one a delay away, and a client that asks and waits."""

    def __init__(self, folder, delay_s):
        super().__init__(daemon=True)
        self.delay_s, self.port, self.events, self.stopped = delay_s, 0, [], False
        self.sockets, self.ends, self.dirty = [], [f"{folder}/{n}.net" for n in ("one", "two")], 0
        self.led = f"{folder}/led"
        for name in "one", "two":
            s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            s.bind(f"{folder}/{name}.bridge")
            s.setblocking(False)
            self.sockets.append(s)
        self.answers = []
        self.start()

    def close(self):
        self.stopped = True
        self.join()
        for s in self.sockets:
            os.remove(s.getsockname())
            s.close()

    def to_guest(self, now, frame):
        heapq.heappush(self.events, (now + (self.delay_s if self.port else 0), id(frame), self.port,
                                     True, frame))

    def from_guest(self, now, port, frame):
        """A frame has reached the bridge."""
        if frame[6:12] == MAC:
            self.port = port
        kind, mine = frame[12:14], bytes((10, 78, 0, 1))
        if kind == b"\x08\x06" and frame[20:22] == b"\0\1" and frame[38:42] == mine:
            self.to_guest(now, frame[6:12] + CLIENT + frame[12:20] + b"\0\2" + CLIENT +
                          frame[38:42] + frame[22:32])
        elif kind == b"\x08\0" and frame[:6] == CLIENT:
            self.answers.append(now)

    def ask(self, number):
        data = struct.pack("!Q", number)
        if self.dirty:
            data, self.dirty = f"dirty {self.dirty}".encode(), 0
        udp = struct.pack("!HHHH", 7007, 7007, 8 + len(data), 0) + data
        ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), number & 0xffff, 0, 64, 17, 0,
                         bytes((10, 78, 0, 1)), bytes((10, 78, 0, 2)))
        total = sum(struct.unpack("!10H", ip))
        total = (total & 0xffff) + (total >> 16)
        ip = ip[:10] + struct.pack("!H", 0xffff & ~((total & 0xffff) + (total >> 16))) + ip[12:]
        return MAC + CLIENT + b"\x08\0" + ip + udp

    def put(self, port, frame):
        """Gives it to a guest; who takes none has none."""
        try:
            self.sockets[port].sendto(frame, self.ends[port])
        except OSError:
            pass

    def run(self):
        number, due = 0, time.monotonic()
        while not self.stopped:
            now = time.monotonic()
            if now >= due:
                number, due = number + 1, max(due + 0.002, now - 0.1)
                if os.path.exists(self.led):
                    os.remove(self.led)
                    self.port = 1
                self.to_guest(now, self.ask(number))
            while self.events and self.events[0][0] <= now:
                _, _, port, to, frame = heapq.heappop(self.events)
                if to:
                    self.put(port, frame)
                else:
                    self.from_guest(now, port, frame)
            wait = min([due] + [e[0] for e in self.events[:1]]) - time.monotonic()
            for s in select.select(self.sockets, [], [], max(0, wait))[0]:
                frame, port = s.recv(4096), self.sockets.index(s)
                heapq.heappush(self.events, (time.monotonic() + (self.delay_s if port else 0),
                                             id(frame), port, False, frame))

    def gap_us(self):
        a = self.answers
        return int(max((y - x for x, y in zip(a, a[1:])), default=0) * 1e6)


def processor_s(p):
    with open(f"/proc/{p.pid}/stat") as f:
        words = f.read().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def resident_mib(p):
    with open(f"/proc/{p.pid}/status") as f:
        return int(next(x for x in f if x.startswith("VmHWM")).split()[1]) // 1024


def copy(at, to):
    subprocess.run(["cp", "--sparse=always", at, to], check=True)


def prepare(state):
    """Boots the guest, lets it work, and keeps it."""
    subprocess.run(["sh", "tests/guest/debian.sh", state], check=True)
    warm = f"{state}/{Emulator.warm}.state"
    if os.path.exists(warm) and os.path.getmtime(warm) > os.path.getmtime(f"{state}/debian.img"):
        return
    w = World()
    try:
        copy(f"{state}/debian.img", f"{state}/{Emulator.warm}.img")
        q = start(w, "boot", state, f"{state}/{Emulator.warm}.img", None)
        until("the guest is warm", 1500, lambda: "warm" in q.numbers())
        time.sleep(10)
        q.ask("stop")
        q.ask("migrate-set-parameters", **{"max-bandwidth": 2 * 10**9})
        q.ask("migrate", uri=f"exec:cat >{warm}.new")
        until("it is kept", 200, lambda: q.ask("query-migrate").get("status") == "completed")
        q.ask("quit")
        q.wait(20)
        os.rename(f"{warm}.new", warm)
    finally:
        w.close()


def source(w, state, within=()):
    copy(f"{state}/{Emulator.warm}.img", f"{w.folder}/near.img")
    one = start(w, "one", state, f"{w.folder}/near.img", f"exec:cat {state}/{Emulator.warm}.state",
                within)
    until("the guest is back", 100, lambda: one.status() not in ("inmigrate", "gone"))
    one.ask("cont")
    until("the guest runs", 60, lambda: ticks(one) > 30)
    return one


def destination(w, state, within=()):
    subprocess.run(["rm", "-f", f"{w.folder}/far.img"], check=True)
    subprocess.run(["truncate", "-s", "2G", f"{w.folder}/far.img"], check=True)
    return start(w, "two", state, f"{w.folder}/far.img", "defer", within)


def hook(w):
    """A program that waits, while both guests stand, until they have been compared."""
    path = f"{w.folder}/prepared"
    with open(path, "w") as f:
        f.write(f"#!/bin/sh\ntouch {w.folder}/stands\n"
                f"while [ ! -e {w.folder}/compared ]; do sleep 0.1; done\n"
                f"exec qemu-img compare -U -f raw -F raw {w.folder}/near.img {w.folder}/far.img\n")
    os.chmod(path, 0o700)
    return path


def compare_memory(w, one, two):
    """How many pages of memory differ while both guests stand: QEMU has not sent them again. (That
    the stream arrives as it was written, farspan has compared.)"""
    until("both guests stand", 300, lambda: os.path.exists(f"{w.folder}/stands"))
    for q in one, two:
        q.ask("pmemsave", val=0, size=1 << 30, filename=f"{w.folder}/{q.name}.memory")
    different = 0
    with open(f"{w.folder}/one.memory", "rb") as a, open(f"{w.folder}/two.memory", "rb") as b:
        for _ in range(1 << 10):
            x, y = a.read(1 << 20), b.read(1 << 20)
            if x != y:
                different += sum(x[i:i + 4096] != y[i:i + 4096] for i in range(0, 1 << 20, 4096))
    for name in "one.memory", "two.memory", "stands":
        os.remove(f"{w.folder}/{name}")
    with open(f"{w.folder}/compared", "w"):
        pass
    return different


def end(q):
    q.kill()
    for path in q.qmp, q.look, q.watch, q.serial, q.serial.replace(".serial", ".net"):
        if os.path.exists(path):
            os.remove(path)


def us_of(text):
    number, unit = (text[:-2], text[-2:]) if text[-2:] in ("us", "ms") else (text[:-1], text[-1:])
    return float(number) * {"us": 1, "ms": 1e3, "s": 1e6}[unit]


def bps_of(text):
    return float(text[:-1]) * {"k": 1e3, "M": 1e6, "G": 1e9}[text[-1]]


def watched(q):
    """What its third monitor tells, which takes one client."""
    if not hasattr(q, "seen"):
        q.seen = Watch(q.watch)
    return q.seen


class Rates:
    """What the source says of its rate, each half second, and of its stages, and when."""

    def __init__(self, send):
        self.send, self.seen, self.at, self.stages = send, 0, [], {}

    def look(self):
        got = self.send.events()
        for e in got[self.seen:]:
            if e["event"] == "progress":
                self.at.append((time.monotonic(), e["rate_bps"]))
            elif e["event"] == "stage":
                self.stages[e["stage"]] = time.monotonic()
        self.seen = len(got)

    def took_us(self, begun, ended):
        """From one stage to another."""
        return int((self.stages[ended] - self.stages[begun]) * 1e6)

    def back_us(self, full_bps):
        """After the longest time without any, from the first that goes to 85 % of the link's."""
        since, longest, back = None, 0, None
        for when, rate in self.at:
            if rate < full_bps / 100:
                since = since or when
            elif since:
                longest, back = max((longest, back or 0), (when - since, when))
                since = None
        full = [when for when, rate in self.at if back and when >= back and rate > 0.85 * full_bps]
        return int((full[0] - back) * 1e6) if full and longest > 5 else None


def life(one, two, bridge, at):
    """Whether the guest goes on there; whoever has moved it. `at`: its STOP here and its RESUME
    there. What the client misses is told before the one and after the other as well."""
    n = ticks(two)
    try:
        until("the guest lives", 60, lambda: ticks(two) > n + 20)
        lives = True
    except Stuck:
        lives = False
    for q in one, two:
        if "ERROR" in q.numbers():
            raise Stuck("the guest has found an error")
    clock = time.time() - time.monotonic()
    answers = [int((when + clock) * 1e6) for when in bridge.answers]
    before = max((a for a in answers if a < at[1]), default=0)
    after = min((a for a in answers if a > at[1]), default=0)
    return {"lives": lives, "client_us": bridge.gap_us() if lives else None,
            "handover_us": after - before, "before_us": at[0] - before, "after_us": after - at[1],
            "still_us": bridge.still_us}


def begin(w, case, one):
    """The client, once it is answered, and the guest has enough to do."""
    bridge = Bridge(w.folder, us_of(w.link[3]) / 1e6)
    until("the client is answered", 60, lambda: len(bridge.answers) > 500)
    bridge.dirty = case.get("dirty", DIRTY)
    time.sleep(4)
    bridge.answers[:-1] = []
    time.sleep(8)
    bridge.still_us = bridge.gap_us()
    return bridge


def lead(w):
    """A hook that leads the bridge."""
    path = f"{w.folder}/lead"
    with open(path, "w") as f:
        f.write(f"#!/bin/sh\n[ $1 != stopped ] || : >{w.folder}/led\n")
    os.chmod(path, 0o700)
    return ["--hook", path]


def move(w, case, state, receive, how, two, compare, led):
    """One move; what is known of it."""
    one = source(w, state)
    bridge = begin(w, case, one)
    try:
        return hop(w, case, bridge, receive, how, (one, two), compare, led)
    finally:
        bridge.close()
        end(one)


def hop(w, case, bridge, receive, how, qemus, compare=False, led=False, host="near"):
    """From one QEMU to another; the bridge leads to the first."""
    one, two = qemus
    relay = w.relay()
    try:
        a, b = watched(one), watched(two)
        before, bridge.answers[:-1] = processor_s(receive), []
        send = w.send(one, more=["--disks", "copy", *HOW[how], *(lead(w) if led else [])],
                      host=host)
        used = {"lost_pages": compare_memory(w, one, two)} if compare else {}
        rates = Rates(send)
        while not send.ended():
            try:
                used.update({"processor_s": processor_s(send) + processor_s(receive) - before,
                             "resident_mib": [resident_mib(send), resident_mib(receive)]})
            except (OSError, StopIteration, IndexError):
                pass
            rates.look()
            time.sleep(0.05)
        if send.wait(1):
            raise Stuck(send.text()[-300:])
        r = send.event("result")
        used.update(life(one, two, bridge, (a.at["STOP"], b.at["RESUME"])))
        relay.signal(15)
        relay.wait(10)
        link = relay.event("result", seconds=1)
        if case.get("outage"):
            used["back_us"] = rates.back_us(bps_of(w.link[1]))
        keep = ("link_bytes", "packed_bytes", "known_pages", "literal_pages", "disk_bytes",
                "disk_known_bytes", "disk_packed_bytes")
        rates.look()
        used.update({"disk_us": rates.took_us("moving", "memory"),
                     "memory_us": rates.took_us("memory", "switching")})
        return {"total_us": r["total_us"], "gap_us": b.at["RESUME"] - a.at["STOP"], **used,
                "up_bytes": link["up"]["bytes"], "down_bytes": link["down"]["bytes"],
                **{k: r[k] for k in keep}}
    finally:
        relay.kill()


def ours(w, case, how, state, compare, led):
    two = destination(w, state)
    more = ["--invite", *(["--seed", f"{state}/{Emulator.warm}.img"] if case.get("seed") else []),
            *(["--on-prepared", hook(w)] if compare else [])]
    receive = w.receive(two, more=more)
    if case.get("seed"):
        until("the seed is read", 100, lambda: "are here already" in receive.text())
    if case.get("twice"):
        move(w, case, state, receive, how, two, False, led)
        end(two)
        two = destination(w, state)
    if case.get("outage"):
        w.link += ["--outage", case["outage"]]
    return move(w, case, state, receive, how, two, compare, led)


def round_trip(w, case, how, state):
    """There and back; gives what is known of each hop, one after the other."""
    qemus = [source(w, state), None]
    bridge = begin(w, case, qemus[0])
    try:
        for turn in range(case["hops"]):
            at, to = turn % 2, 1 - turn % 2
            if turn == 0:
                qemus[to] = destination(w, state)
            else:
                qemus[to] = start(w, ("one", "two")[to], state,
                                  f"{w.folder}/{('near', 'far')[to]}.img", "defer")
            w.port = 0
            receive = w.receive(qemus[to], more=["--invite", "--overwrite"],
                                host=("near", "far")[to])
            got = hop(w, case, bridge, receive, how, (qemus[at], qemus[to]),
                      host=("near", "far")[at])
            yield got
            receive.signal(15)
            receive.wait(20)
            end(qemus[at])
            if not got["lives"]:
                break
            time.sleep(5)
    finally:
        bridge.close()


def stock(w, case, how, state):
    """QEMU by itself, at its own limits but for the rate."""
    ns = [f"fsdebian-{end_of}-{os.getpid()}" for end_of in "ab"]
    try:
        for name in ns:
            subprocess.run(["ip", "netns", "add", name], check=True)
        relay = Program(w.folder, "tun", [FARSPAN, "bench", "relay", "--json", "--tun",
                                          ",".join(ns), *w.link])
        w.programs.append(relay)
        relay.event("listening")
        within = [["ip", "netns", "exec", name] for name in ns]
        for words_of in within:
            subprocess.run([*words_of, "sysctl", "-qw", "net.ipv4.tcp_congestion_control=bbr"],
                           check=True)
        two = destination(w, state, within[1])
        one = source(w, state, within[0])
        bridge = begin(w, case, one)
        try:
            a, b = watched(one), watched(two)
            bridge.answers[:-1] = []
            begun = time.monotonic()
            mirror(one, two)
            disk_s = time.monotonic() - begun
            migrate(one, two, STOCK[how], a)
            total = time.monotonic() - begun
            until("the guest was let go", 20, lambda: "RESUME" in b.at)
            used = life(one, two, bridge, (a.at["STOP"], b.at["RESUME"]))
            relay.signal(15)
            relay.wait(10)
            link = relay.event("result", seconds=1)
            return {"total_us": int(total * 1e6), "disk_us": int(disk_s * 1e6),
                    "gap_us": b.at["RESUME"] - a.at["STOP"], **used,
                    "up_bytes": link["up"]["bytes"], "down_bytes": link["down"]["bytes"],
                    "packed_bytes": 0, "disk_packed_bytes": 0, "processor_s": 0}
        finally:
            bridge.close()
            end(one)
    finally:
        for name in ns:
            subprocess.run(["ip", "netns", "del", name], check=False)


def mirror(one, two):
    """The disk, to an NBD server of the other QEMU, until it is the same."""
    two.ask("nbd-server-start", addr={"type": "inet", "data": {"host": "10.77.0.2",
                                                               "port": "4445"}})
    node = two.ask("query-block")[0]["inserted"]["node-name"]
    two.ask("block-export-add", type="nbd", id="disk", writable=True, **{"node-name": node})
    one.ask("blockdev-add", driver="nbd", export=node, **{"node-name": "there"},
            server={"type": "inet", "host": "10.77.0.2", "port": "4445"})
    one.ask("blockdev-mirror", device="disk", target="there", sync="full",
            **{"job-id": "mirror", "copy-mode": "write-blocking"})
    until("the disk is the same", 1200, lambda: any(
        j.get("ready") for j in one.ask("query-block-jobs")))


def migrate(one, two, how, watch):
    caps = [{"capability": c, "state": True} for c in (
        "return-path", "events", "pause-before-switchover", *(["multifd"] if how else []))]
    for q in one, two:
        q.ask("migrate-set-capabilities", capabilities=caps)
        q.ask("migrate-set-parameters", **{"max-bandwidth": 2 * 10**9, **how})
    two.ask("migrate-incoming", uri="tcp:10.77.0.2:4444")
    one.ask("migrate", uri="tcp:10.77.0.2:4444")
    until("it stops the guest", 600, lambda: watch.migration[-1:] in (["pre-switchover"],
                                                                     ["failed"]))
    if watch.migration[-1] == "failed":
        raise Stuck("QEMU has failed")
    one.ask("block-job-cancel", device="mirror")
    until("the mirror has ended", 60, lambda: not one.ask("query-block-jobs"))
    two.ask("nbd-server-stop")
    one.ask("migrate-continue", state="pre-switchover")
    until("QEMU has moved it", 200, lambda: watch.migration[-1:] in (["completed"], ["failed"]))
    if watch.migration[-1] != "completed":
        raise Stuck("QEMU has failed")


def run(case, how, state, o):
    w = World(rate=case["link"][0], delay=case["link"][1], loss=case["link"][2], patience="60s")
    try:
        if case.get("hops"):
            yield from round_trip(w, case, how, state)
        else:
            yield (stock(w, case, how, state) if how in STOCK else
                   ours(w, case, how, state, o.compare, o.led))
    finally:
        w.close()


def median(got, key):
    return statistics.median(r[key] for r in got)


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    p = argparse.ArgumentParser()
    p.add_argument("--runs", type=int, default=3)
    p.add_argument("--case", action="append", choices=list(CASES))
    p.add_argument("--how", action="append", choices=[*HOW, *STOCK])
    p.add_argument("--folder", default="build/guest")
    p.add_argument("--qemu", default="qemu-system-x86_64", help="the program that is measured")
    p.add_argument("--compare", action="store_true",
                   help="compare the disks while both guests stand, which makes the gap longer")
    p.add_argument("--led", action="store_true", help="a hook leads the bridge at the source")
    o = p.parse_args()
    state = os.path.realpath(o.folder)
    Emulator.choose(o.qemu)
    prepare(state)
    rows = []
    for name in o.case or CASES:
        for how in o.how or ["safe", "fast"]:
            got = []
            for turn in range(o.runs):
                try:
                    for r in run(CASES[name], how, state, o):
                        got.append(r)
                        print(json.dumps({"case": name, "how": how, "run": turn, **r}), flush=True)
                except Stuck as e:
                    print(json.dumps({"case": name, "how": how, "run": turn, "failed": str(e)}),
                          flush=True)
            rows.append((name, how, got))
    print("\n| case | how | runs, of these the guest lives | gap of the client, at the hand-over, "
          "of QEMU, ms | total, s | MB on the link: all, memory, disk | processor, s |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name, how, got in rows:
        if not got:
            print(f"| {name} | {how} | 0 of {o.runs} | | | | |")
            continue
        alive = [r for r in got if r["lives"]]
        client = ", ".join("%.0f" % (median(alive, k) / 1e3) if alive else "-"
                           for k in ("client_us", "handover_us"))
        print("| %s | %s | %d, %d | %s, %.0f | %.1f | %.1f, %.1f, %.1f | %.1f |" % (
            name, how, len(got), len(alive), client, median(got, "gap_us") / 1e3,
            median(got, "total_us") / 1e6, median(got, "up_bytes") / 1e6,
            median(got, "packed_bytes") / 1e6, median(got, "disk_packed_bytes") / 1e6,
            median(got, "processor_s")))


main()
