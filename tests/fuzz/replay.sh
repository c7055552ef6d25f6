#!/bin/sh
# replay.sh TARGET: runs every input of the target's corpus once, in one process.
set -u
name=$(basename "$1")
corpus=tests/fuzz/corpus/$name
count=$(find "$corpus" -type f 2>/dev/null | wc -l)
log=$(mktemp) || exit 1
if [ "$count" = 0 ]; then
    echo "FAIL $name: no inputs in $corpus"
    echo "$name: 0 passed, 1 failed"
    status=1
elif timeout 100 "$1" -runs=0 -timeout=10 -rss_limit_mb=2048 "$corpus" >"$log" 2>&1; then
    echo "$name: $count passed, 0 failed"
    status=0
else
    echo "FAIL $name: $(tail -n 40 "$log")"
    echo "$name: 0 passed, 1 failed"
    status=1
fi
rm -f "$log"
exit $status
