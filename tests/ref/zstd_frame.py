"""A slow reader of zstd frames without magic number (RFC 8878), with a raw prefix as dictionary."""

LITERALS = ([(i, 0) for i in range(16)] + [(16, 1), (18, 1), (20, 1), (22, 1), (24, 2), (28, 2),
            (32, 3), (40, 3), (48, 4), (64, 6)] + [(1 << i, i) for i in range(7, 17)])
MATCHES = ([(i + 3, 0) for i in range(32)] + [(35, 1), (37, 1), (39, 1), (41, 1), (43, 2), (47, 2),
           (51, 3), (59, 3), (67, 4), (83, 4), (99, 5)] + [((1 << i) + 3, i) for i in range(7, 17)])
OFFSETS = [(1 << i, i) for i in range(32)]
PLAIN_LITERALS = [4, 3] + [2] * 11 + [1] * 3 + [2] * 9 + [3, 2] + [1] * 5 + [-1] * 4
PLAIN_MATCHES = [1, 4, 3] + [2] * 6 + [1] * 37 + [-1] * 7
PLAIN_OFFSETS = [1] * 6 + [2] * 3 + [1] * 15 + [-1] * 5


class Broken(Exception):
    pass


def need(good, what):
    if not good:
        raise Broken("zstd: " + what)


class Forward:
    """Bits from the lowest of the first byte on."""

    def __init__(self, data):
        self.value, self.at = int.from_bytes(data, "little"), 0

    def read(self, n):
        v = self.value >> self.at & (1 << n) - 1
        self.at += n
        return v


class Backward:
    """Bits from the last byte's highest set bit down; zeros where there are no more."""

    def __init__(self, data):
        self.value = int.from_bytes(data, "little")
        need(data and data[-1], "the end of a bit stream")
        self.left = self.value.bit_length() - 1

    def read(self, n):
        self.left -= n
        v = self.value >> self.left if self.left >= 0 else self.value << -self.left
        return v & (1 << n) - 1


class Table:
    """An FSE table (4.1): for every state a symbol, how many bits to read, and what to add."""

    def __init__(self, counts, log):
        size = 1 << log
        self.log, cells, end = log, [None] * size, size
        for symbol, n in enumerate(counts):
            if n == -1:
                end -= 1
                cells[end] = symbol
        at = 0
        for symbol, n in enumerate(counts):
            for _ in range(max(n, 0)):
                cells[at] = symbol
                at = (at + (size >> 1) + (size >> 3) + 3) % size
                while at >= end:
                    at = (at + (size >> 1) + (size >> 3) + 3) % size
        upcoming = [abs(n) for n in counts]
        self.cell = []
        for symbol in cells:
            x = upcoming[symbol]
            upcoming[symbol] += 1
            bits = log - (x.bit_length() - 1)
            self.cell.append((symbol, bits, (x << bits) - size))


def read_counts(data, most_log):
    """Gives the table and how many bytes it took (4.1.1)."""
    bits = Forward(data)
    log = bits.read(4) + 5
    need(log <= most_log, "accuracy")
    left, counts = 1 << log, []
    while left > 0:
        width = (left + 1).bit_length()
        v, low = bits.read(width), (1 << width - 1) - 1
        threshold = (1 << width) - 1 - (left + 1)
        if v & low < threshold:
            bits.at -= 1
            v &= low
        elif v > low:
            v -= threshold
        left -= abs(v - 1)
        counts.append(v - 1)
        while v == 1:
            more = bits.read(2)
            counts += [0] * more
            if more != 3:
                break
    need(left == 0 and bits.at <= 8 * len(data), "counts")
    return Table(counts, log), (bits.at + 7) // 8


def fse_weights(data):
    table, used = read_counts(data, 6)
    bits, weights = Backward(data[used:]), []
    states = [bits.read(table.log), bits.read(table.log)]
    while True:
        for i in (0, 1):
            symbol, n, base = table.cell[states[i]]
            weights.append(symbol)
            states[i] = base + bits.read(n)
            if bits.left < 0:
                weights.append(table.cell[states[1 - i]][0])
                return weights


def read_tree(data):
    """Gives {(length, code): symbol}, the longest length, and how many bytes it took (4.2.1)."""
    if data[0] < 128:
        used = 1 + data[0]
        weights = fse_weights(data[1:used])
    else:
        n = data[0] - 127
        used = 1 + (n + 1) // 2
        weights = [data[1 + i // 2] >> (0 if i % 2 else 4) & 15 for i in range(n)]
    total = sum(1 << w >> 1 for w in weights)
    need(total, "weights")
    longest = total.bit_length()
    last = (1 << longest) - total
    need(last & last - 1 == 0, "the last weight")
    weights.append(last.bit_length())
    codes, at = {}, 0
    for w in range(1, longest + 1):
        for symbol, v in enumerate(weights):
            if v == w:
                codes[longest + 1 - w, at >> w - 1] = symbol
                at += 1 << w - 1
    return codes, longest, used


def read_stream(tree, data, n):
    codes, longest, _ = tree
    bits, out = Backward(data), bytearray()
    while len(out) < n:
        length = code = 0
        while (length, code) not in codes:
            need(length < longest, "a code")
            length, code = length + 1, code << 1 | bits.read(1)
        out.append(codes[length, code])
    need(bits.left == 0, "the end of literals")
    return bytes(out)


class Frame:
    def __init__(self, prefix):
        self.out, self.tree = bytearray(prefix), None
        self.tables, self.repeat = [None] * 3, [1, 4, 8]

    def literals(self, b):
        """Gives them and what is behind them (3.1.1.3.1)."""
        kind, form = b[0] & 3, b[0] >> 2 & 3
        if kind < 2:
            head = (1, 2, 1, 3)[form]
            n = int.from_bytes(b[:head], "little") >> (4 if form & 1 else 3)
            if kind == 0:
                return b[head:head + n], b[head + n:]
            return b[head:head + 1] * n, b[head + 1:]
        head, width = (3, 3, 4, 5)[form], (10, 10, 14, 18)[form]
        v = int.from_bytes(b[:head], "little") >> 4
        n, size = v & (1 << width) - 1, v >> width
        rest, b = b[head + size:], b[head:head + size]
        if kind == 2:
            self.tree = read_tree(b)
            b = b[self.tree[2]:]
        need(self.tree, "a tree")
        if form == 0:
            return read_stream(self.tree, b, n), rest
        sizes = [int.from_bytes(b[i:i + 2], "little") for i in (0, 2, 4)]
        out, at, each = b"", 6, (n + 3) // 4
        for i in range(4):
            end = at + sizes[i] if i < 3 else len(b)
            out += read_stream(self.tree, b[at:end], each if i < 3 else n - 3 * each)
            at = end
        return out, rest

    def table(self, i, mode, b):
        plain = ((PLAIN_LITERALS, 6), (PLAIN_OFFSETS, 5), (PLAIN_MATCHES, 6))[i]
        used = 0
        if mode == 0:
            self.tables[i] = Table(*plain)
        elif mode == 1:
            self.tables[i], used = Table([0] * b[0] + [1], 0), 1
        elif mode == 2:
            self.tables[i], used = read_counts(b, (9, 8, 9)[i])
        need(self.tables[i], "a table")
        return b[used:]

    def offset(self, value, literals):
        if value > 3:
            self.repeat = [value - 3] + self.repeat[:2]
            return value - 3
        at = value - 1 + (literals == 0)
        offset = self.repeat[at] if at < 3 else self.repeat[0] - 1
        need(offset > 0, "an offset")
        if at:
            self.repeat = [offset] + [v for i, v in enumerate(self.repeat) if i != min(at, 2)]
        return offset

    def block(self, b):
        literals, b = self.literals(b)
        need(b, "sequences")
        count, b = b[0], b[1:]
        if count == 255:
            count, b = int.from_bytes(b[:2], "little") + 0x7F00, b[2:]
        elif count > 127:
            count, b = (count - 128 << 8) + b[0], b[1:]
        if count:
            modes, b = b[0], b[1:]
            for i in range(3):
                b = self.table(i, modes >> 6 - 2 * i & 3, b)
            literals = self.sequences(count, Backward(b), literals)
        self.out += literals

    def sequences(self, count, bits, literals):
        states = [bits.read(t.log) for t in self.tables]
        for i in range(count):
            cells = [t.cell[s] for t, s in zip(self.tables, states)]
            base, n = OFFSETS[cells[1][0]]
            value = base + bits.read(n)
            base, n = MATCHES[cells[2][0]]
            length = base + bits.read(n)
            base, n = LITERALS[cells[0][0]]
            plain = base + bits.read(n)
            need(plain <= len(literals), "literals")
            self.out += literals[:plain]
            literals = literals[plain:]
            offset = self.offset(value, plain)
            need(offset <= len(self.out), "an offset")
            for _ in range(length):
                self.out.append(self.out[-offset])
            if i < count - 1:
                for k in (0, 2, 1):
                    states[k] = cells[k][2] + bits.read(cells[k][1])
        need(bits.left == 0, "the end of sequences")
        return literals


def expand(data, n, prefix=b""):
    """The n bytes of one frame, which must be all of `data`."""
    need(data, "a frame")
    flags, at = data[0], 1
    single = flags >> 5 & 1
    need(not flags & 0x0b, "a dictionary's id, or a reserved bit")
    at += 1 - single
    at += (single, 2, 4, 8)[flags >> 6]
    f, last = Frame(prefix), False
    while not last:
        head = int.from_bytes(data[at:at + 3], "little")
        last, kind, size = head & 1, head >> 1 & 3, head >> 3
        need(at + 3 <= len(data) and kind < 3, "a block")
        b = data[at + 3:at + 3 + (1 if kind == 1 else size)]
        at += 3 + len(b)
        if kind == 2:
            need(len(b) == size, "a block")
            f.block(b)
        else:
            f.out += b * size if kind == 1 else b
    need(at + (4 if flags & 4 else 0) == len(data), "the end")
    need(len(f.out) == len(prefix) + n, "the length")
    return bytes(f.out[len(prefix):])
