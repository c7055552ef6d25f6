#!/bin/sh
# time-out: 1500
# Swarms by seed on both cores, of sessions with all traffic, of desks with users and of transports:
# 100, 20 and 40 under ASan and UBSan, 20, 20 and 1,000 more in a plain build (they take 0.3, 0.1
# and 0.04 s a run, and run twice), and 8 crowds on one link (0.8 s a run); with FARSPAN_FULL 500,
# 500, 4,000 and 100.
set -u
plain=10 paths=500 crowds=4
[ -z "${FARSPAN_FULL-}" ] || plain=250 paths=2000 crowds=50
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# half N: half of everything, N is 0 or 1; each swarm has a seed of its own.
half() {
    for kind in swarm desk-swarm path-swarm; do
        asan=50 n=$plain first=1001
        [ $kind = swarm ] || asan=10
        [ $kind != path-swarm ] || asan=20 n=$paths first=10001
        build/unit/sim_test --$kind $((1 + $1 * n)) $n >"$work/plain-$kind-$1" 2>&1
        build/asan/unit/sim_test --$kind $((first + $1 * 1000)) $asan >"$work/asan-$kind-$1" 2>&1
    done
    build/unit/sim_test --share-swarm $((1 + $1 * crowds)) $crowds >"$work/plain-share-$1" 2>&1
}
half 0 &
half 1
wait $!
cat "$work"/*
passed=0 failed=0

# The night's script: to the end, and to a failure, from which it goes on at the part that failed.
count() {
    passed=$((passed + 1))
    "$@" && return
    passed=$((passed - 1)) failed=$((failed + 1))
    echo "FAIL night: $*"
}
mkdir "$work/night"
sh tests/night.sh 5 30001 path-swarm 2 >"$work/night/good"
count test $? = 0
count grep -q '5 of 5 seeds have run twice' "$work/night/good"
SIM_OPTIONS="--without resend" sh tests/night.sh 6 30001 path-swarm 2 >"$work/night/bad"
count test $? = 1
count grep -q 'FAIL path_swarm: seed 3000[0-9].*replay: build/sim --seed 3000' "$work/night/bad"
count grep -q 'go on with: make sim SEEDS=[0-9]* FIRST=3000[0-9] SWARM=path-swarm' "$work/night/bad"
rm -r "$work/night"

for part in "$work"/*; do
    set -- $(sed -n '$s/^sim_test: \([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$part") 0 1
    passed=$((passed + $1)) failed=$((failed + $2))
done
echo "swarm: $passed passed, $failed failed"
[ "$failed" = 0 ]
