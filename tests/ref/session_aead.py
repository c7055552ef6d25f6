"""The two AEADs of sessions, quick enough in Python for whole captures.

ChaCha20 works on all blocks of a packet at once: a word of the state is one long number with a
block in each 64 bits of it. AES does so with the 16 places of its state as strings, a byte for each
block. They are checked against the slow ones of handshake_ref.py (session_ref.py).
"""
import struct

# ChaCha20-Poly1305, RFC 8439

ROWS = [(0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
        (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)]


class ChaChaPoly:
    def __init__(self, key):
        self.words = struct.unpack("<8I", key)

    def stream(self, counter, blocks):
        """Blocks 0 to blocks - 1 for the nonce that is this packet number."""
        ones = sum(1 << 64 * i for i in range(blocks))
        low = ones * 0xffffffff
        start = [ones * w for w in struct.unpack("<4I", b"expand 32-byte k") + self.words]
        start.append(sum(i << 64 * i for i in range(blocks)))
        start += [0, ones * (counter & 0xffffffff), ones * (counter >> 32)]
        s = start[:]
        for _ in range(10):
            for a, b, c, d in ROWS:
                sa, sb, sc, sd = s[a], s[b], s[c], s[d]
                sa = sa + sb & low
                v = (sd ^ sa) << 16
                sd = (v | v >> 32) & low
                sc = sc + sd & low
                v = (sb ^ sc) << 12
                sb = (v | v >> 32) & low
                sa = sa + sb & low
                v = (sd ^ sa) << 8
                sd = (v | v >> 32) & low
                sc = sc + sd & low
                v = (sb ^ sc) << 7
                s[a], s[b], s[c], s[d] = sa, (v | v >> 32) & low, sc, sd
        words = [struct.unpack("<%dQ" % blocks, (a + b & low).to_bytes(8 * blocks, "little"))
                 for a, b in zip(s, start)]
        return b"".join(struct.pack("<16I", *block) for block in zip(*words))

    def crypt(self, counter, ad, data, encrypt):
        stream = self.stream(counter, 1 + (len(data) + 63) // 64)
        out = xor(data, stream[64:])
        sealed = out if encrypt else data
        return out, poly1305(stream[:32], padded(ad) + padded(sealed) +
                             struct.pack("<QQ", len(ad), len(sealed)))


def poly1305(key, data):
    r = int.from_bytes(key[:16], "little") & 0x0ffffffc0ffffffc0ffffffc0fffffff
    h, p = 0, 2**130 - 5
    for i in range(0, len(data), 16):
        h = (h + int.from_bytes(data[i:i + 16] + b"\1", "little")) * r % p
    return ((h + int.from_bytes(key[16:], "little")) % 2**128).to_bytes(16, "little")


def xor(data, stream):
    n = len(data)
    both = int.from_bytes(data, "little") ^ int.from_bytes(stream[:n], "little")
    return both.to_bytes(n, "little")


def padded(data):
    return data + bytes(-len(data) % 16)


# AES-256-GCM, FIPS 197 and SP 800-38D


def double(v):
    return v << 1 ^ (0x11b if v & 0x80 else 0)


def make_sbox():
    exp, log, v = [], {}, 1
    for i in range(255):
        exp.append(v)
        log[v] = i
        v ^= double(v)
    out = []
    for v in range(256):
        i = exp[-log[v] % 255] if v else 0
        both = i | i << 8
        out.append((i ^ both >> 7 ^ both >> 6 ^ both >> 5 ^ both >> 4) & 255 ^ 0x63)
    return bytes(out)


SBOX = make_sbox()
DOUBLE = bytes(double(v) for v in range(256))


def expand(key):
    words, rcon = [key[i:i + 4] for i in range(0, 32, 4)], 1
    for i in range(8, 60):
        w = words[-1]
        if i % 8 == 0:
            w = (w[1:] + w[:1]).translate(SBOX)
            w = bytes([w[0] ^ rcon]) + w[1:]
            rcon = double(rcon)
        elif i % 8 == 4:
            w = w.translate(SBOX)
        words.append(bytes(a ^ b for a, b in zip(w, words[-8])))
    return [b"".join(words[i:i + 4]) for i in range(0, 60, 4)]


class AesGcm:
    def __init__(self, key):
        self.keys = expand(key)
        self.table = self.hash_table(int.from_bytes(self.blocks([bytes(16)]), "big"))

    def blocks(self, blocks):
        n = len(blocks)
        text = b"".join(blocks)
        s = [text[i::16] for i in range(16)]

        def number(b):
            return int.from_bytes(b, "little")

        def keyed(values, key):
            ones = number(b"\1" * n)
            return [(v ^ ones * k).to_bytes(n, "little") for v, k in zip(values, key)]

        s = keyed([number(b) for b in s], self.keys[0])
        for turn in range(1, 15):
            s = [s[(i + i % 4 * 4) % 16].translate(SBOX) for i in range(16)]
            one = [number(b) for b in s]
            if turn < 14:
                two = [number(b.translate(DOUBLE)) for b in s]
                mixed = []
                for i in range(0, 16, 4):
                    every = one[i] ^ one[i + 1] ^ one[i + 2] ^ one[i + 3]
                    mixed += [every ^ one[i + j] ^ two[i + j] ^ two[i + (j + 1) % 4]
                              for j in range(4)]
                one = mixed
            s = keyed(one, self.keys[turn])
        out = bytearray(16 * n)
        for i in range(16):
            out[i::16] = s[i]
        return bytes(out)

    @staticmethod
    def hash_table(h):
        """[place][byte]: that byte at that place times h."""
        powers = []
        for _ in range(128):
            powers.append(h)
            h = h >> 1 ^ (0xe1 << 120 if h & 1 else 0)
        table = []
        for place in range(16):
            row = [0] * 256
            for v in range(1, 256):
                bit = v.bit_length() - 1
                row[v] = row[v ^ 1 << bit] ^ powers[8 * place + 7 - bit]
            table.append(row)
        return table

    def ghash(self, text):
        y = 0
        for i in range(0, len(text), 16):
            x = (y ^ int.from_bytes(text[i:i + 16], "big")).to_bytes(16, "big")
            y = 0
            for row, v in zip(self.table, x):
                y ^= row[v]
        return y.to_bytes(16, "big")

    def crypt(self, counter, ad, data, encrypt):
        nonce = bytes(4) + struct.pack(">Q", counter)
        stream = self.blocks([nonce + struct.pack(">I", 1 + i)
                              for i in range(1 + (len(data) + 15) // 16)])
        out = xor(data, stream[16:])
        sealed = out if encrypt else data
        tag = self.ghash(padded(ad) + padded(sealed) +
                         struct.pack(">QQ", 8 * len(ad), 8 * len(sealed)))
        return out, xor(tag, stream[:16])


AEAD = {1: AesGcm, 2: ChaChaPoly}


def unseal(aead, counter, ad, sealed):
    """The plain text, or None when it does not open."""
    if len(sealed) < 16:
        return None
    out, tag = aead.crypt(counter, ad, sealed[:-16], False)
    return out if tag == sealed[-16:] else None
