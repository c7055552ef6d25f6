#!/bin/sh
# time-out: 200
# bench relay with real sockets: delay, rate, loss, faults, outage, rebind, tickets, bad input.
. tests/lib.sh

blast=build/bench/udp_blast
[ -x "$blast" ] || make -s "$blast" || exit 1
blast=$(realpath "$blast")

# through NAME 'BLAST OPTIONS' RELAY OPTION...: blasts through a relay; the results are in
# $work/NAME.blast (up and down as its two ends saw it) and $work/NAME.relay.
through() {
    name=$1 blast_options=$2
    shift 2
    mkfifo "$work/$name.to"
    # shellcheck disable=SC2086 # several options in one word
    timeout 60 "$blast" $blast_options <"$work/$name.to" >"$work/$name.blast" &
    blast_pid=$!
    exec 3>"$work/$name.to"
    sink=$(event "$name.blast" listening | field address)
    start "$name.relay" "$farspan" bench relay --json --udp 127.0.0.1:0 --to "$sink" "$@"
    relay_pid=$pid
    event "$name.relay" listening | field address >&3
    exec 3>&-
    wait "$blast_pid"
    check "$name: the sender ends well" test $? = 0
    kill -TERM "$relay_pid"
    wait "$relay_pid"
    is "$name: the relay ends with 0 on SIGTERM" $? 0
    grep -q '"event":"result"' "$work/$name.relay" || not_ok "$name" "no result"
}

# is_so NAME 'EXPRESSION': a Python expression over r (relay's result) and b (the sender's), with
# up = r["up"], down = r["down"], got = b["up"], back = b.get("down").
is_so() {
    python3 - "$work/$1.relay" "$work/$1.blast" "$2" <<'PY' && ok "$1" || not_ok "$1" "$2"
import json, sys
last = lambda f: json.loads(open(f).read().strip().split("\n")[-1])
r, b = last(sys.argv[1]), last(sys.argv[2])
scope = dict(r=r, b=b, up=r["up"], down=r["down"], got=b["up"], back=b.get("down"))
if not eval(sys.argv[3], scope):
    print(json.dumps(r)), print(json.dumps(b))
    sys.exit(1)
PY
}

through plain "--pps 500 --for 2 --clients 3 --echo" --delay 40ms
is_so plain 'b["lost"] == 0 and up["dropped"] == 0 and down["dropped"] == 0'
is_so plain 'up["in"] == up["out"] == got["received"] == 1000'
is_so plain 'up["bytes"] == down["bytes"] == 1000 * 1200'
is_so plain 'back["distinct"] == 1000 and got["corrupted"] == back["corrupted"] == 0'
is_so plain 'got["sources"] == 3 and back["sources"] == 1'
# Never earlier than the delay; a busy machine may make it later.
is_so plain '40000 <= got["delay_us"]["p50"] * 1.02 and got["delay_us"]["p50"] < 78000'
is_so plain '80000 <= back["delay_us"]["p50"] * 1.02 and back["delay_us"]["p50"] < 156000'

# 1228 bytes each at 2 Mbit/s: 203.6 a second pass of the 400; the queue of 50 ms is full.
through rate "--pps 400 --for 3" --rate 2M --queue 50ms
is_so rate '590 <= up["out"] <= 650 and up["drops"]["queue"] == up["dropped"] == b["lost"]'
is_so rate '40000 <= up["queue_us"]["p95"] <= 55000 and up["queue_us"]["max"] <= 56000'
is_so rate 'up["in"] == up["out"] + up["dropped"] == 1200'

# 10 % of 6000: 600, standard deviation 23; five of them make a false alarm unlikely.
through loss "--pps 3000 --for 2 --size 100 --echo" --loss 10%
is_so loss '480 <= up["drops"]["loss"] <= 720 and up["drops"]["loss"] == b["lost"]'
is_so loss '430 <= down["drops"]["loss"] <= 680 and down["out"] == back["received"]'

through faults "--pps 3000 --for 2 --size 100" --duplicate 5% --corrupt 5% --reorder 5% --seed 7
is_so faults '180 <= up["duplicated"] <= 420 and up["out"] == 6000 + up["duplicated"]'
is_so faults '180 <= up["corrupted"] <= 420 and got["corrupted"] >= up["corrupted"] * 0.8'
is_so faults '180 <= up["reordered"] <= 420 and got["reordered"] > 100'
is_so faults 'got["received"] == up["out"] and up["dropped"] == 0'

through outage "--pps 200 --for 3" --outage 1s:1s
is_so outage '180 <= up["drops"]["outage"] <= 220 and b["lost"] == up["drops"]["outage"]'
is_so outage '950000 <= got["longest_gap_us"] <= 1600000'

through change "--pps 400 --for 3" --at 1s:loss=100% --at 2s:loss=0%,delay=30ms
is_so change '360 <= up["drops"]["loss"] <= 440 and got["delay_us"]["max"] >= 29000'

# 1228 bytes each at 400 a second are 3.9 Mbit/s: half passes, and nothing waits.
through policer "--pps 400 --for 3" --policer 2M:10KiB --delay 1ms
is_so policer '590 <= up["out"] <= 650 and up["drops"]["policer"] == up["dropped"] == b["lost"]'
is_so policer 'up["queue_us"]["max"] == 0'

# Arrivals every 50 ms, 20 at once: never early, so most gaps are none and some are long.
through slots "--pps 400 --for 2" --slots 50ms
is_so slots 'b["lost"] == 0 and got["delay_us"]["p50"] >= 15000 and got["longest_gap_us"] >= 40000'

# Those who wait longer than 20 ms of the 100 are marked, when they say they can be.
through marks "--pps 400 --for 2 --ect" --rate 2M --ecn 20ms
is_so marks '350 <= up["marked"] <= 420 and got["marked"] == up["marked"]'
through unmarked "--pps 400 --for 1" --rate 2M --ecn 20ms
is_so unmarked 'up["marked"] == got["marked"] == 0 and up["drops"]["queue"] > 0'

through fade "--pps 400 --for 3" --rate 4M --fade 100ms:10% --queue 20ms
is_so fade '300 <= up["out"] <= 1100 and up["drops"]["queue"] == up["dropped"] > 0'

through mtu "--pps 400 --for 2" --mtu 1228 --at 1s:mtu=1227
is_so mtu '360 <= up["drops"]["too_large"] <= 440 and up["dropped"] == b["lost"]'

# After the new address nothing finds back until the client has spoken again: at most a moment.
through rebind "--pps 300 --for 3 --clients 2 --echo" --delay 5ms --at 1500ms:rebind
is_so rebind 'got["sources"] == 4 and b["lost"] == 0 and back["sources"] == 1'
is_so rebind 'back["distinct"] >= 880'

through same "--pps 1000 --for 1 --size 100" --loss 20% --seed 3
cp "$work/same.relay" "$work/first.relay"
rm "$work"/same.*
through same "--pps 1000 --for 1 --size 100" --loss 20% --seed 3
is "the same seed, the same losses" \
    "$(tail -n 1 "$work/same.relay" | field up | field drops)" \
    "$(tail -n 1 "$work/first.relay" | field up | field drops)"

# IPv6, and a ticket: the relay's own address stands in it, and all else is kept.
key=$(printf 'A%.0s' $(seq 43))
secret=AAAAAAAAAAA.$key
echo "farspan://127.0.0.1:9/$key#$secret" >"$work/a-ticket"
start ticket "$farspan" bench relay --json --udp "[::1]:0" --to "@$work/a-ticket"
listening=$(event ticket listening)
address=$(echo "$listening" | field address)
is "a ticket names the relay" "$(echo "$listening" | field ticket)" \
    "farspan://$address/$key#$secret"
is "and its key is told" "$(echo "$listening" | field key)" "$key"
like "on IPv6" "$address" '^\[::1\]:[0-9]+$'
kill -INT "$pid"
wait "$pid"
is "SIGINT ends it with 0 too" $? 0
start wild "$farspan" bench relay --json --udp 0.0.0.0:0 --to "@$work/a-ticket" \
    --advertise wan.example
like "an advertised name" "$(event wild listening | field ticket)" '^farspan://wan\.example:[0-9]+/'
kill "$pid"

refused() {
    exits "refused: $*" 2 "$farspan" bench relay "$@"
    like "says why: $*" "$(cat "$work/err")" 'bench relay: .|no address or ticket'
}
to="--to 127.0.0.1:9"
refused $to
refused --udp 127.0.0.1:0
exits "a host that is not there" 3 "$farspan" bench relay --udp 127.0.0.1:0 --timeout 2s \
    --to nowhere.invalid:1
refused --udp nowhere.example:1 $to
refused --udp 127.0.0.1:0 --to farspan://x/y
refused --udp 127.0.0.1:0 $to --outage 5s
refused --udp 127.0.0.1:0 $to --outage 5s:
refused --udp 127.0.0.1:0 $to --at 5s:size=3
refused --udp 127.0.0.1:0 $to --at rebind
refused --udp 127.0.0.1:0 $to --queue x
refused --udp 127.0.0.1:0 $to --loss 101%
refused --udp 127.0.0.1:0 $to --policer 5M
refused --udp 127.0.0.1:0 $to --policer 5M:0
refused --udp 127.0.0.1:0 $to --at 5s:policer=5M
refused --udp 127.0.0.1:0 $to --fade 10us:5%
refused --udp 127.0.0.1:0 $to --fade 100ms:200%
refused --udp 127.0.0.1:0 $to --slots 5
refused --udp 127.0.0.1:0 $to --mtu 100
refused --tun a,b --ecn 5ms
refused --udp 127.0.0.1:0 $to --loss 90% --burst 2
refused --udp 127.0.0.1:0 $to --rate 20X
exits "no ticket file" 1 "$farspan" bench relay --udp 127.0.0.1:0 --to "@$work/none"
start first "$farspan" bench relay --json --udp 127.0.0.1:0 $to
taken=$(event first listening | field address)
exits "an address in use" 4 "$farspan" bench relay --json --udp "$taken" $to
is "and the last line says so" "$(tail -n 1 "$work/out" | field exit)" 4
finish
