#!/bin/bash
# What a flood of handshakes does to a transfer that is under way.
#
#   tests/bench/flood_link.sh [--for SECONDS] [--rate N] [--kinds LETTERS] [--ways "up down"]
#
# A transfer over a link of 100 Mbit/s and 20 ms each way, to the listener ("up") and from it
# ("down"), half the time alone and half beside `flood_link`, which goes for the listener's port
# itself, past the link, with N datagrams a second (default 200,000; 0: as many as it can). Prints
# one JSON object a way and ends with a table in Markdown. The clock decides nothing here: the exit
# status says whether all could be measured.
. tests/lib.sh

long=30 rate=200000 kinds=hcfk ways="up down"
while [ $# -gt 1 ]; do
    case $1 in
    --for) long=$2 ;;
    --rate) rate=$2 ;;
    --kinds) kinds=$2 ;;
    --ways) ways=$2 ;;
    *) break ;;
    esac
    shift 2
done
[ $# = 0 ] || { echo "flood_link.sh: what is $1?" >&2 && exit 2; }
bench=$(realpath build/bench)

# proc PID KEY: a number of /proc/PID/status.
proc() {
    awk -v key="$2:" '$1 == key { print $2 }' "/proc/$1/status"
}

# cpu PID: its processor time so far, in milliseconds.
cpu() {
    awk '{ sub(/.*\) /, ""); print ($12 + $13) * 10 }' "/proc/$1/stat" 2>/dev/null || echo 0
}

# delivered: what the newest interval says.
delivered() {
    grep '"event":"interval"' "$work/near" | tail -n 1 | field delivered_bytes
}

give_up() {
    not_ok "$@"
    finish
}

way() {
    way=$1
    start far "$farspan" bench link --listen 127.0.0.1:0 --json
    far=$pid
    event far listening >"$work/event" ||
        give_up "$way: the far end" "$(cat "$work/far.err")"
    at=$(field address <"$work/event")
    field ticket <"$work/event" >"$work/far.ticket"
    start relay "$farspan" bench relay --json --udp 127.0.0.1:0 --to "@$work/far.ticket" \
        --rate 100M --delay 20ms
    relay=$pid
    event relay listening | field ticket >"$work/ticket"
    rm -f "$work/go"
    mkfifo "$work/go"
    start flood sh -c "exec '$bench/flood_link' --to $at --for $long --rate $rate --kinds $kinds \
        <'$work/go'"
    attacker=$pid
    exec 3>"$work/go"
    event flood ready 60 >/dev/null ||
        give_up "$way: the flood" "$(cat "$work/flood.err")"
    reverse=
    [ "$way" = up ] || reverse=--reverse
    start near "$farspan" bench link "@$work/ticket" --json --for $((2 * long + 5))s $reverse
    near=$pid
    event near interval >/dev/null ||
        give_up "$way: a transfer" "$(cat "$work/near.err")"
    sleep 2
    at0=$(delivered) spent0=$(cpu "$far")
    sleep "$long"
    at1=$(delivered) spent1=$(cpu "$far") rss=$(proc "$far" VmRSS) most=0
    echo >&3
    exec 3>&-
    for _ in $(seq "$long"); do
        sleep 1
        now=$(proc "$far" VmRSS)
        most=$((now > most ? now : most))
    done
    at2=$(delivered) spent2=$(cpu "$far")
    gone "$attacker" 30 ||
        give_up "$way: the flood ends" "it does not"
    gone "$near" 60 ||
        give_up "$way: the transfer ends" "it does not"
    python3 - "$work" "$way" "$long" $at0 $at1 $at2 $rss $most $spent0 $spent1 $spent2 <<'PY' |
import json, sys
work, way = sys.argv[1:3]
long, at0, at1, at2, rss, most, spent0, spent1, spent2 = map(int, sys.argv[3:])
flood = json.loads(open(work + "/flood").readlines()[-1])
near = json.loads(open(work + "/near").readlines()[-1])
quiet, during = at1 - at0, at2 - at1
print(json.dumps({
    "part": "flood_link", "way": way, "load": float(open("/proc/loadavg").read().split()[0]),
    "quiet_bps": quiet * 8 // long, "flooded_bps": during * 8 // long,
    "share": round(during / max(quiet, 1), 4), "rss_growth_kib": most - rss,
    "far_cpu_ms": {"quiet": spent1 - spent0, "flooded": spent2 - spent1},
    "flood": flood, "near": near}))
PY
        tee -a "$work/records"
    check "$way: measured" grep -q "\"way\": \"$way\"" "$work/records"
    kill "$relay" "$far"
    gone "$relay" 10
    gone "$far" 10
}

for one in $ways; do
    way "$one"
done
python3 - "$work/records" <<'PY'
import json, sys
print("\n| flood | way | alone | beside it | share (>= 70 %) | memory (< 8 MiB) "
      "| worst answered / sent (<= 1) | load |\n|" + " --- |" * 8)
for r in map(json.loads, open(sys.argv[1])):
    print("| %d/s | %s | %.1f Mbit/s | %.1f Mbit/s | %.0f %% | %+.2f MiB | %.3f | %.1f |" % (
        r["flood"]["per_s"], r["way"], r["quiet_bps"] / 1e6, r["flooded_bps"] / 1e6,
        r["share"] * 100, r["rss_growth_kib"] / 1024, r["flood"]["worst_ratio"], r["load"]))
PY
finish
