"""What packets and frames of a session look like, from docs/protocol.md."""
import struct

ACK, STREAM, MESSAGE = 2, 3, 8
PING, PATH_CHALLENGE, PATH_RESPONSE, CLOSE, NEW_TOKEN = 1, 10, 11, 12, 13
RESET_STREAM, STOP_SENDING, MAX_DATA, MAX_STREAM_DATA, DROP_MESSAGE = 4, 5, 6, 7, 9
PADDING = 0
NOT_ACKNOWLEDGED = (PADDING, ACK, CLOSE)
HELLO, COOKIE, INIT, RESPONSE = 1, 2, 3, 4
MESSAGE_MAX = 262144


class Broken(Exception):
    """A rule of the page was broken, or a byte is not what it should be."""


def need(good, *what):
    if not good:
        raise Broken(" ".join(str(w) for w in what))


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def left(self):
        return len(self.data) - self.at

    def take(self, n):
        need(n <= self.left(), "cut short")
        self.at += n
        return self.data[self.at - n:self.at]

    def number(self, n):
        return int.from_bytes(self.take(n), "little")

    def var(self):
        n = 1 << (self.data[self.at] & 3) if self.left() else 1
        return self.number(n) >> 2

    def sized(self, limit=None):
        n = self.var()
        need(limit is None or n <= limit, "sized", n, "of at most", limit)
        return self.take(n)


class Frame:
    """Its kind and the fields of the table, by name."""

    def __init__(self, kind, **fields):
        self.kind = kind
        self.__dict__.update(fields)

    def __eq__(self, other):
        return self.__dict__ == other.__dict__


def read_ack(r):
    f = Frame(ACK, highest=r.var(), delay=r.var(), arrival=r.number(4), ect0=r.var(), ce=r.var())
    count, top = r.var(), f.highest
    need(1 <= count <= 32, "an ACK of", count, "ranges")
    f.ranges = []
    for i in range(count):
        top -= r.var() + 2 if i else 0
        low = top - r.var()
        need(low >= 0, "an ACK below 0")
        f.ranges.append((low, top))
        top = low
    return f


def read_frame(r):
    kind = r.number(1)
    if kind in (PADDING, PING):
        return Frame(kind)
    if kind == ACK:
        return read_ack(r)
    if kind == STREAM:
        flags = r.number(1)
        need(flags < 2, "flags", flags)
        f = Frame(kind, end=flags, stream=r.var(), offset=r.var(), data=r.sized())
        need(f.offset + len(f.data) < 2**62, "a stream beyond its numbers")
        return f
    if kind == RESET_STREAM:
        return Frame(kind, stream=r.var(), code=r.var(), final=r.var())
    if kind == STOP_SENDING:
        return Frame(kind, stream=r.var(), code=r.var())
    if kind == MAX_DATA:
        return Frame(kind, limit=r.var())
    if kind == MAX_STREAM_DATA:
        return Frame(kind, stream=r.var(), limit=r.var())
    if kind == MESSAGE:
        f = Frame(kind, channel=r.number(1), number=r.var(), total=r.var(), offset=r.var(),
                  data=r.sized())
        need(f.total <= MESSAGE_MAX and f.offset + len(f.data) <= f.total, "a piece too far")
        need(f.data or f.total == 0, "an empty piece of a message that is not")
        return f
    if kind == DROP_MESSAGE:
        f = Frame(kind, first=r.var(), count=r.var())
        need(f.count >= 1, "DROP_MESSAGE of none")
        return f
    if kind in (PATH_CHALLENGE, PATH_RESPONSE):
        return Frame(kind, data=r.take(8))
    if kind == CLOSE:
        f = Frame(kind, error=r.var(), reason=r.sized(200))
        f.reason.decode("utf-8")
        return f
    if kind == NEW_TOKEN:
        return Frame(kind, token=r.sized(64))
    raise Broken("a frame of unknown type %d" % kind)


def read_frames(plain):
    """[frame] without PADDING, and how many of those there were."""
    r, frames, padding = Reader(plain), [], 0
    while r.left():
        f = read_frame(r)
        if f.kind == PADDING:
            padding += 1
        else:
            frames.append(f)
    return frames, padding


def read_params(r):
    p = {"compatible": r.number(4), "incompatible": r.number(4), "max_data": r.var(),
         "max_stream_data": r.var(), "max_ack_delay_us": r.var()}
    need(p["incompatible"] == 0, "unknown features that must be known")
    return p


class Handshake:
    """A handshake packet."""

    def __init__(self, data):
        r = Reader(data)
        self.kind = r.number(1)
        need(r.take(2) == b"fs" and r.number(1) == 1, "no packet of this protocol")
        self.cid = r.take(8)
        if self.kind == HELLO:
            self.nonce = r.take(16)
        elif self.kind == COOKIE:
            self.nonce, self.key, self.ciphers = r.take(16), r.take(32), r.number(1)
            self.cookie = r.sized(96)
        elif self.kind == INIT:
            self.nonce, self.ciphers, self.cipher = r.take(16), r.number(1), r.number(1)
            self.proof_kind, self.proof = r.number(1), r.sized(96)
            need(self.proof_kind < 2, "a proof of kind", self.proof_kind)
            self.message = r.sized(1024)
        elif self.kind == RESPONSE:
            self.server_cid, self.message = r.take(8), r.sized(1024)
        else:
            raise Broken("type %d" % self.kind)
        rest = data[r.at:]
        if self.kind in (HELLO, INIT):
            need(len(data) == max(1200, r.at) and not any(rest), "not filled with zeros to 1,200")
        else:
            need(not rest, "bytes after the fields")


HEAD = 13


def read_head(data):
    """(phase, connection id, low 32 bits of the number)."""
    return data[0] & 1, data[1:9], struct.unpack("<I", data[9:13])[0]
