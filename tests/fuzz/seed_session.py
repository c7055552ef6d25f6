#!/usr/bin/env python3
"""Makes inputs of session_fuzz that tell a longer story than one frame: tests/fuzz/seed_session.py.
An input is acts (tests/fuzz/session_fuzz.c); those of one frame come from tests/ref/wire_ref.py."""
import os

CORPUS = "tests/fuzz/corpus/session_fuzz"
PING, ACK, STREAM, RESET, STOP, MAX_STREAM, MESSAGE, DROP, CLOSE = 1, 2, 3, 4, 5, 7, 8, 9, 12


def var(v):
    log = 0 if v < 1 << 6 else 1 if v < 1 << 14 else 2 if v < 1 << 30 else 3
    return (v << 2 | log).to_bytes(1 << log, "little")


def act(kind, data=b"", more=0):
    return bytes([kind | more << 3, len(data)]) + data


def frames(*parts):
    return act(0, b"".join(parts))


def frame(kind, *numbers):
    return bytes([kind]) + b"".join(var(n) for n in numbers)


def stream(n, offset, data, end=False):
    return bytes([STREAM, end]) + var(n) + var(offset) + var(len(data)) + data


def ack(highest, more):
    return frame(ACK, highest, 0) + bytes(4) + var(0) + var(0) + var(1) + var(more)


def message(n, total, offset, data):
    return bytes([MESSAGE, 1]) + var(n) + var(total) + var(offset) + var(len(data)) + data


ping = bytes([PING])
answer, next_keys, end = act(7, b"", 30), act(7, ping, 29), act(7, b"", 31)
opened, opened_before, opened_in_vain = (act(7, ping, more) for more in (26, 27, 28))
skip = act(1, ping, 31)
wait = act(6, b"", 17)
read, write, finish, open_one = act(4, b"", 7), act(4, bytes(9), 1), act(4, b"\0", 2), act(4, b"\0")

INPUTS = {
    "path": frames(ping) + act(2, ping) + answer + act(2, ping),
    "path-wrong": act(2, ping) + frames(bytes([11]) + bytes(8)) + wait * 4 + act(2, ping) * 3,
    "keys": frames(ping) + next_keys + act(3, ping, 31) + next_keys + act(3, ping, 31) +
            act(3, ping, 0),
    "keys-early": next_keys * 2 + act(3, ping, 31) + act(3, ping, 1),
    "opened": opened * 3 + opened_in_vain + opened_before + next_keys + opened_before + opened +
              act(7, ping, 25) + act(3, ping, 2) + act(7, ping, 25),
    "replayed": frames(ping) * 3 + act(3, ping, 0) + act(3, ping, 1),
    "older": frames(ping) + act(1, ping, 9) + act(3, ping, 3) + act(3, ping, 5),
    "ranges": act(1, ping, 1) * 540,
    "span": skip * 150 + act(3, ping, 30),
    "stream-of-other": frames(stream(1, 0, b"x")) + frames(stream(0, 0, b"x")),
    "stream-far": frames(stream(4000, 0, b"x")),
    "stream-far-1": frames(stream(4001, 0, b"x")),
    "streams-all": frames(stream(254, 0, b"x")) + frames(stream(256, 0, b"x")),
    "streams-all-1": frames(stream(255, 0, b"x")) + frames(stream(257, 0, b"x")),
    "stream-over": frames(stream(0, 0, b"x", True), stream(1, 0, b"x", True)) + read +
                   frames(frame(RESET, 0, 1, 1), frame(RESET, 1, 1, 1)),
    "stream-beyond-window": frames(stream(0, 0, b"x")) + frames(stream(0, (1 << 20) - 1, b"xy")),
    "stream-final": frames(stream(0, 0, b"xyz", True)) + frames(stream(0, 0, b"wxyz")),
    "stream-final-1": frames(stream(1, 0, b"xyz", True)) + frames(stream(1, 0, b"wxyz", True)),
    "reset-final": frames(stream(0, 0, b"xyz")) + frames(frame(RESET, 0, 7, 2)),
    "reset-window": frames(frame(RESET, 0, 7, 1 << 21)),
    "session-window": frames(*(stream(2 * i, (1 << 20) - 1, b"x") for i in range(17))),
    "session-window-1": frames(*(stream(2 * i + 1, (1 << 20) - 1, b"x") for i in range(17))),
    "stop": open_one + write * 3 + frames(frame(STOP, 0, 5), frame(STOP, 1, 5)),
    "limits": open_one + write * 3 + frames(frame(MAX_STREAM, 0, 1 << 22), frame(6, 1 << 25)),
    "own": open_one + write + finish + frames(ack(0, 0)) + read,
    "acked": open_one + write * 8 + wait + frames(ack(1, 1), ack(0, 0)) + write * 8 + frames(
        ack(5, 1), ack(3, 3)) + wait + frames(ack(6, 6)),
    "acked-never-sent": open_one + write + frames(ack(40, 0)),
    "messages": frames(message(0, 4, 0, b"ab")) + frames(message(0, 4, 2, b"cd")) +
                frames(message(0, 4, 0, b"ab"), message(1, 0, 0, b"")),
    "message-totals": frames(message(0, 4, 0, b"ab")) + frames(message(0, 5, 2, b"cd")),
    "message-old": frames(message(5000, 4, 0, b"ab")) + frames(message(3, 4, 0, b"ab")),
    "message-room": b"".join(frames(message(i, 262144, 0, b"ab")) for i in range(80)),
    "dropped": frames(message(7, 4, 0, b"ab")) + frames(frame(DROP, 6, 3)) +
               frames(message(7, 4, 2, b"cd")),
    "closing": end + frames(ping) + wait * 3 + frames(ping) + frames(
        bytes([CLOSE]) + var(0) + var(3) + b"bye") + wait * 3,
    "closed": frames(bytes([CLOSE]) + var(99) + var(3) + b"\x1b[m") + frames(ping) + wait * 2 +
              frames(bytes([CLOSE]) + var(0) + var(0)) + wait,
}

if __name__ == "__main__":
    for name, acts in INPUTS.items():
        with open(os.path.join(CORPUS, "story-" + name), "wb") as f:
            f.write(acts)
