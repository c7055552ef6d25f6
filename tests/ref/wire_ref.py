#!/usr/bin/env python3
"""Every packet, frame, desktop and trial message once, good and bad, from docs/protocol.md alone.

It makes tests/golden/wire.txt, lines of "KIND NAME HEX = MEANING", which the program's own code
must read with that meaning, and write the same where the line has "==" (tests/golden/wire_test.c).
Without an argument it checks that the file is what it makes; --write writes it; --seeds FOLDER
writes the bytes as seeds of the fuzz targets.
"""
import os
import struct
import sys

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden", "wire.txt")
CORPUS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fuzz", "corpus")
LINES = []


def var(v, log=None):
    if log is None:
        log = 0 if v < 1 << 6 else 1 if v < 1 << 14 else 2 if v < 1 << 30 else 3
    return (v << 2 | log).to_bytes(1 << log, "little")


def svar(v):
    return var(2 * v if v >= 0 else -2 * v - 1)


def sized(b):
    return var(len(b)) + b


def good(kind, name, data, meaning):
    LINES.append("%s %s %s == %s" % (kind, name, data.hex() or "-", meaning))


def other_form(kind, name, data, meaning):
    """Read so, but written otherwise."""
    LINES.append("%s %s %s = %s" % (kind, name, data.hex() or "-", meaning))


def bad(kind, name, data, error):
    LINES.append("%s %s %s = error %s" % (kind, name, data.hex() or "-", error))


def cuts(kind, name, data, error, step=1):
    """What is cut short anywhere is refused."""
    for n in range(1, len(data), step):
        bad(kind, "%s-cut-%d" % (name, n), data[:n], error)


CID, NONCE, KEY = bytes(range(1, 9)), bytes(range(16, 32)), bytes(range(32, 64))


def long_packet(kind, rest, version=1, magic=b"fs", pad=False):
    p = bytes([kind]) + magic + bytes([version]) + CID + rest
    return p.ljust(1200, b"\0") if pad else p


def chains():
    def link(n, fill=0x40):
        return struct.pack("<H", n) + bytes([fill]) * n

    good("chain", "one", link(1), "PACKET 1")
    good("chain", "largest", link(1452), "PACKET 1452")
    good("chain", "three", link(29) + link(1200, 1) + link(300),
         "PACKET 29; PACKET 1200; PACKET 300")
    cuts("chain", "cut", link(29), "again", 7)
    bad("chain", "cut-second", link(29) + link(1200)[:700], "again")
    bad("chain", "nothing", b"\0\0", "malformed")
    bad("chain", "nothing-after-one", link(1) + b"\0\0" + link(1), "malformed")
    bad("chain", "too-long", link(1453), "malformed")
    bad("chain", "longest", b"\xff\xff", "malformed")


def packets():
    hello = long_packet(1, NONCE, pad=True)
    good("long", "hello", hello, "HELLO version=1 cid=%s nonce=%s" % (CID.hex(), NONCE.hex()))
    bad("long", "hello-short", hello[:1199], "malformed")
    bad("long", "hello-other-version", long_packet(1, NONCE, version=2, pad=True), "version")
    bad("long", "hello-magic", long_packet(1, NONCE, magic=b"fq", pad=True), "malformed")
    other_form("long", "hello-longer", hello + b"x",
               "HELLO version=1 cid=%s nonce=%s" % (CID.hex(), NONCE.hex()))
    cookie = long_packet(2, NONCE + KEY + b"\6" + sized(b"c" * 16))
    good("long", "cookie", cookie, "COOKIE version=1 cid=%s nonce=%s key=%s ciphers=6 proof=%s" %
         (CID.hex(), NONCE.hex(), KEY.hex(), (b"c" * 16).hex()))
    bad("long", "cookie-tail", cookie + b"\0", "malformed")
    bad("long", "cookie-long-proof", long_packet(2, NONCE + KEY + b"\6" + sized(b"c" * 97)),
        "malformed")
    cuts("long", "cookie", cookie, "malformed", 9)
    noise = bytes(range(150))
    rest = NONCE + b"\6\1\0" + sized(b"p" * 16) + sized(noise)
    good("long", "init", long_packet(3, rest, pad=True),
         "INIT version=1 cid=%s nonce=%s ciphers=6 cipher=1 kind=0 proof=%s noise=%s" %
         (CID.hex(), NONCE.hex(), (b"p" * 16).hex(), noise.hex()))
    good("long", "init-token", long_packet(3, NONCE + b"\4\2\1" + sized(b"t" * 24) + sized(noise),
                                           pad=True),
         "INIT version=1 cid=%s nonce=%s ciphers=4 cipher=2 kind=1 proof=%s noise=%s" %
         (CID.hex(), NONCE.hex(), (b"t" * 24).hex(), noise.hex()))
    bad("long", "init-short", long_packet(3, rest), "malformed")
    bad("long", "init-long-noise",
        long_packet(3, NONCE + b"\6\1\0" + sized(b"") + sized(bytes(1025)), pad=True), "malformed")
    response = long_packet(4, b"SERVERID" + sized(noise[:48]))
    good("long", "response", response, "RESPONSE version=1 cid=%s server_cid=%s noise=%s" %
         (CID.hex(), b"SERVERID".hex(), noise[:48].hex()))
    bad("long", "response-tail", response + b"\0", "malformed")
    bad("long", "response-other-version",
        long_packet(4, b"SERVERID" + sized(noise[:48]), version=3), "version")
    cuts("long", "response", response, "malformed", 7)
    bad("long", "type-5", long_packet(5, NONCE, pad=True), "malformed")
    bad("long", "empty", b"", "malformed")
    for phase in (0, 1):
        head = bytes([0x40 | phase]) + CID + struct.pack("<I", 0x89abcdef)
        good("data", "phase-%d" % phase, head + bytes(25),
             "DATA phase=%d cid=%s number=2309737967 sealed=25" % (phase, CID.hex()))
        bad("data", "short-%d" % phase, head + bytes(15), "malformed")
        other_form("data", "tag-only-%d" % phase, head + bytes(16),
                   "DATA phase=%d cid=%s number=2309737967 sealed=16" % (phase, CID.hex()))


def ack(highest, delay, ce, ranges, count=None, ect0=0, arrival=0):
    b = b"\2" + var(highest) + var(delay) + arrival.to_bytes(4, "little") + var(ect0) + var(ce)
    b += var(len(ranges) if count is None else count)
    for i, r in enumerate(ranges):
        b += b"".join(var(v) for v in r) if i else var(r)
    return b


def frames():
    def one(name, data, meaning):
        good("frames", name, data, meaning)
        cuts("frames", name, data, "malformed", 1 + len(data) // 12)

    one("ping", b"\1", "PING")
    other_form("frames", "padding", b"\0\0\1\0\0\0", "PING")
    good("frames", "nothing", b"", "-")
    one("ack", ack(100, 5000, 0, [3]), "ACK delay=5000 arrival=0 ect0=0 ce=0 97-100")
    one("ack-of-0", ack(0, 0, 0, [0]), "ACK delay=0 arrival=0 ect0=0 ce=0 0-0")
    one("ack-ranges",
        ack(100000, 70, 3, [10, (0, 0), (5, 99999 - 12 - 7)], ect0=70000, arrival=4294967295),
        "ACK delay=70 arrival=4294967295 ect0=70000 ce=3 99990-100000 99988-99988 1-99981")
    one("ack-to-0", ack(9, 1, 0, [2, (1, 4)]), "ACK delay=1 arrival=0 ect0=0 ce=0 7-9 0-4")
    good("frames", "ack-32", ack(64, 0, 0, [0] + [(0, 0)] * 31),
         "ACK delay=0 arrival=0 ect0=0 ce=0 " +
         " ".join("%d-%d" % (n, n) for n in range(64, 0, -2)))
    bad("frames", "ack-33", ack(66, 0, 0, [0] + [(0, 0)] * 32), "malformed")
    bad("frames", "ack-none", ack(5, 0, 0, [], 0), "malformed")
    bad("frames", "ack-below-0", ack(5, 0, 0, [6]), "malformed")
    bad("frames", "ack-gap-below-0", ack(5, 0, 0, [3, (0, 1)]), "malformed")
    bad("frames", "ack-gap-beyond-0", ack(5, 0, 0, [3, (1, 0)]), "malformed")
    bad("frames", "ack-gap-huge", ack(5, 0, 0, [3, ((1 << 62) - 1, 0)]), "malformed")
    one("stream", b"\3\0" + var(4) + var(1000) + sized(b"abc"),
        "STREAM fin=0 id=4 offset=1000 616263")
    one("stream-fin", b"\3\1" + var(1) + var(0) + sized(b""), "STREAM fin=1 id=1 offset=0 -")
    other_form("frames", "stream-long-numbers", b"\3\0" + var(4, 3) + var(0, 2) + var(1, 1) + b"x",
               "STREAM fin=0 id=4 offset=0 78")
    bad("frames", "stream-flags", b"\3\2" + var(4) + var(0) + sized(b"a"), "malformed")
    bad("frames", "stream-beyond", b"\3\0" + var(4) + var((1 << 62) - 1) + sized(b"a"), "malformed")
    bad("frames", "stream-too-long", b"\3\0\0\0" + sized(bytes(1453)), "malformed")
    one("reset", b"\4" + var(8) + var(300) + var(70000), "RESET_STREAM id=8 code=300 size=70000")
    one("stop", b"\5" + var(8) + var(3), "STOP_SENDING id=8 code=3")
    one("max-data", b"\6" + var(1 << 40), "MAX_DATA %d" % (1 << 40))
    one("max-stream-data", b"\7" + var(2) + var(1 << 20), "MAX_STREAM_DATA id=2 %d" % (1 << 20))
    one("message", b"\x08\7" + var(100) + var(5000) + var(1000) + sized(b"xyz"),
        "MESSAGE channel=7 id=100 total=5000 offset=1000 78797a")
    one("message-empty", b"\x08\0" + var(0) + var(0) + var(0) + sized(b""),
        "MESSAGE channel=0 id=0 total=0 offset=0 -")
    one("message-largest", b"\x08\1" + var(9) + var(262144) + var(262143) + sized(b"z"),
        "MESSAGE channel=1 id=9 total=262144 offset=262143 7a")
    bad("frames", "message-too-large", b"\x08\1" + var(9) + var(262145) + var(0) + sized(b"z"),
        "malformed")
    bad("frames", "message-beyond", b"\x08\1" + var(9) + var(3) + var(1) + sized(b"abc"),
        "malformed")
    bad("frames", "message-offset", b"\x08\1" + var(9) + var(3) + var(4) + sized(b"a"), "malformed")
    bad("frames", "message-nothing", b"\x08\1" + var(9) + var(3) + var(1) + sized(b""), "malformed")
    one("drop", b"\x09" + var(70) + var(3), "DROP_MESSAGE first=70 count=3")
    bad("frames", "drop-none", b"\x09" + var(70) + var(0), "malformed")
    bad("frames", "drop-beyond", b"\x09" + var(2) + var((1 << 62) - 1), "malformed")
    one("challenge", b"\x0a12345678", "PATH_CHALLENGE 3132333435363738")
    one("response", b"\x0b12345678", "PATH_RESPONSE 3132333435363738")
    one("close", b"\x0c" + var(14) + sized(b"not you"), "CLOSE code=14 %s" % b"not you".hex())
    bad("frames", "close-long", b"\x0c" + var(1) + sized(bytes(201)), "malformed")
    one("token", b"\x0d" + sized(b"t" * 24), "NEW_TOKEN %s" % (b"t" * 24).hex())
    bad("frames", "token-long", b"\x0d" + sized(bytes(65)), "malformed")
    bad("frames", "type-14", b"\x0e", "malformed")
    bad("frames", "type-255", b"\xff", "malformed")
    good("frames", "several", b"\1" + ack(3, 0, 0, [1]) + b"\3\0\0\0" + sized(b"a") + b"\1",
         "PING; ACK delay=0 arrival=0 ect0=0 ce=0 2-3; STREAM fin=0 id=0 offset=0 61; PING")
    bad("frames", "bad-after-good", b"\1\x0e", "malformed")


def params(compatible=5, incompatible=0):
    return (struct.pack("<II", compatible, incompatible) + var(1 << 24) + var(1 << 20) + var(5000),
            "compatible=%d incompatible=%d data=16777216 stream=1048576 delay=5000" %
            (compatible, incompatible))


def hellos():
    p, text = params()
    client = p + b"\1" + b"TOKEN_ID"
    good("client", "invited", client, "%s invitation=%s" % (text, b"TOKEN_ID".hex()))
    good("client", "uninvited", p + b"\0" + bytes(8), "%s invitation=-" % text)
    other_form("client", "longer", client + b"more", "%s invitation=%s" %
               (text, b"TOKEN_ID".hex()))
    bad("client", "invited-2", p + b"\2" + b"TOKEN_ID", "malformed")
    cuts("client", "invited", client, "malformed", 3)
    welcome = p + b"\0" + struct.pack("<I", 3) + sized(b"")
    good("server", "welcome", welcome, "%s verdict=0 roles=3 reason=-" % text)
    good("server", "refused", p + b"\1" + bytes(4) + sized(b"not you"),
         "%s verdict=1 roles=0 reason=%s" % (text, b"not you".hex()))
    other_form("server", "control-codes", p + b"\2" + bytes(4) + sized(b"a\x1b[m\xff"),
               "%s verdict=2 roles=0 reason=%s" % (text, b"a?[m?".hex()))
    bad("server", "verdict-3", p + b"\3" + bytes(4) + sized(b""), "malformed")
    bad("server", "long-reason", p + b"\1" + bytes(4) + sized(bytes(201)), "malformed")
    cuts("server", "welcome", welcome, "malformed", 3)


def record(kind, body):
    return bytes([kind]) + sized(body)


def desktop():
    body = var(7) + b"\0\1" + struct.pack("<I", 0x61) + var(30) + var(0) + svar(0) + svar(0)
    key = record(1, body)
    good("record", "key", key,
         "INPUT number=7 act=0 down=1 keysym=97 scancode=30 button=0 x=0 y=0 used=%d" % len(key))
    wheel = record(1, var(8) + b"\3\0" + bytes(4) + var(0) + var(0) + svar(-3) + svar(2**31 - 1))
    good("record", "wheel", wheel,
         "INPUT number=8 act=3 down=0 keysym=0 scancode=0 button=0 x=-3 y=2147483647 used=%d" %
         len(wheel))
    far = record(1, var(8) + b"\1\0" + bytes(4) + var(0) + var(0) + svar(-2**31) + svar(-1))
    good("record", "move", far,
         "INPUT number=8 act=1 down=0 keysym=0 scancode=0 button=0 x=-2147483648 y=-1 used=%d" %
         len(far))
    h = bytes(range(100, 116))
    exact = record(2, var(7) + var(1) + var(900) + h)
    good("record", "exact", exact, "EXACT number=7 epoch=1 version=900 hash=%s used=%d" %
         (h.hex(), len(exact)))
    proven = record(3, var(1) + var(900) + h)
    good("record", "proven", proven, "PROVEN epoch=1 version=900 hash=%s used=%d" %
         (h.hex(), len(proven)))
    good("record", "refresh", record(4, var(1)), "REFRESH epoch=1 used=3")
    held = b"".join(bytes([b]) + struct.pack("<I", k) + var(c)
                    for b, k, c in ((0, 0xffe1, 42), (1, 0, 2**32 - 1)))
    good("record", "held", record(5, var(2) + held),
         "HELD 0,65505,42 1,0,4294967295 used=%d" % len(record(5, var(2) + held)))
    good("record", "held-none", record(5, var(0)), "HELD used=3")
    good("record", "held-all", record(5, var(16) + (b"\1" + bytes(4) + var(3)) * 16),
         "HELD" + " 1,0,3" * 16 + " used=%d" % (1 + 2 + 1 + 16 * 6))
    bad("record", "held-more", record(5, var(17) + (b"\1" + bytes(4) + var(3)) * 17), "malformed")
    bad("record", "held-fewer", record(5, var(3) + held), "malformed")
    bad("record", "held-kind", record(5, var(1) + b"\2" + held[1:6]), "malformed")
    bad("record", "held-code-beyond", record(5, var(1) + held[:5] + var(1 << 32)), "malformed")
    other_form("record", "two", record(4, var(1)) + proven, "REFRESH epoch=1 used=3")
    other_form("record", "unknown-9", record(9, b"whatever"), "UNKNOWN used=10")
    other_form("record", "unknown-0", record(0, b""), "UNKNOWN used=2")
    for name, whole in (("key", key), ("exact", exact), ("proven", proven)):
        cuts("record", name, whole, "again", 4)
    bad("record", "empty", b"", "again")
    bad("record", "too-long", b"\1" + var(257) + bytes(257), "malformed")
    bad("record", "unknown-too-long", b"\x09" + var(257) + bytes(257), "malformed")
    bad("record", "key-tail", record(1, body + b"\0"), "malformed")
    bad("record", "key-short", record(1, body[:-1]), "malformed")
    bad("record", "key-down-2", record(1, body[:2] + b"\2" + body[3:]), "malformed")
    bad("record", "key-x-beyond", record(1, body[:-2] + svar(2**31) + svar(0)), "malformed")
    bad("record", "key-scancode-beyond",
        record(1, var(7) + b"\0\1" + bytes(4) + var(1 << 32) + var(0) * 3), "malformed")
    bad("record", "refresh-empty", record(4, b""), "malformed")
    good("pointer", "visible", b"\1" + svar(640) + svar(-5) + var(12),
         "visible=1 x=640 y=-5 shape=12")
    good("pointer", "hidden", b"\0" + svar(0) + svar(0) + var(0), "visible=0 x=0 y=0 shape=0")
    bad("pointer", "visible-2", b"\2" + svar(0) + svar(0) + var(0), "malformed")
    bad("pointer", "tail", b"\1" + svar(0) + svar(0) + var(0) + b"\0", "malformed")
    bad("pointer", "far", b"\1" + svar(2**31) + svar(0) + var(0), "malformed")
    cuts("pointer", "visible", b"\1" + svar(640) + svar(-5) + var(12), "malformed")
    pixels = bytes(range(24))
    good("shape", "small", var(3) + var(3) + var(2) + var(1) + var(2) + pixels,
         "number=3 3x2 at 1,2 %s" % pixels.hex())
    good("shape", "none", var(4) + var(0) * 4, "number=4 0x0 at 0,0 -")
    bad("shape", "wide", var(3) + var(257) + var(1) + var(0) + var(0) + bytes(257 * 4), "malformed")
    bad("shape", "high", var(3) + var(1) + var(257) + var(0) + var(0) + bytes(257 * 4), "malformed")
    bad("shape", "hot", var(3) + var(3) + var(2) + var(4) + var(2) + pixels, "malformed")
    bad("shape", "few", var(3) + var(3) + var(2) + var(1) + var(2) + pixels[:-1], "malformed")
    bad("shape", "many", var(3) + var(3) + var(2) + var(1) + var(2) + pixels + b"\0", "malformed")
    updates()


def updates():
    def update(alpha=0, epoch=2, size=(640, 480), number=50, version=9, at=123456789, snap=4,
               base=3, keep=2, floor=40, added=(41, 45, 43), block=b"BLOCK", count=None,
               to_base=None, to_keep=None, to_floor=None):
        b = bytes([alpha]) + var(epoch) + var(size[0]) + var(size[1]) + var(number) + var(version)
        b += var(at) + var(snap) + var(snap - base if to_base is None else to_base)
        b += var(snap - keep if to_keep is None else to_keep)
        b += var(number - floor if to_floor is None else to_floor)
        b += var(len(added) if count is None else count)
        last = number
        for a in added:
            b += svar(a - last)
            last = a
        return b + block

    def text(alpha, epoch, size, number, version, at, snap, base, keep, floor, added, block):
        return ("alpha=%d epoch=%d %dx%d id=%d version=%d at=%d snapshot=%d base=%d keep=%d "
                "floor=%d added=%s block=%s" %
                (alpha, epoch, size[0], size[1], number, version, at, snap, base, keep, floor,
                 ",".join(map(str, added)) or "-", block.hex() or "-"))

    good("update", "full", update(),
         text(0, 2, (640, 480), 50, 9, 123456789, 4, 3, 2, 40, (41, 45, 43), b"BLOCK"))
    good("update", "first", update(1, 1, (1, 1), 1, 1, 0, 0, 0, 0, 1, (), b""),
         text(1, 1, (1, 1), 1, 1, 0, 0, 0, 0, 1, (), b""))
    good("update", "largest", update(size=(7680, 4320)),
         text(0, 2, (7680, 4320), 50, 9, 123456789, 4, 3, 2, 40, (41, 45, 43), b"BLOCK"))
    good("update", "widest", update(size=(16384, 2025)),
         text(0, 2, (16384, 2025), 50, 9, 123456789, 4, 3, 2, 40, (41, 45, 43), b"BLOCK"))
    cuts("update", "full", update(block=b""), "malformed")
    bad("update", "alpha-2", update(alpha=2), "malformed")
    bad("update", "empty-picture", update(size=(0, 480)), "limit")
    bad("update", "too-wide", update(size=(16385, 1)), "limit")
    bad("update", "too-many-pixels", update(size=(7680, 4321)), "limit")
    bad("update", "base-above", update(to_base=5), "malformed")
    bad("update", "keep-above-base", update(keep=4), "malformed")
    bad("update", "keep-below-0", update(to_keep=5), "malformed")
    bad("update", "floor-below-0", update(to_floor=51), "malformed")
    bad("update", "added-itself", update(added=(50,)), "malformed")
    bad("update", "added-later", update(added=(41, 51)), "malformed")
    bad("update", "added-before-0", update(added=(-1,)), "malformed")
    bad("update", "added-fewer", update(added=(41,), count=2, block=b""), "malformed")
    bad("update", "added-too-many", update(added=(41,) * 2049), "malformed")
    bad("update", "added-claims", update(added=(), count=1000), "malformed")
    bad("update", "version-beyond", update(version=1 << 32), "malformed")


def payload(offset, n):
    words = b"".join(struct.pack("<Q", (i + 1) * 0x9e3779b97f4a7c15 % 2**64)
                     for i in range(offset // 8, (offset + n) // 8 + 1))
    return words[offset % 8:offset % 8 + n]


def ask(reverse=0, stream=1, size=0, every=0, report=50000, mark=NONCE):
    return record(1, bytes([reverse, stream]) + var(size) + var(every) + var(report) + mark)


def report(last, numbers, state):
    return record(5, bytes([last]) + b"".join(var(n) for n in numbers) + sized(state))


def trials():
    n = NONCE.hex()
    whole = ask()
    good("trial", "ask", whole,
         "ASK reverse=0 stream=1 probe=0 every=0 report=50000 mark=%s used=%d" % (n, len(whole)))
    least = ask(1, 0, 16, 100, 10000)
    good("trial", "ask-least", least,
         "ASK reverse=1 stream=0 probe=16 every=100 report=10000 mark=%s used=%d" % (n, len(least)))
    most = ask(0, 1, 262144, 10**9, 10**9)
    good("trial", "ask-most", most,
         "ASK reverse=0 stream=1 probe=262144 every=1000000000 report=1000000000 mark=%s used=%d"
         % (n, len(most)))
    good("trial", "ready", record(2, NONCE), "READY mark=%s used=18" % n)
    good("trial", "go", record(3, b""), "GO used=2")
    good("trial", "stop", record(4, b""), "STOP used=2")
    said = report(1, range(101, 117), b"probe-rtt")
    good("trial", "report", said, "REPORT last=1 %s probe-rtt used=%d" %
         (",".join(str(i) for i in range(101, 117)), len(said)))
    far = report(0, [2**62 - 1] * 16, b"abcdefghijklm-_")
    good("trial", "report-far", far, "REPORT last=0 %s abcdefghijklm-_ used=%d" %
         (",".join([str(2**62 - 1)] * 16), len(far)))
    some = record(6, var(2) + var(7) + svar(-3) + var(8) + svar(50000))
    good("trial", "arrivals", some, "ARRIVALS 7,-3 8,50000 used=%d" % len(some))
    good("trial", "arrivals-none", record(6, var(0)), "ARRIVALS used=3")
    all32 = record(6, var(32) + (var(1) + svar(1)) * 32)
    good("trial", "arrivals-all", all32, "ARRIVALS%s used=%d" % (" 1,1" * 32, len(all32)))
    other_form("trial", "two", record(3, b"") + whole, "GO used=2")
    other_form("trial", "unknown-7", record(7, b"whatever"), "UNKNOWN used=10")
    other_form("trial", "unknown-0", record(0, b""), "UNKNOWN used=2")
    for name, what in (("ask", whole), ("report", said), ("arrivals", some)):
        cuts("trial", name, what, "again", 5)
    bad("trial", "empty", b"", "again")
    bad("trial", "too-long", b"\5" + var(641) + bytes(641), "malformed")
    bad("trial", "unknown-too-long", b"\x09" + var(641) + bytes(641), "malformed")
    bad("trial", "ask-nothing", ask(stream=0), "malformed")
    bad("trial", "ask-reverse-2", ask(reverse=2), "malformed")
    bad("trial", "ask-stream-2", ask(stream=2), "malformed")
    bad("trial", "ask-small-probe", ask(size=15, every=100), "malformed")
    bad("trial", "ask-no-pause", ask(size=16, every=0), "limit")
    bad("trial", "ask-short-pause", ask(size=16, every=99), "limit")
    bad("trial", "ask-large-probe", ask(size=262145, every=100), "limit")
    bad("trial", "ask-huge-probe", ask(size=1 << 40, every=100), "limit")
    bad("trial", "ask-long-pause", ask(size=16, every=10**9 + 1), "limit")
    bad("trial", "ask-report-often", ask(report=9999), "limit")
    bad("trial", "ask-report-seldom", ask(report=10**9 + 1), "limit")
    bad("trial", "ask-tail", ask(mark=NONCE + b"\0"), "malformed")
    bad("trial", "ask-short", ask(mark=NONCE[1:]), "malformed")
    bad("trial", "ready-short", record(2, NONCE[1:]), "malformed")
    bad("trial", "go-tail", record(3, b"\0"), "malformed")
    bad("trial", "stop-tail", record(4, b"\0"), "malformed")
    bad("trial", "report-last-2", report(2, range(16), b"drain"), "malformed")
    bad("trial", "report-fewer", report(0, range(15), b"drain"), "malformed")
    bad("trial", "report-state-long", report(0, range(16), b"a" * 16), "malformed")
    bad("trial", "report-state-upper", report(0, range(16), b"Drain"), "malformed")
    bad("trial", "report-state-control", report(0, range(16), b"\x1b"), "malformed")
    bad("trial", "arrivals-more", record(6, var(33) + (var(1) + svar(1)) * 33), "malformed")
    bad("trial", "arrivals-fewer", record(6, var(2) + var(7) + svar(-3)), "malformed")
    bad("trial", "arrivals-tail", record(6, var(0) + b"\0"), "malformed")
    ping = struct.pack("<QQ", 2**40 + 1, 2**63)
    good("ping", "pong", ping, "sent=%d far=%d" % (2**40 + 1, 2**63))
    cuts("ping", "pong", ping, "malformed", 5)
    bad("ping", "tail", ping + b"\0", "malformed")
    head = struct.pack("<QQ", 3, 2**40)
    good("probe", "bare", head, "number=3 sent=%d bytes=16" % 2**40)
    good("probe", "some", head + payload(0, 37), "number=3 sent=%d bytes=53" % 2**40)
    bad("probe", "short", head[:15], "malformed")
    bad("probe", "moved", head + payload(1, 37), "verify")
    bad("probe", "last-differs", head + payload(0, 36) + b"\0", "verify")
    for at, n in ((0, 24), (5, 30), (2**40 + 3, 3), (2**40 + 9, 17), (64, 0)):
        good("payload", "at-%d-%d" % (at, n), struct.pack("<Q", at) + payload(at, n),
             "bytes=%d" % n)
    bad("payload", "first-differs", struct.pack("<Q", 3) + b"\0" + payload(4, 20), "verify")
    bad("payload", "word-differs", struct.pack("<Q", 0) + payload(8, 16), "verify")
    bad("payload", "tail-differs", struct.pack("<Q", 0) + payload(0, 9) + b"\0", "verify")


TARGETS = {"long": "packet_fuzz", "data": "packet_fuzz", "frames": "frame_fuzz",
           "client": "hello_fuzz", "server": "hello_fuzz", "record": "desk_fuzz",
           "pointer": "desk_fuzz", "shape": "desk_fuzz", "update": "desk_fuzz",
           "trial": "trial_fuzz", "ping": "trial_fuzz", "probe": "trial_fuzz",
           "payload": "trial_fuzz", "chain": "chain_fuzz"}
# The first byte of an input says what the target takes it for.
SELECT = {"client": b"\0", "server": b"\1", "record": b"\0", "pointer": b"\1", "shape": b"\2",
          "update": b"\3", "trial": b"\0", "ping": b"\1", "probe": b"\2", "payload": b"\3",
          "chain": b"\x10"}


def seeds():
    """Pairs of a path below the folder of the corpora and what belongs there."""
    for line in LINES:
        kind, name, data = line.split()[:3]
        if "-cut-" in name:
            continue
        seed = b"" if data == "-" else bytes.fromhex(data)
        yield os.path.join(TARGETS[kind], "%s-%s" % (kind, name)), SELECT.get(kind, b"") + seed
        if kind == "frames" and 0 < len(seed) < 256:
            yield os.path.join("session_fuzz", name), session_seed(seed)


def session_seed(frames):
    """Acts of session_fuzz: something in flight, then these frames in each way of coming."""
    first = bytes([4, 0]) + bytes([12, 3]) + b"\0ab" + bytes([36, 2]) + b"hi"
    said = b"".join(bytes([kind, len(frames)]) + frames for kind in (0, 9, 2, 3))
    return first + said + bytes([60, 0]) + bytes([158, 0]) + said + bytes([255, 0])


def write_seeds(folder):
    for path, data in seeds():
        os.makedirs(os.path.dirname(os.path.join(folder, path)), exist_ok=True)
        with open(os.path.join(folder, path), "wb") as f:
            f.write(data)


def stale_seeds():
    """Seeds of an older form are read no further than the change: then nothing behind is tried."""
    for path, data in seeds():
        try:
            with open(os.path.join(CORPUS, path), "rb") as f:
                if f.read() == data:
                    continue
        except FileNotFoundError:
            pass
        yield path


def main():
    for make in (packets, chains, frames, hellos, desktop, trials):
        make()
    text = "# Made by tests/ref/wire_ref.py --write\n" + "\n".join(LINES) + "\n"
    if sys.argv[1:2] == ["--write"]:
        with open(GOLDEN, "w") as f:
            f.write(text)
        return 0
    if sys.argv[1:2] == ["--seeds"] and len(sys.argv) == 3:
        write_seeds(sys.argv[2])
        return 0
    with open(GOLDEN) as f:
        same = f.read() == text
    if not same:
        print("FAIL tests/golden/wire.txt is not what the reference makes")
    stale = list(stale_seeds())
    for path in stale:
        print("FAIL tests/fuzz/corpus/%s is not what --seeds tests/fuzz/corpus makes" % path)
    passed = same + (not stale)
    print("wire_ref.py: %d passed, %d failed" % (passed, 2 - passed))
    return passed < 2


if __name__ == "__main__":
    sys.exit(main())
