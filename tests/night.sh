#!/bin/sh
# night.sh SEEDS FIRST SWARM JOBS: swarms FIRST .. FIRST + SEEDS - 1 on JOBS cores, each run twice,
# in parts of 50 or less. Says how far it is; stops at the first failure with the command that
# replays it, and like any other end says where to go on. SIM_OPTIONS go on to the simulator.
set -u
seeds=$1 first=$2 swarm=$3 jobs=$4
end=$((first + seeds))
part=$(((seeds + jobs - 1) / jobs))
[ $part -le 50 ] || part=50
[ $part -ge 1 ] || part=1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'touch "$work/stop"' INT TERM
begun=$(date +%s)
: >"$work/done"

# so_far: one line of how far it is.
so_far() {
    ran=$(awk '{n += $2} END {print n + 0}' "$work/done")
    took=$(($(date +%s) - begun))
    [ $took -ge 1 ] || took=1
    echo "$swarm: $ran of $seeds seeds, $((ran / took)) a second," \
        "$(((seeds - ran) * took / (ran + 1) / 60)) min left"
}

# worker K: every JOBS-th part, from the Kth on.
worker() {
    at=$((first + $1 * part))
    while [ $at -lt $end ] && [ ! -e "$work/stop" ]; do
        n=$((end - at))
        [ $n -le $part ] || n=$part
        # shellcheck disable=SC2086 # several options in one word
        if build/unit/sim_test ${SIM_OPTIONS-} --"$swarm" $at $n >"$work/out.$1"; then
            echo "$at $n" >>"$work/done"
            # One of the workers speaks for all.
            [ "$1" != 0 ] || so_far
        elif [ ! -e "$work/stop" ]; then
            touch "$work/stop" "$work/failed"
            grep FAIL "$work/out.$1" || echo "FAIL $swarm: $at .. $((at + n - 1)) ended badly"
        fi
        at=$((at + jobs * part))
    done
}

k=0
while [ $k -lt "$jobs" ]; do
    worker $k &
    k=$((k + 1))
done
# A signal ends one wait; the workers finish their parts.
wait
wait
# The first part that is not done.
next=$(sort -n "$work/done" | awk -v at="$first" '$1 == at {at += $2} END {print at}')
ran=$(awk '{n += $2} END {print n + 0}' "$work/done")
echo "$swarm: $ran of $seeds seeds have run twice in $(($(date +%s) - begun)) s"
[ "$next" -ge $end ] && exit 0
echo "go on with: make sim SEEDS=$((end - next)) FIRST=$next SWARM=$swarm"
exit 1
