"""The handshake packets of a capture, made again from the secrets given."""
import struct

import handshake_ref as noise
import session_capture as capture
import session_wire as wire
from session_wire import Broken, need

CLIENT, SERVER = 0, 1
NO_PSK = bytes(32)


class Handshakes:
    """`given` is {what: [bytes]} for each side; `count` is told what was seen."""

    def __init__(self, given, count):
        self.given, self.count = given, count
        self.nonces, self.cookies, self.tokens, self.token_users = set(), set(), set(), {}
        self.inits, self.come, self.responses, self.cookie_for = {}, {}, {}, {}
        self.refusal, self.asked = None, {}

    def secret(self, side, what):
        return self.given[side][what][-1]

    def ephemeral(self, side, public):
        for secret in self.given[side].get(capture.EPHEMERAL, ()):
            if noise.public_of(secret) == public:
                return secret
        raise Broken("an ephemeral key that was not given")

    def side_of(self, init, side, psk, ephemeral=NO_PSK):
        """One side of the Noise handshake that this INIT begins."""
        server_key = noise.public_of(self.secret(SERVER, capture.STATIC))
        ciphers = self.secret(SERVER, capture.CIPHERS)[0]
        need(init.cipher in (1, 2) and ciphers & init.ciphers & 1 << init.cipher,
             "a cipher that was not offered")
        prologue = b"farspan session" + bytes([1]) + server_key + \
            bytes([ciphers, init.ciphers, init.cipher]) + init.cid
        return noise.Noise(init.cipher, self.secret(side, capture.STATIC),
                           server_key if side == CLIENT else None, psk, prologue, ephemeral)

    def came(self, record, packet):
        need((packet.kind in (wire.HELLO, wire.INIT)) == (record.side == SERVER),
             "an answer to who has to answer")
        if record.side == SERVER:
            self.nonces.add((record.source, packet.nonce, packet.cid))
        if packet.kind == wire.INIT:
            self.come[packet.cid] = (record.source, packet)
        elif packet.kind == wire.COOKIE:
            self.cookies.add(packet.cookie)

    def sent(self, record, packet):
        """Checks one that is sent; gives a pact when it is the RESPONSE that ends a handshake."""
        need(record.ecn == 0, "a handshake packet with a codepoint")
        need((packet.kind in (wire.COOKIE, wire.RESPONSE)) == (record.side == SERVER),
             "a packet of the other side")
        if packet.kind == wire.HELLO:
            self.asked[packet.cid] = packet.nonce
        elif packet.kind == wire.COOKIE:
            self.check_cookie(record, packet)
        elif packet.kind == wire.INIT:
            if packet.proof_kind == 1:
                self.asked.setdefault(packet.cid, packet.nonce)
            need(self.asked.get(packet.cid) == packet.nonce, "INIT with another nonce than HELLO")
            self.check_init(packet)
        elif packet.kind == wire.RESPONSE:
            return self.check_response(record, packet)
        return None

    def check_cookie(self, record, packet):
        need((record.to, packet.nonce, packet.cid) in self.nonces, "COOKIE to who has not asked")
        need(packet.key == noise.public_of(self.secret(SERVER, capture.STATIC)) and
             packet.ciphers == self.secret(SERVER, capture.CIPHERS)[0], "COOKIE of another server")
        key = noise.blake2b(32, b"farspan cookie", self.secret(SERVER, capture.COOKIE_SEED))
        address = record.to[1:]
        text = struct.pack("<QB", record.at_us // 20000000, len(address)) + address + packet.nonce
        need(packet.cookie == noise.blake2b(16, text, key), "a cookie made otherwise")
        self.cookie_for[record.to, packet.nonce] = packet.cookie

    def check_token(self, token, ip):
        """A token that the server gives to who has this address now, by when it is made."""
        seed = noise.blake2b(32, b"farspan address token", self.secret(SERVER, capture.STATIC))
        key = noise.blake2b(32, b"farspan address token", seed)
        need(len(token) == 24 and token[8:] == noise.blake2b(16, token[:8] + ip, key),
             "an address token made otherwise")

    def check_init(self, packet):
        """From the client's secrets message 1 comes out byte for byte."""
        if packet.proof_kind == 0:
            need(packet.proof in self.cookies, "a cookie that the client never got")
        else:
            user = self.token_users.setdefault(packet.proof, packet.cid)
            need(packet.proof in self.tokens and user == packet.cid,
                 "a token that was not given or is used twice")
            self.count("address tokens used")
        if packet.cid in self.inits and self.inits[packet.cid].message == packet.message:
            return
        hello = self.side_of(packet, SERVER, NO_PSK).read(packet.message)
        client = self.side_of(packet, CLIENT, NO_PSK,
                              self.ephemeral(CLIENT, packet.message[:32]))
        need(client.write(hello) == packet.message, "message 1 is not made of these secrets")
        r = wire.Reader(hello)
        wire.read_params(r)
        invited, invitation = r.number(1), r.take(8)
        need(invited < 2 and (invited or not any(invitation)), "an invitation of", invited)
        self.inits[packet.cid] = packet

    def check_response(self, record, packet):
        """Message 2 again from the server's secrets, and read by the client's."""
        need(packet.cid in self.come, "RESPONSE to nobody")
        source, init = self.come[packet.cid]
        need(record.to == source, "RESPONSE to another address than INIT came from")
        if init.proof_kind == 0:
            need(self.cookie_for.get((source, init.nonce)) == init.proof,
                 "work for who has shown no cookie of this address")
        if packet.cid in self.responses:
            need(self.responses[packet.cid] == (init.message, packet.server_cid, packet.message),
                 "another answer to the same message 1")
            return None
        tried = [NO_PSK] + self.given[SERVER].get(capture.INVITATION, [])
        for psk in reversed(tried):
            client = self.side_of(init, CLIENT, psk, self.ephemeral(CLIENT, init.message[:32]))
            server = self.side_of(init, SERVER, psk,
                                  self.ephemeral(SERVER, packet.message[:32]))
            first = server.read(init.message)
            client.write(first)
            client.mix_hash(packet.server_cid)
            server.mix_hash(packet.server_cid)
            try:
                second = client.read(packet.message)
            except ValueError:
                continue
            need(server.write(second) == packet.message, "message 2 is made otherwise")
            need(client.h == server.h and client.split() == server.split(), "two different ends")
            pact = Pact(init, packet, first, second, client.split(), psk)
            if pact.verdict == 0:  # who is refused is forgotten, and told anew when it asks again
                self.responses[packet.cid] = (init.message, packet.server_cid, packet.message)
            return pact
        raise Broken("message 2 does not open")


class Pact:
    """What both ends know after a handshake."""

    def __init__(self, init, response, first, second, keys, psk):
        self.init, self.response, self.keys = init, response, keys
        r = wire.Reader(first)
        mine = wire.read_params(r)
        invited = r.number(1)
        r = wire.Reader(second)
        self.params = (mine, wire.read_params(r))
        self.verdict, self.roles, self.reason = r.number(1), r.number(4), r.sized(200)
        need(self.verdict < 3, "a verdict of", self.verdict)
        need(bool(self.reason) == (self.verdict != 0), "a verdict and its reason do not agree")
        need(self.verdict == 0 or response.server_cid == bytes(8), "an id for who is refused")
        need(psk == NO_PSK if self.verdict or not invited else psk != NO_PSK,
             "message 2 under the wrong psk")
