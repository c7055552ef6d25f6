#!/bin/sh
# The main job in a few seconds, on nothing but the program itself: serves the built-in desktop,
# views it over a link of 25 ms each way, types into it, and ends with its picture, proven exact.
set -u
farspan=${FARSPAN:-build/farspan}
picture=${1:-build/demo.png}
work=$(mktemp -d) || exit 1
pids=

clean_up() {
    trap - EXIT INT TERM
    for pid in $pids; do kill "$pid" 2>/dev/null; done
    rm -rf "$work"
}
trap 'clean_up' EXIT
trap 'clean_up; exit 130' INT TERM

give_up() {
    echo "demo: $1" >&2
    cat "$work"/*.err >&2 2>/dev/null
    exit 1
}

# field FILE EVENT NAME: waits up to ten seconds for the event and prints one of its strings.
field() {
    tries=200
    until grep -q "\"event\":\"$2\"" "$1" 2>/dev/null; do
        tries=$((tries - 1))
        [ $tries -gt 0 ] || return 1
        sleep 0.05
    done
    sed -n "s/.*\"event\":\"$2\".*\"$3\":\"\([^\"]*\)\".*/\1/p" "$1" | head -n 1
}

# number NAME: an integer of the viewer's result.
number() {
    sed -n "s/.*\"event\":\"result\".*\"$1\":\([0-9]*\).*/\1/p" "$work/view"
}

export FARSPAN_HOME="$work/home"
"$farspan" keygen -q >"$work/keygen" 2>"$work/keygen.err" || give_up "no identity could be made"
"$farspan" serve test --invite --listen 127.0.0.1:0 --json >"$work/serve" 2>"$work/serve.err" &
pids="$pids $!"
ticket=$(field "$work/serve" listening ticket) || give_up "the server did not start"
printf '%s\n' "$ticket" >"$work/ticket"
"$farspan" bench relay --udp 127.0.0.1:0 --to "@$work/ticket" --delay 25ms --json \
    >"$work/relay" 2>"$work/relay.err" &
pids="$pids $!"
field "$work/relay" listening ticket >"$work/far" || give_up "the relay did not start"
[ -s "$work/far" ] || give_up "the relay gave no ticket"

cat >"$work/script" <<'SCRIPT'
move 700 158
click
type Hello from far away
key Return
SCRIPT
"$farspan" view "@$work/far" --to "$picture" --until exact --input "$work/script" --json \
    >"$work/view" 2>"$work/view.err" || give_up "the viewer failed: $(tail -n 1 "$work/view")"
[ -s "$picture" ] || give_up "there is no picture"
hash=$(field "$work/view" result hash)

cat <<TEXT
A desktop was served, seen over a link of 25 ms each way, and typed into:
  $(number in_bytes) bytes came in $(number frames) pictures, $(number out_bytes) bytes went back;
  at the end both sides had the same picture, hash $hash.
It is in $picture.

Try next, in two terminals:
  $farspan serve test --invite --listen 127.0.0.1:7470      prints a ticket
  $farspan view TICKET                                      opens a window (under X)
or stream your own display with: $farspan serve x11:0 --invite
TEXT
