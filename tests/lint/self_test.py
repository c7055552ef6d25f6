#!/usr/bin/env python3
"""Shows that every rule of lint.py can fail: each case breaks one thing in a small good tree."""
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))

LAW = """# a law
room core/base/: words
room core/os/: calls
layer core/base:
layer core/os: core/base
may core/base/may.c: core/os/door.h
home sys/*: core/os
home xcb/*: core/os/x11_*
word malloc: core/base/heap.c
word rand: -
"""

GOOD = {
    "tests/lint/layers.txt": LAW,
    "README.md": "| `core/base/` | words |\n| `core/os/` | calls |\n",
    "core/base/heap.h": "/* heap: one sentence,\n * over two lines. */\n"
                        "#define HEAP(x) \\\n    (x)\n\n"
                        "/* Gives. */\nvoid *heap_new(int) __attribute__((alloc_size(1)));\n\n"
                        "struct heap {\n    int (*op)(void);\n};\n\n"
                        "enum { HEAP_MOST = (1 + 2) };\n\n"
                        "/* Twice. */\nstatic inline int heap_twice(int n)\n{\n"
                        "    return n + n;\n}\n",
    "core/base/heap.c": "/* malloc() in a comment */\n#include \"core/base/heap.h\"\n\n"
                        "#include <stdlib.h>\n\nvoid *heap_new(int n)\n{\n"
                        "    return malloc((unsigned)n);\n}\n\nint heap;\nstatic int other;\n"
                        "int *heap_other(void);\nint *heap_other(void)\n{\n    return &other;\n}\n",
    "core/base/may.c": "#include \"core/os/door.h\"\n",
    "core/os/door.h": "/* door: a door. */\n\n/* Opens it. */\nint door_open(void);\n",
    "core/os/x11_window.c": "#include <sys/types.h>\n#include \"core/base/heap.h\"\n",
}

# name of the rule, file, what stands there, what stands there instead (None: the file goes)
BREAKS = [
    ("layers", "core/base/heap.c", "core/base/heap.h", "core/os/door.h"),
    ("layers", "core/base/heap.c", "core/base/heap.h", "heap.h"),
    ("layers", "core/new/thing.c", None, "int thing;\n"),
    ("homes", "core/base/heap.c", "<stdlib.h>", "<sys/stat.h>"),
    ("homes", "core/os/window.c", None, "#include <xcb/xcb.h>\n"),
    ("words", "core/os/x11_window.c", "#include <sys/types.h>\n",
     "#include <stdlib.h>\nvoid *x11_window(void) { return malloc(1); }\n"),
    ("symbols", "core/base/may.c", "\n", "\nnonsense\n"),
    ("words", "core/base/heap.c", "return malloc((unsigned)n)", "return malloc((unsigned)rand ())"),
    ("symbols", "core/base/heap.c", "static int other", "int other"),
    ("symbols", "core/base/heap.c", "int heap;", "int heaps;"),
    ("names", "core/os/heap.c", None, "static int heap_there;\n"),
    ("openings", "core/base/heap.h", "/* heap:", "/* pile:"),
    ("openings", "core/base/heap.h", "two lines.", "two lines"),
    ("openings", "core/os/door.h", "/* door: a door. */\n", ""),
    ("contracts", "core/base/heap.h", "/* Gives. */\n", ""),
    ("contracts", "core/base/heap.h", "/* Gives. */\n", "/* Gives. */\n\n"),
    ("contracts", "core/base/heap.h", "/* Twice. */\n", ""),
    ("contracts", "core/base/heap.h", "/* Twice. */\n", "int heap_more; /* Twice. */\n"),
    ("contracts", "core/os/door.h", "int door_open(void);",
     "int door_open(void);\nint door_shut(void);"),
    ("lines", "core/base/may.c", "\n", "\n\tint x;\n"),
    ("lines", "core/base/may.c", "\n", "\nint x; \n"),
    ("lines", "core/base/may.c", "\n", "\n/* %s */\n" % ("x" * 95)),
    ("lines", "core/base/may.c", "\n", ""),
    ("readme", "README.md", "words", "word"),
    ("readme", "README.md", "| `core/os/` | calls |\n", ""),
    ("readme", "README.md", "words |\n", "words |\n" + "\n" * 150),
    ("readme", "tests/lint/layers.txt", "room core/os/: calls\n", ""),
]


def write(root, files):
    for path, text in files.items():
        os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
        with open(os.path.join(root, path), "w") as f:
            f.write(text)


def lint(root):
    """Compiles what there is and gives the names of the rules that complain, and the output."""
    objects = os.path.join(root, "objects")
    for folder, _, names in os.walk(root):
        for name in names:
            source = os.path.join(folder, name)
            obj = os.path.join(objects, os.path.relpath(source, root)[:-2] + ".o")
            if name.endswith(".c"):
                os.makedirs(os.path.dirname(obj), exist_ok=True)
                subprocess.run(["cc", "-w", "-I", root, "-c", "-o", obj, source],
                               stderr=subprocess.DEVNULL, check=False)
    p = subprocess.run([sys.executable, os.path.join(HERE, "lint.py"), "--root", root, "--objects",
                        objects], stdout=subprocess.PIPE, universal_newlines=True,
                       check=False)
    shutil.rmtree(objects, ignore_errors=True)
    return {line.split()[1].rstrip(":") for line in p.stdout.split("\n")
            if line.startswith("FAIL")}, p


def broken(path, old, new):
    files = dict(GOOD)
    if old is None:
        files[path] = new
    else:
        assert old in files[path], (path, old)
        files[path] = files[path].replace(old, new, 1)
    return files


def main():
    good = bad = 0
    cases = [(None, None, None, None)] + BREAKS
    for rule, path, old, new in cases:
        root = tempfile.mkdtemp()
        write(root, broken(path, old, new) if path else GOOD)
        found, p = lint(root)
        wanted = {rule} if rule else set()
        if not wanted <= found or (not rule and found) or (p.returncode == 0) != (not rule):
            print("FAIL %s %s: complaints of %s\n%s" % (rule, path, sorted(found), p.stdout))
            bad += 1
        else:
            good += 1
        shutil.rmtree(root)
    print("lint_self: %d passed, %d failed" % (good, bad))
    return 1 if bad else 0


sys.exit(main())
