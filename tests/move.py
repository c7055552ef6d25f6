"""move.py: guests in real QEMUs that are moved by the real program, and what became of them.

Read by tests/e2e/migrate_send_test.py and migrate_fault_test.py. A World has a folder of its own,
two hosts (each with its own FARSPAN_HOME) and a relay between them; close() ends all that it has
started."""
import json
import os
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time

FARSPAN = os.path.realpath(os.environ.get("FARSPAN", "build/farspan"))


class Stuck(Exception):
    """Something that must come has not."""


def until(what, seconds, fn):
    """Waits until fn() gives something true, and gives that."""
    end = time.monotonic() + seconds
    while True:
        got = fn()
        if got:
            return got
        if time.monotonic() > end:
            raise Stuck(f"not within {seconds} s: {what}")
        time.sleep(0.02)


class Program:
    """A process of ours, its output in files."""

    def __init__(self, folder, name, words, env=None):
        self.name, self.out, self.err = name, f"{folder}/{name}.out", f"{folder}/{name}.err"
        with open(self.out, "w") as out, open(self.err, "w") as err:
            self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out,
                                            stderr=err, env=dict(os.environ, **(env or {})),
                                            start_new_session=True)
        self.pid = self.process.pid

    def ended(self):
        return self.process.poll() is not None

    def wait(self, seconds):
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Stuck(f"{self.name} has not ended within {seconds} s")

    def signal(self, number):
        if not self.ended():
            os.kill(self.pid, number)

    def kill(self):
        self.signal(signal.SIGKILL)
        self.process.wait()

    def text(self):
        with open(self.err) as f:
            return f.read()

    def events(self):
        with open(self.out) as f:
            lines = f.read().split("\n")[:-1]
        return [json.loads(line) for line in lines]

    def event(self, name, seconds=20, **members):
        """The last event of that name and those members; waits for the first."""
        def find():
            for e in reversed(self.events()):
                if e.get("event") == name and all(e.get(k) == v for k, v in members.items()):
                    return e
            if self.ended():
                raise Stuck(f"{self.name} has ended with {self.process.returncode} before "
                            f"{name} {members}: {self.text()[-500:]}")
            return None
        return until(f"{self.name}: {name} {members}", seconds, find)

    def halted(self):
        """Whether it has stopped itself (FARSPAN_MIGRATE_HALT)."""
        try:
            with open(f"/proc/{self.pid}/stat") as f:
                return f.read().rsplit(")", 1)[1].split()[0] == "T"
        except OSError:
            return False


class Qmp:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        self.socket.connect(path)
        self.file = self.socket.makefile("rw")
        self.read("QMP")
        self.do("qmp_capabilities")

    def read(self, key):
        while True:
            line = self.file.readline()
            if not line:
                raise Stuck("QEMU has closed its monitor")
            v = json.loads(line)
            if "error" in v:
                raise Stuck(v["error"]["desc"])
            if key in v:
                return v[key]

    def do(self, command, **arguments):
        self.file.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.file.flush()
        return self.read("return")

    def close(self):
        self.file.close()
        self.socket.close()


class Watch(threading.Thread):
    """Keeps when QEMU says STOP and RESUME, in us, and how its migration is."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.qmp, self.at, self.migration = Qmp(path), {}, []
        self.qmp.socket.settimeout(None)
        self.start()

    def run(self):
        for line in self.qmp.file:
            e = json.loads(line)
            if "event" in e:
                t = e["timestamp"]
                self.at[e["event"]] = t["seconds"] * 1000000 + t["microseconds"]
                if e["event"] == "MIGRATION":
                    self.migration.append(e["data"]["status"])


class Qemu(Program):
    """A QEMU with the guest that counts; `qmp` is farspan's, `look` the test's. It has two pages
    more than `memory` MiB: QEMU before 9.0 loses pages of a multiple of 256 KiB, and the guest may
    die (docs/decisions.md, "Guests that die under TCG")."""

    def __init__(self, world, name, *more, incoming=False, memory=64):
        self.qmp, self.look = f"{world.folder}/{name}.qmp", f"{world.folder}/{name}.look"
        self.serial = f"{world.folder}/{name}.serial"
        super().__init__(world.folder, name, [
            "qemu-system-x86_64", "-accel", "tcg", "-m", f"{memory * 1024 + 8}k", "-nodefaults",
            "-display", "none", "-name", name, "-uuid", "7f0c8d4e-1111-4222-8333-944455566677",
            "-drive", f"file={world.image},format=raw,if=floppy,readonly=on", "-boot", "a",
            "-serial", f"file:{self.serial}", "-qmp", f"unix:{self.qmp},server=on,wait=off",
            "-qmp", f"unix:{self.look},server=on,wait=off", *more,
            *(["-incoming", "defer"] if incoming else [])])
        world.programs.append(self)
        until(f"{name} has a monitor", 20, lambda: os.path.exists(self.look))

    def ask(self, command, **arguments):
        q = Qmp(self.look)
        try:
            return q.do(command, **arguments)
        finally:
            q.close()

    def status(self):
        """As QEMU says, or "gone"."""
        if self.ended():
            return "gone"
        try:
            return self.ask("query-status")["status"]
        except (Stuck, OSError):
            return "gone"

    def runs(self):
        return self.status() == "running"

    def numbers(self):
        """What the guest has counted here, and the end of a line that is not whole."""
        try:
            with open(self.serial) as f:
                return f.read()
        except OSError:
            return ""

    def counts(self, n=200):
        until(f"{self.name} counts", 60, lambda: self.numbers().count("\n") > n)


class There(Qemu):
    """A QEMU that was started by a receive in `folder`, as the Qemu `one` was."""

    def __init__(self, world, one, folder, event):
        self.name, self.folder = f"{one.name} there", folder
        self.qmp = event["qmp"]
        self.look = f"{folder}/{os.path.basename(one.look)}"
        self.serial = f"{folder}/{os.path.basename(one.serial)}"
        s = socket.socket(socket.AF_UNIX)
        s.connect(self.look)
        self.pid = struct.unpack("iII", s.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
        s.close()
        world.programs.append(self)

    def ended(self):
        try:
            with open(f"/proc/{self.pid}/stat") as f:
                return f.read().rsplit(")", 1)[1].split()[0] in "ZX"
        except OSError:
            return True

    def words(self):
        with open(f"/proc/{self.pid}/cmdline") as f:
            return f.read().split("\0")[:-1]

    def kill(self):
        self.signal(signal.SIGKILL)
        until(f"{self.name} ends", 10, self.ended)


class World:
    def __init__(self, rate="100M", delay="5ms", loss="0", patience="5s", guest="counter"):
        self.folder = tempfile.mkdtemp(prefix="farspan-move-")
        self.programs = []
        self.patience = patience
        self.image = f"{self.folder}/{guest}.img"
        subprocess.run(["as", "--32", "-o", f"{self.folder}/{guest}.o", f"tests/guest/{guest}.s"],
                       check=True)
        subprocess.run(["ld", "-m", "elf_i386", "-Ttext", "0x7c00", "--oformat", "binary", "-o",
                        self.image, f"{self.folder}/{guest}.o"], check=True)
        self.link = ["--rate", rate, "--delay", delay, "--loss", loss]
        self.turn = 0
        self.port = 0
        self.ticket = None

    def env(self, host, halt=None):
        home = f"{self.folder}/home-{host}"
        env = {"FARSPAN_HOME": home}
        if halt:
            env["FARSPAN_MIGRATE_HALT"] = halt
        return env

    def start(self, host, name, words, halt=None):
        self.turn += 1
        p = Program(self.folder, f"{name}-{self.turn}", [FARSPAN, *words, "--json"],
                    self.env(host, halt))
        self.programs.append(p)
        return p

    def key(self, host):
        subprocess.run([FARSPAN, "keygen"], env=dict(os.environ, **self.env(host)),
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        r = subprocess.run([FARSPAN, "keygen", "--show"], env=dict(os.environ, **self.env(host)),
                           capture_output=True, text=True, check=True)
        return r.stdout.strip()

    def trust(self):
        """The far host knows the near one's key, for as long as it wants."""
        folder = f"{self.folder}/home-far/config"
        os.makedirs(folder, mode=0o700, exist_ok=True)
        with open(f"{folder}/authorized_keys", "w") as f:
            f.write(f"{self.key('near')} migrate near\n")

    def receive(self, qemu, halt=None, more=(), host="far"):
        """Starts a receive, at the same port each time; `qemu` takes the guest in, or one that is
        started in the folder of that name."""
        into = ["--dir", qemu] if isinstance(qemu, str) else ["--qmp", qemu.qmp]
        p = self.start(host, "receive", ["migrate", "receive", "--listen",
                                         f"127.0.0.1:{self.port}", *into,
                                         "--patience", self.patience, *more], halt)
        e = p.event("listening")
        self.port = int(e["address"].rsplit(":", 1)[1])
        self.ticket = e["ticket"]
        return p

    def relay(self):
        """Starts a link to where the receive listens."""
        p = Program(self.folder, "relay", [FARSPAN, "bench", "relay", "--udp", "127.0.0.1:0",
                                           "--to", self.ticket, *self.link, "--json"])
        self.programs.append(p)
        self.through = p.event("listening")["ticket"]
        return p

    def send(self, qemu, halt=None, more=(), host="near"):
        return self.start(host, "send", ["migrate", "send", "--qmp", qemu.qmp, self.through,
                                         "--patience", self.patience, *more], halt)

    def farspan(self, host, *words, seconds=40):
        """Runs it to its end; gives the exit status and its events."""
        p = self.start(host, words[1], list(words))
        return p.wait(seconds), p

    def left(self):
        """QEMUs that a receive has started in this world's folder."""
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline") as f:
                    words = f.read()
            except OSError:
                continue
            if "qemu-system" in words.split("\0")[0] and self.folder in words:
                yield int(pid)

    def close(self):
        for p in self.programs:
            p.kill()
        for pid in self.left():
            os.kill(pid, signal.SIGKILL)
        subprocess.run(["rm", "-rf", self.folder], check=False)


SECTORS = 1024


def disk_holds(path, number, more=2):
    """Whether the disk of the writer (tests/guest/writer.s) holds what it has written when it has
    counted to `number`, and at most so many `more`: in each sector the newest that belongs
    there."""
    with open(path, "rb") as f:
        data = f.read(SECTORS * 512)
    for at in range(SECTORS):
        one = int.from_bytes(data[at * 512:at * 512 + 4], "little")
        two = int.from_bytes(data[at * 512 + 4:at * 512 + 8], "little")
        newest = number - (number - at) % SECTORS
        if one == 0 and newest <= 0:
            continue
        if one ^ two != 0xffffffff or one % SECTORS != at or one < newest or one > number + more:
            return f"sector {at}: {one}, {two ^ 0xffffffff}, wanted {newest}, counted {number}"
    return None


def consecutive(*texts):
    """Whether the guest's lines, one host's after the other's, count from 1 without a gap."""
    numbers = [int(line, 16) for line in "".join(texts).split("\n")[:-1]]
    return numbers == list(range(1, len(numbers) + 1))


class Tally:
    """Counts and prints as the test runner reads it."""

    def __init__(self, name):
        self.name, self.good, self.bad = name, 0, 0

    def check(self, what, good, why=""):
        if good:
            self.good += 1
        else:
            self.bad += 1
            print(f"FAIL {what}: {why}", flush=True)

    def finish(self):
        print(f"{self.name}: {self.good} passed, {self.bad} failed")
        raise SystemExit(self.bad > 0)
