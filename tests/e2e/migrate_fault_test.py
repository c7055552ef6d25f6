#!/usr/bin/env python3
"""What becomes of a guest when something dies, or the link does, at every stage of a move.

    migrate_fault_test.py [CASE...]

A case is MODE-SIDE-STAGE-FAULT, such as `safe-far-prepared-near-farspan`; MODE is safe, fast, or
disk: safe, with a disk that is carried as well. The farspan of that side stops itself when that
stage begins (FARSPAN_MIGRATE_HALT), the fault happens, it goes on. What was killed is started again
as its user would: `receive` at the far end, `resolve` at the near one. Then: the guest runs once,
or stands with an instruction for a person; it never ran twice, which its numbers show; its disk
holds what it has written. Without arguments: some of them, with FARSPAN_FULL=1 all 182."""
import concurrent.futures
import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, "tests")
from move import Qemu, Stuck, Tally, World, consecutive, disk_holds, until  # noqa: E402

NEAR = ["moving", "switching", "settling", "noting", "handed"]
FAR = ["loading", "preparing", "prepared", "owning", "starting", "running"]
FAULTS = ["near-farspan", "far-farspan", "near-qemu", "far-qemu", "cut-2s", "cut"]
# The disk with the state of that side's host is full from then on: nothing can be noted any more.
FULL = "full"
# With a disk that is carried and written to all the time.
DISK = ["near-memory", "near-switching", "near-settling", "near-handed", "far-loading",
        "far-prepared", "far-starting"]
# One of each stage and one of each fault, and those whose order is easiest to get wrong.
SOME = ["safe-near-moving-far-farspan", "safe-near-switching-near-farspan",
        "safe-near-settling-cut", "safe-near-noting-near-farspan", "safe-near-handed-far-qemu",
        "safe-far-loading-cut", "safe-far-preparing-near-qemu", "safe-far-prepared-far-farspan",
        "safe-far-owning-far-farspan", "safe-far-starting-cut", "safe-far-running-near-farspan",
        "fast-near-settling-far-qemu", "fast-near-handed-near-farspan", "fast-near-handed-cut",
        "fast-far-loading-far-farspan", "fast-far-owning-cut-2s", "fast-far-running-near-qemu",
        "disk-near-memory-far-qemu", "disk-near-switching-cut", "disk-near-handed-cut-2s",
        "disk-far-loading-far-farspan", "disk-far-starting-near-farspan",
        "safe-near-noting-full", "safe-far-preparing-full", "fast-far-owning-full"]


class Case:
    def __init__(self, name):
        self.name = name
        mode, self.side, self.stage, self.fault = name.split("-", 3)
        self.disk = mode == "disk"
        # Slow enough that the last stages are not over before the fault has happened.
        self.w = World(rate="20M", delay="10ms", guest="writer" if self.disk else "counter")
        self.small = None
        if self.fault == FULL:
            self.small = f"{self.w.folder}/home-{self.side}/state"
            os.makedirs(self.small, mode=0o700)
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=700", "tmpfs",
                            self.small], check=True)
        self.w.trust()
        self.one = Qemu(self.w, "one", *self.drive("one"))
        self.two = Qemu(self.w, "two", *self.drive("two"), incoming=True)
        self.receive = self.w.receive(self.two, halt=self.stage if self.side == "far" else None)
        self.relay = self.w.relay()
        self.one.counts()
        self.send = self.w.send(self.one, halt=self.stage if self.side == "near" else None,
                                more=["--disks", "copy"] if self.disk else [f"--{mode}"])
        self.halted = self.send if self.side == "near" else self.receive
        self.resolved = None
        self.killed = None

    def drive(self, name):
        """A disk of its own, when there is one."""
        if not self.disk:
            return []
        path = f"{self.w.folder}/{name}.disk"
        with open(path, "wb") as f:
            f.truncate(4 << 20)
        return ["-drive", f"file={path},format=raw,if=none,id=data", "-device",
                "virtio-blk-pci,drive=data"]

    def disk_differs(self, q):
        """What is wrong with the disk of a guest that runs, or None; it is stopped for that."""
        if not self.disk:
            return None
        q.ask("stop")
        time.sleep(0.1)
        count = (self.one.numbers() + (self.two.numbers() if q is self.two else "")).count("\n")
        wrong = disk_holds(f"{self.w.folder}/{q.name}.disk", count)
        q.ask("cont")
        return wrong

    def inject(self):
        until(f"it stops when {self.stage}", 30,
              lambda: self.halted.halted() or (self.halted.ended() and "ended"))
        if self.halted.ended():
            raise Stuck(f"{self.halted.name} has ended before: {self.halted.text()[-300:]}")
        if self.fault == "cut-2s":
            self.relay.signal(signal.SIGSTOP)
        elif self.fault == "cut":
            self.relay.kill()
        elif self.fault == FULL:
            self.fill()
        else:
            self.killed = {"near-farspan": self.send, "far-farspan": self.receive,
                           "near-qemu": self.one, "far-qemu": self.two}[self.fault]
            self.killed.kill()
        self.halted.signal(signal.SIGCONT)
        if self.fault == "cut-2s":
            time.sleep(2)
            self.relay.signal(signal.SIGCONT)

    def fill(self):
        try:
            with open(f"{self.small}/much", "wb", buffering=0) as f:
                while True:
                    f.write(bytes(4096))
        except OSError:
            pass

    def start_again(self):
        """What was killed, as its user would."""
        if self.killed is self.receive:
            time.sleep(0.2)
            self.receive = self.w.receive(self.two)
        if self.killed is self.send:
            time.sleep(0.2)
            code, status = self.w.farspan("near", "migrate", "status")
            left = [e for e in status.events() if e.get("event") == "move"]
            if code:
                raise Stuck(f"status ends with {code}: {status.text()}")
            address = self.w.through.split("/")[2]  # no ticket: the note has the key
            for e in left:
                code, self.resolved = self.w.farspan("near", "migrate", "resolve", e["id"],
                                                     address)
                self.code = code
            if not left:
                self.code = 0
        else:
            self.code = self.send.wait(40)

    def state(self):
        """Which of the two run; "" when they have come to rest."""
        return [q.name for q in (self.one, self.two) if q.runs()]

    def judge(self):
        """What is wrong, or None."""
        running = self.state()
        last = self.resolved or self.send
        said = f"exit {self.code}, runs: {running}, one {self.one.status()}, " \
               f"two {self.two.status()}; {last.text()[-400:]}"
        if len(running) > 1:
            return f"it runs twice: {said}"
        here, there = self.one.numbers(), self.two.numbers()
        if not consecutive(here, there):
            return f"it ran twice, or something is missing: {said}"
        if self.code not in (0, 1, 3, 4, 6):
            return f"no such end: {said}"
        if len(running) == 1:
            n = len(self.two.numbers() if running == ["two"] else self.one.numbers())
            q = self.two if running == ["two"] else self.one
            try:
                until("it counts on", 10, lambda: len(q.numbers()) > n)
            except Stuck:
                return f"it is said to run, and does not: {said}"
            if self.code == 6 and self.fault != "cut":
                return f"undecided, though everybody can be asked: {said}"
            differs = self.disk_differs(q)
            return f"its disk: {differs}: {said}" if differs else None
        if self.fault == "near-qemu":
            # With its QEMU a guest is lost that was not whole at the other end.
            whole = self.stage in NEAR[2:] + FAR[1:]
            return f"lost though the far end held all of it: {said}" if whole else None
        if self.fault == "far-qemu" and self.stage in ("running", "handed", "starting"):
            # It ran there and was killed there; or nobody can know, and it stands here.
            return None if self.two.numbers() or self.code == 6 or self.stage == "running" \
                else f"lost: {said}"
        if self.code == 6 and self.one.status() == "postmigrate":
            return None if "resolve" in last.text() else f"no instruction: {said}"
        return f"nobody runs it: {said}"

    def by_a_person(self):
        """Cut for ever, and undecided: a person knows, and says so at both ends."""
        if self.code != 6:
            return None
        there = self.two.runs()
        keep = "--keep-destination" if there else "--keep-source"
        for host in "near", "far":
            if host == "far":
                self.receive.signal(signal.SIGTERM)
                self.receive.wait(20)
            code, status = self.w.farspan(host, "migrate", "status")
            for e in status.events():
                code, p = self.w.farspan(host, "migrate", "resolve", e["id"], keep)
                if code:
                    return f"resolve {keep} at the {host} end: {code}, {p.text()[-300:]}"
        if self.state() != (["two"] if there else ["one"]):
            return f"resolved with {keep}, and runs: {self.state()}"
        if not consecutive(self.one.numbers(), self.two.numbers()):
            return "it ran twice"
        return None

    def run(self):
        try:
            self.inject()
            self.start_again()
            until("it comes to rest", 15, lambda: self.settled())
            return self.judge() or (self.by_a_person() if self.fault == "cut" else None)
        except Stuck as e:
            return str(e)
        finally:
            if self.small:
                subprocess.run(["umount", "-l", self.small], check=False)
            self.w.close()

    def settled(self):
        first = self.one.status(), self.two.status()
        time.sleep(0.3)
        return (self.one.status(), self.two.status()) == first


def main():
    every = [f"{mode}-{side}-{stage}-{fault}" for mode in ("safe", "fast")
             for side, stages in (("near", NEAR), ("far", FAR)) for stage in stages
             if mode == "safe" or stage not in ("preparing", "prepared") for fault in FAULTS]
    every += [f"disk-{where}-{fault}" for where in DISK for fault in FAULTS]
    every += [f"{mode}-{side}-{stage}-{FULL}" for mode in ("safe", "fast")
              for side, stages in (("near", NEAR), ("far", FAR)) for stage in stages
              if mode == "safe" or stage not in ("preparing", "prepared")]
    names = sys.argv[1:] or (every if os.environ.get("FARSPAN_FULL") else SOME)
    t = Tally("migrate_fault_test")
    with concurrent.futures.ThreadPoolExecutor(int(os.environ.get("JOBS", "3"))) as pool:
        for name, wrong in zip(names, pool.map(lambda n: Case(n).run(), names)):
            t.check(name, wrong is None, wrong)
    t.finish()


if __name__ == "__main__":
    main()
