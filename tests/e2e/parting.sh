#!/bin/sh
# The end of a session over a line that loses much: the other side hears of it all the same, and
# does not wait until it takes the silence for the end.
. tests/lib.sh

# serve NAME: a server of the built-in desktop for eight viewers, behind a line that loses a lot.
serve() {
    start "$1" "$farspan" serve test:640x400,idle --listen 127.0.0.1:0 --invite=view,uses=8 --json
    server=$pid
    event "$1" listening >"$work/event" || not_ok "$1 listens" "$(cat "$work/$1.err")"
    start "$1.relay" "$farspan" bench relay --udp 127.0.0.1:0 \
        --to "$(field ticket <"$work/event")" --delay 5ms --loss 35% --json
    relay=$pid
    event "$1.relay" listening >"$work/event" || not_ok "a relay" "$(cat "$work/$1.relay.err")"
    far=$(field ticket <"$work/event")
}

# view NAME [OPTION...]: eight viewers, each with a key of its own; their process ids in $viewers.
view() {
    who=$1 viewers=
    shift
    for i in 1 2 3 4 5 6 7 8; do
        FARSPAN_HOME=$work/home$i start "$who$i" "$farspan" view "$far" --to null --json \
            --timeout 30s "$@"
        viewers="$viewers $pid"
    done
    for i in 1 2 3 4 5 6 7 8; do
        event "$who$i" connected 40 >/dev/null || not_ok "viewer $i" "$(cat "$work/$who$i.err")"
    done
}

serve stays
# A greeting is two questions and their answers, and six in ten of these pairs lose one: after 8 s
# one run in a hundred has a viewer without any, after 20 s none to speak of.
view leaves --for 20s
for p in $viewers; do
    wait "$p"
    is "a viewer that leaves" $? 0
done
all_gone() {
    [ "$(grep '"event":"disconnected"' "$work/stays" | grep -c 'viewer has ended')" = 8 ]
}
check "the server has heard it of all" within 10 all_gone
kill "$server"
wait "$server"
is "a server without viewers ends with 0" $? 0
kill "$relay"

serve ends
view stays
kill "$server"
wait "$server"
is "a server with viewers ends with 0" $? 0
for p in $viewers; do
    gone "$p" 10 || not_ok "a viewer hears that the server has ended" "it still waits"
    wait "$p"
    is "its viewer ends with 0" $? 0
done
finish
