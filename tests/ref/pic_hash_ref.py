#!/usr/bin/env python3
"""The picture's hash once more, slowly, from docs/codec.md and the definition of XXH3 alone.

It makes tests/golden/pic_hash.txt, which tests/golden/pic_hash_test.c reproduces. Without an
argument it checks that the file is what it makes; --write writes it.
"""
import os
import struct
import sys

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden", "pic_hash.txt")
M = 2**64 - 1
SECRET = bytes.fromhex(
    "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671f"
    "cb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c"
    "3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8"
    "a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364"
    "eac5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e"
    "2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e")
A1, A2, A3 = 0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D
P1, P2, P3 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
P4, P5 = 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5


def r64(b, i):
    return struct.unpack_from("<Q", b, i)[0]


def r32(b, i):
    return struct.unpack_from("<I", b, i)[0]


def fold(a, b):
    p = a * b
    return (p ^ p >> 64) & M


def avalanche(h):
    h ^= h >> 37
    h = h * 0x165667919E3779F9 & M
    return h ^ h >> 32


def avalanche64(h):
    h = (h ^ h >> 33) * P2 & M
    h = (h ^ h >> 29) * P3 & M
    return h ^ h >> 32


def swap(v, n):
    return int.from_bytes(v.to_bytes(n, "little"), "big")


def mix16(b, i, s):
    return fold(r64(b, i) ^ r64(SECRET, s), r64(b, i + 8) ^ r64(SECRET, s + 8))


def mix32(acc, b, i, j, s):
    lo = (acc[0] + mix16(b, i, s) & M) ^ (r64(b, j) + r64(b, j + 8) & M)
    hi = (acc[1] + mix16(b, j, s + 16) & M) ^ (r64(b, i) + r64(b, i + 8) & M)
    return lo, hi


def finish(acc, n):
    hi = acc[0] * P1 + acc[1] * P4 + n * P2 & M
    return avalanche(acc[0] + acc[1] & M), -avalanche(hi) & M


def short(b):
    n = len(b)
    if n <= 3:
        low = b[0] << 16 | b[n >> 1] << 24 | b[n - 1] | n << 8
        high = swap(low, 4)
        high = (high << 13 | high >> 19) & 0xFFFFFFFF
        return (avalanche64(low ^ r32(SECRET, 0) ^ r32(SECRET, 4)),
                avalanche64(high ^ r32(SECRET, 8) ^ r32(SECRET, 12)))
    if n <= 8:
        key = (r32(b, 0) + (r32(b, n - 4) << 32)) ^ r64(SECRET, 16) ^ r64(SECRET, 24)
        p = key * (P1 + (n << 2) & M)
        lo, hi = p & M, p >> 64
        hi = hi + (lo << 1) & M
        lo ^= hi >> 3
        lo = (lo ^ lo >> 35) * 0x9FB21C651E98DF25 & M
        return lo ^ lo >> 28, avalanche(hi)
    first, last = r64(b, 0), r64(b, n - 8)
    p = (first ^ last ^ r64(SECRET, 32) ^ r64(SECRET, 40)) * P1
    lo, hi = (p & M) + ((n - 1) << 54) & M, p >> 64
    last ^= r64(SECRET, 48) ^ r64(SECRET, 56)
    hi = hi + last + (last & 0xFFFFFFFF) * (A2 - 1) & M
    lo ^= swap(hi, 8)
    p = lo * P2
    return avalanche(p & M), avalanche((p >> 64) + hi * P2 & M)


def middle(b):
    n = len(b)
    acc = (n * P1 & M, 0)
    if n <= 128:
        for k in range((n - 1) // 32, -1, -1):
            acc = mix32(acc, b, 16 * k, n - 16 * (k + 1), 32 * k)
        return finish(acc, n)
    for k in range(n // 32):
        if k == 4:
            acc = avalanche(acc[0]), avalanche(acc[1])
        acc = mix32(acc, b, 32 * k, 32 * k + 16, 32 * k if k < 4 else 3 + 32 * (k - 4))
    if n // 32 == 4:
        acc = avalanche(acc[0]), avalanche(acc[1])
    return finish(mix32(acc, b, n - 16, n - 32, 136 - 17 - 16), n)


def stripe(acc, b, at, s):
    for i in range(8):
        v = r64(b, at + 8 * i)
        k = v ^ r64(SECRET, s + 8 * i)
        acc[i ^ 1] = acc[i ^ 1] + v & M
        acc[i] = acc[i] + (k & 0xFFFFFFFF) * (k >> 32) & M


def merge(acc, s, start):
    for i in range(4):
        start += fold(acc[2 * i] ^ r64(SECRET, s + 16 * i),
                      acc[2 * i + 1] ^ r64(SECRET, s + 16 * i + 8))
    return avalanche(start & M)


def long(b):
    n = len(b)
    acc = [A3, P1, P2, P3, P4, A2, P5, A1]
    for k in range((n - 1) // 64):
        stripe(acc, b, 64 * k, 8 * (k % 16))
        if k % 16 == 15:
            acc = [((a ^ a >> 47) ^ r64(SECRET, 128 + 8 * i)) * A1 & M for i, a in enumerate(acc)]
    stripe(acc, b, n - 64, 192 - 64 - 7)
    return merge(acc, 11, n * P1 & M), merge(acc, 192 - 64 - 11, ~(n * P2) & M)


def xxh3_128(b):
    lo, hi = short(b) if len(b) <= 16 else middle(b) if len(b) <= 240 else long(b)
    return struct.pack(">QQ", hi, lo)


def pixel(x, y):
    """The pictures of the golden file; the C test has the same."""
    return (x * 2654435761 ^ y * 40503 * 65537 ^ x * y) & 0xFFFFFFFF


def picture_hash(width, height, alpha, pixel=pixel):
    b = struct.pack("<IIB", width, height, alpha)
    for top in range(0, height, 64):
        for left in range(0, width, 64):
            tile = bytearray()
            for y in range(top, min(top + 64, height)):
                for x in range(left, min(left + 64, width)):
                    v = pixel(x, y)
                    tile += bytes((v >> 16 & 255, v >> 8 & 255, v & 255))
                    tile += bytes((v >> 24,)) if alpha else b""
            b += xxh3_128(bytes(tile))
    return xxh3_128(b).hex()


SIZES = [(1, 1), (2, 1), (3, 1), (4, 1), (5, 1), (10, 1), (17, 3), (33, 1), (43, 1), (44, 1),
         (80, 1), (81, 1), (9, 9), (64, 64), (65, 129), (130, 70), (4097, 1), (1, 300)]


def main():
    text = "".join("%d %d %d %s\n" % (w, h, a, picture_hash(w, h, a))
                   for w, h in SIZES for a in (0, 1))
    if sys.argv[1:] == ["--write"]:
        with open(GOLDEN, "w") as f:
            f.write(text)
        return 0
    with open(GOLDEN) as f:
        same = f.read() == text
    print("pic_hash_ref: %d passed, %d failed" % (same, not same))
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
