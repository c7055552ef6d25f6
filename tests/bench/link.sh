#!/bin/bash
# What the path is worth: every row of `farspan bench link` over farspan and over the kernel's TCP
# with CUBIC and BBR through the same links, one stream on loopback beside TLS and plain TCP, and a
# transfer beside a flood of handshakes.
#
#   tests/bench/link.sh [--runs N] [PART...]
#
# PART: rows loopback flood; none: all of them, 90 minutes with the five runs that are the default.
# Each prints its table; the clock decides nothing, the exit status says whether everything could be
# measured. Needs root (network namespaces).
cd "$(dirname "$0")/../.." || exit 1
runs=5 parts=
while [ $# -gt 0 ]; do
    case $1 in
    --runs) runs=$2 && shift 2 ;;
    rows | loopback | flood) parts="$parts $1" && shift ;;
    *) echo "link.sh: what is $1?" >&2 && exit 2 ;;
    esac
done
FARSPAN_HOME=$(mktemp -d) && export FARSPAN_HOME || exit 1
trap 'rm -rf "$FARSPAN_HOME"' EXIT
status=0
for part in ${parts:-rows loopback flood}; do
    echo "== $part, load $(cut -d' ' -f1 /proc/loadavg), $(date +%F)"
    case $part in
    rows)
        build/farspan bench link --compare --runs "$runs" --json >"$FARSPAN_HOME/rows" || status=1
        tests/bench/link_table.py <"$FARSPAN_HOME/rows" || status=1
        ;;
    loopback) tests/bench/speed.sh --runs "$runs" || status=1 ;;
    flood) tests/bench/flood_link.sh || status=1 ;;
    esac
done
exit $status
