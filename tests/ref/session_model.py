"""One end of a session as docs/protocol.md says it must behave, fed with what really happened."""
import session_wire as wire
from session_wire import Broken, need

STREAMS_MAX, AHEAD_MAX, MESSAGES_MAX, WAITING_MAX = 128, 256, 4096, 16 << 20
LEAST, SMALL, LARGE, PADDED = 38, 1200, 1452, 256
TICK_US = 100000


class Spans:
    """A set of numbers, as sorted spans [low, end)."""

    def __init__(self):
        self.spans = []

    def add(self, low, end):
        if low >= end:
            return
        kept = []
        for a, b in self.spans:
            if b < low or a > end:
                kept.append((a, b))
            else:
                low, end = min(a, low), max(b, end)
        self.spans = sorted(kept + [(low, end)])

    def holds(self, low, end):
        return low >= end or any(a <= low and end <= b for a, b in self.spans)

    def from_zero(self):
        return self.spans[0][1] if self.spans and self.spans[0][0] == 0 else 0


class Outgoing:
    """One direction of a stream at who sends it."""

    def __init__(self, limit):
        self.wrote, self.finished, self.limit = bytearray(), False, limit
        self.highest, self.final, self.ended, self.reset = 0, None, False, None
        self.acked, self.end_acked, self.reset_acked = Spans(), False, False
        self.app_reset, self.stop = None, None

    def is_done(self):
        return self.reset_acked or (self.ended and self.end_acked and
                                    self.acked.from_zero() >= self.final)


class Incoming:
    """One direction of a stream at who reads it."""

    def __init__(self, window):
        self.data, self.have, self.highest = bytearray(), Spans(), 0
        self.final, self.reset, self.read, self.read_over = None, None, 0, False
        self.stopped, self.limit = None, window

    def consumed(self):
        if self.reset is not None or self.stopped is not None:
            return max(self.read, self.highest if self.final is None else self.final)
        return self.read

    def set_final(self, final):
        need(self.final in (None, final), "a final size changes from", self.final, "to", final)
        need(final >= self.highest, "a final size of", final, "below", self.highest)
        self.final = final


class Stream:
    def __init__(self, send_limit, window):
        self.out, self.come, self.padded = Outgoing(send_limit), Incoming(window), False

    def is_over(self):
        return self.out.is_done() and self.come.final is not None


class Sent:
    """A data packet that was sent."""

    def __init__(self, at_us, size, to, ecn, frames, padding):
        self.at_us, self.size, self.to, self.ecn = at_us, size, to, ecn
        self.frames, self.padding, self.acked = frames, padding, False
        self.eliciting = any(f.kind not in wire.NOT_ACKNOWLEDGED for f in frames)

    def is_trial(self):
        return [f.kind for f in self.frames] == [wire.PING] and self.padding > 0


class End:
    """What one end has sent, got and been told. `mine` and `theirs` are the hellos' parameters."""

    def __init__(self, side, mine, theirs, address, update_after):
        self.side, self.mine, self.theirs = side, mine, theirs
        self.path, self.update_after = address, update_after
        self.streams, self.max_data, self.gave_data = {}, theirs["max_data"], mine["max_data"]
        self.opened = [0, 0]  # how many streams the client and the server have opened
        # sending
        self.sent, self.acked, self.phase_from, self.phase_acked = [], set(), [0], False
        self.size, self.size_from = SMALL, 0
        self.marks_from, self.marking = 0, False
        self.drops, self.out_messages = Spans(), {}
        # receiving
        self.got, self.got_at, self.highest = set(), {}, -1
        self.marks = {1: 0, 2: 0, 3: 0}
        self.due = {}
        self.pieces, self.whole, self.forgotten, self.top_message = {}, [], Spans(), -1
        self.delivered = set()
        # paths
        self.candidate, self.challenges, self.asked = None, {}, []
        self.last_challenge = None
        # the end
        self.wanted_close, self.close, self.close_first = None, None, None
        self.close_at, self.close_got = [], []
        self.counts = {}

    def count(self, what, n=1):
        self.counts[what] = self.counts.get(what, 0) + n

    def tick(self, now_us):
        """Every packet that wants an acknowledgement has it within the delay that was promised."""
        if self.close or self.close_got:
            return
        for number, came_us in self.due.items():
            need(now_us <= came_us + self.mine["max_ack_delay_us"], "packet", number,
                 "was not acknowledged in time")
            break

    # Streams

    def open_count(self, who):
        return sum(1 for i, s in self.streams.items() if i & 1 == who and not s.is_over())

    def stream(self, number, come):
        """The stream of a frame that was sent or has come; opens it if it may; None: no room."""
        who = number & 1
        need(not come or (number >> 1) - self.opened[who] <= AHEAD_MAX, "stream", number,
             "is too far ahead")
        while self.opened[who] <= number >> 1:
            need(come == (who != self.side), "stream", number, "is not open yet")
            if self.open_count(who) >= STREAMS_MAX:
                need(come, "more than", STREAMS_MAX, "streams are open")
                return None
            i = self.opened[who] << 1 | who
            if i not in self.streams:
                self.streams[i] = Stream(self.theirs["max_stream_data"],
                                         self.mine["max_stream_data"])
            self.opened[who] += 1
        return self.streams[number]

    def app_stream(self, number):
        """The stream that the application means, which may not have been on the wire."""
        if number not in self.streams:
            need(number & 1 == self.side, "the application has stream", number, "too early")
            self.streams[number] = Stream(self.theirs["max_stream_data"],
                                          self.mine["max_stream_data"])
        return self.streams[number]

    # What was sent

    def leave_out(self, number):
        """A number that no packet ever has: nobody can have received it."""
        need(number == len(self.sent), "packet number", number, "after", len(self.sent) - 1)
        need(number and self.sent[-1], "a packet number left out at once, or two in a row")
        self.sent.append(None)
        self.count("numbers left out")

    def send(self, at_us, size, to, ecn, number, phase, frames, padding):
        need(number == len(self.sent), "packet number", number, "after", len(self.sent) - 1)
        p = Sent(at_us, size, to, ecn, frames, padding)
        self.check_phase(phase, number)
        self.check_size(p)
        self.check_marks(p)
        self.check_place(p)
        self.check_closing(p)
        self.sent.append(p)
        if p.is_trial():
            self.count("trials")
        for f in frames:
            self.count("frame %d" % f.kind)
            self.send_frame(p, f)
        padded = [f for f in frames if f.kind == wire.STREAM and self.streams[f.stream].padded]
        if padded:
            self.count("padded packets")
            need(size == PADDED + 29, "a packet of a padded stream with", size - 29, "bytes")

    def check_phase(self, phase, number):
        if phase == len(self.phase_from) - 1:
            return
        need(phase == len(self.phase_from), "key", phase, "after", len(self.phase_from) - 1)
        begun = self.phase_from[-1]
        need(any(n >= begun for n in self.acked), "a new key before the last was acknowledged")
        need(number - begun >= self.update_after, "a new key after", number - begun, "packets")
        self.phase_from.append(number)
        self.count("key updates")

    def check_size(self, p):
        need(LEAST <= p.size <= LARGE, "a datagram of", p.size, "bytes")
        need(p.size <= self.size or p.is_trial(), "a datagram of", p.size,
             "bytes where the path is known for", self.size)
        if p.size > SMALL:
            self.count("large packets")

    def check_marks(self, p):
        need(p.ecn in (0, 2), "a codepoint of", p.ecn)
        if p.ecn and not self.marking:
            need(p.is_trial() and p.size == LEAST, "marked before the path is known for it")
        self.count("marked packets", p.ecn == 2)

    def check_place(self, p):
        """Where it goes, and that only challenges and answers to them leave the path."""
        kinds = {f.kind for f in p.frames}
        if p.to != self.path:
            need(kinds <= {wire.PATH_CHALLENGE, wire.PATH_RESPONSE},
                 "frames", kinds, "to an address that has not proven itself")
        if wire.PATH_CHALLENGE in kinds:
            need(p.to == self.candidate, "a challenge to who is no candidate")
            last = self.last_challenge
            need(last is None or last[0] != p.to or p.at_us - last[1] >= TICK_US,
                 "challenges come too often")
            self.last_challenge = (p.to, p.at_us)

    def check_closing(self, p):
        kinds = [f.kind for f in p.frames]
        if self.close is None and wire.CLOSE not in kinds:
            return
        need(kinds == [wire.CLOSE], "frames", kinds, "while it closes")
        f = p.frames[0]
        said = (f.error, f.reason)
        if self.close is None:
            self.close = self.close_got[0] if self.close_got else self.wanted_close
            self.close_first = p.at_us
        need(said == self.close, "CLOSE changes its words")
        need(not self.close_at or p.at_us - self.close_at[-1] >= TICK_US, "CLOSE too often")
        need(p.at_us <= self.close_first + 3000000 or self.close_got, "CLOSE after 3 s")
        self.close_at.append(p.at_us)
        if self.close_got:
            need(len(self.close_at) <= len(self.close_got) + 1, "more CLOSE than came")

    def send_frame(self, p, f):
        k = f.kind
        if k == wire.ACK:
            self.send_ack(p, f)
        elif k == wire.STREAM:
            self.send_stream(f)
        elif k == wire.RESET_STREAM:
            out = self.stream(f.stream, False).out
            need(f.final == out.highest, "a reset at", f.final, "after", out.highest, "bytes")
            need(out.reset in (None, f.code), "a reset changes its code")
            code = out.app_reset if out.app_reset is not None else out.stop
            need(code is not None, "a reset that nobody asked for")
            out.reset, out.final = f.code, f.final
        elif k == wire.STOP_SENDING:
            come = self.stream(f.stream, False).come
            need(come.stopped == f.code, "STOP_SENDING that the application did not ask for")
        elif k == wire.MAX_DATA:
            used = sum(s.come.consumed() for s in self.streams.values())
            need(f.limit <= used + self.mine["max_data"], "MAX_DATA", f.limit, "at", used)
            self.gave_data = max(self.gave_data, f.limit)
        elif k == wire.MAX_STREAM_DATA:
            come = self.stream(f.stream, False).come
            used = come.consumed()
            need(f.limit <= used + self.mine["max_stream_data"], "MAX_STREAM_DATA", f.limit, "at",
                 used)
            come.limit = max(come.limit, f.limit)
        elif k == wire.MESSAGE:
            self.send_piece(f)
        elif k == wire.DROP_MESSAGE:
            for n in range(f.first, f.first + f.count):
                need(n in self.out_messages and self.out_messages[n]["highest"] is not None,
                     "message", n, "is dropped and nothing of it was sent")
                self.out_messages[n]["dropped"] = True
        elif k == wire.PATH_RESPONSE:
            need((p.to, f.data) in self.asked, "an answer to no challenge of this address")
        elif k == wire.PATH_CHALLENGE:
            self.challenges[f.data] = p.to
        elif k == wire.NEW_TOKEN:
            need(self.side == 1, "NEW_TOKEN from the client")

    def send_ack(self, p, f):
        need(f.highest == self.highest, "ACK of", f.highest, "when", self.highest, "is highest")
        came = self.got_at[f.highest]
        need(f.delay == p.at_us - came, "an ACK delayed by", p.at_us - came, "says", f.delay)
        need(f.arrival == came & 0xffffffff, "an arrival at", came, "said as", f.arrival)
        need((f.ect0, f.ce) == (self.marks[2], self.marks[3]), "marks", f.ect0, f.ce, "but",
             self.marks)
        for low, top in f.ranges:
            for n in range(low, top + 1):
                need(n in self.got, "an ACK of", n, "which has not come")
                self.due.pop(n, None)

    def send_stream(self, f):
        s = self.stream(f.stream, False)
        out, end = s.out, f.offset + len(f.data)
        need(out.reset is None, "stream", f.stream, "goes on after its reset")
        need(end <= len(out.wrote) and f.data == out.wrote[f.offset:end],
             "stream", f.stream, "has other bytes at", f.offset, "than were written")
        need(end <= out.limit, "stream", f.stream, "sends", end, "of", out.limit)
        out.highest = max(out.highest, end)
        total = sum(s.out.highest for s in self.streams.values())
        need(total <= self.max_data, "the session sends", total, "of", self.max_data)
        if f.end:
            need(out.finished and end == len(out.wrote), "stream", f.stream, "ends early")
            out.ended, out.final = True, end

    def send_piece(self, f):
        m = self.out_messages.get(f.number)
        need(m is not None, "message", f.number, "was never said")
        need(not m["dropped"], "message", f.number, "goes on after it was dropped")
        end = f.offset + len(f.data)
        need((f.channel, f.total) == (m["channel"], len(m["data"])) and
             f.data == m["data"][f.offset:end], "message", f.number, "has other bytes")
        new = f.offset >= (m["highest"] or 0)
        need(len(f.data) >= 256 or end == f.total or not new, "a piece of", len(f.data), "bytes")
        if new and len(f.data) < f.total:
            self.count("pieces")
        m["highest"] = max(m["highest"] or 0, end)
        past = self.out_messages.get(f.number - MESSAGES_MAX)
        need(past is None or past["dropped"] or past["acked"].holds(0, len(past["data"])) or
             past["highest"] is None, "message", f.number, "while", f.number - MESSAGES_MAX,
             "is open")

    # What came

    def receive(self, at_us, source, ecn, number, frames):
        """A packet that opened and was not seen before. Gives whether it counts as come."""
        if self.wanted_close or self.close_got:
            self.close_got += [(f.error, f.reason) for f in frames if f.kind == wire.CLOSE]
            return False
        if ecn:
            self.marks[ecn] += 1
            self.count("marks of a queue", ecn == 3)
        for f in frames:  # a packet that opens a stream too many is not acknowledged
            if hasattr(f, "stream") and self.stream(f.stream, True) is None:
                return False
        self.got.add(number)
        if number > self.highest:
            self.highest = number
            if source != self.path:
                self.candidate = source
        self.got_at[number] = at_us
        if any(f.kind not in wire.NOT_ACKNOWLEDGED for f in frames):
            self.due[number] = at_us
        for f in frames:
            self.receive_frame(at_us, source, f)
        return True

    def receive_frame(self, at_us, source, f):
        k = f.kind
        if k == wire.ACK:
            self.receive_ack(f)
        elif k == wire.STREAM:
            self.receive_stream(f)
        elif k == wire.RESET_STREAM:
            come = self.come_of(f)
            come.set_final(f.final)
            self.check_come(come)
            come.reset = f.code
        elif k == wire.STOP_SENDING:
            self.stream(f.stream, True).out.stop = f.code
        elif k == wire.MAX_DATA:
            self.max_data = max(self.max_data, f.limit)
        elif k == wire.MAX_STREAM_DATA:
            out = self.stream(f.stream, True).out
            out.limit = max(out.limit, f.limit)
        elif k == wire.MESSAGE:
            self.receive_piece(f)
        elif k == wire.DROP_MESSAGE:
            self.forgotten.add(f.first, f.first + f.count)
            self.see_message(f.first + f.count - 1)
            for n in range(f.first, f.first + f.count):
                self.pieces.pop(n, None)
        elif k == wire.PATH_CHALLENGE:
            self.asked.append((source, f.data))
            self.doubt()
        elif k == wire.PATH_RESPONSE:
            if self.challenges.get(f.data) == self.candidate is not None:
                self.path, self.candidate = self.candidate, None
                self.count("moves")
                self.doubt()
        elif k == wire.CLOSE:
            self.close_got.append((f.error, f.reason))
        elif k == wire.NEW_TOKEN:
            need(self.side == 0, "NEW_TOKEN from the client")

    def doubt(self):
        """The address has changed: sizes and marks that were proven are those of another path."""
        self.size, self.size_from = SMALL, len(self.sent)
        self.marking, self.marks_from = False, len(self.sent)

    def receive_ack(self, f):
        need(f.highest < len(self.sent), "an ACK of", f.highest, "which was not sent")
        for low, top in f.ranges:
            for n in range(low, top + 1):
                if n not in self.acked:
                    need(self.sent[n], "an ACK of", n, "which was left out")
                    self.acked.add(n)
                    self.acknowledged(n, self.sent[n])

    def acknowledged(self, number, p):
        if p.is_trial() and number >= self.size_from:
            self.size = max(self.size, p.size)
        if p.ecn == 2 and number >= self.marks_from:
            self.marking = True
        for f in p.frames:
            if f.kind == wire.STREAM:
                out = self.streams[f.stream].out
                out.acked.add(f.offset, f.offset + len(f.data))
                out.end_acked |= bool(f.end)
            elif f.kind == wire.RESET_STREAM:
                self.streams[f.stream].out.reset_acked = True
            elif f.kind == wire.MESSAGE:
                m = self.out_messages[f.number]
                m["acked"].add(f.offset, f.offset + max(len(f.data), 1))

    def come_of(self, f):
        return self.stream(f.stream, True).come

    def check_come(self, come):
        come.highest = max(come.highest, come.final or 0)
        need(come.highest <= come.limit, "a stream came to", come.highest, "of", come.limit)
        total = sum(s.come.highest for s in self.streams.values())
        need(total <= self.gave_data, "the session came to", total, "of", self.gave_data)

    def receive_stream(self, f):
        come, end = self.come_of(f), f.offset + len(f.data)
        need(come.final is None or end <= come.final, "stream", f.stream, "beyond its final size")
        come.highest = max(come.highest, end)
        if f.end:
            come.set_final(end)
        self.check_come(come)
        if len(come.data) < end:
            come.data.extend(bytes(end - len(come.data)))
        for low, top in come.have.spans:
            a, b = max(low, f.offset), min(top, end)
            need(a >= b or come.data[a:b] == f.data[a - f.offset:b - f.offset],
                 "stream", f.stream, "comes again with other bytes")
        come.data[f.offset:end] = f.data
        come.have.add(f.offset, end)

    def see_message(self, number):
        self.top_message = max(self.top_message, number)
        for n in [n for n in self.pieces if n <= self.top_message - MESSAGES_MAX]:
            del self.pieces[n]

    def receive_piece(self, f):
        self.see_message(f.number)
        if f.number <= self.top_message - MESSAGES_MAX or f.number in self.delivered or \
                self.forgotten.holds(f.number, f.number + 1):
            self.count("pieces too late")
            return
        m = self.pieces.setdefault(f.number, [f.channel, bytearray(f.total), Spans()])
        need((m[0], len(m[1])) == (f.channel, f.total), "message", f.number, "changes its head")
        end = f.offset + len(f.data)
        m[1][f.offset:end] = f.data
        m[2].add(f.offset, end)
        if m[2].holds(0, f.total):
            del self.pieces[f.number]
            self.delivered.add(f.number)
            self.whole.append((f.channel, bytes(m[1])))
        held = sum(len(m[1]) for m in self.pieces.values()) + sum(len(d) for _, d in self.whole)
        need(held <= WAITING_MAX, held, "bytes of messages wait")

    # What the application says that it did

    def app(self, record):
        getattr(self, "app_" + record.kind)(record)

    def app_opened(self, r):
        self.app_stream(r.stream).padded = bool(r.padded)

    def app_wrote(self, r):
        self.app_stream(r.stream).out.wrote += r.data

    def app_finished(self, r):
        self.app_stream(r.stream).out.finished = True

    def app_reset(self, r):
        self.app_stream(r.stream).out.app_reset = r.code

    def app_stopped(self, r):
        self.app_stream(r.stream).come.stopped = r.code

    def app_read(self, r):
        come = self.app_stream(r.stream).come
        end = come.read + len(r.data)
        need(end <= come.have.from_zero(), "stream", r.stream, "was read to", end, "of",
             come.have.from_zero())
        need(come.data[come.read:end] == r.data, "stream", r.stream, "was read as other bytes at",
             come.read)
        come.read = end
        self.count("stream bytes read", len(r.data))

    def app_read_end(self, r):
        come = self.app_stream(r.stream).come
        need(come.final == come.read and come.reset is None, "stream", r.stream, "ended at",
             come.read, "of", come.final)
        come.read_over = True
        self.count("streams read to their end")

    def app_read_reset(self, r):
        come = self.app_stream(r.stream).come
        need(come.reset == r.code, "stream", r.stream, "was reset with", r.code, "but", come.reset)
        come.read_over = True
        self.count("streams reset")

    def app_said(self, r):
        need(r.number not in self.out_messages, "message", r.number, "was said twice")
        self.out_messages[r.number] = {"channel": r.channel, "data": r.data, "highest": None,
                                       "dropped": False, "acked": Spans()}

    def app_heard(self, r):
        need((r.channel, r.data) in self.whole, "a message was heard that is not whole")
        self.whole.remove((r.channel, r.data))
        self.count("messages heard")

    def app_connected(self, r):
        self.count("connected")

    def app_closed(self, r):
        self.wanted_close = (r.error, r.reason)

    def app_over(self, r):
        said = (r.error, r.reason)
        need(said in self.close_got or said == self.wanted_close, "it ended with", said)
        self.count("over")

    # At the end

    def finish(self):
        """Nothing that came may have been kept from the application."""
        need(not self.whole, len(self.whole), "messages came and were not heard")
        for number, s in self.streams.items():
            come = s.come
            if come.read_over or come.stopped is not None:
                continue
            need(come.have.from_zero() == come.read, "stream", number, "came to",
                 come.have.from_zero(), "and was read to", come.read)
            need(come.final is None or come.read < come.final, "an end was not read")
        for number, s in self.streams.items():
            if s.out.stop is not None and s.out.reset is None and not self.close:
                need(s.out.is_done(), "STOP_SENDING for stream", number, "was not answered")
