"""Makes blocks by docs/codec.md that no encoder would choose: every kind of cell anywhere, boxes,
vectors, details, long numbers, and one thing at a time that is wrong."""
import random
import struct

import block_frame
from block_frame import Broken, Colours, Cursor, Decoder, black

BAD = ("format", "near", "odd-n", "no-tiles", "tiles-65", "tile-beyond", "detail-3", "vectors-33",
       "colours-2049", "kind-beyond", "box-wide", "box-high", "base-beyond", "copy-outside",
       "solid-no-colour", "number-no-colour", "not-zero", "content-more", "content-less",
       "section-more", "section-less", "residuals-more", "tail", "n-larger", "n-smaller")


def var(v, log=None):
    if log is None:
        log = 0 if v < 1 << 6 else 1 if v < 1 << 14 else 2 if v < 1 << 30 else 3
    return (v << 2 | log).to_bytes(1 << log, "little")


def sized(b):
    return var(len(b)) + b


def frame(data):
    """A zstd frame of stored blocks."""
    out, parts = struct.pack("<BI", 0xA0, len(data)), [data[i:i + 65536]
                                                       for i in range(0, len(data), 65536)] or [b""]
    for i, part in enumerate(parts):
        out += (len(part) << 3 | (i == len(parts) - 1)).to_bytes(3, "little") + part
    return out


def reference_pixel(x, y, alpha):
    return (x * 2654435761 ^ y * 40503 * 65537 ^ x * y) & (0xFFFFFFFF if alpha else 0xFFFFFF)


class Recorder:
    """Stands for a section: any residual will do."""

    def __init__(self, rng):
        self.rng, self.data = rng, bytearray()

    def number(self):
        self.data.append(self.rng.choice((0, 0, 1, 2, 3, 7, 40, 200, 255, self.rng.randrange(256))))
        return self.data[-1]

    def left(self):
        return 0


class Maker(Decoder):
    """Decodes what it makes up."""

    def __init__(self, rng, width, height, alpha, reference, history, bad=""):
        self.rng, self.bad = rng, bad
        self.width, self.height, self.alpha = width, height, alpha
        self.reference = reference or black(width, height)
        self.out = [row[:] for row in self.reference]
        self.history, self.table = history, Colours()
        for c in history.colours:
            self.table.add(c)

    def pick(self, usual, name, wrong):
        return wrong if self.bad == name else usual

    def make_head(self, tiles, vectors, colours, detail):
        log = self.rng.choice((None, 3))
        count = self.pick(len(tiles), "no-tiles", 0)
        out = var(65 if self.bad == "tiles-65" else count, log)
        at = -1
        for tile in tiles:
            out += var(tile - at - 1 + (100000 if self.bad == "tile-beyond" else 0), log)
            at = tile
        out += bytes((self.pick(detail, "detail-3", 3), self.pick(len(vectors), "vectors-33", 33)))
        out += b"".join(struct.pack("<hh", *v) for v in vectors)
        out += var(self.pick(len(colours), "colours-2049", 2049), log)
        n = 4 if self.alpha else 3
        return out + b"".join(c.to_bytes(n, "little") for c in colours)

    def fits(self, cell, base):
        dx, dy = self.vectors[base]
        x, y = cell.x + dx, cell.y + dy
        inside = (x >= 0 and y >= 0 and x + cell.width <= self.width and
                  y + cell.height <= self.height)
        return not inside if self.bad == "copy-outside" else inside

    def choose(self, cell, kinds):
        """A kind, and for those that need one a box; None: this cell cannot have it."""
        kind = self.rng.choice(kinds)
        bases = [b for b in range(1 if kind == 6 or self.bad == "copy-outside" else 0,
                                  len(self.vectors)) if self.fits(cell, b)]
        cell.base, box = 0, b""
        if kind == 6:
            if not bases:
                return self.choose(cell, [k for k in kinds if k != 6] or [0])
            cell.kind = 5 + self.rng.choice(bases)
        else:
            cell.kind = kind
        cell.box = (cell.x, cell.y, cell.width, cell.height)
        if kind in (4, 5):
            cell.base = self.rng.choice(bases) if bases else 0
            x, y = self.rng.randrange(cell.width), self.rng.randrange(cell.height)
            w, h = 1 + self.rng.randrange(cell.width - x), 1 + self.rng.randrange(cell.height - y)
            cell.box = (cell.x + x, cell.y + y, w, h)
            w, h = self.pick(w, "box-wide", 17 - x), self.pick(h, "box-high", 17 - y)
            box = bytes((self.pick(cell.base, "base-beyond", len(self.vectors)),
                         min(15, x) << 4 | min(15, w - 1), y << 4 | min(15, h - 1)))
        return box

    def make(self, tiles, kinds, detail, near=0):
        rng = self.rng
        vectors = [(rng.randrange(-40, 41), rng.randrange(-40, 41)) for _ in range(5)]
        colours = [rng.randrange(1 << (32 if self.alpha else 24)) for _ in range(9)]
        self.vectors, self.detail, self.fresh = [(0, 0)] + vectors, detail, colours
        head = self.make_head(tiles, vectors, colours, detail)
        for c in colours:
            self.table.add(c)
        numbers = list(self.table.place)
        free = next(i for i in range(16384) if i not in self.table.place)
        kind_bytes, boxes, self.cells = b"", b"", []
        for tile in tiles:
            cells = [block_frame.Cell(tile, i, self.width, self.height) for i in range(16)]
            cells = [c for c in cells if c.width and c.height]
            alike = rng.randrange(3) == 0
            chosen = b""
            for cell in cells:
                boxes += self.choose(cell, [kinds[tile % len(kinds)]] if alike else kinds)
                chosen += bytes((self.pick(cell.kind, "kind-beyond", 6 + len(vectors)),))
            self.cells += cells
            alike = len(set(chosen)) == 1
            kind_bytes += chosen[:1] if alike else b"\xff" + chosen
        solids = b"".join(
            struct.pack("<H", self.pick(rng.choice(numbers), "solid-no-colour", free))
            for c in self.cells if c.kind == 1)
        content = head + kind_bytes + boxes + solids
        self.padded = len(content) % 2
        if self.padded:
            content += self.pick(b"\0", "not-zero", b"\1")
        count = sum(c.box[2] * c.box[3] for c in self.cells if c.kind in (2, 4))
        content += b"".join(
            struct.pack("<H", self.pick(rng.choice(numbers), "number-no-colour", free))
            for _ in range(count))
        content += {"content-more": bytes(2), "odd-n": bytes(1)}.get(self.bad, b"")
        content = content[:-2] if self.bad == "content-less" else content
        self.r, self.content = Cursor(content), content
        residuals = b"" if self.bad else self.make_residuals()
        if self.bad in ("section-more", "section-less", "residuals-more"):
            residuals = self.make_residuals()
        n = len(content) + {"n-larger": 2, "n-smaller": -2}.get(self.bad, 0)
        return (bytes((self.pick(1, "format", 2), self.pick(near, "near", 2))) + var(n) +
                sized(frame(content)) + residuals + (b"\0" if self.bad == "tail" else b""))

    def make_residuals(self):
        """Decodes with any residuals, and writes them down by section."""
        groups = ([range(17)], [range(6), range(6, 11), range(11, 16), (16,)],
                  [(k,) for k in range(17)])[self.detail]
        recorders = [Recorder(self.rng) for _ in groups]
        section = {k: r for g, r in zip(groups, recorders) for k in g}
        self.sections = lambda samples: section
        whole = Cursor(self.content)
        self.r, table, self.table = whole, self.table, Colours()
        for c in self.history.colours:
            self.table.add(c)
        self.head()
        self.kinds()
        self.plain()
        self.indexed()
        self.predicted()
        out, left = b"", sum(len(r.data) for r in recorders)
        for i, r in enumerate(recorders):
            if not left:
                break
            left -= len(r.data)
            data = bytes(r.data)
            if i == 0:
                data = {"section-more": data + b"\1", "section-less": data[:-1]}.get(self.bad, data)
            out += var(len(data)) + (sized(frame(data)) if data else b"")
        return out + (var(1) + sized(frame(b"\1")) if self.bad == "residuals-more" else b"")


def histories():
    """By number: none; a little; more content and more colours than a history keeps."""
    few = block_frame.History().add(bytes(i * 7 & 255 for i in range(1000)),
                                    [i * 65793 & 0xFFFFFF for i in range(40)])
    many = few
    for k in range(3):
        many = many.add(bytes((i * i >> 7) + k & 255 for i in range(100000)),
                        [(i + k * 1500) * 4099 & 0xFFFFFF for i in range(1500)])
    return [block_frame.History(), few, many]


def cases():
    """(name, width, height, alpha, with a reference, history, block, picture or None)"""
    known, seed = histories(), 0
    wanted = [("same", (0,)), ("solid", (1,)), ("indexed", (2,)), ("predicted", (3,)),
              ("box-indexed", (4,)), ("box-predicted", (5,)), ("copied", (6,)),
              ("mixed", (0, 1, 2, 3, 4, 5, 6)), ("plain", (0, 1, 6))]
    for name, kinds in wanted:
        for detail in (0, 1, 2) if 3 in kinds or 5 in kinds else (0,):
            seed += 1
            rng = random.Random(seed)
            alpha, width, height = seed % 2, 90, 70
            reference = picture(width, height, alpha) if seed % 3 else None
            number = seed % 3
            tiles = sorted(rng.sample(range(4), rng.randrange(1, 4)))
            m = Maker(rng, width, height, alpha, reference, known[number])
            block = m.make(tiles, kinds, detail, seed % 2)
            yield ("%s-%d" % (name, detail), width, height, alpha, reference is not None, number,
                   block, m.out, tiles)
    for name in BAD:
        seed += 1
        rng = random.Random(seed)
        kinds = {"solid-no-colour": (1,), "number-no-colour": (2,), "copy-outside": (6,),
                 "box-wide": (4,), "box-high": (4,), "base-beyond": (4,), "section-more": (3,),
                 "section-less": (3,), "residuals-more": (3,), "content-less": (2,)}.get(
                     name, (0, 1, 2))
        m = Maker(rng, 20, 20, 0, picture(20, 20, 0), known[0], name)
        block = m.make([0], kinds, 0)
        while name == "not-zero" and not m.padded:
            block = m.make([0], (1, 1, 0, 6), 0)
        yield "bad-" + name, 20, 20, 0, True, 0, block, None, []


def picture(width, height, alpha):
    return [[reference_pixel(x, y, alpha) for x in range(width)] for y in range(height)]


__all__ = ["Broken", "cases"]
