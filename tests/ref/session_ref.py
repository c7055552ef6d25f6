#!/usr/bin/env python3
"""Whole sessions read by a second implementation, made from docs/protocol.md alone.

build/unit/session_capture_test runs real sessions in the simulator and writes down every datagram
that is sent and that arrives, the secrets, and what both applications wrote and read
(session_capture.py has the form). Here the handshake is made again, every packet is opened, and
both ends are held against the rules of the page; what was read must be what came, byte for byte.
tests/golden/session.capture is an older one, which has to stay readable; after a change of the
protocol --write makes it anew. Then the same with what must not pass: records that were changed or
left out, a packet for each rule that breaks it, and sessions of which a mechanism is switched off.
With FILE... it reads these captures and says what is in them.
"""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import handshake_ref  # noqa: E402
import session_aead  # noqa: E402
import session_capture  # noqa: E402
import session_forge  # noqa: E402
import session_reader  # noqa: E402
from session_wire import Broken  # noqa: E402

MAKER = os.path.join(HERE, "../../build/unit/session_capture_test")
GOLDEN = os.path.join(HERE, "../golden/session.capture")
SMALL = "small"
SEEDS = 40 if os.environ.get("FARSPAN_FULL") else 2
FEW = 1 if os.environ.get("FARSPAN_FULL") else 7  # one of so many changed captures is tried

# What must be there in all captures together, and how often at least.
WANTED = {
    "handshake 1": 5, "handshake 2": 5, "handshake 3": 5, "handshake 4": 5, "refusals": 2,
    "address tokens used": 4, "connected": 20, "over": 20, "key updates": 50, "moves": 4,
    "trials": 50, "large packets": 1000, "marked packets": 3000, "marks of a queue": 20,
    "padded packets": 300, "pieces": 1000, "pieces too late": 50, "datagrams dropped": 100,
    "stream bytes read": 1000000, "streams read to their end": 60, "streams reset": 10,
    "messages heard": 500, "frame 2": 1000, "frame 5": 10, "frame 6": 50, "frame 7": 100,
    "frame 9": 50, "frame 10": 4, "frame 11": 4, "frame 12": 20, "frame 13": 10,
    "numbers left out": 8,
}


# Captures in which a mechanism is switched off, and the complaint.
LAMED = [("busy", "flow", "sends"), ("busy", "replay", "an ACK delayed"),
         ("busy", "ecn_check", "marked before"), ("roaming", "validation", "proven itself")]


class Score:
    def __init__(self):
        self.good = self.bad = 0

    def note(self, good, text):
        self.good, self.bad = self.good + good, self.bad + (not good)
        if not good:
            print("FAIL %s" % text)


def make(*words, check=True):
    return subprocess.run([MAKER] + list(words), check=check, stdout=subprocess.PIPE,
                          stderr=None if check else subprocess.DEVNULL).stdout


def check_aeads(score):
    key, data = handshake_ref.blake2b(32, b"key"), handshake_ref.blake2b(64, b"data") * 5
    for cipher in (1, 2):
        good = all(session_aead.AEAD[cipher](key).crypt(n, b"head", data[:k], way) ==
                   handshake_ref.AEAD[cipher](key, n, b"head", data[:k], way)
                   for k in (0, 1, 16, 63, 64, 65, 320) for n in (0, 2**40 + 7)
                   for way in (True, False))
        score.note(good, "cipher %d is not that of handshake_ref.py" % cipher)


def check_captures(score):
    counts = {}
    for name in make("--list").decode().split():
        for seed in range(1, SEEDS + 1):
            try:
                found = session_reader.read(make("--write", name, str(seed)))
            except Broken as e:
                score.note(False, "capture %s, seed %d: %s" % (name, seed, e))
                continue
            score.note(True, "")
            for what, n in found.items():
                counts[what] = counts.get(what, 0) + n
    for what, n in WANTED.items():
        score.note(counts.get(what, 0) >= n, "%s: %d of them in all captures, not %d" %
                   (what, counts.get(what, 0), n))


def refuses(score, name, complaint, go):
    try:
        go()
    except Broken as e:
        score.note(complaint in str(e), "%s: refused with %s" % (name, e))
    else:
        score.note(False, "%s: passes" % name)


def check_refusals(score):
    with open(GOLDEN, "rb") as f:
        records = session_capture.read(f.read())
    for makers in (session_forge.forgeries, session_forge.greetings):
        for name, complaint, go in makers(records):
            refuses(score, name, complaint, go)
    for name, without, complaint in LAMED:
        raw = make("--write", name, "1", without, check=False)
        refuses(score, "%s without %s" % (name, without), complaint,
                lambda raw=raw: session_reader.read(raw))
    for makers in (session_forge.mutations, session_forge.losses):
        for i, (name, go) in enumerate(makers(records)):
            if i % FEW == 0:
                refuses(score, name, "", go)


def main():
    if sys.argv[1:] == ["--write"]:
        with open(GOLDEN, "wb") as f:
            f.write(make("--write", SMALL, "1"))
        return 0
    if sys.argv[1:]:
        for path in sys.argv[1:]:
            with open(path, "rb") as f:
                print(path, session_reader.read(f.read()))
        return 0
    score = Score()
    check_aeads(score)
    try:
        session_reader.read(open(GOLDEN, "rb").read())
        score.note(True, "")
    except Broken as e:
        score.note(False, "session.capture: %s" % e)
    check_captures(score)
    check_refusals(score)
    print("session_ref.py: %d passed, %d failed" % (score.good, score.bad))
    return score.bad != 0


if __name__ == "__main__":
    sys.exit(main())
