#!/bin/sh
# Reaching a server however the network is: UDP that does not get through, that dies in the middle
# of a session, a TCP connection that breaks, an address of two that nobody answers at.
. tests/lib.sh

printf '%s control me\n' "$("$farspan" keygen)" >"$work/keys"

# serve LISTEN: a server; sets server (its pid), port and ticket.
serve() {
    start serve "$farspan" serve test:640x400,idle --listen "$1" --authorized "$work/keys" \
        --invite=control,uses=9 --json
    server=$pid
    event serve listening >"$work/listening" ||
        not_ok "the server listens" "$(cat "$work/serve.err")"
    port=$(field address <"$work/listening" | sed 's/.*://')
    ticket=$(field ticket <"$work/listening")
}

# front [OPTION...]: a relay before the server's UDP; sets relay (its pid), near (its port) and
# ticket, which leads there.
front() {
    start relay "$farspan" bench relay --udp 127.0.0.1:0 --to "127.0.0.1:$port" --json "$@"
    relay=$pid
    near=$(event relay listening | field address | sed 's/.*://')
    ticket=$(printf '%s' "$ticket" | sed "s/127.0.0.1:[0-9]*/127.0.0.1:$near/")
}

# door: a TCP port at the relay's number that leads to the server; sets door (its pid).
door() {
    start door python3 tests/e2e/tcp_door.py "$near" "$port"
    door=$pid
    within 20 grep -q open "$work/door" || not_ok "a door" "$(cat "$work/door.err")"
}

# stop PID...: ends and waits.
stop() {
    kill "$@"
    wait "$@" 2>/dev/null
}

# ---- a crowd at the door, looked after at the end ----
serve 127.0.0.1:0
crowded=$server crowded_ticket=$ticket
start crowd python3 tests/e2e/tcp_crowd.py "$port" 400
within 30 grep -q there "$work/crowd" || not_ok "a crowd" "$(cat "$work/crowd.err")"
exits "a session has room beside it" 0 "$farspan" view "$ticket" --to null --until exact --tcp

# ---- both transports at one port ----
serve 127.0.0.1:0
exits "over UDP" 0 "$farspan" view "$ticket" --to null --until exact --json
is "by itself" "$(grep -m 1 '"event":"connected"' "$work/out" | field transport)" udp
exits "over TCP when asked to" 0 "$farspan" view "$ticket" --to null --until exact --json --tcp
is "as it says" "$(tail -n 1 "$work/out" | field transport)" tcp
is "and the server" "$(grep '"event":"connected"' "$work/serve" | tail -n 1 | field transport)" tcp

# ---- UDP does not get through ----
front --loss 100%
door
exits "where UDP does not get through" 0 "$farspan" view "$ticket" --to null --until exact --json
is "it is TCP" "$(tail -n 1 "$work/out" | field transport)" tcp
like "which is said" "$(cat "$work/err")" "UDP does not get through"
exits "without UDP at all" 0 "$farspan" view "$ticket" --to null --until exact --tcp

# ---- the connection breaks, and so does the next one ----
printf 'wait 300ms\ntype a\nsync\nwait 2s\ntype b\nsync\n' >"$work/script"
start stays "$farspan" view "$ticket" --to null --input "$work/script" --until exact --json
viewer=$pid
event stays exact >/dev/null || not_ok "a viewer stays" "$(cat "$work/stays.err")"
before=$(grep -c '"event":"connected"' "$work/serve")
stop "$door"
door
stop "$door"
door
wait "$viewer"
is "it goes on over new connections" $? 0
like "the server has followed" "$(cat "$work/serve")" '"event":"moved".*"transport":"tcp"'
is "in one session" "$(grep -c '"event":"connected"' "$work/serve")" "$before"

# ---- nothing gets through ----
stop "$door"
exits "nothing gets through" 3 "$farspan" view "$ticket" --to null --timeout 1500ms --json
like "and both are named" "$(tail -n 1 "$work/out" | field reason)" "UDP or TCP"
stop "$relay"

# ---- UDP dies in the middle ----
front --at 1500ms:loss=100%
door
printf 'wait 2s\ntype c\nsync\n' >"$work/script"
exits "UDP that dies" 0 "$farspan" view "$ticket" --to null --input "$work/script" --until exact \
    --json
is "was UDP at first" "$(grep -m 1 '"event":"connected"' "$work/out" | field transport)" udp
is "and TCP at last" "$(tail -n 1 "$work/out" | field transport)" tcp
like "says so" "$(cat "$work/err")" "UDP does not get through"
is "with an event" "$(grep -m 1 '"event":"moved"' "$work/out" | field transport)" tcp
stop "$door" "$relay"
stop "$server"

# ---- two addresses, one of which nobody answers at ----
serve '[::1]:0'
two=$(printf '%s' "$ticket" | sed 's/\[::1\]/localhost/')
exits "the second address" 0 "$farspan" view "$two" --to null --until exact --json
like "is the one" "$(grep -m 1 '"event":"connected"' "$work/out" | field address)" '\[::1\]'
exits "over TCP as well" 0 "$farspan" view "$two" --to null --until exact --tcp --json
stop "$server"

# ---- a name of two addresses; the first leads nowhere (RFC 3849) ----
serve '[::]:0'
printf '2001:db8::1 two.test\n127.0.0.1 two.test\n' >"$work/hosts"
two=$(printf '%s' "$ticket" | sed 's/127.0.0.1/two.test/')
export CARES_HOSTS="$work/hosts"
exits "a name of two families" 0 "$farspan" view "$two" --to null --until exact --json
is "is reached at the other" "$(grep -m 1 '"event":"connected"' "$work/out" | field address)" \
    "127.0.0.1:$port"
exits "over TCP as well" 0 "$farspan" view "$two" --to null --until exact --json --tcp
is "at the same" "$(grep -m 1 '"event":"connected"' "$work/out" | field address)" "127.0.0.1:$port"
unset CARES_HOSTS
stop "$server"

# ---- a port of which only half is free ----
python3 -c 'import socket, time
s = socket.create_server(("127.0.0.1", 0))
print(s.getsockname()[1], flush=True)
time.sleep(60)' >"$work/taken" &
taken=$!
lib_pids="$lib_pids $taken"
within 20 test -s "$work/taken"
serve "127.0.0.1:$(cat "$work/taken")"
exits "UDP alone" 0 "$farspan" view "$ticket" --to null --until exact --json
like "with a warning" "$(cat "$work/serve.err")" "no fallback"
stop "$server"

# Whoever says nothing of use is gone after ten seconds, and nobody else is.
check "the crowd is gone" within 20 grep -q gone "$work/crowd"
exits "the server is not" 0 "$farspan" view "$crowded_ticket" --to null --until exact --tcp
stop "$crowded"

finish
