#!/usr/bin/env python3
"""What becomes of a guest when something dies, or the link does, at every stage of a move.

    migrate_fault_test.py [CASE...]

A case is SIDE-STAGE-FAULT, such as `far-prepared-near-farspan`: the farspan of that side stops
itself when that stage begins (FARSPAN_MIGRATE_HALT), the fault happens, it goes on. What was killed
is started again as its user would: `receive` at the far end, `resolve` at the near one. Then: the
guest runs once, or stands with an instruction for a person; it never ran twice, which its numbers
show. Without arguments: some of them, with FARSPAN_FULL=1 all."""
import concurrent.futures
import os
import signal
import sys
import time

sys.path.insert(0, "tests")
from move import Qemu, Stuck, Tally, World, consecutive, until  # noqa: E402

NEAR = ["moving", "switching", "settling", "noting", "handed"]
FAR = ["loading", "preparing", "prepared", "owning", "starting", "running"]
FAULTS = ["near-farspan", "far-farspan", "near-qemu", "far-qemu", "cut-2s", "cut"]
# One of each stage and one of each fault, and those whose order is easiest to get wrong.
SOME = ["near-moving-far-farspan", "near-switching-near-farspan", "near-settling-cut",
        "near-noting-near-farspan", "near-handed-far-qemu", "near-handed-near-farspan",
        "far-loading-cut", "far-preparing-near-qemu", "far-prepared-far-farspan",
        "far-prepared-cut-2s", "far-owning-far-farspan", "far-starting-cut",
        "far-running-near-farspan", "far-running-cut-2s"]


class Case:
    def __init__(self, name):
        self.name = name
        self.side, self.stage, self.fault = name.split("-", 2)
        # Slow enough that the last stages are not over before the fault has happened.
        self.w = World(rate="20M", delay="10ms")
        self.w.trust()
        self.one = Qemu(self.w, "one")
        self.two = Qemu(self.w, "two", incoming=True)
        self.receive = self.w.receive(self.two, halt=self.stage if self.side == "far" else None)
        self.relay = self.w.relay()
        self.one.counts()
        self.send = self.w.send(self.one, halt=self.stage if self.side == "near" else None)
        self.halted = self.send if self.side == "near" else self.receive
        self.resolved = None
        self.killed = None

    def inject(self):
        until(f"it stops when {self.stage}", 30,
              lambda: self.halted.halted() or (self.halted.ended() and "ended"))
        if self.halted.ended():
            raise Stuck(f"{self.halted.name} has ended before: {self.halted.text()[-300:]}")
        if self.fault == "cut-2s":
            self.relay.signal(signal.SIGSTOP)
        elif self.fault == "cut":
            self.relay.kill()
        else:
            self.killed = {"near-farspan": self.send, "far-farspan": self.receive,
                           "near-qemu": self.one, "far-qemu": self.two}[self.fault]
            self.killed.kill()
        self.halted.signal(signal.SIGCONT)
        if self.fault == "cut-2s":
            time.sleep(2)
            self.relay.signal(signal.SIGCONT)

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
            for e in left:
                code, self.resolved = self.w.farspan("near", "migrate", "resolve", e["id"],
                                                     self.w.through)
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
            return None
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
            self.w.close()

    def settled(self):
        first = self.one.status(), self.two.status()
        time.sleep(0.3)
        return (self.one.status(), self.two.status()) == first


def main():
    every = [f"{side}-{stage}-{fault}" for side, stages in (("near", NEAR), ("far", FAR))
             for stage in stages for fault in FAULTS]
    names = sys.argv[1:] or (every if os.environ.get("FARSPAN_FULL") else SOME)
    t = Tally("migrate_fault_test")
    with concurrent.futures.ThreadPoolExecutor(int(os.environ.get("JOBS", "3"))) as pool:
        for name, wrong in zip(names, pool.map(lambda n: Case(n).run(), names)):
            t.check(name, wrong is None, wrong)
    t.finish()


if __name__ == "__main__":
    main()
