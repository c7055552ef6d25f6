#!/usr/bin/env python3
"""How much memory both farspans take for a guest of 4 GiB, most of it with content of its own.

    tests/bench/resident.py [--store-size SIZE]

The guest counts (tests/guest/counter.s) beside 3,700 MiB of noise, a quarter of which is there
twice. Prints the greatest resident memory of each process, what the
store's own file and the pages' are allowed to take, and fails beyond 256 MiB."""
import argparse
import os
import sys
import time

sys.path.insert(0, "tests")
from move import Qemu, Stuck, World  # noqa: E402

MEMORY = 4096
NOISE = 3700
MOST_MIB = 256


def resident_mib(p):
    try:
        with open(f"/proc/{p.pid}/status") as f:
            return int(next(x for x in f if x.startswith("VmHWM")).split()[1]) // 1024
    except (OSError, StopIteration):
        return 0


def memory_file(path):
    """What the guest's memory begins as: noise behind 256 MiB."""
    with open(path, "wb") as f:
        f.truncate((MEMORY << 20) + 8192)
        f.seek(256 << 20)
        for at in range(NOISE):
            block = os.urandom(1 << 19)
            f.write(block + (block if at % 2 else os.urandom(1 << 19)))


def backend(kind):
    return ["-object", f"memory-backend-{kind},id=m,size={MEMORY * 1024 + 8}k", "-machine",
            "memory-backend=m"]


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--store-size", default="4GiB")
    o = p.parse_args()
    w = World(rate="4G", delay="1ms", patience="60s")
    try:
        memory_file(f"{w.folder}/memory")
        one = Qemu(w, "one", *backend(f"file,mem-path={w.folder}/memory,share=off"),
                   memory=MEMORY)
        two = Qemu(w, "two", *backend("ram"), incoming=True, memory=MEMORY)
        one.counts()
        receive = w.receive(two, more=["--invite", "--store-size", o.store_size])
        w.relay()
        begun, most = time.monotonic(), [0, 0]
        send = w.send(one)
        while not send.ended():
            most = [max(a, resident_mib(q)) for a, q in zip(most, (send, receive))]
            time.sleep(0.1)
        if send.wait(1):
            raise Stuck(send.text())
        r = send.event("result")
        gap_ms = (r["gap_us"] or 0) / 1e3
        print(f"{NOISE} MiB of noise in {MEMORY} MiB, store of {o.store_size}: send {most[0]} MiB, "
              f"receive {most[1]} MiB resident; {time.monotonic() - begun:.0f} s, "
              f"{r['link_bytes'] / 1e6:.0f} MB on the link, stood {gap_ms:.0f} ms")
        return max(most) > MOST_MIB
    finally:
        w.close()


sys.exit(main())
