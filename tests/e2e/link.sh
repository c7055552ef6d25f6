#!/bin/sh
# time-out: 120
# bench link with real sockets through bench relay: what it measures of a link that is known.
. tests/lib.sh

# far NAME [OPTION...]: a listening end, and a relay with the given options before it; the relay's
# ticket is in $work/NAME.ticket, their process ids in $far_pid and $relay_pid.
far() {
    name=$1
    shift
    start "$name.far" "$farspan" bench link --listen 127.0.0.1:0 --json
    far_pid=$pid
    event "$name.far" listening | field ticket >"$work/$name.far.ticket"
    start "$name.relay" "$farspan" bench relay --json --udp 127.0.0.1:0 \
        --to "@$work/$name.far.ticket" "$@"
    relay_pid=$pid
    event "$name.relay" listening | field ticket >"$work/$name.ticket"
}

# near NAME OPTION...: tries the link; events in $work/NAME.near.
near() {
    name=$1
    shift
    timeout 60 "$farspan" bench link "@$work/$name.ticket" --json "$@" >"$work/$name.near" \
        2>"$work/$name.err"
    is "$name: the trial ends with 0" $? 0
}

# is_so NAME 'EXPRESSION': a Python expression over r (the result) and i (the intervals).
is_so() {
    python3 - "$work/$1.near" "$2" <<'PY' && ok "$1" || not_ok "$1" "$2"
import json, sys
events = [json.loads(line) for line in open(sys.argv[1])]
i = [e for e in events if e["event"] == "interval"]
r = events[-1]
if not eval(sys.argv[2], dict(r=r, i=i)):
    print(json.dumps(r))
    sys.exit(1)
PY
}

# Of 20 Mbit/s at least a fifth passes even on a busy machine, and never more than all.
far stream --rate 20M --delay 20ms
for way in "" --reverse; do
    near stream --for 4s $way
    is_so stream 'r["event"] == "result" and r["reverse"] == ("'$way'" != "")'
    is_so stream '4e6 < r["goodput_bps"] <= 20e6 and 4e6 < r["steady_bps"] <= 20.2e6'
    is_so stream 'r["sent_bytes"] > r["delivered_bytes"] > 0'
    is_so stream '40000 <= r["rtt_us"]["p50"] * 1.02 and r["rtt_us"]["p50"] <= r["rtt_us"]["p95"]'
    is_so stream 'r["rtt_us"]["max"] - r["queue_us"]["max"] >= 39000'
    is_so stream '0 <= r["loss"] < 0.5 and r["longest_gap_us"] > 0'
    is_so stream 'r["cpu_s_per_gb"] > 0 and r["far_cpu_s_per_gb"] > 0'
    is_so stream 'len(i) >= 20 and any(e["rate_bps"] > 4e6 for e in i)'
    is_so stream 'all(e["state"] and e["window_bytes"] > 0 for e in i[1:])'
done
kill -TERM "$far_pid"
wait "$far_pid"
is "the listening end ends with 0 on SIGTERM" $? 0
is "which has told of both trials" "$(grep -c '"event":"trial"' "$work/stream.far")" 2
kill "$relay_pid"

exits "nobody there" 3 "$farspan" bench link "@$work/stream.far.ticket" --timeout 1s
exits "neither end" 2 "$farspan" bench link
exits "both ends" 2 "$farspan" bench link somewhere --listen 127.0.0.1:0
finish
