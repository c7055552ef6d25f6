#!/bin/sh
# time-out: 1500
# Swarms by seed on both cores, of sessions with all traffic and of desks with users: 100 and 20
# under ASan and UBSan, 20 of each more in a plain build; with FARSPAN_FULL 500 in a plain build.
set -u
plain=10
[ -z "${FARSPAN_FULL-}" ] || plain=250
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# half N: half of everything, N is 0 or 1; each swarm has a seed of its own.
half() {
    for kind in swarm desk-swarm; do
        asan=50
        [ $kind = swarm ] || asan=10
        build/unit/sim_test --$kind $((1 + $1 * plain)) $plain >"$work/plain-$kind-$1" 2>&1
        build/asan/unit/sim_test --$kind $((1001 + $1 * 1000)) $asan >"$work/asan-$kind-$1" 2>&1
    done
}
half 0 &
half 1
wait $!
cat "$work"/*
passed=0 failed=0
for part in "$work"/*; do
    set -- $(sed -n '$s/^sim_test: \([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$part") 0 1
    passed=$((passed + $1)) failed=$((failed + $2))
done
echo "swarm: $passed passed, $failed failed"
[ "$failed" = 0 ]
