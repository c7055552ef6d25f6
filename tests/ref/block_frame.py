"""Blocks and histories once more, slowly, from docs/codec.md alone. A picture is a list of rows of
pixels 0xAARRGGBB."""
import zstd_frame
from zstd_frame import Broken

TILE, CELL, MOST_VECTORS, COLOURS, HISTORY, NEAR = 64, 16, 32, 2048, 262144, 65536


def need(good, what):
    if not good:
        raise Broken("block: " + what)


class Cursor:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        need(self.at + n <= len(self.data), "cut short")
        self.at += n
        return self.data[self.at - n:self.at]

    def number(self, n=1):
        return int.from_bytes(self.take(n), "little")

    def signed(self):
        return int.from_bytes(self.take(2), "little", signed=True)

    def var(self):
        need(self.at < len(self.data), "cut short")
        return self.number(1 << (self.data[self.at] & 3)) >> 2

    def left(self):
        return len(self.data) - self.at


class History:
    def __init__(self, content=b"", colours=()):
        self.content, self.colours = content, list(colours)

    def add(self, content, colours):
        known = list(self.colours)
        for c in colours:
            if c not in known:
                known = (known + [c])[-COLOURS:]
        return History((self.content + content)[-HISTORY:], known)


class Colours:
    """The table of 16384 places."""

    def __init__(self):
        self.place, self.there = {}, set()

    def add(self, c):
        if c in self.there:
            return
        at = ((c * 0x9E3779B1) & 0xFFFFFFFF) >> 18
        while at in self.place:
            at = (at + 1) % 16384
        self.place[at] = c
        self.there.add(c)

    def get(self, number):
        need(number in self.place, "a number without a colour")
        return self.place[number]


def black(width, height):
    return [[0] * width for _ in range(height)]


class Cell:
    """The visible part of a cell, in pixels of the picture."""

    def __init__(self, tile, index, width, height):
        self.tile, self.row = tile, index // 4
        columns = (width + TILE - 1) // TILE
        self.tile_x, self.tile_y = tile % columns * TILE, tile // columns * TILE
        self.x, self.y = self.tile_x + index % 4 * CELL, self.tile_y + index // 4 * CELL
        self.width = max(0, min(CELL, width - self.x))
        self.height = max(0, min(CELL, height - self.y))
        self.box = None  # what is coded: x, y in the picture, width, height
        self.kind = self.base = 0


class Decoder:
    def __init__(self, data, width, height, alpha, reference, history):
        self.width, self.height, self.alpha = width, height, alpha
        self.reference = reference or black(width, height)
        self.out = [row[:] for row in self.reference]
        need(len(data) <= 192 * 1024, "its size")
        self.outer = Cursor(data)
        need(self.outer.number() == 1, "the format")
        near = self.outer.number()
        n = self.outer.var()
        need(near <= 1 and n % 2 == 0, "the head")
        prefix = history.content[-NEAR:] if near else history.content
        self.content = zstd_frame.expand(self.outer.take(self.outer.var()), n, prefix)
        self.r = Cursor(self.content)
        self.table = Colours()
        for c in history.colours:
            self.table.add(c)

    def head(self):
        count, columns = self.r.var(), (self.width + TILE - 1) // TILE
        need(1 <= count <= 64, "the number of tiles")
        at, self.tiles = -1, []
        for _ in range(count):
            at += self.r.var() + 1
            need(at < columns * ((self.height + TILE - 1) // TILE), "a tile")
            self.tiles.append(at)
        self.detail = self.r.number()
        vectors = self.r.number()
        need(self.detail <= 2 and vectors <= MOST_VECTORS, "detail or vectors")
        self.vectors = [(0, 0)] + [(self.r.signed(), self.r.signed()) for _ in range(vectors)]
        self.fresh = []
        n = self.r.var()
        need(n <= COLOURS, "the number of colours")
        for _ in range(n):
            self.fresh.append(self.r.number(4 if self.alpha else 3))
            self.table.add(self.fresh[-1])

    def kinds(self):
        self.cells = []
        for tile in self.tiles:
            every = self.r.number()
            for i in range(16):
                cell = Cell(tile, i, self.width, self.height)
                if not cell.width or not cell.height:
                    continue
                cell.kind = self.r.number() if every == 255 else every
                need(cell.kind < 6 + len(self.vectors) - 1, "a kind")
                cell.box = (cell.x, cell.y, cell.width, cell.height)
                self.cells.append(cell)
        for cell in self.cells:
            if cell.kind not in (4, 5):
                continue
            cell.base, across, down = self.r.number(), self.r.number(), self.r.number()
            x, y, w, h = across >> 4, down >> 4, (across & 15) + 1, (down & 15) + 1
            need(cell.base < len(self.vectors) and x + w <= cell.width and y + h <= cell.height,
                 "a box")
            cell.box = (cell.x + x, cell.y + y, w, h)

    def copy(self, cell, base):
        dx, dy = self.vectors[base]
        x, y = cell.x + dx, cell.y + dy
        need(x >= 0 and y >= 0 and x + cell.width <= self.width and
             y + cell.height <= self.height, "a copy from outside")
        for j in range(cell.height):
            self.out[cell.y + j][cell.x:cell.x + cell.width] = \
                self.reference[y + j][x:x + cell.width]

    def plain(self):
        for cell in self.cells:
            if cell.kind == 1:
                colour = self.table.get(self.r.number(2))
                for j in range(cell.height):
                    self.out[cell.y + j][cell.x:cell.x + cell.width] = [colour] * cell.width
            elif cell.kind in (0, 4, 5) or cell.kind > 5:
                self.copy(cell, cell.kind - 5 if cell.kind > 5 else cell.base)
        if self.r.at % 2:
            need(self.r.number() == 0, "the zero")

    def line_order(self):
        """Rows of tiles; in each rows of cells; in these from left to right."""
        return sorted(self.cells, key=lambda c: (c.tile_y, c.row, c.tile, c.x))

    def indexed(self):
        for cell in self.line_order():
            if cell.kind not in (2, 4):
                continue
            x0, y0, w, h = cell.box
            for x in range(x0, x0 + w):
                for y in range(y0, y0 + h):
                    self.out[y][x] = self.table.get(self.r.number(2))
        need(self.r.left() == 0, "more content")

    def sections(self, samples):
        """Expands the sections: context to a cursor."""
        groups = ([range(17)], [range(6), range(6, 11), range(11, 16), (16,)],
                  [(k,) for k in range(17)])[self.detail]
        found = {}
        for group in groups:
            data = b""
            if samples:
                n = self.outer.var()
                need(n <= samples, "a section")
                if n:
                    data = zstd_frame.expand(self.outer.take(self.outer.var()), n)
                samples -= n
            cursor = Cursor(data)
            found.update((k, cursor) for k in group)
        need(samples == 0 and self.outer.left() == 0, "sections")
        return found

    def predicted(self):
        cells = [c for c in self.cells if c.kind in (3, 5)]
        count = sum(c.box[2] * c.box[3] for c in cells) * (4 if self.alpha else 3)
        section = self.sections(count)
        for cell in cells:
            x0, y0, w, h = cell.box
            for y in range(y0, y0 + h):
                for x in range(x0, x0 + w):
                    self.out[y][x] = self.pixel(cell, x, y, section)
        need(all(c.left() == 0 for c in section.values()), "residuals left over")

    def pixel(self, cell, x, y, section):
        def at(i, j):
            return planes(self.out[j][i])
        first_column, first_row = x == cell.tile_x, y == cell.tile_y
        if first_row:
            # Along the cell or box: what is to its left.
            before = cell.box[0] - 1
            side = planes(0) if before < cell.tile_x else at(before, y)
            up = corner = side
            left = side if first_column else at(x - 1, y)
        else:
            up = at(x, y - 1)
            left = up if first_column else at(x - 1, y)
            corner = up if first_column else at(x - 1, y - 1)
        got, last = [], 0
        for p in range(4 if self.alpha else 3):
            rough = min(255, abs(left[p] - corner[p]) + abs(up[p] - corner[p]))
            if p == 0:
                context = sum(rough > v for v in (0, 2, 5, 11, 24))
            elif p < 3:
                context = (6, 11)[p - 1] + sum(min(255, rough + last) > v for v in (0, 2, 6, 16))
            else:
                context = 16
            last = section[context].number()
            d = last // 2 if last % 2 == 0 else (511 - last) // 2
            guess = sorted((left[p], up[p], (left[p] + up[p] - corner[p]) % 256))[1]
            got.append((guess + d) % 256)
        g = got[0]
        r, b = (got[1] + g - 128) % 256, (got[2] + g - 128) % 256
        return (got[3] if self.alpha else 0) << 24 | r << 16 | g << 8 | b

    def run(self):
        self.head()
        self.kinds()
        self.plain()
        self.indexed()
        self.predicted()


def planes(pixel):
    a, r, g, b = pixel >> 24, pixel >> 16 & 255, pixel >> 8 & 255, pixel & 255
    return g, (r - g + 128) % 256, (b - g + 128) % 256, a


def decode(data, width, height, alpha, reference, history):
    """Gives the tiles' numbers, the picture with them in it, the content and the new colours."""
    d = Decoder(data, width, height, alpha, reference, history)
    d.run()
    return d.tiles, d.out, d.content, d.fresh
