#!/bin/sh
# time-out: 120
# A network with a round trip of 100 ms that really drops UDP, by rules of routing: at the server,
# at the client, and in the middle of a session.
. tests/lib.sh

a=fsreach-a-$$ b=fsreach-b-$$
[ "$(id -u)" = 0 ] || { not_ok "root" "this test needs it"; finish; }
trap 'lib_cleanup; ip netns del "$a"; ip netns del "$b"' EXIT
ip netns add "$a" && ip netns add "$b" || exit 1

start relay "$farspan" bench relay --json --tun "$a,$b" --rate 20M --delay 50ms
event relay listening >"$work/listening" || not_ok "a relay" "$(cat "$work/relay.err")"
near=$(field address <"$work/listening") far=$(field peer <"$work/listening")
start serve ip netns exec "$b" "$farspan" serve test:640x400,idle --listen "$far:7470" \
    --invite=control,uses=9 --json
event serve listening >"$work/listening" || not_ok "a server" "$(cat "$work/serve.err")"
ticket=$(field ticket <"$work/listening")
is "the two are apart" "$([ "$near" = "$far" ] || echo yes)" yes

# rule NETNS add|del WORD...: what becomes of UDP there.
rule() {
    where=$1 what=$2
    shift 2
    ip -n "$where" rule "$what" ipproto udp "$@" pref 1 || not_ok "a rule" "$*"
}

# view NAME TRANSPORT: a picture comes, over that.
view() {
    exits "$1" 0 ip netns exec "$a" "$farspan" view "$ticket" --to null --until exact --json
    is "$1: over $2" "$(tail -n 1 "$work/out" | field transport)" "$2"
}

view "a clear way" udp
rule "$b" add sport 7470 blackhole
view "answers are dropped" tcp
rule "$b" del sport 7470 blackhole
rule "$a" add dport 7470 prohibit
view "datagrams are refused" tcp
rule "$a" del dport 7470 prohibit
view "a clear way again" udp

printf 'wait 3s\ntype a\nsync\n' >"$work/script"
start stays ip netns exec "$a" "$farspan" view "$ticket" --to null --input "$work/script" \
    --until exact --json
viewer=$pid
event stays exact >/dev/null || not_ok "a viewer stays" "$(cat "$work/stays.err")"
rule "$b" add sport 7470 blackhole
event stays moved >"$work/moved" || not_ok "it moves" "$(cat "$work/stays.err")"
is "to TCP" "$(field transport <"$work/moved")" tcp
rule "$b" del sport 7470 blackhole
wait "$viewer"
is "and goes on" $? 0
is "over that" "$(tail -n 1 "$work/stays" | field transport)" tcp

finish
