#!/bin/sh
# tests/run: what it counts, and that nothing can look like a success by saying nothing.
. tests/lib.sh

program() {
    { echo '#!/bin/sh'; cat; } >"$work/$1"
    chmod +x "$work/$1"
}
program good <<'X'
echo "good: 3 passed, 0 failed"
X
program bad <<'X'
echo "FAIL one: reason"
echo "bad: 1 passed, 2 failed"
exit 1
X
program silent <<'X'
exit 0
X
program liar <<'X'
echo "liar: 1 passed, 0 failed"
exit 1
X
program denier <<'X'
echo "denier: 1 passed, 1 failed"
X
program empty <<'X'
echo "empty: 0 passed, 0 failed"
X
program slow <<'X'
# time-out: 1
sleep 50 & echo $! >"$NOTE"
wait
echo "slow: 1 passed, 0 failed"
X
program leaver <<'X'
sleep 50 & echo $! >"$NOTE"
echo "leaver: 1 passed, 0 failed"
X
program room <<'X'
good=0
for d in "$HOME" "$TMPDIR" "$XDG_RUNTIME_DIR" "$XDG_CONFIG_HOME" "$XDG_STATE_HOME" \
    "$XDG_CACHE_HOME" "$FARSPAN_HOME"; do
    [ -d "$d" ] && [ -z "$(ls -A "$d")" ] && good=$((good + 1))
done
[ "$LC_ALL" = C.UTF-8 ] && [ -z "${DISPLAY-}" ] && [ "$EXTRA" = yes ] && good=$((good + 1))
echo "$HOME" >"$NOTE"
echo "room: $good passed, 0 failed"
X

run() {
    tests/run "$@" >"$work/out" 2>&1
    status=$?
    last=$(tail -n 1 "$work/out")
}
run "$work/good"
is "good" "$status $last" "0 3 passed, 0 failed, 0 skipped"
refuse "shows no output of what went well" grep -q "^good:" "$work/out"
run "$work/good" "$work/bad" "$work/good"
is "one bad" "$status $last" "1 7 passed, 2 failed, 0 skipped"
check "is shown" grep -q "^FAIL one: reason" "$work/out"
run "$work/silent"
is "silent" "$status $last" "1 0 passed, 1 failed, 0 skipped"
run "$work/liar"
is "all passed but exit 1" "$status $last" "1 1 passed, 1 failed, 0 skipped"
run "$work/denier"
is "failed but exit 0" "$status $last" "1 1 passed, 1 failed, 0 skipped"
run "$work/empty"
is "empty" "$status $last" "1 0 passed, 1 failed, 0 skipped"
run "$work/missing"
is "missing" "$status $last" "1 0 passed, 1 failed, 0 skipped"
run
is "nothing at all" "$status $last" "1 0 passed, 0 failed, 0 skipped"
run "NOTE=$work/note" "$work/slow"
is "too slow" "$status $last" "1 0 passed, 1 failed, 0 skipped"
check "and what it started is gone" gone "$(cat "$work/note")" 5
run "NOTE=$work/note" "$work/leaver"
is "one that leaves something behind" "$status $last" "0 1 passed, 0 failed, 0 skipped"
check "which is gone too" gone "$(cat "$work/note")" 5
DISPLAY=:77 run "NOTE=$work/note" EXTRA=yes "$work/room"
is "its own folders" "$status $last" "0 8 passed, 0 failed, 0 skipped"
refuse "which are gone" test -e "$(cat "$work/note")"
run -j 2 EXTRA=no "$work/good" "$work/bad"
is "two at once" "$status $last" "1 4 passed, 2 failed, 0 skipped"
run -j 2 "$work/good" -j 1 "$work/good" -t 1 "$work/good"
is "in batches" "$status $last" "0 9 passed, 0 failed, 0 skipped"
finish
