#!/usr/bin/env python3
"""Lists what deserves a second thought: long functions and files, odd formatting."""
import glob
import re
import subprocess

FUNCTION_LINES, FILE_LINES = 70, 600


def sources():
    return sorted(p for pattern in ("*.[ch]", "cmd/*.[ch]", "core/*/*.[ch]", "tests/*/*.[ch]")
                  for p in glob.glob(pattern))


def functions(lines):
    """(name, first line, lines) of every function: from its head to the } in column 0."""
    head = name = None
    for n, line in enumerate(lines, 1):
        if re.match(r"^[a-z_].*\(", line) and not line.rstrip().endswith(";"):
            head, name = n, re.search(r"(\w+)\s*\(", line).group(1)
        elif line.startswith("}") and head:
            yield name, head, n - head + 1
            head = None


def main():
    total = 0
    for path in sources():
        with open(path) as f:
            lines = f.read().split("\n")
        total += len(lines)
        if len(lines) > FILE_LINES and not path.endswith("_table.c"):
            print("%s: %d lines" % (path, len(lines)))
        for name, at, size in functions(lines):
            if size > FUNCTION_LINES:
                print("%s:%d: %s: %d lines" % (path, at, name, size))
        p = subprocess.run(["clang-format", "--dry-run", path], stderr=subprocess.PIPE,
                           universal_newlines=True, check=False)
        found = len(re.findall(r"warning: code should be", p.stderr))
        if found:
            print("%s: clang-format would change %d places" % (path, found))
    print("%d files, %d lines" % (len(sources()), total))


main()
