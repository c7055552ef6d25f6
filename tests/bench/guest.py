#!/usr/bin/env python3
"""What it takes to move a guest over a link: ours, and QEMU's own migration in the same run.

    tests/bench/guest.py [--runs N] [--link RATE,DELAY[,LOSS]]... [--guest NAME]... [--over NAME]...

Guests are those of tests/guest/linux.sh: idle, or rewriting 64 MiB at so many MiB a second. Ours
goes through `bench relay`; stock QEMU, over kernel TCP with BBR, through `bench relay --tun` of the
same figures, between two network namespaces (root). The gap is from the source's STOP to the
destination's RESUME by QEMU's own clock, which is one on this machine; bytes are what entered the
link, headers included. Prints one JSON object a run, then a table of medians."""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

sys.path.insert(0, "tests")
from move import FARSPAN, Program, Qemu, Stuck, Watch, World, until  # noqa: E402

GUESTS = {"idle": "", "d5delta": "dirty=5 kind=delta", "d20delta": "dirty=20 kind=delta",
          "d5text": "dirty=5 kind=text", "d20text": "dirty=20 kind=text",
          "d5rand": "dirty=5 kind=rand"}
OURS = {"safe": ["--safe"], "fast": ["--fast"]}
STOCK = {"tcp": {}, "tcp-set": {"limit": True}, "multifd-zstd": {"multifd": True}}
MEMORY = 256


def linux(w, name, kernel, guest, incoming=False, within=()):
    """A QEMU with that guest; three monitors: farspan's, ours, and one that is watched."""
    q = Qemu.__new__(Qemu)
    q.qmp, q.look, q.serial = (f"{w.folder}/{name}.{x}" for x in ("qmp", "look", "serial"))
    q.watch = f"{w.folder}/{name}.watch"
    monitors = []
    for path in q.qmp, q.look, q.watch:
        monitors += ["-qmp", f"unix:{path},server=on,wait=off"]
    Program.__init__(q, w.folder, name, [
        *within, "qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-m",
        str(MEMORY), "-nodefaults", "-display", "none", "-name", name, "-kernel",
        f"{kernel}/vmlinuz", "-initrd", f"{kernel}/initrd", "-append",
        f"console=ttyS0 quiet {GUESTS[guest]}", "-serial", f"file:{q.serial}", *monitors,
        *(["-incoming", "defer"] if incoming else [])])
    w.programs.append(q)
    until(f"{name} has a monitor", 20, lambda: os.path.exists(q.watch))
    return q


def ticks(q):
    return q.numbers().count("tick")


def lives(q):
    """Tells when the guest does not go on; its figures count, whoever has moved it."""
    n = ticks(q)
    try:
        until(f"{q.name} lives", 20, lambda: ticks(q) > n + 5)
    except Stuck:
        print("the guest is dead: QEMU under TCG loses pages", file=sys.stderr)


def ours(w, kernel, guest, how):
    one, two = linux(w, "one", kernel, guest), linux(w, "two", kernel, guest, incoming=True)
    until("the guest runs", 60, lambda: ticks(one) > 20)
    a, b = Watch(one.watch), Watch(two.watch)
    w.receive(two, more=["--invite", "--once"])
    relay = w.relay()
    send = w.send(one, more=OURS[how])
    code = send.wait(200)
    if code:
        raise Stuck(send.text())
    r = send.event("result")
    lives(two)
    relay.signal(15)
    relay.wait(10)
    up = relay.event("result", seconds=1)["up"]
    return {"total_us": r["total_us"], "gap_us": b.at["RESUME"] - a.at["STOP"],
            "link_bytes": up["bytes"], "memory_bytes": r["memory_bytes"]}


def set_up(q, stock, limit_bps):
    caps = [{"capability": "return-path", "state": True}, {"capability": "events", "state": True}]
    if stock.get("multifd"):
        caps.append({"capability": "multifd", "state": True})
    q.ask("migrate-set-capabilities", capabilities=caps)
    p = {"max-bandwidth": 2 * 10**9, "downtime-limit": 300}
    if stock.get("limit"):
        p = {"max-bandwidth": int(limit_bps / 8 * 0.9), "downtime-limit": 100}
    if stock.get("multifd"):
        p.update({"multifd-channels": 4, "multifd-compression": "zstd"})
    q.ask("migrate-set-parameters", **p)


def rate_of(text):
    return float(text[:-1]) * {"k": 1e3, "M": 1e6, "G": 1e9}[text[-1]]


def stock(w, kernel, guest, how, link):
    ns = [f"fsguest-{end}-{os.getpid()}" for end in "ab"]
    try:
        for name in ns:
            subprocess.run(["ip", "netns", "add", name], check=True)
        relay = Program(w.folder, "tun", [FARSPAN, "bench", "relay", "--json", "--tun",
                                          ",".join(ns), *link])
        w.programs.append(relay)
        relay.event("listening")
        for name in ns:
            subprocess.run(["ip", "netns", "exec", name, "sysctl", "-qw",
                            "net.ipv4.tcp_congestion_control=bbr"], check=True)
        within = [["ip", "netns", "exec", name] for name in ns]
        one = linux(w, "one", kernel, guest, within=within[0])
        two = linux(w, "two", kernel, guest, incoming=True, within=within[1])
        until("the guest runs", 60, lambda: ticks(one) > 20)
        a, b = Watch(one.watch), Watch(two.watch)
        for q in one, two:
            set_up(q, STOCK[how], rate_of(link[1]))
        two.ask("migrate-incoming", uri="tcp:10.77.0.2:4444")
        begun = time.monotonic()
        one.ask("migrate", uri="tcp:10.77.0.2:4444")
        until("QEMU has moved it", 200, lambda: a.migration[-1:] in (["completed"], ["failed"]))
        if a.migration[-1] != "completed":
            raise Stuck("QEMU has failed")
        total = time.monotonic() - begun
        lives(two)
        relay.signal(15)
        relay.wait(10)
        up = relay.event("result", seconds=1)["up"]
        return {"total_us": int(total * 1e6), "gap_us": b.at["RESUME"] - a.at["STOP"],
                "link_bytes": up["bytes"], "memory_bytes": None}
    finally:
        for name in ns:
            subprocess.run(["ip", "netns", "del", name], check=False)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--runs", type=int, default=3)
    p.add_argument("--link", action="append")
    p.add_argument("--guest", action="append", choices=list(GUESTS))
    p.add_argument("--over", action="append", choices=[*OURS, *STOCK])
    o = p.parse_args()
    kernel = os.path.realpath("build/guest")
    subprocess.run(["sh", "tests/guest/linux.sh", kernel], check=True)
    rows = []
    for link in o.link or ["250M,50ms"]:
        rate, delay, *loss = link.split(",")
        for guest in o.guest or ["idle", "d20delta"]:
            for over in o.over or [*OURS, *STOCK]:
                got = []
                for run in range(o.runs):
                    w = World(rate=rate, delay=delay, loss=loss[0] if loss else "0",
                              patience="30s")
                    try:
                        r = (ours(w, kernel, guest, over) if over in OURS else
                             stock(w, kernel, guest, over, w.link))
                        got.append(r)
                        print(json.dumps({"link": link, "guest": guest, "over": over, "run": run,
                                          **r}), flush=True)
                    except Stuck as e:
                        print(json.dumps({"link": link, "guest": guest, "over": over, "run": run,
                                          "failed": str(e)[-300:]}), flush=True)
                    finally:
                        w.close()
                rows.append((link, guest, over, got))
    print("\n| link | guest | over | runs | gap, ms | least - most | total, s | MB on the link |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for link, guest, over, got in rows:
        if not got:
            print(f"| {link} | {guest} | {over} | 0 of {o.runs} | | | | |")
            continue
        gaps = [r["gap_us"] / 1e3 for r in got]
        print("| %s | %s | %s | %d | %.0f | %.0f - %.0f | %.1f | %.1f |" % (
            link, guest, over, len(got), statistics.median(gaps), min(gaps), max(gaps),
            statistics.median(r["total_us"] for r in got) / 1e6,
            statistics.median(r["link_bytes"] for r in got) / 1e6))


main()
