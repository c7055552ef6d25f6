#!/usr/bin/env python3
"""Makes the inputs that fsr_fuzz starts from anew: tests/fuzz/seed_fsr.py, after a format changed.

Small recordings by build/farspan, and variants of them taken apart by docs/codec.md. Digests of
what was changed here are wrong: fuzz builds take any.
"""
import os
import struct
import subprocess
import tempfile

CORPUS = "tests/fuzz/corpus/fsr_fuzz"
FIRST, LAST, KEY = 1, 2, 4


def ppm(width, height, value):
    return b"P6 %d %d 255\n" % (width, height) + bytes(
        value(x, y, c) & 255 for y in range(height) for x in range(width) for c in range(3))


def noise(x, y, c):
    return (x * 7919 + y * 104729 + c * 1299709) * 2654435761 >> 13


def inputs():
    """{name: (ending, bytes)}"""
    grown = b"".join(
        ppm(70, 66, lambda x, y, c, i=i: (x * 4 if x < 20 + i else 200) if y < 30 else 17)
        for i in range(4))
    fresh = ppm(40, 20, noise) + ppm(40, 20, lambda x, y, c: (x + y) * 5)
    scroll = b"".join(ppm(130, 70, lambda x, y, c, i=i: ((x // 8 + (y + i * 5) // 12) % 3) * 100)
                      for i in range(5))
    text = b"".join(ppm(100, 60, lambda x, y, c, i=i: 0 if noise(x // 2, (y + i) // 3, 0) & 3 == 0
                        else 250 - x // 9) for i in range(3))
    keys = b"YUV4MPEG2 W66 H10 F25:1 C420jpeg\n" + b"".join(
        b"FRAME Xt_us=%d\n" % (i * 40000000) + bytes((x + i * 3) & 255 for x in range(660)) +
        bytes([128 + i]) * (33 * 5 * 2) for i in range(6))
    alpha = b"YUV4MPEG2 W5 H4 F25:1 C444alpha\nFRAME\n" + bytes(range(80))
    return {"grown": (".ppm", grown), "fresh": (".ppm", fresh), "scroll": (".ppm", scroll),
            "text": (".ppm", text), "pixel": (".ppm", ppm(1, 1, noise)), "keys": (".y4m", keys),
            "alpha": (".y4m", alpha)}


def record(kind, flags, payload):
    return b"fsr\xf5" + struct.pack("<BBHIIQ", kind, flags, 0, len(payload), 0, 0) + payload


def records(data):
    """[(kind, flags, payload)] after the header."""
    at, found = 32, []
    while at < len(data):
        kind, flags, _, n = struct.unpack_from("<BBHI", data, at + 4)
        found.append((kind, flags, data[at + 24:at + 24 + n]))
        at += 24 + n
    return found


def fields(payload, flags):
    """How many bytes the first fields of a first part take."""
    at = 0

    def var():
        nonlocal at
        n = 1 << (payload[at] & 3)
        v = int.from_bytes(payload[at:at + n], "little") >> 2
        at += n
        return v
    for _ in range(3):
        var()
    if flags & KEY:
        at += 2
        var(), var()
        line = var()
        at += line
    return at


def in_parts(data):
    """Each frame in three records: its first fields, its blocks, its hash."""
    out = data[:32]
    for kind, flags, payload in records(data):
        if kind != 1:
            continue
        n, key = fields(payload, flags), flags & KEY
        number = payload[:1 << (payload[0] & 3)]
        out += record(1, FIRST | key, payload[:n])
        out += record(1, key, number + b"\x04" + payload[n:-16])
        out += record(1, LAST | key, number + b"\x08" + payload[-16:])
    return out


def main():
    os.makedirs(CORPUS, exist_ok=True)
    for name in os.listdir(CORPUS):
        os.remove(os.path.join(CORPUS, name))
    seeds = {}
    with tempfile.TemporaryDirectory() as work:
        for name, (ending, data) in inputs().items():
            source, out = os.path.join(work, name + ending), os.path.join(work, name + ".fsr")
            with open(source, "wb") as f:
                f.write(data)
            subprocess.run(["build/farspan", "encode", source, "-o", out, "-q"], check=True,
                           stdout=subprocess.DEVNULL)
            with open(out, "rb") as f:
                seeds[name] = f.read()
    whole = seeds["keys"]
    parts = [record(*r) for r in records(whole)]
    seeds["in-parts"] = in_parts(whole)
    seeds["scroll-in-parts"] = in_parts(seeds["scroll"])
    seeds["no-index"] = whole[:-20]
    seeds["missing-frame"] = whole[:32] + b"".join(parts[:1] + parts[2:])
    seeds["doubled-frame"] = whole[:32] + b"".join(parts[:2] + parts[1:])
    seeds["junk-between"] = whole[:32] + b"fsr\xf5 no record " + b"".join(parts)
    seeds["unknown-kinds"] = whole[:32] + record(200, 0, b"later") + parts[0] + record(3, 0, b"?")
    seeds["later-version"] = whole[:8] + b"\x02" + whole[9:]
    seeds["later-addition"] = whole[:16] + b"\x01" + whole[17:]
    index = parts[-1]
    seeds["lying-index"] = whole[:32] + b"".join(parts[:-1]) + index[:27] + b"\x04" + index[28:]
    seeds["resized"] = seeds["pixel"][:32] + record(*records(seeds["pixel"])[0]) + b"".join(
        record(k, f, b"\x04" + p[1:]) for k, f, p in records(whole)[:1])
    for name, data in seeds.items():
        with open(os.path.join(CORPUS, name), "wb") as f:
            f.write(data)


if __name__ == "__main__":
    main()
