#!/bin/sh
# cover.sh TARGET...: prints which share of the lines of every decoder (tests/fuzz/decoders.txt) the
# corpora reach, and fails where that is below 90 %, or where a file that reads from outside is not
# in that list. Only the inputs in the tree count, not what `make fuzz` has found meanwhile.
set -u
export LC_ALL=C
here=build/cover
list=tests/fuzz/decoders.txt
least=90
bad=0

listed=$(sed -n 's/^\(core[^ ]*\|cmd[^ ]*\).*/\1/p' $list)
for file in $(grep -lE '"core/base/(rd|parse)\.h"' core/*/*.c cmd/*.c main.c); do
    echo "$listed" | grep -Fqx "$file" || {
        echo "FAIL $file reads from outside and is not in $list"
        bad=$((bad + 1))
    }
done

objects=
rm -f $here/*.profraw
for target in "$@"; do
    name=$(basename "$target")
    LLVM_PROFILE_FILE=$here/$name.profraw timeout 300 "$target" -runs=0 "tests/fuzz/corpus/$name" \
        >"$here/$name.log" 2>&1 || {
        tail -n 20 "$here/$name.log"
        exit 1
    }
    objects="$objects ${objects:+-object }$target"
done
llvm-profdata merge -o $here/all.profdata $here/*.profraw || exit 1
files=$(sed -n 's/^\(core[^ ]*\|cmd[^ ]*\)\( -.*\)\{0,1\}$/\1/p' $list)
# shellcheck disable=SC2086 # lists are meant to split
llvm-cov report $objects -instr-profile=$here/all.profdata -show-functions $files \
    >$here/functions || exit 1
# A function: name, regions x3, lines, missed, cover, branches x3; static ones as "file.c:name".
awk -v least=$least '
    FNR == NR {
        if ($1 !~ /^(core|cmd)\// || $2 == "no:")
            next
        order[++count] = $1
        for (i = 3; i <= NF; i++)
            skip[$1, $i] = 1
        next
    }
    /^File / {
        at = ""
        for (i = 1; i <= count; i++)
            if (index($2, "/" order[i] "\047:"))
                at = order[i]
        next
    }
    NF == 10 && $5 ~ /^[0-9]+$/ && $1 != "TOTAL" {
        name = $1
        sub(/^.*:/, "", name)
        if ((at, name) in skip) {
            known[at, name] = 1
            next
        }
        lines[at] += $5
        missed[at] += $6
    }
    END {
        for (s in skip)
            if (!(s in known)) {
                sub(SUBSEP, " ", s)
                printf "FAIL no such function: %s\n", s
                bad++
            }
        for (i = 1; i <= count; i++) {
            f = order[i]
            share = lines[f] ? 100 * (lines[f] - missed[f]) / lines[f] : 0
            printf "%s%-32s %5d lines %6.1f %%\n", share < least ? "FAIL " : "", f, lines[f], share
            all += lines[f]
            out += missed[f]
            if (share < least)
                bad++
        }
        printf "%-32s %5d lines %6.1f %%\n", "all decoders", all, 100 * (all - out) / all
        exit bad > 0
    }' $list $here/functions || bad=$((bad + 1))
[ "$bad" = 0 ]
