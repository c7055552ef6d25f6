#!/bin/sh
# Who gets in and who does not, and what every ending is called: serve and view on the built-in
# desktop, with every exit code of the contract that they can have.
. tests/lib.sh

# serve NAME [OPTION...]: a server of the built-in desktop with its own folder; sets ticket, at.
serve() {
    name=$1
    shift
    FARSPAN_HOME="$work/$name.home" start "$name" "$farspan" serve test:640x400,idle \
        --listen 127.0.0.1:0 --json "$@"
    server=$pid
    event "$name" listening >"$work/$name.event" ||
        { not_ok "$name listens" "$(cat "$work/$name.err")"; return 1; }
    ticket=$(field ticket <"$work/$name.event")
    at=$(field address <"$work/$name.event")
}

# stop: the last server must end with 0 on SIGTERM.
stop() {
    kill "$server"
    wait "$server"
    is "$name ends with 0" $? 0
}

reason() {
    tail -n 1 "$work/out" | field reason
}

me=$("$farspan" keygen)

# ---- nobody could come in ----
exits "a server for nobody" 2 "$farspan" serve test --listen 127.0.0.1:0
like "says what to add" "$(cat "$work/err")" "authorized_keys.*--invite"
exits "no such key file" 1 "$farspan" serve test --authorized "$work/none" --listen 127.0.0.1:0
printf 'nonsense view\n' >"$work/bad"
exits "a malformed key file" 1 "$farspan" serve test --authorized "$work/bad" --listen 127.0.0.1:0
like "names the line" "$(cat "$work/err")" "bad line 1:"
exits "no such display" 1 "$farspan" serve x11:4711 --invite --listen 127.0.0.1:0
exits "no such source" 2 "$farspan" serve nothing-like-that --invite --listen 127.0.0.1:0
exits "another machine's address" 1 "$farspan" serve test --invite --listen 192.0.2.1:0

# ---- an invitation, once ----
serve one --invite
exits "a ticket lets one in" 0 "$farspan" view "$ticket" --to "$work/one.png" --until exact --json
check "the picture is a PNG of its size" sh -c "file '$work/one.png' | grep -q '640 x 400'"
exits "the same key comes back" 0 "$farspan" view "$ticket" --to null --until exact
printf '%s\n' "$ticket" >"$work/ticket"
exits "the ticket from a file" 0 "$farspan" view "@$work/ticket" --to null --until exact
check "the ticket from stdin" sh -c \
    "'$farspan' view - --to null --until exact <'$work/ticket' >/dev/null 2>&1"
check "the ticket from the environment" sh -c \
    "FARSPAN_TICKET='$ticket' '$farspan' view --to null --until exact >/dev/null 2>&1"
FARSPAN_HOME=$work/other exits "another key finds it used" 4 \
    "$farspan" view "$ticket" --to null --until exact --json
like "and hears why" "$(reason)" "used"
wrong=$(printf '%s' "$ticket" | sed 's/#\(.\)/#\1A/; s/\.....$/.AAA/')
exits "a ticket that is none" 2 "$farspan" view "$wrong" --to null
exits "no sink and no display" 2 env -u DISPLAY "$farspan" view "$ticket"
like "shows examples" "$(cat "$work/err")" "shot.png"
exits "an unknown sink" 2 "$farspan" view "$ticket" --to "$work/x.gif"
exits "a folder that is not there" 1 "$farspan" view "$ticket" --to "$work/no/x.png" --until exact
# A file may not grow beyond a megabyte: as good as a full disk, and the same for every user.
exits "a full disk" 1 sh -c "ulimit -f 2000; trap '' XFSZ; exec '$farspan' view '$ticket' \
    --to '$work/full.y4m' --for 2s"
check "what was written stays" test -s "$work/full.y4m"
stop

# ---- a ticket that is over ----
serve late --invite --invite-for 1ms
FARSPAN_HOME=$work/other exits "an expired ticket" 4 \
    "$farspan" view "$ticket" --to null --until exact --json
like "says so" "$(reason)" "expired|over"
stop

# ---- keys and known hosts ----
printf '%s control me\n' "$me" >"$work/keys"
serve keyed --authorized "$work/keys"
exits "an unknown host in a script" 4 "$farspan" view "$at" --to null --until exact --json
like "says what to give" "$(reason)" "accept-new"
exits "is accepted when asked to" 0 "$farspan" view "$at" --to null --until exact --accept-new
exits "and known from then on" 0 "$farspan" view "$at" --to null --until exact
FARSPAN_HOME=$work/stranger exits "a stranger's key" 4 \
    "$farspan" view "$at" --to null --until exact --accept-new --json
like "is told that it is not authorized" "$(reason)" "not authorized"
start stays "$farspan" view "$at" --to null --json
viewer=$pid
event stays connected >/dev/null || not_ok "a viewer stays" "$(cat "$work/stays.err")"
printf '# nobody\n' >"$work/keys"
kill -HUP "$server"
wait "$viewer"
is "a key that is gone ends the session" $? 4
stop
kept=$at
FARSPAN_HOME=$work/imposter.home "$farspan" keygen >/dev/null
printf '%s control me\n' "$me" >"$work/keys"
FARSPAN_HOME=$work/imposter.home start imposter "$farspan" serve test --listen "$kept" \
    --authorized "$work/keys" --json
server=$pid name=imposter
event imposter listening >/dev/null || not_ok "the imposter listens" ""
exits "another key at a known address" 4 "$farspan" view "$kept" --to null --accept-new --json
like "is called by its name" "$(reason)" "not the known one"
stop

# ---- roles ----
serve look --invite=view
printf 'click\ntype x\nsync\n' | sed '1s/.*/move 330 170/' >"$work/script"
exits "a viewer's input is no error" 0 \
    "$farspan" view "$ticket" --to null --until exact --input "$work/script"
like "but left out" "$(cat "$work/look.err")" "no right to control"
printf 'move 1\n' >"$work/script"
exits "a bad script" 2 "$farspan" view "$ticket" --to null --input "$work/script"
like "is placed" "$(cat "$work/err")" "line 1"
exits "no such script" 2 "$farspan" view "$ticket" --to null --input "$work/nothing"
stop

# ---- endings ----
exits "nobody there" 3 "$farspan" view "$kept" --to null --timeout 300ms --json
is "the error event has the exit code" "$(tail -n 1 "$work/out" | field exit)" 3
exits "nobody there while it was to watch" 3 "$farspan" view "$kept" --to null --for 300ms
serve ends --invite=control,uses=3
start watches "$farspan" view "$ticket" --to null --json
viewer=$pid
event watches connected >/dev/null || not_ok "a viewer watches" "$(cat "$work/watches.err")"
kill "$server"
wait "$server"
is "a server told to end ends with 0" $? 0
wait "$viewer"
is "its viewer as well" $? 0
serve again --invite=control,uses=3
start watches "$farspan" view "$ticket" --to null --json
viewer=$pid
event watches connected >/dev/null || not_ok "a viewer watches" "$(cat "$work/watches.err")"
kill -INT "$viewer"
wait "$viewer"
is "an interrupted viewer" $? 130
exits "so many pictures" 0 "$farspan" view "$ticket" --to null --frames 1
exits "so long" 0 "$farspan" view "$ticket" --to null --for 200ms --json
is "its last line is the result" "$(tail -n 1 "$work/out" | field event)" result
stop
serve once --invite --once
exits "the one viewer" 0 "$farspan" view "$ticket" --to null --until exact
wait "$server"
is "the server ends with it" $? 0

# A dead viewer is given up after that time, not after two minutes.
exits "no patience at all" 2 "$farspan" serve test --patience 1s
serve patient --invite --once --patience 5s
start dies "$farspan" view "$ticket" --to null --json
viewer=$pid
event dies connected >/dev/null || not_ok "a viewer watches" "$(cat "$work/dies.err")"
kill -KILL "$viewer"
event patient disconnected 60 >"$work/event" || not_ok "it is given up" "$(cat "$work/patient.err")"
like "says why" "$(field reason <"$work/event")" "nothing was heard"
like "and had said so" "$(cat "$work/patient.err")" "viewer 1 is not heard any more"
wait "$server"
is "the server ends with it" $? 0

# ---- wrong and right ones at once ----
serve crowd --invite=control,uses=8
viewers=
for i in 1 2 3 4 5 6 7 8; do
    FARSPAN_HOME=$work/home-r$i start "right$i" "$farspan" view "$ticket" --to null --until exact
    viewers="$viewers $pid"
    FARSPAN_HOME=$work/home-w$i start "wrong$i" "$farspan" view \
        "${ticket%#*}" --to null --until exact
    wrongs="${wrongs-} $pid"
done
for p in $viewers; do
    wait "$p"
    is "a right one" $? 0
done
for p in $wrongs; do
    wait "$p"
    is "a wrong one" $? 4
done
stop
finish
