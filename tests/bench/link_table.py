#!/usr/bin/env python3
"""Row events of `farspan bench link --compare --json` on stdin, as a table in Markdown.

CPU is that of both ends, in seconds of processor time for 10^9 bytes delivered.
"""
import json
import sys

OVER = ("farspan", "cubic", "bbr")


def value(figure, n):
    if n is None:
        return "not seen"
    if figure.endswith("_bps"):
        return "%.1f Mbit/s" % (n / 1e6)
    if figure.endswith("_ppm"):
        return "%.1f %%" % (n / 1e4)
    return "%.1f ms" % (n / 1e3)


def cpu(event, over):
    """Over TCP both ends are one process, which is told as one end."""
    near, far = event["mean_cpu_s_per_gb"], event["mean_far_cpu_s_per_gb"]
    total = near + far if over == "farspan" else max(near, far)
    return "%.2f" % total if total else "-"


def goal(figure):
    for key, sign in ("at_least", ">="), ("at_most", "<="):
        if key in figure:
            return "%s %s" % (sign, value(figure["figure"], figure[key]))
    return ""


def lines(seen):
    """The lines of a row; `seen`: its event of each carrier."""
    ours = seen["farspan"]
    for i, figure in enumerate(ours["figures"]):
        name = figure["figure"]
        cells = [
            "%s: %s" % (ours["row"], ours["link"]) if i == 0 else "",
            name,
            goal(figure),
            value(name, figure["seen"]) + ("" if figure.get("pass", True) else " **missed**"),
        ]
        for over in OVER[1:]:
            cells.append(value(name, seen[over]["figures"][i]["seen"]) if over in seen else "")
        cells.append(" / ".join(cpu(seen[o], o) for o in OVER if o in seen) if i == 0 else "")
        yield "| %s |" % " | ".join(cells)


def main():
    rows = {}
    for line in sys.stdin:
        event = json.loads(line)
        if event.get("event") == "row":
            rows.setdefault(event["row"], {})[event["over"]] = event
    if not rows:
        sys.exit("link_table.py: no row event")
    print("| row | figure | goal | farspan | TCP, CUBIC | TCP, BBR | CPU s a GB of each |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for seen in rows.values():
        print("\n".join(lines(seen)))


main()
