#!/bin/sh
# time-out: 400
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

# Several callers at once: each gets something, and all together no more than there is.
pids=
for one in a b c; do
    timeout 60 "$farspan" bench link "@$work/stream.ticket" --json --for 4s >"$work/$one.near" \
        2>/dev/null &
    pids="$pids $!"
done
for one in $pids; do
    wait "$one"
    is "a caller of three ends with 0" $? 0
done
all=0
for one in a b c; do
    all=$((all + $(tail -n 1 "$work/$one.near" | field goodput_bps)))
done
# They do not begin and end at one moment.
check "three callers share the link: $all" test "$all" -gt 4000000 -a "$all" -le 24000000
for one in a b c; do
    is_so $one 'r["goodput_bps"] > 1e5'
done

# A signal ends a trial with the result so far.
start early.near "$farspan" bench link "@$work/stream.ticket" --json --for 50s
near_pid=$pid
event early.near interval >/dev/null
kill -INT "$near_pid"
wait "$near_pid"
is "SIGINT ends a trial with 130" $? 130
check "and gives the result so far" grep -q '"event":"result"' "$work/early.near"

kill -TERM "$far_pid"
wait "$far_pid"
is "the listening end ends with 0 on SIGTERM" $? 0
is "which has told of all trials" "$(grep -c '"event":"trial"' "$work/stream.far")" 6
kill "$relay_pid"

# Messages: none is lost for good, none is earlier than the light.
far words --rate 10M --delay 30ms --loss 3%
for way in "" --reverse; do
    near words --for 2s --message 200B --every 20ms $way
    # A word to begin or end that is lost comes later.
    is_so words '60 <= r["messages_sent"] <= 140 and r["messages_received"] == r["messages_sent"]'
    is_so words '30000 <= r["delay_us"]["p50"] * 1.02 <= r["delay_us"]["max"] * 1.02'
    is_so words 'r["clock"] == "one" and r["clock_error_us"] == 0 and "goodput_bps" not in r'
    is_so words 'r["loss"] > 0 and i[-1]["messages"] > 0'
    near words --for 4s --message 1KiB --every 50ms --bulk $way
    is_so words '50 <= r["messages_sent"] <= 110 and r["messages_received"] == r["messages_sent"]'
    is_so words '1e6 < r["steady_bps"] <= 10.2e6 and r["message_bytes"] == 1024'
done

# What people see: a line a second, or one line on a terminal.
timeout 60 "$farspan" bench link "@$work/words.ticket" --for 3s >"$work/text" 2>"$work/lines"
like "a result in words" "$(cat "$work/text")" 'Mbit/s delivered over 3\.. s'
like "lines while it runs" "$(cat "$work/lines")" '[0-9.]+ Mbit/s, [0-9.]+ ms, [0-9.]+ % lost, '
timeout 60 script -qec "$farspan bench link @$work/words.ticket --for 2s" /dev/null >"$work/plot"
like "a plot on a terminal" "$(tr '\r' '\n' <"$work/plot")" 'Mbit/s.*% lost, [a-z-]+ .*█'

# Whose key has another role only is refused, also with a server's ticket before it.
mkdir "$work/other"
"$farspan" keygen --identity "$work/other/id" >/dev/null 2>&1
"$farspan" keygen --identity "$work/other/id" --show >"$work/other/key"
echo "$(cat "$work/other/key") view me" >"$work/other/keys"
start viewers "$farspan" bench link --listen 127.0.0.1:0 --json --authorized "$work/other/keys"
at=$(event viewers listening | field address)
exits "a key without the role" 4 "$farspan" bench link "$at" --accept-new \
    --identity "$work/other/id"
echo "$(cat "$work/other/key") bench me" >"$work/other/keys"
start benchers "$farspan" bench link --listen 127.0.0.1:0 --json --authorized "$work/other/keys"
at=$(event benchers listening | field address)
exits "a key with it" 0 "$farspan" bench link "$at" --accept-new --identity "$work/other/id" \
    --for 200ms

# Links of its own: each figure that a row hopes for is there, and a miss is no failure.
timeout 100 "$farspan" bench link --json --row lossy --row words --row fall --row three --for 4s \
    >"$work/rows" 2>"$work/rows.err"
is "rows end with 0" $? 0
is "and say nothing else" "$(cat "$work/rows.err")" ""
python3 - "$work/rows" <<'PY' && ok "rows" || not_ok "rows" "$(cat "$work/rows")"
import json, sys
events = map(json.loads, open(sys.argv[1]))
rows = {r["row"]: {f["figure"]: f for f in r["figures"]} for r in events}
assert list(rows) == ["lossy", "words", "fall", "three"], rows
assert 1e6 < rows["lossy"]["steady_bps"]["seen"] <= 202e6, rows
assert rows["lossy"]["steady_bps"]["pass"] == (rows["lossy"]["steady_bps"]["seen"] >= 183e6)
assert 50000 <= rows["words"]["delay_p95_us"]["seen"] * 1.02, rows
assert rows["words"]["delay_p95_us"]["seen"] <= rows["words"]["delay_max_us"]["seen"], rows
assert rows["fall"]["queue_back_us"]["at_most"] == 500000, rows
least, most = (rows["three"]["share_%s_ppm" % k]["seen"] for k in ("least", "most"))
assert 0 < least <= 333334 and 333333 <= most < 1000000, rows
PY
# Beside kernel TCP, across a link that IP packets pass.
if [ "$(id -u)" = 0 ]; then
    timeout 100 "$farspan" bench link --json --compare --row lossy --row words-bulk --row beside \
        --for 4s >"$work/compared" 2>"$work/compared.err"
    is "a comparison ends with 0" $? 0
    python3 - "$work/compared" <<'PY' && ok compared || not_ok compared "$(cat "$work/compared")"
import json, sys
rows = {(r["row"], r["over"]): r for r in map(json.loads, open(sys.argv[1]))}
seen = {k: {f["figure"]: f["seen"] for f in r["figures"]} for k, r in rows.items()}
assert len(rows) == 7 and ("beside", "farspan") in rows, rows
for over in ("farspan", "cubic", "bbr"):
    assert 1e5 < seen["lossy", over]["steady_bps"] <= 202e6, seen
    assert 50000 <= seen["words-bulk", over]["delay_p95_us"] * 1.02, seen
    assert rows["lossy", over]["mean_cpu_s_per_gb"] > 0, rows
# The kernel's TCP meets the loss itself: a hundredth of what the link has is left to CUBIC.
assert seen["lossy", "cubic"]["steady_bps"] < 20e6, seen
assert rows["lossy", "cubic"]["mean_loss"] > 0.002, rows
assert 0 < seen["beside", "farspan"]["share_ours_ppm"] < 1000000, seen
PY
    # Where everybody may look: the folder of a test is its own.
    open=$(mktemp -d /tmp/farspan-open.XXXXXX) && chmod 755 "$open" && cp "$farspan" "$open/farspan"
    exits "not root" 1 setpriv --reuid 65534 --regid 65534 --clear-groups \
        env FARSPAN_HOME="$open/none" "$open/farspan" bench link --compare --row lossy
    rm -rf "$open"
    like "says so" "$(tail -n 1 "$work/err")" '--compare needs root'
else
    not_ok "root" "the comparison needs it"
fi
exits "a row that is only compared" 2 "$farspan" bench link --row beside
like "the rows have names" "$("$farspan" bench link --rows)" '^words-bulk  *[a-z0-9]'
exits "no such row" 2 "$farspan" bench link --row none
exits "a row and a target" 2 "$farspan" bench link x --row words

exits "nobody there" 3 "$farspan" bench link "@$work/stream.far.ticket" --timeout 1s
exits "what each row has for itself" 2 "$farspan" bench link --reverse
exits "a far end with work of its own" 2 "$farspan" bench link --listen 127.0.0.1:0 --reverse
exits "a message without room for its time" 2 "$farspan" bench link x --message 15B
exits "both ends" 2 "$farspan" bench link somewhere --listen 127.0.0.1:0
finish
