"""The file of a captured session: what was sent, what arrived, and what the applications did.

After "farspan capture 1\\n" come records: kind (1 byte), side (1; 0 client, 1 server), the time at
that side (8, us) and the fields below. Numbers are little-endian; `data` is its length in 4 bytes
and the bytes; an address is family (1), IP (16), port (2), and opaque here.
"""
import struct

MAGIC = b"farspan capture 1\n"
NOT_SENT = 0xffffffff

KINDS = {
    1: ("given", "what:1 data:data"),
    2: ("sent", "source:addr to:addr ecn:1 data:data"),
    # The datagram is that of the record `sent` with this index, or NOT_SENT with other bytes.
    3: ("arrived", "source:addr to:addr ecn:1 index:4 data:data"),
    4: ("opened", "session:4 stream:8 padded:1"),
    5: ("wrote", "session:4 stream:8 data:data"),
    6: ("finished", "session:4 stream:8"),
    7: ("reset", "session:4 stream:8 code:8"),
    8: ("stopped", "session:4 stream:8 code:8"),
    9: ("read", "session:4 stream:8 data:data"),
    10: ("read_end", "session:4 stream:8"),
    11: ("read_reset", "session:4 stream:8 code:8"),
    12: ("said", "session:4 number:8 channel:1 data:data"),
    13: ("heard", "session:4 channel:1 data:data"),
    14: ("closed", "session:4 error:4 reason:data"),
    15: ("over", "session:4 error:4 reason:data"),
    16: ("connected", "session:4"),
}

# What is given.
STATIC, EPHEMERAL, INVITATION, UPDATE_AFTER, ADDRESS, COOKIE_SEED, CIPHERS = 1, 2, 3, 4, 5, 6, 7


class Record:
    def __init__(self, kind, side, at_us):
        self.kind, self.side, self.at_us = kind, side, at_us


def read(raw):
    """[Record]; an arrived one has the bytes also where they are those sent."""
    if not raw.startswith(MAGIC):
        raise ValueError("no capture")
    shapes = {k: (name, [f.split(":") for f in fields.split()])
              for k, (name, fields) in KINDS.items()}
    at, records, sent = len(MAGIC), [], []
    while at < len(raw):
        kind, side, at_us = struct.unpack_from("<BBQ", raw, at)
        at += 10
        name, fields = shapes[kind]
        record = Record(name, side, at_us)
        for field, shape in fields:
            if shape == "data":
                n, = struct.unpack_from("<I", raw, at)
                value = raw[at + 4:at + 4 + n]
                if len(value) != n:
                    raise ValueError("cut short")
                at += 4 + n
            elif shape == "addr":
                value = raw[at:at + 19]
                at += 19
            else:
                value = int.from_bytes(raw[at:at + int(shape)], "little")
                at += int(shape)
            setattr(record, field, value)
        if name == "sent":
            sent.append(record.data)
        elif name == "arrived" and record.index != NOT_SENT:
            record.data = sent[record.index]
        records.append(record)
    return records
