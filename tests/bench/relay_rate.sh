#!/bin/sh
# The relay at --rate 2G --delay 30ms with 104,000 datagrams a second of 1,200 bytes for 10 s: it
# must drop none. Prints what came through, its delay, and the relay's processor time.
. tests/lib.sh

blast=$(realpath build/bench/udp_blast)
mkfifo "$work/to"
timeout 60 "$blast" --pps "${PPS:-104000}" --size 1200 --for "${SECONDS_LONG:-10}" \
    <"$work/to" >"$work/blast" &
blast_pid=$!
exec 3>"$work/to"
start relay "$farspan" bench relay --json --udp 127.0.0.1:0 \
    --to "$(event blast listening | field address)" --rate 2G --delay 30ms
relay_pid=$pid
event relay listening | field address >&3
exec 3>&-
wait "$blast_pid"
# utime and stime, in ticks of 10 ms.
ticks=$(($(cut -d ' ' -f 14,15 "/proc/$relay_pid/stat" | tr ' ' +)))
kill -TERM "$relay_pid"
wait "$relay_pid"
python3 - "$work/blast" "$work/relay" "$ticks" <<'PY'
import json, sys
last = lambda f: json.loads(open(f).read().strip().split("\n")[-1])
b, r = last(sys.argv[1]), last(sys.argv[2])
print("relay: %d datagrams sent, %d lost, %d dropped by the relay; delay %.1f ms (p50), %.1f ms "
      "(p99), %.1f ms (max); %.2f s of processor time" %
      (b["sent"], b["lost"], r["up"]["dropped"], b["up"]["delay_us"]["p50"] / 1e3,
       b["up"]["delay_us"]["p99"] / 1e3, b["up"]["delay_us"]["max"] / 1e3, int(sys.argv[3]) / 100))
sys.exit(b["lost"] != 0 or r["up"]["dropped"] != 0)
PY
check "no datagram is lost" test $? = 0
finish
