#!/usr/bin/env python3
"""Checks the laws of the house; every rule is a function that gives its complaints.

usage: tests/lint/lint.py [--root DIR] [--objects DIR] [--map]

Prints "FAIL rule: place: complaint" lines and "lint: N passed, N failed", counting rules; with
--map prints every header with its sentence instead.
"""
import collections
import fnmatch
import os
import re
import subprocess
import sys

CODE = (".c", ".h")
TEXT = CODE + (".sh", ".py", ".txt")
README_LINES = 150
COLUMNS = 100


class Tree:
    """The files under a root, read once, and the law in tests/lint/layers.txt."""

    def __init__(self, root, objects):
        self.root, self.objects = root, objects
        self.files = {}
        for folder, folders, names in os.walk(root):
            here = os.path.relpath(folder, root)
            folders[:] = sorted(f for f in folders if not f.startswith(".")
                                and os.path.normpath(os.path.join(here, f)) != "build")
            for name in sorted(names):
                path = os.path.normpath(os.path.join(here, name))
                if name.endswith(TEXT + (".md",)) and not os.path.islink(
                        os.path.join(folder, name)):
                    with open(os.path.join(folder, name), "rb") as f:
                        self.files[path] = f.read()
        self.law = collections.defaultdict(dict)
        self.may = set()
        for line in self.text("tests/lint/layers.txt").split("\n"):
            m = re.match(r"^(room|layer|home|word|may) (\S+?): ?(.*)$", line)
            if m and m.group(1) == "may":
                self.may.add((m.group(2), m.group(3)))
            elif m:
                value = m.group(3) if m.group(1) == "room" else m.group(3).split()
                self.law[m.group(1)][m.group(2)] = value
            elif line and not line.startswith("#"):
                raise SystemExit("tests/lint/layers.txt: not a rule: %s" % line)

    def text(self, path):
        return self.files[path].decode("utf-8", "replace")

    def ours(self, *folders):
        """Source files of the product below these folders."""
        return [p for p in self.files if p.endswith(CODE) and
                (p.split("/")[0] in folders or p in folders)]


def product(tree):
    return tree.ours("main.c", "cmd", "core", "third_party")


def bare(text):
    """The code without comments, strings and characters; lines stay where they are."""
    def blank(m):
        return m.group(0)[0] + re.sub(r"[^\n]", " ", m.group(0)[1:-1]) + m.group(0)[-1] \
            if m.group(0)[0] in "\"'" else re.sub(r"[^\n]", " ", m.group(0))
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text,
                  flags=re.S)


def within(path, places):
    """Whether a file is one of the places or below one of them."""
    parts = path.split("/")
    heads = ["/".join(parts[:i]) for i in range(1, len(parts) + 1)]
    return any(fnmatch.fnmatchcase(h, p) and h.count("/") == p.count("/")
               for h in heads for p in places)


def room_of(path):
    parts = path.split("/")
    return "/".join(parts[:2]) if parts[0] == "core" else parts[0]


def includes(text):
    for n, line in enumerate(text.split("\n"), 1):
        m = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
        if m:
            yield n, m.group(1), m.group(2)


def rule_layers(tree):
    """A file includes only headers of its own room and of rooms below it."""
    layers = tree.law["layer"]
    for path in product(tree):
        room = room_of(path)
        if room not in layers:
            yield "%s: no layer row for %s in layers.txt" % (path, room)
            continue
        for n, kind, name in includes(tree.text(path)):
            if kind == "<" or (path, name) in tree.may:
                continue
            if name not in tree.files:
                yield '%s:%d: "%s" is not a path from the top' % (path, n, name)
            elif room_of(name) not in [room] + layers[room]:
                yield "%s:%d: %s may not include %s" % (path, n, room, name)


def rule_homes(tree):
    """System and library headers are included only where they live."""
    for path in product(tree):
        for n, kind, name in includes(tree.text(path)):
            for header, places in tree.law["home"].items():
                if kind == "<" and fnmatch.fnmatchcase(name, header) and not within(path, places):
                    yield "%s:%d: <%s> lives in %s" % (path, n, name, " ".join(places))


def rule_words(tree):
    """Some functions are called only in their own place, or nowhere."""
    words = tree.law["word"]
    if not words:
        return
    call = re.compile(r"(?<![\w.>])(%s)\s*\(" % "|".join(words))
    for path in product(tree):
        for n, line in enumerate(bare(tree.text(path)).split("\n"), 1):
            for m in call.finditer(line):
                if not within(path, words[m.group(1)]):
                    yield "%s:%d: %s() is for %s" % (path, n, m.group(1),
                                                     " ".join(words[m.group(1)]))


def rule_symbols(tree):
    """foo.c exports only foo and foo_*; cmd/foo.c also cmd_foo; main.c main and cmd_table."""
    for path in tree.ours("main.c", "cmd", "core"):
        obj = os.path.join(tree.objects, path[:-2] + ".o")
        if not path.endswith(".c"):
            continue
        if not os.path.exists(obj):
            yield "%s: %s is not there: build first" % (path, obj)
            continue
        stem = os.path.basename(path)[:-2]
        good = {"main": {"main", "cmd_table"}}.get(stem, {stem, "cmd_" + stem})
        out = subprocess.run(["nm", "-g", "--defined-only", obj], check=True,
                             stdout=subprocess.PIPE, universal_newlines=True).stdout
        for line in out.split("\n"):
            name = line.split(" ")[-1]
            if name and name not in good and not name.startswith((stem + "_", "_", ".")):
                yield "%s: exports %s" % (path, name)


def rule_names(tree):
    """File names are unique in the tree, without their ending too, but for foo.c and foo.h."""
    stems = collections.defaultdict(set)
    for path in tree.ours("main.c", "cmd", "core", "tests", "third_party"):
        stems[os.path.basename(path)[:-2]].add(os.path.dirname(path))
    for stem, folders in sorted(stems.items()):
        if len(folders) > 1:
            yield "%s is in %s" % (stem, ", ".join(sorted(folders)))


def opening(text):
    """The (name, sentence) that a header opens with, or None."""
    m = re.match(r"/\* (\w+): (.*?) \*/", text, re.S)
    return (m.group(1), re.sub(r"\s*\n \* *", " ", m.group(2))) if m else None


def rule_openings(tree):
    """A header opens with one comment: its name, a colon, one sentence."""
    for path in tree.ours("cmd", "core", "tests"):
        if path.endswith(".h"):
            found = opening(tree.text(path))
            if not found or found[0] != os.path.basename(path)[:-2]:
                yield "%s: does not open with /* %s: ... */" % (path, os.path.basename(path)[:-2])
            elif not found[1].endswith("."):
                yield "%s: the opening is no sentence" % path


def declarations(text):
    """(line, code, has a comment right above) of everything at the top level of a header."""
    text = re.sub(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*",
                  lambda m: re.sub(r"[^\n]", " ", m.group(0)), text, flags=re.M)
    at = 0
    above = None  # where the last comment ended
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        if text.startswith("/*", at):
            end = text.find("*/", at)
            at = above = len(text) if end < 0 else end + 2
            continue
        begin, depth = at, 0
        while at < len(text):
            if text.startswith("/*", at):
                at = text.find("*/", at) + 2
                continue
            c = text[at]
            depth += (c in "{(") - (c in "})")
            at += 1
            if depth == 0 and (c == ";" or (c == "}" and "(" in text[begin:at].split("{")[0])):
                break
        gap = text[above:begin] if above is not None else None
        # A comment at the end of the line before belongs to what stands there.
        line_start = text.rfind("\n", 0, above or 0) + 1
        own = above is not None and text[line_start:above].lstrip().startswith(("/*", "*"))
        yield (text.count("\n", 0, begin) + 1, text[begin:at],
               bool(own and gap.strip() == "" and gap.count("\n") == 1))
        above = None


def is_function(code):
    head = re.sub(r"__attribute__\s*\(\(.*?\)\)", "", bare(code).split("{")[0], flags=re.S)
    return "(" in head and "=" not in head and not head.startswith(("typedef", "_Static_assert"))


def rule_contracts(tree):
    """Every function in a header of core has its contract right above it."""
    for path in tree.ours("core"):
        if path.endswith(".h"):
            for n, code, commented in declarations(tree.text(path)):
                if is_function(code) and not commented:
                    yield "%s:%d: no contract: %s" % (path, n, code.split("\n")[0])


def rule_lines(tree):
    """No tabs, no line over 100 columns, no space at a line's end, a newline at the end."""
    for path, data in tree.files.items():
        if not path.endswith(TEXT):
            continue
        for n, line in enumerate(tree.text(path).split("\n"), 1):
            if "\t" in line:
                yield "%s:%d: tab" % (path, n)
            if len(line) > COLUMNS and not path.endswith(".txt"):
                yield "%s:%d: %d columns" % (path, n, len(line))
            if line != line.rstrip():
                yield "%s:%d: space at the end" % (path, n)
        if data and not data.endswith(b"\n"):
            yield "%s: no newline at the end" % path


def rule_readme(tree):
    """The README is short and its code map says what layers.txt says of every room there is."""
    text = tree.text("README.md") if "README.md" in tree.files else ""
    if not text:
        yield "README.md is missing"
    if text.count("\n") >= README_LINES:
        yield "README.md: %d lines, fewer than %d wanted" % (text.count("\n"), README_LINES)
    for room, sentence in tree.law["room"].items():
        if ("| `%s` | %s |" % (room, sentence)) not in text:
            yield "README.md: the map lacks: | `%s` | %s |" % (room, sentence)
    for room in sorted({room_of(p) for p in product(tree)}):
        if room not in tree.law["room"] and room + "/" not in tree.law["room"]:
            yield "layers.txt: no room row for %s" % room


def print_map(tree):
    """The rooms, and every header with the sentence it opens with."""
    room = None
    for path in sorted(tree.ours("cmd", "core")):
        found = opening(tree.text(path)) if path.endswith(".h") else None
        if found and room_of(path) != room:
            room = room_of(path)
            print("\n%s/: %s" % (room, tree.law["room"].get(room + "/", "")))
        if found:
            print("  %-20s %s" % (os.path.basename(path), found[1]))


RULES = [rule_layers, rule_homes, rule_words, rule_symbols, rule_names, rule_openings,
         rule_contracts, rule_lines, rule_readme]


def main(words):
    root, objects = ".", None
    while words:
        word = words.pop(0)
        if word == "--root":
            root = words.pop(0)
        elif word == "--objects":
            objects = words.pop(0)
        elif word == "--map":
            print_map(Tree(root, ""))
            return 0
        else:
            raise SystemExit(__doc__)
    tree = Tree(root, objects or os.path.join(root, "build/static"))
    bad = 0
    for rule in RULES:
        complaints = list(rule(tree))
        for c in complaints:
            print("FAIL %s: %s" % (rule.__name__[5:], c))
        bad += bool(complaints)
    print("lint: %d passed, %d failed" % (len(RULES) - bad, bad))
    return 1 if bad else 0


sys.exit(main(sys.argv[1:]))
