#!/bin/bash
# The timed lines of the first whole slice: how old the picture is that a viewer sees, what memory
# and an idle desktop cost, what a flood does, what the relay carries.
#
#   tests/bench/slice.sh [--runs N] [--seconds N] [--minutes A,B] [PART...]
#
# PART: age memory idle flood relay; none: all of them, some 16 minutes. Prints one JSON object a
# measurement and ends with a table in Markdown. The clock decides nothing here: the exit status
# says whether everything could be measured, the table what is within its limit. With PERF=FILE the
# parts age and flood write a profile of the programs to FILE.RUN.
. tests/lib.sh

runs=3 seconds= minutes=2,10 parts= inside=
while [ $# -gt 0 ]; do
    case $1 in
    --runs) runs=$2 && shift 2 ;;
    --seconds) seconds=$2 && shift 2 ;;
    --minutes) minutes=$2 && shift 2 ;;
    --inside) inside=1 && shift ;;
    age | memory | idle | flood | relay) parts="$parts $1" && shift ;;
    *) echo "slice.sh: what is $1?" >&2 && exit 2 ;;
    esac
done
bench=$(realpath build/bench)

# record PART KEY=JSON...: one measurement: printed, and kept for the table. The load is added.
record() {
    python3 - "$@" <<'PY' | tee -a "$work/records"
import json, sys
out = {"part": sys.argv[1], "load": float(open("/proc/loadavg").read().split()[0])}
for pair in sys.argv[2:]:
    key, value = pair.split("=", 1)
    out[key] = json.loads(value or "null")
print(json.dumps(out))
PY
}

# cpu PID: its processor time so far, in milliseconds.
cpu() {
    awk '{ sub(/.*\) /, ""); print ($12 + $13) * 10 }' "/proc/$1/stat" 2>/dev/null || echo 0
}

# rss PID: its resident memory in KiB.
rss() {
    awk '/^VmRSS/ { print $2 }' "/proc/$1/status"
}

# quit PID...: ends them and waits.
quit() {
    for process in "$@"; do
        kill "$process" 2>/dev/null
        wait "$process" 2>/dev/null
    done
}

# profile RUN SECONDS PID...: what they spend their time with, when PERF says so; waits as long.
profile() {
    if [ -n "${PERF-}" ]; then
        perf record -q -g -o "$PERF.$1" -p "$(echo "$3 ${4-}" | sed 's/ *$//; s/ /,/g')" -- \
            sleep "$2" 2>/dev/null
    else
        sleep "$2"
    fi
}

# desktop: an X server of 1920x1080 with a window manager and a terminal.
desktop() {
    [ -z "${DISPLAY_OURS-}" ] || return
    x_server 1920x1080 || finish
    DISPLAY_OURS=$DISPLAY
    start wm openbox
    start terminal xterm -geometry 100x30+1300+40 -e sh -c 'ls -l /usr/bin | head -25; exec cat'
    within 20 sh -c 'xwininfo -root -tree | grep -q xterm' || not_ok "a desktop" "no terminal"
}

# serving SOURCE...: sets server, its address at and ticket.
serving() {
    start serve "$farspan" serve "$@" --invite=control,uses=99 --listen 127.0.0.1:0 --json --stats
    server=$pid
    event serve listening >"$work/event" || not_ok "the server listens" "$(cat "$work/serve.err")"
    at=$(field address <"$work/event")
    ticket=$(field ticket <"$work/event")
}

# line: a relay of 20 Mbit/s, 30 ms each way and 1 % loss before the server; sets relay and far.
line() {
    start relay "$farspan" bench relay --udp 127.0.0.1:0 --to "$ticket" \
        --rate 20M --delay 30ms --loss 1% --json
    relay=$pid
    event relay listening >"$work/event" || not_ok "the relay listens" "$(cat "$work/relay.err")"
    far=$(field ticket <"$work/event")
}

# viewing TICKET OPTION...: sets viewer.
viewing() {
    rm -f "$work/view"
    start view "$farspan" view "$@" --json --stats
    viewer=$pid
    event view connected >/dev/null || not_ok "a viewer" "$(cat "$work/view.err")"
}

# last LOG: its last line of statistics.
last() {
    grep '"event":"\(stats\|result\)"' "$work/$1" | tail -n 1
}

# ---- the picture's age while text scrolls at 30 frames a second ----

age() {
    long=${seconds:-20}
    desktop
    serving
    line
    for run in $(seq "$runs"); do
        start clock "$bench/scroll_clock" -s $((long + 30))
        clock=$pid
        rm -f "$work/age.y4m"
        mkfifo "$work/age.y4m"
        start age timeout $((long + 60)) \
            sh -c "exec '$bench/y4m_age' -s $long <'$work/age.y4m'"
        reader=$pid
        viewing "$far" --to "$work/age.y4m" --for $((long + 5))s
        before="$(cpu "$server") $(cpu "$viewer") $(cpu "$relay") $(cpu "$reader")"
        profile "$run" "$long" "$server" "$viewer"
        after="$(cpu "$server") $(cpu "$viewer") $(cpu "$relay") $(cpu "$reader")"
        gone "$viewer" 30 && gone "$reader" 20 || not_ok "run $run" "it does not end"
        record age run="$run" "$(cat "$work/age" | sed 's/^/age=/')" view="$(last view)" \
            serve="$(last serve)" cpu_ms="$(echo "$before $after" |
                awk '{ printf "{\"serve\":%d,\"view\":%d,\"relay\":%d,\"reader\":%d}",
                       $5 - $1, $6 - $2, $7 - $3, $8 - $4 }')"
        ok "run $run"
        quit "$clock"
    done
    quit "$relay" "$server"
}

# ---- memory while text scrolls ----

memory() {
    first=${minutes%,*} second=${minutes#*,}
    desktop
    serving
    line
    start clock "$bench/scroll_clock" -s $((second * 60 + 60))
    clock=$pid
    viewing "$far" --to null
    sleep $((first * 60))
    was="$(rss "$server") $(rss "$viewer")"
    sleep $(((second - first) * 60))
    is="$(rss "$server") $(rss "$viewer")"
    set -- $was $is
    record memory minutes="[$first, $second]" view="$(last view)" \
        serve_kib="[$1, $3]" view_kib="[$2, $4]" \
        growth_kib="$(($3 - $1 > $4 - $2 ? $3 - $1 : $4 - $2))"
    ok memory
    quit "$viewer" "$clock" "$relay" "$server"
}

# ---- an idle desktop ----

# ip_payload: bytes of IP payload that were sent in this network namespace so far.
ip_payload() {
    awk '/^Ip:/ && $11 ~ /[0-9]/ { packets = $11 }
         /^IpExt:/ && $9 ~ /[0-9]/ { octets = $9 }
         END { print octets - 20 * packets }' /proc/net/snmp /proc/net/netstat
}

# Every packet in a network namespace of its own is ours: each goes over loopback twice, once on
# either side of the relay.
idle() {
    if [ -z "$inside" ]; then
        unshare -Urn sh -c 'ip link set lo up && exec "$@"' sh "$0" --inside \
            ${seconds:+--seconds "$seconds"} idle | grep '"part"' | tee -a "$work/records"
        grep -q '"part": "idle"' "$work/records" && ok idle || not_ok idle "no measurement"
        return
    fi
    desktop
    serving
    line
    viewing "$far" --to null
    event view exact 30 >/dev/null || not_ok "an exact picture" "none in 30 s"
    sleep 10
    long=${seconds:-20}
    from=$(ip_payload)
    sleep "$long"
    record idle seconds="$long" bytes_per_s=$((($(ip_payload) - from) / 2 / long)) \
        view="$(last view)"
    ok idle
    quit "$viewer" "$relay" "$server"
}

# ---- a flood ----

pictures() {
    last view | field frames
}

flood() {
    long=${seconds:-30}
    serving test:1280x720,busy
    start tap "$bench/flood" --tap 127.0.0.1:0 --to "$at"
    tap=$pid
    event tap listening >"$work/event" || not_ok "the tap listens" "$(cat "$work/tap.err")"
    viewing "$(echo "$ticket" | sed "s/$at/$(field address <"$work/event")/")" --to null
    cid=$(event tap cid | field cid)
    mkfifo "$work/go"
    start flood sh -c "exec '$bench/flood' --to $at --cid $cid --for $long <'$work/go'"
    attacker=$pid
    exec 3>"$work/go"
    event flood ready 120 >/dev/null || not_ok "the flood is ready" "$(cat "$work/flood.err")"
    was=$(pictures) spent=$(cpu "$server") most=0
    sleep "$long"
    middle=$(pictures) quiet_ms=$(($(cpu "$server") - spent)) spent=$(cpu "$server")
    before=$(rss "$server")
    echo >&3
    profile flood "$long" "$server" &
    for _ in $(seq "$long"); do
        sleep 1
        now=$(rss "$server")
        most=$((now > most ? now : most))
    done
    is=$(pictures)
    flooded_ms=$(($(cpu "$server") - spent))
    gone "$attacker" 60 || not_ok "the flood ends" "it does not"
    record flood quiet_frames=$((middle - was)) flooded_frames=$((is - middle)) \
        rss_growth_kib=$((most - before)) flood="$(tail -n 1 "$work/flood")" \
        serve_cpu_ms="{\"quiet\": $quiet_ms, \"flooded\": $flooded_ms}"
    ok flood
    quit "$viewer" "$tap" "$server"
}

# ---- the relay's rate: 104,000 datagrams a second of 1,200 bytes ----

relay() {
    mkfifo "$work/to"
    start blast sh -c "exec timeout 60 '$bench/udp_blast' --pps 104000 --size 1200 \
        --for ${seconds:-10} <'$work/to'"
    blaster=$pid
    exec 4>"$work/to"
    start relay "$farspan" bench relay --json --udp 127.0.0.1:0 \
        --to "$(event blast listening | field address)" --rate 2G --delay 30ms
    relay=$pid
    event relay listening | field address >&4
    exec 4>&-
    gone "$blaster" 70 || not_ok "the blast ends" "it does not"
    spent=$(cpu "$relay")
    quit "$relay"
    record relay blast="$(tail -n 1 "$work/blast")" result="$(tail -n 1 "$work/relay")" \
        relay_cpu_ms="$spent"
    ok relay
}

# table: what was measured beside its limit.
table() {
    python3 - "$work/records" <<'PY'
import json, statistics, sys
records = [json.loads(line) for line in open(sys.argv[1])]
rows = []
def row(what, seen, limit, within, of):
    rows.append((what, seen, limit, "yes" if within else "NO",
                 ", ".join("%.1f" % r["load"] for r in of)))
def of(part):
    return [r for r in records if r["part"] == part]
r = of("age")
if r:
    p99 = statistics.median(x["age"]["age_us"]["p99"] for x in r) / 1e3
    p50 = statistics.median(x["age"]["age_us"]["p50"] for x in r) / 1e3
    row("age of the picture, p99 (p50), median of %d runs" % len(r),
        "%.0f ms (%.0f ms)" % (p99, p50), "RTT + 150 = 210 ms", p99 <= 210, r)
for x in of("memory"):
    row("memory of serve, view from minute %d to %d" % tuple(x["minutes"]),
        "%.1f -> %.1f, %.1f -> %.1f MiB" % tuple(k / 1024 for k in x["serve_kib"] + x["view_kib"]),
        "+ 2 MiB", x["growth_kib"] <= 2048, [x])
for x in of("idle"):
    row("idle desktop, IP payload both ways", "%d bytes/s" % x["bytes_per_s"], "< 300 bytes/s",
        x["bytes_per_s"] < 300, [x])
for x in of("flood"):
    share = x["flooded_frames"] / max(x["quiet_frames"], 1)
    seconds = x["flood"]["for_us"] / 1e6
    row("flood of %.0f handshakes/s and %.0f garbage/s: pictures shown" %
        (x["flood"]["handshakes"] / seconds, x["flood"]["garbage"] / seconds),
        "%d of %d: %.0f %%" % (x["flooded_frames"], x["quiet_frames"], share * 100), ">= 80 %",
        share >= 0.8, [x])
    row("... memory of serve", "%+.1f MiB" % (x["rss_growth_kib"] / 1024), "+ 8 MiB",
        x["rss_growth_kib"] <= 8192, [x])
    row("... bytes out / bytes in, worst source", "%.3f" % x["flood"]["worst_ratio"], "<= 1",
        x["flood"]["worst_ratio"] <= 1, [x])
for x in of("relay"):
    lost = x["blast"]["lost"] + x["result"]["up"]["dropped"]
    row("relay at 2 Gbit/s, 30 ms: %d datagrams of 1,200 bytes" % x["blast"]["sent"],
        "%d lost" % lost, "0 lost", lost == 0, [x])
head = ("what", "seen", "limit", "within", "load")
print("\n| " + " | ".join(head) + " |\n|" + " --- |" * len(head))
for r in rows:
    print("| " + " | ".join(r) + " |")
PY
}

for part in ${parts:-age memory idle flood relay}; do
    "$part"
done
[ -n "$inside" ] || table
finish
