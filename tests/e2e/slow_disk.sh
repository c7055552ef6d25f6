#!/bin/sh
# What takes a viewer's pictures stands still: the session does not, and what was written is whole.
. tests/lib.sh

start serve "$farspan" serve test:640x400,busy --invite=control,uses=9 --listen 127.0.0.1:0 --json
server=$pid
event serve listening >"$work/event" || not_ok "the server listens" "$(cat "$work/serve.err")"
ticket=$(field ticket <"$work/event")

# A pipe that somebody has opened and does not read, until told to.
for kind in y4m ppm fsr; do
    mkfifo "$work/out.$kind"
    rm -f "$work/go"
    start reader sh -c "exec 3<'$work/out.$kind'
        until [ -e '$work/go' ]; do sleep 0.05; done; exec cat <&3 >'$work/copy.$kind'"
    reader=$pid
    start "view.$kind" "$farspan" view "$ticket" --to "$work/out.$kind" --json --stats
    viewer=$pid
    updates() {
        [ "$(grep '"event":"stats"' "$work/view.$kind" | tail -n 1 | field updates)" -gt "$1" ]
    }
    within 20 updates 5 || not_ok "$kind: a picture comes" "$(cat "$work/view.$kind.err")"
    check "$kind: and more come while nobody reads" within 20 updates 60
    shown=$(grep '"event":"stats"' "$work/view.$kind" | tail -n 1 | field frames)
    check "$kind: of which only a few were taken" test "$shown" -lt 40
    kill "$viewer"
    touch "$work/go"
    wait "$viewer"
    is "$kind: it ends in order" $? 143
    wait "$reader"
    written=$(grep '"event":"result"' "$work/view.$kind" | field frames)
    case $kind in
    fsr) exits "fsr: what was written is whole" 0 \
        "$farspan" encode --decode "$work/copy.fsr" -o "$work/all.ppm" --json ;;
    *) exits "$kind: what was written is whole" 0 \
        "$farspan" encode "$work/copy.$kind" -o "$work/all.fsr" --json ;;
    esac
    check "$kind: every picture that was counted is there" \
        test "$(tail -n 1 "$work/out" | field frames)" -ge "$written"
done
kill "$server"
wait "$server"
is "the server ends with 0" $? 0
finish
