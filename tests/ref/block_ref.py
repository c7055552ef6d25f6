#!/usr/bin/env python3
"""What is inside blocks, by tests/ref/block_frame.py.

The golden recordings are decoded frame by frame and compared with their source pixel by pixel, or
by hash where that is video. Blocks that no encoder of ours makes, good and bad, are in
tests/golden/block.txt, lines of "NAME WIDTH HEIGHT ALPHA REFERENCE HISTORY BLOCK = HASH of the
picture that it makes, or malformed", which the program's own decoder must agree with
(tests/golden/block_golden_test.c); --write writes them.
"""
import importlib.util
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import block_frame  # noqa: E402
import block_make  # noqa: E402
import fsr_ref  # noqa: E402
import pic_hash_ref  # noqa: E402


def sources():
    """{recording: [picture]} of those made from ppm."""
    spec = importlib.util.spec_from_file_location("seed", os.path.join(HERE, "../fuzz/seed_fsr.py"))
    seed = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(seed)
    found = {}
    for name, (ending, data) in seed.inputs().items():
        if ending == ".ppm":
            found[name] = list(read_ppm(data))
    return found


def read_ppm(data):
    while data:
        head, rest = data.split(b"255\n", 1)
        width, height = (int(v) for v in head.split()[1:3])
        n = 3 * width * height
        yield [[int.from_bytes(rest[3 * (y * width + x):][:3], "big") for x in range(width)]
               for y in range(height)]
        data = rest[n:]


def read_frames(path):
    """Gives (shape, picture, hash) of each frame."""
    with open(path, "rb") as f:
        records = fsr_ref.read_records(f.read())
    shape, picture, history, added = None, None, block_frame.History(), []
    for _, kind, flags, payload in records:
        if kind != 1:
            continue
        c = fsr_ref.Cursor(payload)
        c.var(), c.var()
        if flags & fsr_ref.FIRST:
            c.var()
            for content, colours in added:
                history = history.add(content, colours)
            reference, added = picture, []
            if flags & fsr_ref.KEY:
                shape, history = fsr_ref.read_shape(c), block_frame.History()
                reference = block_frame.black(shape["width"], shape["height"])
            picture = [row[:] for row in reference]
        alpha = shape["samples"] in (1, 8)
        while c.left() > (16 if flags & fsr_ref.LAST else 0):
            tiles, out, content, fresh = block_frame.decode(
                c.sized(), shape["width"], shape["height"], alpha, reference, history)
            put_tiles(picture, out, tiles, shape["width"])
            added.append((content, fresh))
        if flags & fsr_ref.LAST:
            yield shape, picture, c.take(16).hex()


def put_tiles(picture, out, tiles, width):
    columns = (width + 63) // 64
    for tile in tiles:
        x = tile % columns * 64
        for y in range(tile // columns * 64, min(tile // columns * 64 + 64, len(picture))):
            picture[y][x:x + 64] = out[y][x:x + 64]


def check(name, source):
    count = 0
    for shape, picture, named in read_frames(os.path.join(fsr_ref.GOLDEN, name + ".fsr")):
        alpha = int(shape["samples"] in (1, 8))
        found = pic_hash_ref.picture_hash(shape["width"], shape["height"], alpha,
                                          lambda x, y: picture[y][x])
        if found != named:
            return "frame %d has not its hash" % count
        if source and picture != source[count]:
            return "frame %d differs from its source" % count
        count += 1
    return "" if source is None or count == len(source) else "%d frames" % count


def golden():
    """The lines of block.txt, each decoded from its bytes again."""
    lines, known = ["# Made by tests/ref/block_ref.py --write"], block_make.histories()
    for name, width, height, alpha, with_reference, number, block, out, tiles in block_make.cases():
        reference = block_make.picture(width, height, alpha) if with_reference else None
        try:
            found = block_frame.decode(block, width, height, alpha, reference, known[number])
            assert found[0] == tiles and found[1] == out, name
            end = pic_hash_ref.picture_hash(width, height, alpha, lambda x, y: found[1][y][x])
        except block_frame.Broken:
            assert out is None, name
            end = "malformed"
        lines.append("%s %d %d %d %d %d %s = %s" % (name, width, height, alpha, with_reference,
                                                    number, block.hex(), end))
    return "\n".join(lines) + "\n"


def main():
    path = os.path.join(fsr_ref.GOLDEN, "block.txt")
    if sys.argv[1:] == ["--write"]:
        with open(path, "w") as f:
            f.write(golden())
        return 0
    known, bad = sources(), 0
    names = sorted(f[:-4] for f in os.listdir(fsr_ref.GOLDEN) if f.endswith(".fsr"))
    for name in names:
        try:
            why = check(name, known.get(name))
        except block_frame.Broken as e:
            why = str(e)
        if why:
            print("FAIL %s: %s" % (name, why))
            bad += 1
    with open(path) as f:
        if f.read() != golden():
            print("FAIL tests/golden/block.txt is not what the reference makes")
            bad += 1
    print("block_ref.py: %d passed, %d failed" % (len(names) + 1 - bad, bad))
    return bad != 0


if __name__ == "__main__":
    sys.exit(main())
