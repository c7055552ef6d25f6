"""Captures that must be refused: changed records, and packets that break one rule each.

Each case gives (name, what the complaint must contain, how to run it), the last raising Broken.
"""
import copy
import struct

import handshake_ref as noise
import session_capture as capture
import session_wire as wire
from session_reader import CLIENT, SERVER, Reader

MIDDLE = 20  # data packets of the client after which the forged ones come
var, sized = noise.var, noise.sized


def run(records):
    Reader(records).run()


def changed(records, index, **fields):
    """The records with one of them changed."""
    out = list(records)
    out[index] = copy.copy(records[index])
    out[index].__dict__.update(fields)
    return out


def flipped(data, at=None):
    at = len(data) // 2 if at is None else at
    return data[:at] + bytes([data[at] ^ 4]) + data[at + 1:]


def with_arrivals(records, index, data):
    """One that was sent with other bytes, which also arrive."""
    number = sum(r.kind == "sent" for r in records[:index])
    out = changed(records, index, data=data)
    return [changed([r], 0, data=data)[0] if r.kind == "arrived" and r.index == number else r
            for r in out]


def mutations(records):
    """Every record in turn, changed or left out, that leaves a trace. Of a stream that was
    abandoned not all that was written need be sent, nor all that came be read."""
    lost = {r.stream for r in records if r.kind in ("reset", "stopped")}
    for i, r in enumerate(records):
        if r.kind in ("wrote", "finished") and r.stream in lost:
            continue
        name = "record %d, %s" % (i, r.kind)
        if r.kind == "given" and len(r.data) == 32:
            yield name + " changed", lambda i=i, r=r: run(changed(records, i,
                                                                  data=flipped(r.data)))
        if r.kind == "sent":
            for at in (0, 1, 9, 12, 40, len(r.data) - 1):
                if at < len(r.data) and not (r.data[0] in (wire.HELLO, wire.INIT) and at == 40):
                    yield "%s changed at %d" % (name, at), lambda i=i, r=r, at=at: run(
                        with_arrivals(records, i, flipped(r.data, at)))
        if r.kind in ("wrote", "read", "said", "heard"):
            yield name + " changed", lambda i=i, r=r: run(changed(records, i,
                                                                  data=flipped(r.data)))
        if r.kind == "read" and r.stream in lost:
            continue
        if r.kind in ("wrote", "read", "read_end", "read_reset", "said", "heard", "finished",
                      "reset", "stopped"):
            yield name + " left out", lambda i=i: run(records[:i] + records[i + 1:])
        if r.kind == "read_reset":
            yield name + " changed", lambda i=i, r=r: run(changed(records, i, code=r.code + 1))
        if r.kind == "over":
            yield name + " changed", lambda i=i, r=r: run(changed(records, i, error=r.error + 1))


def losses(records):
    """Datagrams that did not arrive after all, whatever of a stream or message is in them."""
    reader = Reader(records)
    for i, r in enumerate(records):
        before = [len(s.ends[r.side].got) for s in reader.sessions]
        reader.step(r)
        if r.kind != "arrived" or [len(s.ends[r.side].got) for s in reader.sessions] == before:
            continue
        session = reader.sessions[-1]
        opener = session.openers[1 - r.side]
        plain = session.known[1 - r.side][opener.now, opener.highest, r.data] \
            if (opener.now, opener.highest, r.data) in session.known[1 - r.side] else b""
        if any(f.kind in (wire.STREAM, wire.MESSAGE) for f in wire.read_frames(plain)[0]):
            yield "record %d, arrived, left out" % i, lambda i=i: run(records[:i] + records[i + 1:])


class Stage:
    """A session in its middle, where one end says what it must not."""

    def __init__(self, records):
        self.reader, count, last = Reader(records), 0, None
        for i, record in enumerate(records):
            self.reader.step(record)
            if record.kind == "sent" and record.side == CLIENT and record.data[0] & 0x40:
                count, last = count + 1, record
            if count == MIDDLE:
                break
        self.at_us, self.session = last.at_us, self.reader.sessions[-1]
        self.place = (last.source, last.to)

    def packet(self, side, frames, number=None, ahead=0, updates=0, n=9):
        session = self.session
        number = session.numbers[side] + ahead if number is None else number
        key = session.updates[side] + updates
        head = bytes([0x40 | key & 1]) + session.cid[side] + struct.pack("<I", number)
        out, tag = session.keys[side].get(key).crypt(number, head, frames.ljust(n, b"\0"), True)
        return head + out + tag

    def record(self, kind, side, data, **fields):
        r = capture.Record(kind, side, self.at_us)
        r.source, r.to = self.place if side == CLIENT and kind == "sent" or \
            side == SERVER and kind == "arrived" else self.place[::-1]
        r.data, r.ecn, r.index = data, 0, capture.NOT_SENT
        r.__dict__.update(fields)
        return r

    def sends(self, side, frames, later_us=0, **fields):
        how = {k: fields.pop(k) for k in ("number", "ahead", "updates", "n") if k in fields}
        if later_us:
            self.at_us += later_us
            self.session.ends[1 - side].due.clear()  # which could not answer meanwhile
        self.reader.step(self.record("sent", side, self.packet(side, frames, **how), **fields))

    def gets(self, side, frames):
        """A packet of the other end, which never sent it, comes."""
        opener = self.session.openers[1 - side]
        data = self.packet(1 - side, frames, number=opener.highest + 1)
        self.reader.step(self.record("arrived", side, data))

    def app(self, kind, side, **fields):
        r = capture.Record(kind, side, self.at_us)
        r.__dict__.update(fields, session=0)
        self.reader.step(r)


def stream(number, offset, data, end=0):
    return bytes([wire.STREAM, end]) + var(number) + var(offset) + sized(data)


def message(number, channel, total, offset, data):
    return bytes([wire.MESSAGE, channel]) + var(number) + var(total) + var(offset) + sized(data)


def frame(kind, *numbers):
    return bytes([kind]) + b"".join(var(n) for n in numbers)


def close(reason):
    return bytes([wire.CLOSE]) + var(0) + sized(reason)


def ack(end, now_us, highest=None, ranges=(0,), delay=0, arrival=0, ce=0):
    """An ACK of the highest that has come, with something of it changed."""
    highest = end.highest if highest is None else highest
    came = end.got_at.get(end.highest)
    return bytes([wire.ACK]) + var(highest) + var(now_us - came + delay) + \
        struct.pack("<I", came + arrival) + var(end.marks[2]) + var(end.marks[3] + ce) + \
        var(len(ranges)) + b"".join(var(n) for n in ranges)


def bare_ack(number):
    return bytes([wire.ACK]) + var(number) + var(0) + bytes(4) + var(0) * 2 + var(1) + var(0)


ELSEWHERE = bytes([4, 192, 0, 2, 9]) + bytes(12) + struct.pack("<H", 5)


def say(kind, side=CLIENT, **fields):
    return lambda s: s.app(kind, side, **fields)


def sends(frames, side=CLIENT, **fields):
    return lambda s: s.sends(side, frames(s) if callable(frames) else frames, **fields)


def gets(frames, side=SERVER):
    return lambda s: s.gets(side, frames(s) if callable(frames) else frames)


def broken_ack(**fields):
    return sends(lambda s: ack(s.session.ends[CLIENT], s.at_us, **fields))


PING = frame(wire.PING)
NEW, WINDOW = 6, 1 << 20
FULL_STREAM = [say("opened", stream=NEW, padded=0), say("wrote", stream=NEW, data=bytes(3000))]
NEW_MESSAGE = [say("said", number=2, channel=7, data=bytes(3000))]
CASES = [
    # Packets
    ("a million numbers left out", "packet number", [sends(PING, number=10**6)]),
    ("two numbers left out", "packet number", [sends(PING, ahead=2)]),
    ("a number twice", "packet number", [sends(PING, number=3)]),
    ("a key too early", "a new key", [sends(PING, updates=1)]),
    ("a key of long ago", "does not open", [sends(PING, updates=2)]),
    ("a packet too short", "a datagram of 37", [sends(PING, n=8)]),
    ("a packet too long", "a datagram of 1453", [sends(PING, n=1424)]),
    ("a size not proven here", "path is known", [
        gets(frame(wire.PATH_CHALLENGE) + bytes(8), CLIENT), sends(PING * 2, n=1172)]),
    ("a codepoint of nobody", "codepoint", [sends(PING, ecn=1)]),
    ("a frame of nobody", "unknown type", [sends(b"\x0e")]),
    ("a frame cut short", "cut short", [
        sends(bytes([wire.STREAM, 0]) + var(0) + var(0) + var(100))]),
    ("to another address", "proven itself", [sends(PING, to=ELSEWHERE)]),
    # Acknowledgements
    ("an ACK of what has not come", "is highest", [
        sends(lambda s: ack(s.session.ends[CLIENT], s.at_us, s.session.ends[CLIENT].highest + 1))]),
    ("an ACK of another delay", "delayed", [broken_ack(delay=1)]),
    ("an ACK of another arrival", "arrival", [broken_ack(arrival=1)]),
    ("an ACK of other marks", "marks", [broken_ack(ce=1)]),
    ("an ACK of 33 ranges", "ranges", [broken_ack(ranges=(0,) * 65)]),
    ("an ACK below 0", "below 0", [broken_ack(ranges=(1 << 20,))]),
    ("an ACK of what was not sent comes", "which was not sent", [
        gets(bare_ack(10**6))]),
    ("an ACK of what was left out", "which was left out", [
        sends(PING, ahead=1), gets(
            lambda s: bare_ack(s.session.numbers[CLIENT] - 2), CLIENT)]),
    ("no ACK in time", "in time", [gets(PING), sends(PING, SERVER, later_us=10**6)]),
    # Streams
    ("a stream of the other end", "not open yet", [sends(stream(41, 0, b"a"))]),
    ("bytes that nobody wrote", "than were written", [sends(stream(NEW, 0, b"a"))]),
    ("other bytes", "than were written", FULL_STREAM + [sends(stream(NEW, 0, b"a"))]),
    ("an end too early", "ends early", FULL_STREAM + [sends(stream(NEW, 0, bytes(9), 1))]),
    ("more than a stream's limit", "sends", [
        say("opened", stream=NEW, padded=0), say("wrote", stream=NEW, data=bytes(WINDOW + 10)),
        sends(stream(NEW, WINDOW, bytes(1)))]),
    ("more than the session's limit", "the session sends", [
        step for i in range(17) for step in (
            say("opened", stream=NEW + 2 * i, padded=0),
            say("wrote", stream=NEW + 2 * i, data=bytes(WINDOW)),
            sends(stream(NEW + 2 * i, WINDOW - 1, bytes(1))))]),
    ("129 streams", "streams are open", [
        step for i in range(129) for step in (
            say("opened", stream=NEW + 2 * i, padded=0),
            sends(stream(NEW + 2 * i, 0, b"")))]),
    ("a reset of another size", "a reset at", FULL_STREAM + [
        say("reset", stream=NEW, code=1), sends(frame(wire.RESET_STREAM, NEW, 1, 5))]),
    ("a reset of nobody", "nobody asked", FULL_STREAM + [
        sends(frame(wire.RESET_STREAM, NEW, 1, 0))]),
    ("bytes after a reset", "after its reset", FULL_STREAM + [
        say("reset", stream=NEW, code=1), sends(frame(wire.RESET_STREAM, NEW, 1, 0)),
        sends(stream(NEW, 0, bytes(5)))]),
    ("a stop of nobody", "did not ask", [sends(frame(wire.STOP_SENDING, 0, 1))]),
    ("flags of nobody", "flags", FULL_STREAM + [sends(stream(NEW, 0, b"", 2))]),
    ("MAX_DATA too far", "MAX_DATA", [sends(frame(wire.MAX_DATA, 17 << 20))]),
    ("MAX_STREAM_DATA too far", "MAX_STREAM_DATA", [
        sends(frame(wire.MAX_STREAM_DATA, 0, (1 << 20) + 1000))]),
    ("a padded stream of another size", "padded", [
        say("opened", stream=NEW, padded=1), say("wrote", stream=NEW, data=bytes(5)),
        sends(stream(NEW, 0, bytes(5)), n=257)]),
    ("bytes beyond a stream's limit come", "came to", [gets(stream(NEW, WINDOW, bytes(1)))]),
    ("bytes beyond the final size come", "final size", [
        gets(stream(NEW, 5, b"a", 1)), gets(stream(NEW, 6, b"a"))]),
    ("another final size comes", "final size", [
        gets(stream(NEW, 5, b"a", 1)), gets(stream(NEW, 4, b"a", 1))]),
    ("a final size below what came", "final size", [
        gets(stream(NEW, 5, b"a")), gets(frame(wire.RESET_STREAM, NEW, 1, 5))]),
    ("other bytes come again", "again with other", [
        gets(stream(NEW, 0, b"abc")), gets(stream(NEW, 2, b"d"))]),
    ("a stream comes that is not ours yet", "not open yet", [gets(stream(41, 0, b"a"))]),
    ("a stream comes far ahead", "too far ahead", [gets(stream(NEW + 514, 0, b"a"))]),
    # Messages
    ("a message of nobody", "never said", [sends(message(9, 7, 1, 0, b"a"))]),
    ("another message", "other bytes", NEW_MESSAGE + [
        sends(message(2, 7, 3000, 0, b"a" * 300))]),
    ("a message on another channel", "other bytes", NEW_MESSAGE + [
        sends(message(2, 8, 3000, 0, bytes(300)))]),
    ("a small piece", "a piece of", NEW_MESSAGE + [sends(message(2, 7, 3000, 0, bytes(255)))]),
    ("a piece beyond its message", "too far", NEW_MESSAGE + [
        sends(message(2, 7, 3000, 2999, bytes(2)))]),
    ("a message too long", "too far", [sends(message(2, 7, 262145, 0, bytes(300)))]),
    ("a piece after its drop", "was dropped", NEW_MESSAGE + [
        sends(message(2, 7, 3000, 0, bytes(300))), sends(frame(wire.DROP_MESSAGE, 2, 1)),
        sends(message(2, 7, 3000, 300, bytes(300)))]),
    ("a drop of what was not sent", "nothing of it", NEW_MESSAGE + [
        sends(frame(wire.DROP_MESSAGE, 2, 1))]),
    ("a drop of none", "of none", [sends(frame(wire.DROP_MESSAGE, 0, 0))]),
    ("a message changes its head", "its head", [
        gets(message(2, 7, 3000, 0, bytes(300))), gets(message(2, 7, 3001, 0, bytes(300)))]),
    # Addresses and the end
    ("an answer to no challenge", "no challenge", [sends(frame(wire.PATH_RESPONSE) + bytes(8))]),
    ("a challenge to the address in use", "no candidate", [
        sends(frame(wire.PATH_CHALLENGE) + bytes(8))]),
    ("a token of the client", "NEW_TOKEN", [sends(bytes([wire.NEW_TOKEN]) + sized(bytes(24)))]),
    ("a token made otherwise", "made otherwise", [
        sends(bytes([wire.NEW_TOKEN]) + sized(bytes(24)), SERVER)]),
    ("frames beside CLOSE", "while it closes", [
        say("closed", error=0, reason=b"x"), sends(close(b"x") + PING)]),
    ("frames after CLOSE", "while it closes", [
        say("closed", error=0, reason=b"x"), sends(close(b"x")), sends(PING)]),
    ("CLOSE too often", "too often", [
        say("closed", error=0, reason=b"x"), sends(close(b"x")),
        sends(close(b"x"), later_us=99999)]),
    ("CLOSE too long", "after 3 s", [
        say("closed", error=0, reason=b"x"), sends(close(b"x")),
        sends(close(b"x"), later_us=3000001)]),
    ("CLOSE in other words", "its words", [
        say("closed", error=0, reason=b"x"), sends(close(b"x")),
        sends(close(b"y"), later_us=200000)]),
    ("a reason too long", "sized", [
        say("closed", error=0, reason=b"x" * 201), sends(close(b"x" * 201))]),
]


def forgeries(records):
    for name, complaint, steps in CASES:
        def go(steps=steps):
            stage = Stage(records)
            for step in steps:
                step(stage)
        yield name, complaint, go


def greetings(records):
    """Handshake packets that break a rule, in place of those sent."""
    def at(kind):
        return next(i for i, r in enumerate(records) if r.kind == "sent" and r.data[0] == kind)

    for kind, name in ((wire.HELLO, "HELLO"), (wire.INIT, "INIT")):
        i = at(kind)
        data = records[i].data
        yield "a short " + name, "not filled", lambda i=i, d=data: run(
            with_arrivals(records, i, d[:1199]))
        yield "filled otherwise " + name, "not filled", lambda i=i, d=data: run(
            with_arrivals(records, i, d[:-1] + b"\1"))
    i = at(wire.COOKIE)
    grown = records[i].data + bytes(1)
    yield "bytes after COOKIE", "after the fields", lambda: run(with_arrivals(records, i, grown))
    yield "COOKIE again and again", "more bytes", lambda: run(
        records[:i] + [records[i]] * 20 + records[i + 1:])
    first = next(n for n, r in enumerate(records)
                 if r.kind == "arrived" and r.side == SERVER and r.data[0] & 0x40)
    spoken = next(n for n, r in enumerate(records)
                  if r.kind == "sent" and r.side == SERVER and r.data[0] & 0x40)
    yield "the server speaks first", "before it may", lambda: run(
        records[:first] + [records[spoken]])
