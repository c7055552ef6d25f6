#!/usr/bin/env python3
"""Makes the inputs that keymap_fuzz starts from: tests/fuzz/seed_keymap.py. An input is the head of
an XkbGetMap reply (tests/fuzz/keymap_fuzz.c) and its body (XKB protocol, 16.3.6)."""
import os
import struct

CORPUS = "tests/fuzz/corpus/keymap_fuzz"
SHIFT, LOCK, NUM, LEVEL3 = 1, 2, 16, 128


def key_type(mask, levels, rows, preserve=False):
    body = struct.pack("<BBHBBBB", mask, mask, 0, levels, len(rows), preserve, 0)
    body += b"".join(struct.pack("<BBBBI", 1, mods, level, mods, 0) for mods, level in rows)
    return body + bytes(4 * len(rows)) * preserve


TYPES = [key_type(0, 1, []), key_type(SHIFT, 2, [(SHIFT, 1)]),
         key_type(SHIFT | LOCK, 2, [(SHIFT, 1), (LOCK, 1)], True),
         key_type(SHIFT | LEVEL3, 4, [(SHIFT, 1), (LEVEL3, 2), (SHIFT | LEVEL3, 3)])]


def key(groups, width, *syms, kind=0, info=0, count=None):
    count = len(syms) if count is None else count
    return struct.pack("<BBBBBBH%dI" % len(syms), kind, kind, kind, kind, groups | info, width,
                       count, *syms)


KEYS = [key(1, 1, 0xffe1), key(1, 1, 0xfe03), key(1, 2, 97, 65, kind=2), key(0, 0),
        key(2, 2, 49, 33, 0x6b1, 0x6a1, kind=1, info=0x80), key(1, 4, 113, 81, 64, 0x7d9, kind=3),
        key(1, 1, 0xff7f), key(2, 1, 0x20ac, 0x10020ac, info=0x40)]
MODMAP = bytes([10, SHIFT, 11, LEVEL3, 16, NUM, 9, LOCK])


def reply(types=TYPES, keys=KEYS, modmap=MODMAP, first=10, low=8, high=255, syms=17):
    return struct.pack("<BBBBBBH", low, high, len(types), first, len(keys), len(modmap) // 2,
                       syms) + b"".join(types) + b"".join(keys) + modmap


INPUTS = {
    "keyboard": reply(),
    "nothing": reply([], [], b"", syms=0),
    "cut": reply()[:-3],
    "cut-types": reply()[:20],
    "few-syms": reply(syms=9),
    "many-syms": reply(syms=60000),
    "beyond": reply(first=250),
    "last": reply(first=248),
    "no-type": reply(types=TYPES[:2]),
    "groups": reply(keys=[key(5, 1, 1, 2, 3, 4, 5)]),
    "wide": reply(keys=[key(1, 9, 1, 2)]),
    "more-syms": reply(keys=[key(1, 1, 97, 98, 99)]),
    "counts": reply(keys=[key(1, 1, 97, count=60000)]),
    "entries": reply(types=[key_type(3, 2, [(1, 1)] * 255)] * 9),
    "backwards": reply(low=200, high=9),
}

if __name__ == "__main__":
    os.makedirs(CORPUS, exist_ok=True)
    for name, data in INPUTS.items():
        with open(os.path.join(CORPUS, name), "wb") as f:
            f.write(data)
