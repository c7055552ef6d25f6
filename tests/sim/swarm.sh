#!/bin/sh
# time-out: 1500
# Swarms by seed on both cores: 100 under ASan and UBSan, 20 more in a plain build; with
# FARSPAN_FULL 500 in a plain build.
set -u
count=10
[ -z "${FARSPAN_FULL-}" ] || count=250
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

build/unit/sim_test --swarm 1 "$count" >"$work/1" &
build/unit/sim_test --swarm $((count + 1)) "$count" >"$work/2"
wait $!
build/asan/unit/sim_test --swarm 1001 50 >"$work/3" 2>&1 &
build/asan/unit/sim_test --swarm 2001 50 >"$work/4" 2>&1
wait $!
cat "$work"/*
passed=0 failed=0
for part in 1 2 3 4; do
    set -- $(sed -n '$s/^sim_test: \([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$work/$part") 0 1
    passed=$((passed + $1)) failed=$((failed + $2))
done
echo "swarm: $passed passed, $failed failed"
[ "$failed" = 0 ]
