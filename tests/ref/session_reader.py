"""Opens a captured session with the secrets given and holds it against docs/protocol.md."""
import struct

import handshake_ref as noise
import session_aead as aead
import session_capture as capture
import session_wire as wire
from session_greeting import Handshakes
from session_model import End
from session_wire import Broken, need

CLIENT, SERVER = 0, 1
REFUSED = 14
UPDATE_LABEL = b"farspan key update"


class Keys:
    """One direction's keys, as many as were needed so far."""

    def __init__(self, cipher, first):
        self.cipher, self.secret, self.aead = cipher, [first], [aead.AEAD[cipher](first)]

    def get(self, i):
        while len(self.aead) <= i:
            self.secret.append(noise.blake2b(32, UPDATE_LABEL, self.secret[-1]))
            self.aead.append(aead.AEAD[self.cipher](self.secret[-1]))
        return self.aead[i]


class Opener:
    """The receiver of one direction: which key, which number, and what was seen."""

    def __init__(self, keys):
        self.keys, self.now, self.first, self.highest, self.seen = keys, 0, [0], -1, set()

    def number_of(self, low):
        """The full number nearest to the highest opened plus one."""
        want = self.highest + 1
        near = want & ~0xffffffff | low
        return min((n for n in (near - 2**32, near, near + 2**32) if n >= 0),
                   key=lambda n: abs(n - want))

    def open(self, data, known):
        """(number, key, plain), or None; `known` has what was opened as it was sent."""
        phase, _, low = wire.read_head(data)
        number = self.number_of(low)
        if number in self.seen or number <= self.highest - 4096:
            return None
        key = self.now
        if phase != self.now & 1:
            key = self.now - 1 if number < self.first[self.now] else self.now + 1
        if key < 0:
            return None
        plain = known.get((key, number, data))
        if plain is None:
            plain = aead.unseal(self.keys.get(key), number, data[:13], data[13:])
        if plain is None:
            return None
        if key > self.now:
            self.now = key
            self.first.append(number)
        self.first[key] = min(self.first[key], number)
        self.highest = max(self.highest, number)
        self.seen.add(number)
        return number, key, plain


class Session:
    """Two ends and the way from each to the other."""

    def __init__(self, pact, client_address, server_address, update_after):
        self.pact = pact
        # Of packets from the client and from the server.
        self.cid = (pact.response.server_cid, pact.init.cid)
        self.keys = [Keys(pact.init.cipher, k) for k in pact.keys]
        self.openers, self.known = [Opener(k) for k in self.keys], [{}, {}]
        self.updates, self.numbers = [0, 0], [0, 0]
        self.ends = [End(CLIENT, pact.params[0], pact.params[1], server_address, update_after),
                     End(SERVER, pact.params[1], pact.params[0], client_address, update_after)]


class Reader:
    """A whole capture, record by record; `counts` says afterwards what there was in it."""

    def __init__(self, records):
        self.records, self.sessions, self.by_cid, self.counts = records, [], {}, {}
        self.given = [{}, {}]
        self.greeting = Handshakes(self.given, self.count)
        self.out_bytes, self.in_bytes, self.proven = [{}, {}], [{}, {}], [set(), set()]

    def count(self, what, n=1):
        self.counts[what] = self.counts.get(what, 0) + n

    def run(self):
        for i, record in enumerate(self.records):
            try:
                self.step(record)
            except (Broken, ValueError, KeyError, IndexError) as e:
                raise Broken("record %d, %s, %s, at %d us: %s" % (
                    i, ("client", "server")[record.side & 1], record.kind, record.at_us,
                    e if isinstance(e, Broken) else repr(e))) from e
        for session in self.sessions:
            for end in session.ends:
                end.finish()
                for what, n in end.counts.items():
                    self.count(what, n)
        return self.counts

    def step(self, record):
        for session in self.sessions:
            for end in session.ends:
                end.tick(record.at_us)
        if record.kind == "given":
            self.given[record.side].setdefault(record.what, []).append(record.data)
        elif record.kind == "sent":
            self.sent(record)
        elif record.kind == "arrived":
            self.arrived(record)
        else:
            if self.greeting.refusal and record.kind == "over":
                said = (record.error, record.reason)
                need(said == (REFUSED, self.greeting.refusal), "a refusal is told as", said)
                return
            need(record.session < len(self.sessions), "a session that was never made")
            self.sessions[record.session].ends[record.side].app(record)

    # What is sent

    def sent(self, record):
        side, data, to = record.side, record.data, record.to
        out = self.out_bytes[side]
        out[to] = out.get(to, 0) + len(data)
        if to not in self.proven[side] and not self.is_dialled(side, to):
            need(out[to] <= self.in_bytes[side].get(to, 0),
                 "more bytes to an address than came from it before it has proven itself")
            self.count("bytes to the unproven", len(data))
        if data[0] in (0x40, 0x41):
            self.data_sent(record)
            return
        packet = wire.Handshake(data)
        self.count("handshake %d" % packet.kind)
        pact = self.greeting.sent(record, packet)
        if pact and pact.verdict == 0:
            session = Session(pact, to, record.source,
                              int.from_bytes(self.given[side][capture.UPDATE_AFTER][0], "little"))
            self.sessions.append(session)
            for sender in (CLIENT, SERVER):
                self.by_cid[sender, session.cid[sender]] = session
        elif pact:
            self.greeting.refusal = pact.reason
            self.count("refusals")

    def is_dialled(self, side, address):
        return side == CLIENT and address in self.given[SERVER][capture.ADDRESS]

    def data_sent(self, record):
        side, data = record.side, record.data
        phase, cid, low = wire.read_head(data)
        session = self.by_cid.get((side, cid))
        need(session is not None, "a connection id that nobody has")
        number = session.numbers[side]
        if low == number + 1 & 0xffffffff:
            session.ends[side].leave_out(number)
            number += 1
        need(low == number & 0xffffffff, "packet number", low, "instead of", number)
        session.numbers[side] = number + 1
        if phase != session.updates[side] & 1:
            session.updates[side] += 1
        key = session.updates[side]
        plain = aead.unseal(session.keys[side].get(key), number, data[:wire.HEAD],
                            data[wire.HEAD:])
        need(plain is not None, "packet", number, "does not open")
        session.known[side][key, number, data] = plain
        need(side == CLIENT or session.openers[CLIENT].seen, "the server speaks before it may")
        frames, padding = wire.read_frames(plain)
        session.ends[side].send(record.at_us, len(data), record.to, record.ecn, number, key,
                                frames, padding)
        for f in frames:
            if f.kind == wire.NEW_TOKEN:
                self.greeting.check_token(f.token, ip_of(record.to))
        self.count("data packets sent")

    # What arrives

    def arrived(self, record):
        side, data = record.side, record.data
        came = self.in_bytes[side]
        came[record.source] = came.get(record.source, 0) + len(data)
        self.count("datagrams arrived")
        if data[:1] in (b"\x40", b"\x41"):
            self.data_arrived(record)
            return
        try:
            packet = wire.Handshake(data)
        except (Broken, UnicodeError):
            self.count("datagrams dropped")
            return
        if record.index != capture.NOT_SENT:
            self.greeting.came(record, packet)

    def data_arrived(self, record):
        side, data = record.side, record.data
        sender = 1 - side
        session = self.by_cid.get((sender, data[1:9]))
        opened = session and len(data) >= wire.HEAD and \
            session.openers[sender].open(data, session.known[sender])
        if not opened:
            self.count("datagrams dropped")
            return
        number, _, plain = opened
        end, at = session.ends[side], record.source
        if side == SERVER and not end.got:
            self.proven[side].add(at)
            end.path = at
        frames, _ = wire.read_frames(plain)
        for f in frames:
            if f.kind == wire.PATH_RESPONSE and f.data in end.challenges:
                self.proven[side].add(end.challenges[f.data])
            if f.kind == wire.NEW_TOKEN:
                self.greeting.tokens.add(f.token)
        end.receive(record.at_us, at, record.ecn, number, frames)


def ip_of(address):
    """The 4 or 16 bytes of it."""
    return address[1:5] if address[0] == 4 else address[1:17]


def read(raw):
    """Reads a capture; gives what there was in it, by name; raises Broken."""
    try:
        records = capture.read(raw)
    except (ValueError, struct.error, KeyError) as e:
        raise Broken("no capture: %s" % e) from e
    return Reader(records).run()
