#!/usr/bin/env python3
"""The handshake once more, slowly, from docs/protocol.md alone, with nothing but Python's hashes.

It passes the published Noise vectors, and makes tests/golden/handshake.json, which the program's
own code must reproduce byte for byte (tests/golden/handshake_test.c). Without an argument it checks
that the file is what it makes; --write writes it.
"""
import base64
import hashlib
import hmac
import json
import os
import struct
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden")
GOLDEN = os.path.join(ROOT, "handshake.json")
VECTORS = os.path.join(ROOT, "noise_ikpsk2.json")

# X25519, RFC 7748

P = 2**255 - 19


def x25519(secret, public):
    k = bytearray(secret)
    k[0] &= 248
    k[31] = k[31] & 127 | 64
    k = int.from_bytes(k, "little")
    u = int.from_bytes(public, "little") & (2**255 - 1)
    x2, z2, x3, z3, swap = 1, 0, u, 1, 0
    for t in reversed(range(255)):
        bit = k >> t & 1
        if swap ^ bit:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        aa, bb, da, cb = a * a % P, b * b % P, d * a % P, c * b % P
        e = aa - bb
        x3, z3 = (da + cb) ** 2 % P, u * (da - cb) ** 2 % P
        x2, z2 = aa * bb % P, e * (aa + 121665 * e) % P
    if swap:
        x2, z2 = x3, z3
    return (x2 * pow(z2, P - 2, P) % P).to_bytes(32, "little")


def public_of(secret):
    return x25519(secret, (9).to_bytes(32, "little"))


# ChaCha20-Poly1305, RFC 8439


def chacha_block(key, counter, nonce):
    def quarter(a, b, c, d):
        for x, y, z, r in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            s[x] = s[x] + s[y] & 0xffffffff
            v = s[z] ^ s[x]
            s[z] = (v << r | v >> 32 - r) & 0xffffffff

    start = list(struct.unpack("<4I8I", b"expand 32-byte k" + key)) + [counter]
    start += struct.unpack("<3I", nonce)
    s = start[:]
    for _ in range(10):
        for i in range(4):
            quarter(i, i + 4, i + 8, i + 12)
        for i in range(4):
            quarter(i, (i + 1) % 4 + 4, (i + 2) % 4 + 8, (i + 3) % 4 + 12)
    return struct.pack("<16I", *[a + b & 0xffffffff for a, b in zip(s, start)])


def poly1305(key, data):
    r = int.from_bytes(key[:16], "little") & 0x0ffffffc0ffffffc0ffffffc0fffffff
    h = 0
    for i in range(0, len(data), 16):
        h = (h + int.from_bytes(data[i:i + 16] + b"\1", "little")) * r % (2**130 - 5)
    return ((h + int.from_bytes(key[16:], "little")) % 2**128).to_bytes(16, "little")


def padded(data):
    return data + bytes(-len(data) % 16)


def chachapoly(key, counter, ad, data, encrypt):
    nonce = bytes(4) + struct.pack("<Q", counter)
    out = b"".join(bytes(a ^ b for a, b in zip(data[i:i + 64],
                                               chacha_block(key, 1 + i // 64, nonce)))
                   for i in range(0, len(data), 64))
    sealed = out if encrypt else data
    return out, poly1305(chacha_block(key, 0, nonce)[:32], padded(ad) + padded(sealed) +
                         struct.pack("<QQ", len(ad), len(sealed)))


# AES-256-GCM, FIPS 197 and SP 800-38D


def times(a, b):
    out = 0
    while b:
        out ^= a if b & 1 else 0
        a = a << 1 ^ (0x11b if a & 0x80 else 0)
        b >>= 1
    return out


def make_sbox():
    out = []
    for v in range(256):
        i = next((w for w in range(256) if times(v, w) == 1), 0)
        rotated = i | i << 8
        out.append((i ^ rotated >> 7 ^ rotated >> 6 ^ rotated >> 5 ^ rotated >> 4) & 255 ^ 0x63)
    return out


SBOX = make_sbox()


def aes_block(key, block):
    words = [list(key[i:i + 4]) for i in range(0, 32, 4)]
    rcon = 1
    for i in range(8, 60):
        w = words[-1]
        if i % 8 == 0:
            w = [SBOX[w[1]] ^ rcon, SBOX[w[2]], SBOX[w[3]], SBOX[w[0]]]
            rcon = times(rcon, 2)
        elif i % 8 == 4:
            w = [SBOX[b] for b in w]
        words.append([a ^ b for a, b in zip(w, words[-8])])
    keys = [sum(words[i:i + 4], []) for i in range(0, 60, 4)]
    s = [a ^ b for a, b in zip(block, keys[0])]
    for turn in range(1, 15):
        s = [SBOX[s[(i + i % 4 * 4) % 16]] for i in range(16)]
        if turn < 14:
            s = [times(s[c], 2) ^ times(s[c // 4 * 4 + (c + 1) % 4], 3) ^
                 s[c // 4 * 4 + (c + 2) % 4] ^ s[c // 4 * 4 + (c + 3) % 4] for c in range(16)]
        s = [a ^ b for a, b in zip(s, keys[turn])]
    return bytes(s)


def aesgcm(key, counter, ad, data, encrypt):
    nonce = bytes(4) + struct.pack(">Q", counter)
    h = int.from_bytes(aes_block(key, bytes(16)), "big")
    out = b"".join(bytes(a ^ b for a, b in zip(data[i:i + 16],
                                               aes_block(key, nonce +
                                                         struct.pack(">I", 2 + i // 16))))
                   for i in range(0, len(data), 16))
    sealed = out if encrypt else data
    y = 0
    text = padded(ad) + padded(sealed) + struct.pack(">QQ", 8 * len(ad), 8 * len(sealed))
    for i in range(0, len(text), 16):
        v, x, y = h, y ^ int.from_bytes(text[i:i + 16], "big"), 0
        for bit in reversed(range(128)):
            y ^= v if x >> bit & 1 else 0
            v = v >> 1 ^ (0xe1 << 120 if v & 1 else 0)
    mask = aes_block(key, nonce + struct.pack(">I", 1))
    return out, bytes(a ^ b for a, b in zip(y.to_bytes(16, "big"), mask))


AEAD = {1: aesgcm, 2: chachapoly}
NAME = {1: b"AESGCM", 2: b"ChaChaPoly"}


def seal(cipher, key, counter, ad, plain):
    out, tag = AEAD[cipher](key, counter, ad, plain, True)
    return out + tag


def unseal(cipher, key, counter, ad, sealed):
    out, tag = AEAD[cipher](key, counter, ad, sealed[:-16], False)
    if tag != sealed[-16:]:
        raise ValueError("does not open")
    return out


# Noise


def blake2b(n, data, key=b""):
    return hashlib.blake2b(data, digest_size=n, key=key).digest()


def hkdf(chain, material, count):
    temp, out = hmac.new(chain, material, hashlib.blake2b).digest(), [b""]
    for i in range(1, count + 1):
        out.append(hmac.new(temp, out[-1] + bytes([i]), hashlib.blake2b).digest())
    return out[1:]


class Noise:
    """One side; `remote` is the server's public key for the client, None for the server."""

    def __init__(self, cipher, secret, remote, psk, prologue, ephemeral):
        self.cipher, self.secret, self.psk = cipher, secret, psk
        self.client, self.remote, self.ephemeral = remote is not None, remote, ephemeral
        self.h = (b"Noise_IKpsk2_25519_" + NAME[cipher] + b"_BLAKE2b").ljust(64, b"\0")
        self.chain = self.h
        self.mix_hash(prologue)
        self.mix_hash(remote or public_of(secret))

    def mix_hash(self, data):
        self.h = blake2b(64, self.h + data)

    def mix_key(self, material):
        self.chain, key = hkdf(self.chain, material, 2)
        self.key, self.n = key[:32], 0

    def mix_psk(self):
        self.chain, h, key = hkdf(self.chain, self.psk, 3)
        self.mix_hash(h)
        self.key, self.n = key[:32], 0

    def encrypt(self, plain):
        sealed = seal(self.cipher, self.key, self.n, self.h, plain)
        self.n += 1
        self.mix_hash(sealed)
        return sealed

    def decrypt(self, sealed):
        plain = unseal(self.cipher, self.key, self.n, self.h, sealed)
        self.n += 1
        self.mix_hash(sealed)
        return plain

    def mix_e(self, public):
        self.mix_hash(public)
        self.mix_key(public)

    def write(self, payload):
        e = public_of(self.ephemeral)
        self.mix_e(e)
        if self.client:
            self.mix_key(x25519(self.ephemeral, self.remote))
            s = self.encrypt(public_of(self.secret))
            self.mix_key(x25519(self.secret, self.remote))
            return e + s + self.encrypt(payload)
        self.mix_key(x25519(self.ephemeral, self.remote_e))
        self.mix_key(x25519(self.ephemeral, self.remote))
        self.mix_psk()
        return e + self.encrypt(payload)

    def read(self, message):
        self.remote_e = message[:32]
        self.mix_e(self.remote_e)
        if self.client:
            self.mix_key(x25519(self.ephemeral, self.remote_e))
            self.mix_key(x25519(self.secret, self.remote_e))
            self.mix_psk()
            return self.decrypt(message[32:])
        self.mix_key(x25519(self.secret, self.remote_e))
        self.remote = self.decrypt(message[32:80])
        self.mix_key(x25519(self.secret, self.remote))
        return self.decrypt(message[80:])

    def split(self):
        return [k[:32] for k in hkdf(self.chain, b"", 2)]


# Packets, cookies, tickets


def var(v):
    for code, n in enumerate((1, 2, 4, 8)):
        if v < 1 << 8 * n - 2:
            return (v << 2 | code).to_bytes(n, "little")
    raise ValueError(v)


def sized(data):
    return var(len(data)) + data


def packet(kind, cid, body):
    out = bytes([kind]) + b"fs" + bytes([1]) + cid + body
    return out.ljust(1200, b"\0") if kind in (1, 3) else out


def text_of(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def params(p):
    return struct.pack("<II", p["compatible"], p["incompatible"]) + var(p["max_data"]) + \
        var(p["max_stream_data"]) + var(p["max_ack_delay_us"])


def make(cipher, verdict):
    """A whole handshake, from fixed numbers, as hexadecimal text."""
    def number(label, n):
        return blake2b(n, label.encode())

    i = {"cipher": cipher, "server_ciphers": 1 << 1 | 1 << 2,
         "client_ciphers": 1 << 2 if cipher == 2 else 1 << 1 | 1 << 2,
         "client_secret": number("client", 32), "server_secret": number("server", 32),
         "client_ephemeral": number("client ephemeral", 32),
         "server_ephemeral": number("server ephemeral", 32),
         "invitation_id": number("id", 8), "invitation_secret": number("invitation", 32),
         "client_cid": number("client cid", 8), "server_cid": number("server cid", 8),
         "nonce": number("nonce", 16), "cookie_seed": number("seed", 32),
         "cookie_time_us": 1234567890123, "wall_time_us": 1700000000000000,
         "client_address": bytes([192, 0, 2, 7]) + bytes(12) + struct.pack("<H", 40000),
         "client_ip": bytes([192, 0, 2, 7]),
         "verdict": verdict, "roles": 3 if verdict == 0 else 0,
         "reason": "" if verdict == 0 else "the invitation is used up",
         "params": {"compatible": 5, "incompatible": 0, "max_data": 16777216,
                    "max_stream_data": 16000, "max_ack_delay_us": 63},
         "plain": number("plain", 40)}
    server_key = public_of(i["server_secret"])
    cookie_key = blake2b(32, b"farspan cookie", i["cookie_seed"])
    address = i["client_address"]
    cookie = blake2b(16, struct.pack("<QB", i["cookie_time_us"] // 20000000, len(address)) +
                     address + i["nonce"], cookie_key)
    token_seed = blake2b(32, b"farspan address token", i["server_secret"])
    token_key = blake2b(32, b"farspan address token", token_seed)
    expiry = struct.pack("<Q", i["wall_time_us"] + 24 * 3600 * 1000000)
    prologue = b"farspan session" + bytes([1]) + server_key + \
        bytes([i["server_ciphers"], i["client_ciphers"], cipher]) + i["client_cid"]
    psk = i["invitation_secret"] if verdict == 0 else bytes(32)
    client = Noise(cipher, i["client_secret"], server_key, psk, prologue, i["client_ephemeral"])
    server = Noise(cipher, i["server_secret"], None, psk, prologue, i["server_ephemeral"])
    hello_client = params(i["params"]) + bytes([1]) + i["invitation_id"]
    hello_server = params(i["params"]) + bytes([verdict]) + struct.pack("<I", i["roles"]) + \
        sized(i["reason"].encode())
    first = client.write(hello_client)
    assert server.read(first) == hello_client
    assert server.remote == public_of(i["client_secret"])
    server.mix_hash(i["server_cid"])
    client.mix_hash(i["server_cid"])
    second = server.write(hello_server)
    assert client.read(second) == hello_server and client.h == server.h
    up, down = client.split()
    head = b"\x40" + i["server_cid"] + struct.pack("<I", 0)
    later = b"\x41" + i["server_cid"] + struct.pack("<I", 70000)
    up2 = blake2b(32, b"farspan key update", up)
    ticket = "farspan://[2001:db8::1]:7470/%s#%s.%s" % (
        text_of(server_key), text_of(i["invitation_id"]), text_of(i["invitation_secret"]))
    o = {"server_key": server_key, "prologue": prologue, "cookie": cookie,
         "address_token": expiry + blake2b(16, expiry + i["client_ip"], token_key),
         "HELLO": packet(1, i["client_cid"], i["nonce"]),
         "COOKIE": packet(2, i["client_cid"], i["nonce"] + server_key +
                          bytes([i["server_ciphers"]]) + sized(cookie)),
         "INIT": packet(3, i["client_cid"], i["nonce"] + bytes([i["client_ciphers"], cipher, 0]) +
                        sized(cookie) + sized(first)),
         "RESPONSE": packet(4, i["client_cid"], i["server_cid"] + sized(second)),
         "handshake_hash": client.h, "client_key": up, "server_sends_key": down,
         "DATA": head + seal(cipher, up, 0, head, i["plain"]),
         "DATA_after_update": later + seal(cipher, up2, 70000, later, i["plain"]),
         "ticket": ticket}

    def plain(d):
        return {k: v.hex() if isinstance(v, bytes) else v for k, v in d.items()}

    return {"in": plain(i), "out": plain(o)}


def vector_passes(v):
    cipher = 1 if "AESGCM" in v["protocol_name"] else 2
    get = bytes.fromhex
    args = get(v["init_psks"][0]), get(v["init_prologue"])
    client = Noise(cipher, get(v["init_static"]), get(v["init_remote_static"]), *args,
                   get(v["init_ephemeral"]))
    server = Noise(cipher, get(v["resp_static"]), None, *args, get(v["resp_ephemeral"]))
    for i, m in enumerate(v["messages"]):
        payload, want = get(m["payload"]), get(m["ciphertext"])
        side, other = (client, server) if i % 2 == 0 else (server, client)
        if i < 2:
            good = side.write(payload) == want and other.read(want) == payload
        else:
            key = client.split()[i % 2]
            good = seal(cipher, key, i // 2 - 1, b"", payload) == want
        if not good:
            return False
    return client.h == server.h == get(v["handshake_hash"])


def main():
    golden = {"source": "tests/ref/handshake_ref.py --write",
              "handshakes": [make(cipher, verdict) for cipher in (1, 2) for verdict in (0, 1)]}
    text = json.dumps(golden, indent=1) + "\n"
    if sys.argv[1:] == ["--write"]:
        with open(GOLDEN, "w") as f:
            f.write(text)
        return 0
    with open(VECTORS) as f:
        results = [(v["protocol_name"], vector_passes(v)) for v in json.load(f)["vectors"]]
    with open(GOLDEN) as f:
        results.append(("handshake.json is what the reference makes", f.read() == text))
    for name, good in results:
        if not good:
            print("FAIL %s" % name)
    bad = sum(not good for _, good in results)
    print("handshake_ref.py: %d passed, %d failed" % (len(results) - bad, bad))
    return bad != 0


if __name__ == "__main__":
    sys.exit(main())
