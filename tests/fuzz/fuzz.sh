#!/bin/sh
# fuzz.sh SECONDS TARGET...: runs each fuzz target for that long, starting from its corpus. New
# inputs go to build/fuzz/corpus/NAME, a crash to build/fuzz/crash-NAME-*; exit 1 when there is one.
set -u
seconds=$1
shift
bad=0
for target in "$@"; do
    name=$(basename "$target")
    found=build/fuzz/corpus/$name
    mkdir -p "$found"
    echo "$name: $seconds s"
    "$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="build/fuzz/crash-$name-" "$found" "tests/fuzz/corpus/$name" \
        >"build/fuzz/$name.log" 2>&1 || {
        bad=$((bad + 1))
        tail -n 40 "build/fuzz/$name.log"
    }
    sed -n "s/^stat::number_of_executed_units: */  inputs tried: /p" "build/fuzz/$name.log"
done
echo "fuzz: $(($# - bad)) passed, $bad failed"
[ "$bad" = 0 ]
