#!/bin/sh
# cover.sh TARGET...: prints which share of the lines of every decoder the corpora reach, with what
# `make fuzz` has added in build/fuzz/corpus. A decoder is a core file whose header a target
# includes, but for the everyday words of core/base.
set -u
here=build/cover
everyday='core/base/(check|num|bytes|buf|heap|rng|err|log|limits|rd|wr|addr|arena).h'
objects= sources=
rm -f $here/*.profraw
for target in "$@"; do
    name=$(basename "$target")
    LLVM_PROFILE_FILE=$here/$name.profraw timeout 300 "$target" -runs=0 "tests/fuzz/corpus/$name" \
        $(ls -d "build/fuzz/corpus/$name" 2>/dev/null) >"$here/$name.log" 2>&1 || {
        tail -n 20 "$here/$name.log"
        exit 1
    }
    objects="$objects ${objects:+-object }$target"
    sources="$sources $(sed -n 's/^#include "\(core\/.*\)"$/\1/p' "tests/fuzz/$name.c" |
        grep -Evx "$everyday" | sed 's/h$/c/')"
done
# shellcheck disable=SC2086 # lists are meant to split
files=$(ls $sources 2>/dev/null | sort -u)
llvm-profdata merge -o $here/all.profdata $here/*.profraw || exit 1
# Columns of the report: file, regions x3, functions x3, lines, missed, cover, branches x3.
# shellcheck disable=SC2086
llvm-cov report $objects -instr-profile=$here/all.profdata $files |
    awk '$1 ~ /[.]c$/ || $1 == "TOTAL" { printf "%-36s %5d lines %8s\n", $1, $8, $10 }'
