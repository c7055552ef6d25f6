#!/usr/bin/env python3
"""Makes the inputs that handshake_fuzz starts from: tests/fuzz/seed_handshake.py, after a format
changed. An input is how it begins and acts (tests/fuzz/handshake_fuzz.c)."""
import os
import struct

CORPUS = "tests/fuzz/corpus/handshake_fuzz"
LISTENER, KNOWN_HOST, KNOWN_TOKEN, INVITED, NO_COOKIES = 1, 2, 4, 8, 16
RAW, HELLO, COOKIE, INIT, RESPONSE, VERSION, DATA, TIME = range(8)


def var(v):
    log = 0 if v < 1 << 6 else 1 if v < 1 << 14 else 2 if v < 1 << 30 else 3
    return (v << 2 | log).to_bytes(1 << log, "little")


def act(kind, data=b""):
    return struct.pack("<BH", kind, len(data)) + data


def params(incompatible=0):
    return struct.pack("<II", 0, incompatible) + var(1 << 24) + var(1 << 20) + var(5000)


def message2(verdict=0, roles=3, reason=b"", incompatible=0):
    return params(incompatible) + struct.pack("<BI", verdict, roles) + var(len(reason)) + reason


def message1(invited=False, incompatible=0, token_id=bytes(8)):
    return params(incompatible) + bytes([invited]) + token_id


def cookie(key=0, ciphers=6, proof=bytes(range(16))):
    return act(COOKIE, bytes([ciphers, key]) + proof)


def response(*a, **k):
    return act(RESPONSE, bytes(range(8)) + message2(*a, **k))


def init(payload, ciphers=6, cipher=2, proof_kind=0, e=0, s=0):
    return act(INIT, bytes([ciphers, cipher, proof_kind, e, s]) + payload)


wait = act(TIME, bytes(18))
hello = act(HELLO, bytes(16))
data = act(DATA, b"\1" + bytes(20))

INPUTS = {
    "caller-unknown-host": (0, cookie() + cookie() + response() + data),
    "caller-known-host": (KNOWN_HOST, cookie() + response() + data),
    "caller-token": (KNOWN_HOST | KNOWN_TOKEN, response() + data),
    "caller-token-cookie": (KNOWN_HOST | KNOWN_TOKEN, cookie() + response()),
    "caller-other-ciphers": (KNOWN_HOST | KNOWN_TOKEN, cookie(ciphers=4) + response()),
    "caller-no-cipher": (KNOWN_HOST, cookie(ciphers=8) + wait),
    "caller-wrong-host": (KNOWN_HOST, cookie(key=1) + cookie(key=1) + wait + cookie(key=1)),
    "caller-doubt": (KNOWN_HOST, cookie(key=1) + cookie() + response()),
    "caller-cookie-twice": (KNOWN_HOST, cookie() + cookie() + cookie(proof=b"x")),
    "caller-cookie-empty": (KNOWN_HOST, cookie(proof=b"")),
    "caller-retries": (KNOWN_HOST, cookie() + act(TIME, bytes(20)) * 9 + cookie() + response()),
    "caller-version": (KNOWN_HOST, act(VERSION, b"\2") + act(VERSION, b"\2") + wait +
                       act(VERSION, b"\2")),
    "caller-version-other": (KNOWN_HOST, act(VERSION, b"\2") + wait + act(VERSION, b"\3") +
                             act(VERSION, b"\1")),
    "caller-refused": (KNOWN_HOST, cookie() + response(1, 0, b"not authorised")),
    "caller-busy": (KNOWN_HOST, cookie() + response(2, 0, b"full\x1b[m")),
    "caller-verdict": (KNOWN_HOST, cookie() + response(3)),
    "caller-features": (KNOWN_HOST, cookie() + response(incompatible=4)),
    "caller-invited": (INVITED, cookie() + response() + data),
    "caller-invited-refused": (INVITED | KNOWN_HOST, cookie() + response(1, 0, b"used up")),
    "caller-invited-broken": (INVITED | KNOWN_HOST, cookie() + response(7) + response()),
    "caller-early": (KNOWN_HOST, response() + data + cookie()),
    "caller-raw": (KNOWN_HOST, act(RAW, b"\2fs\1" + bytes(40)) + act(RAW, b"")),
    "listener-session": (LISTENER, hello + init(message1()) + data + data),
    "listener-copy": (LISTENER, hello + init(message1()) + init(message1()) + data +
                      init(message1())),
    "listener-no-cookies": (LISTENER | NO_COOKIES, init(message1()) + data),
    "listener-no-proof": (LISTENER, init(message1())),
    "listener-token-proof": (LISTENER, hello + init(message1(), proof_kind=1)),
    "listener-proof-kind": (LISTENER, hello + init(message1(), proof_kind=2)),
    "listener-old-cookie": (LISTENER, hello + act(TIME, bytes(26)) * 4 + init(message1())),
    "listener-cipher": (LISTENER | NO_COOKIES, init(message1(), cipher=1) + init(message1(),
                        cipher=7) + init(message1(), ciphers=0) + init(message1(), cipher=200)),
    "listener-features": (LISTENER | NO_COOKIES, init(message1(incompatible=1))),
    "listener-payload": (LISTENER | NO_COOKIES, init(message1()[:-3]) + init(message1(2))),
    "listener-invited": (LISTENER | NO_COOKIES, init(message1(True, token_id=bytes(8))) + data),
    "listener-used-up": (LISTENER | NO_COOKIES, init(message1(True, token_id=b"\1" * 8)) + data),
    "listener-silent": (LISTENER | NO_COOKIES, init(message1()) + act(TIME, bytes(24)) * 3),
    "listener-flood": (LISTENER, hello * 20 + init(message1()) * 30),
    "listener-version": (LISTENER, act(VERSION, b"\7") + hello),
    "listener-stranger-data": (LISTENER, data + hello + data),
    "listener-keys": (LISTENER | NO_COOKIES, b"".join(init(message1(), e=i, s=i) + data * (i < 3)
                      for i in range(8))),
    "listener-many": (LISTENER | NO_COOKIES, b"".join(init(message1(), e=i // 2) + data
                      for i in range(12))),
    "listener-budget": (LISTENER | NO_COOKIES, (init(message1()[:-1]) * 40)),
}

if __name__ == "__main__":
    os.makedirs(CORPUS, exist_ok=True)
    for name, (how, acts) in INPUTS.items():
        with open(os.path.join(CORPUS, name), "wb") as f:
            f.write(bytes([how]) + acts)
