#!/usr/bin/env python3
"""Recordings once more, slowly, from docs/codec.md alone: every digest, field and order.

Reads tests/golden/*.fsr and checks that what is in them is what tests/golden/fsr.json says, which
the program's own reader must find too (tests/golden/fsr_golden_test.c); only the blocks stay shut.
--write makes the recordings anew with build/farspan, and the file from them.
"""
import glob
import importlib.util
import json
import os
import struct
import subprocess
import sys
import tempfile

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
GOLDEN = os.path.join(TESTS, "golden")
FIRST, LAST, KEY = 1, 2, 4

# XXH3 with 64 bits, seed 0 (https://github.com/Cyan4973/xxHash, doc/xxhash_spec.md)

M64 = 2**64 - 1
P32 = (0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D)
P64 = (0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63,
       0x27D4EB2F165667C5)
SECRET = bytes.fromhex(
    "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671f"
    "cb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c"
    "3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8"
    "a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364"
    "eac5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e"
    "2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e")


def get(data, at, n=8):
    return int.from_bytes(data[at:at + n], "little")


def rotate(v, n):
    return (v << n | v >> 64 - n) & M64


def fold(a, b):
    v = a * b
    return (v ^ v >> 64) & M64


def avalanche(h):
    h = (h ^ h >> 37) * 0x165667919E3779F9 & M64
    return h ^ h >> 32


def avalanche64(h):
    h = (h ^ h >> 33) * P64[1] & M64
    h = (h ^ h >> 29) * P64[2] & M64
    return h ^ h >> 32


def mix16(data, at, s):
    return fold(get(data, at) ^ get(SECRET, s), get(data, at + 8) ^ get(SECRET, s + 8))


def short(d):
    n = len(d)
    if n == 0:
        return avalanche64(get(SECRET, 56) ^ get(SECRET, 64))
    if n < 4:
        v = d[0] << 16 | d[n >> 1] << 24 | d[-1] | n << 8
        return avalanche64(v ^ get(SECRET, 0, 4) ^ get(SECRET, 4, 4))
    if n <= 8:
        h = get(d, n - 4, 4) + (get(d, 0, 4) << 32) ^ get(SECRET, 8) ^ get(SECRET, 16)
        h ^= rotate(h, 49) ^ rotate(h, 24)
        h = h * 0x9FB21C651E98DF25 & M64
        h = (h ^ (h >> 35) + n) * 0x9FB21C651E98DF25 & M64
        return h ^ h >> 28
    lo = get(d, 0) ^ get(SECRET, 24) ^ get(SECRET, 32)
    hi = get(d, n - 8) ^ get(SECRET, 40) ^ get(SECRET, 48)
    swapped = int.from_bytes(lo.to_bytes(8, "little"), "big")
    return avalanche(n + swapped + hi + fold(lo, hi) & M64)


def middle(d):
    n = len(d)
    acc = n * P64[0]
    if n <= 128:
        for i in range((n - 1) // 32, -1, -1):
            acc += mix16(d, 16 * i, 32 * i) + mix16(d, n - 16 * (i + 1), 32 * i + 16)
        return avalanche(acc & M64)
    acc += sum(mix16(d, 16 * i, 16 * i) for i in range(8))
    acc = avalanche(acc & M64)
    acc += sum(mix16(d, 16 * i, 16 * (i - 8) + 3) for i in range(8, n // 16))
    return avalanche(acc + mix16(d, n - 16, 119) & M64)


def accumulate(acc, data, at, s):
    for i in range(8):
        v = get(data, at + 8 * i)
        key = v ^ get(SECRET, s + 8 * i)
        acc[i ^ 1] = acc[i ^ 1] + v & M64
        acc[i] = acc[i] + (key & 0xFFFFFFFF) * (key >> 32) & M64


def long(d):
    n = len(d)
    acc = [P32[2], P64[0], P64[1], P64[2], P64[3], P32[1], P64[4], P32[0]]
    stripes = (n - 1) // 64
    for i in range(stripes):
        accumulate(acc, d, 64 * i, 8 * (i % 16))
        if i % 16 == 15 and (i // 16) < (n - 1) // 1024:
            acc = [((a ^ a >> 47) ^ get(SECRET, 128 + 8 * k)) * P32[0] & M64
                   for k, a in enumerate(acc)]
    accumulate(acc, d, n - 64, 121)
    return avalanche((n * P64[0] + sum(
        fold(acc[2 * i] ^ get(SECRET, 11 + 16 * i), acc[2 * i + 1] ^ get(SECRET, 19 + 16 * i))
        for i in range(4))) & M64)


def xxh3(d):
    return short(d) if len(d) <= 16 else middle(d) if len(d) <= 240 else long(d)


# The format


class Broken(Exception):
    pass


def need(good, what):
    if not good:
        raise Broken(what)


class Cursor:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        need(self.at + n <= len(self.data), "cut short")
        self.at += n
        return self.data[self.at - n:self.at]

    def number(self, n):
        return int.from_bytes(self.take(n), "little")

    def var(self):
        need(self.at < len(self.data), "cut short")
        return self.number(1 << (self.data[self.at] & 3)) >> 2

    def sized(self):
        return self.take(self.var())

    def left(self):
        return len(self.data) - self.at


def read_records(data):
    """[(offset, kind, flags, payload)]"""
    need(data[:8] == bytes.fromhex("894653520d0a1a0a"), "magic")
    need(struct.unpack_from("<HHIII", data, 8) == (1, 0, 0, 0, 0), "version")
    need(get(data, 24) == xxh3(data[:24]), "digest of the header")
    at, found = 32, []
    while at < len(data):
        head = data[at:at + 24]
        need(len(head) == 24 and head[:4] == b"fsr\xf5", "mark")
        kind, flags, zero, n, check, digest = struct.unpack("<BBHIIQ", head[4:])
        need(zero == 0 and n <= 262144 and check == xxh3(head[:12]) & 0xFFFFFFFF, "head")
        payload = data[at + 24:at + 24 + n]
        need(len(payload) == n and digest == xxh3(payload), "payload")
        found.append((at, kind, flags, payload))
        at += 24 + n
    return found


def read_shape(c):
    shape = {"samples": c.number(1), "full_range": c.number(1)}
    shape.update(width=c.var(), height=c.var(), line=c.sized().decode())
    need(shape["samples"] <= 8 and shape["full_range"] <= 1, "shape")
    return shape


def read_frames(records):
    frames, shape = [], None
    for offset, kind, flags, payload in records:
        if kind != 1:
            continue
        c = Cursor(payload)
        number, part = c.var(), c.var()
        if flags & FIRST:
            need(part == 0 and number == len(frames), "first part")
            frame = {"number": number, "offset": offset, "time_us": c.var(), "blocks": 0,
                     "parts": 0, "key": bool(flags & KEY), "hash": None}
            shape = read_shape(c) if flags & KEY else shape
            frame["shape"] = shape
            frames.append(frame)
        frame = frames[-1]
        need(number == frame["number"] and part == frame["parts"], "order")
        need(bool(flags & KEY) == frame["key"] and frame["hash"] is None, "flags")
        frame["parts"] += 1
        end = 16 if flags & LAST else 0
        while c.left() > end:
            need(0 < len(c.sized()) <= 192 * 1024, "block")
            frame["blocks"] += 1
        if end:
            frame["hash"] = c.take(16).hex()
        need(c.left() == 0, "end of a part")
    return frames


def read_index(records, size, frames):
    offset, kind, _, payload = records[-1]
    need(kind == 2, "an index at the end")
    need(payload[-4:] == b"fsrX" and get(payload, len(payload) - 8, 4) == size - offset, "tail")
    c, frame, at, keys = Cursor(payload), 0, 0, []
    need((c.var(), c.var()) == (len(frames), frames[-1]["time_us"]), "totals")
    for _ in range(c.var()):
        frame, at = frame + c.var(), at + c.var()
        keys.append((frame, at, c.number(8)))
    need(c.left() == 8, "end of the index")
    need(keys == [(f["number"], f["offset"], f["time_us"]) for f in frames if f["key"]], "keys")


def look_at(path):
    with open(path, "rb") as f:
        data = f.read()
    records = read_records(data)
    frames = read_frames(records)
    need(all(f["hash"] for f in frames), "whole frames")
    read_index(records, len(data), frames)
    return frames


def describe():
    return {os.path.basename(p): look_at(p) for p in sorted(glob.glob(GOLDEN + "/*.fsr"))}


def make_files():
    spec = importlib.util.spec_from_file_location("seed", os.path.join(TESTS, "fuzz/seed_fsr.py"))
    seed = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(seed)
    with tempfile.TemporaryDirectory() as work:
        for name, (ending, data) in seed.inputs().items():
            source = os.path.join(work, name + ending)
            with open(source, "wb") as f:
                f.write(data)
            subprocess.run(["build/farspan", "encode", source, "-q", "-o",
                            os.path.join(GOLDEN, name + ".fsr")], check=True,
                           stdout=subprocess.DEVNULL)


def main():
    text_path = os.path.join(GOLDEN, "fsr.json")
    if sys.argv[1:] == ["--write"]:
        make_files()
        with open(text_path, "w") as f:
            f.write(json.dumps({"source": "tests/ref/fsr_ref.py --write", "files": describe()},
                               indent=1) + "\n")
        return 0
    with open(text_path) as f:
        wanted = json.load(f)["files"]
    try:
        found = describe()
    except Broken as e:
        found = {}
        print("FAIL a recording: %s" % e)
    results = [(name, found.get(name) == wanted[name]) for name in wanted]
    for name, good in results:
        if not good:
            print("FAIL %s is not what fsr.json says" % name)
    bad = sum(not good for _, good in results)
    print("fsr_ref.py: %d passed, %d failed" % (len(results) - bad, bad))
    return bad != 0


if __name__ == "__main__":
    sys.exit(main())
