#!/bin/sh
# Sessions over bad links, by the relay: loss, an outage, a new address, all of it without a new
# login, and exact at the end.
. tests/lib.sh

# serve [OPTION...]: a server whose ticket is good for a few; sets ticket.
serve() {
    start serve "$farspan" serve test:640x400 --invite=control,uses=9 --listen 127.0.0.1:0 \
        --json "$@"
    server=$pid
    event serve listening >"$work/serve.event" ||
        not_ok "the server listens" "$(cat "$work/serve.err")"
    ticket=$(field ticket <"$work/serve.event")
}

# relay NAME OPTION...: sets far, the ticket through it.
relay() {
    name=$1
    shift
    start "$name" "$farspan" bench relay --udp 127.0.0.1:0 --to "$ticket" --json "$@"
    relay=$pid
    event "$name" listening >"$work/$name.event" ||
        not_ok "$name listens" "$(cat "$work/$name.err")"
    far=$(field ticket <"$work/$name.event")
}

# end_relay: its result goes to $work/result.
end_relay() {
    kill "$relay"
    wait "$relay"
    is "$name ends with 0" $? 0
    tail -n 1 "$work/$name" >"$work/result"
}

# result PATH: a number of the relay's result: result up dropped.
result() {
    python3 -c 'import json, sys
v = json.load(open(sys.argv[1]))
for k in sys.argv[2:]: v = v[k]
print(v)' "$work/result" "$@"
}

serve

relay lossy --rate 5M --delay 30ms --loss 5% --reorder 2% --duplicate 2% --corrupt 8% --jitter 5ms
exits "exact through loss and all the rest" 0 \
    "$farspan" view "$far" --to "$work/lossy.png" --until exact --json --for 40s
end_relay
check "datagrams were lost on the way" test "$(result down dropped)" -gt 0
check "and damaged" test "$(result down corrupted)" -gt 0

relay cut --rate 20M --delay 20ms --outage 1s:4s
printf 'wait 5500ms\nmove 100 100\nsync\n' >"$work/script"
exits "an outage is waited for" 0 \
    "$farspan" view "$far" --to null --until exact --input "$work/script" --json --for 40s
is "by one session" "$(grep -c '"event":"connected"' "$work/out")" 1
end_relay
check "the outage was one" test "$(result down drops outage)" -gt 0

before=$(grep -c '"event":"moved"' "$work/serve")
relay moves --rate 20M --delay 20ms --at 1s:rebind --at 2s:rebind
printf 'wait 3s\nmove 200 100\nsync\n' >"$work/script"
exits "a new address is followed" 0 \
    "$farspan" view "$far" --to null --until exact --input "$work/script" --json --for 40s
is "by one session, too" "$(grep -c '"event":"connected"' "$work/out")" 1
end_relay
is "the server saw it move" "$(($(grep -c '"event":"moved"' "$work/serve") - before))" 2

kill "$server"
wait "$server"
is "the server ends with 0" $? 0
finish
