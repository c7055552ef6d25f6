#!/bin/sh
# What a server must stand: its own end with viewers watching, viewers that stop reading, vanish or
# come in numbers; and that it does nothing at all while nobody watches.
. tests/lib.sh

# serve SOURCE: sets server and ticket.
serve() {
    start serve "$farspan" serve "$@" --invite=control,uses=99 --listen 127.0.0.1:0 --json
    server=$pid
    event serve listening >"$work/event" || not_ok "the server listens" "$(cat "$work/serve.err")"
    ticket=$(field ticket <"$work/event")
}

# view NAME [OPTION...]: a viewer that stays; sets viewer.
view() {
    name=$1
    shift
    start "$name" "$farspan" view "$ticket" --to null --json "$@"
    viewer=$pid
    event "$name" exact >/dev/null || not_ok "$name sees" "$(cat "$work/$name.err")"
}

rss() {
    awk '/^VmRSS/ { print $2 }' "/proc/$1/status"
}

# ---- nobody watches ----
x_server 640x480 || finish
start terminal xterm
within 20 sh -c 'xwininfo -root -tree | grep -q xterm' || not_ok "a terminal" "none"
serve
view guest
kill "$viewer"
wait "$viewer"
within 5 grep -q '"event":"disconnected"' "$work/serve" || not_ok "the guest leaves" "it stays"
sleep 4 # the session says its last words
timeout 3 strace -f -o "$work/calls" -p "$server" 2>/dev/null
is "without viewers no system call is made" "$(grep -vc 'epoll_wait\|restart' "$work/calls")" 0
kill "$server"
wait "$server"

# ---- a viewer that does not read any more, and one that vanishes ----
serve test:640x400,busy
view steady
steady=$viewer
view frozen
frozen=$viewer
kill -STOP "$frozen"
view vanished
kill -KILL "$viewer"
sleep 3
before=$(rss "$server")
sleep 6
check "neither makes the server grow" test $(($(rss "$server") - before)) -le 4096
kill -CONT "$frozen"
exits "others are served" 0 "$farspan" view "$ticket" --to null --until exact --for 40s
check "the steady one is still there" kill -0 "$steady"
check "the frozen one too" kill -0 "$frozen"

# ---- many at once, and the end ----
count=12
[ -z "${FARSPAN_FULL-}" ] || count=100
kill "$server"
wait "$server"
serve test:320x200
viewers=
for i in $(seq $count); do
    start "v$i" "$farspan" view "$ticket" --to null --json
    viewers="$viewers $pid"
done
all_exact() {
    [ "$(cat "$work"/v[0-9]* | grep -c '"event":"exact"')" -ge "$count" ] &&
        [ "$(grep -l '"event":"exact"' "$work"/v[0-9]* | wc -l)" = "$count" ]
}
check "every one of many sees the picture exact" within 60 all_exact
check "in bounded memory" test "$(rss "$server")" -le $((32768 + count * 8192))
kill "$server"
wait "$server"
is "the server ends with 0 on SIGTERM" $? 0
bad=0
for process in $viewers; do
    wait "$process" || bad=$((bad + 1))
done
is "its viewers are told, and end with 0" "$bad" 0
finish
