#!/bin/sh
# time-out: 120
# bench relay --tun: two network namespaces joined by a modelled link, with traffic of others.
. tests/lib.sh

a=fsrelay-a-$$ b=fsrelay-b-$$
unprivileged="setpriv --reuid 65534 --regid 65534 --clear-groups"

refused() {
    exits "refused: $*" 2 "$farspan" bench relay "$@"
    like "says why: $*" "$(cat "$work/err")" 'bench relay: '
}
refused --tun "$a"
refused --tun "$a,"
refused --tun "$a,$b,c"
refused --tun "$a,$b" --udp 127.0.0.1:0
refused --tun "$a,$b" --to 127.0.0.1:9
refused --tun "$a,$b" --at 1s:rebind
refused --tun "$a,$b" --mtu 100
refused --tun "$a,$b" --tun-address 10.0.0.1
refused --tun "$a,$b" --tun-address 10.0.0.1,x
refused --tun "$a,$b" --tun-address 10.0.0.1,::1
exits "no such namespaces" 1 "$farspan" bench relay --tun "$a,$b"
like "named" "$(cat "$work/err")" "no network namespaces $a,$b"

[ "$(id -u)" = 0 ] || { not_ok "root" "the rest of this test needs it"; finish; }
trap 'lib_cleanup; ip netns del "$a"; ip netns del "$b"' EXIT
ip netns add "$a" && ip netns add "$b" || exit 1
cp "$farspan" "$work/farspan-copy" && chmod 755 "$work/farspan-copy" && chmod 711 "$work"
# shellcheck disable=SC2086 # several words
exits "not root" 1 $unprivileged "$work/farspan-copy" bench relay --tun "$a,$b"
like "says so" "$(tail -n 1 "$work/err")" '--tun needs root'

# join LOG OPTION...: starts a relay between the two; its id is in $relay.
join() {
    log=$1
    shift
    start "$log" "$farspan" bench relay --json --tun "$a,$b" "$@"
    relay=$pid
    event "$log" listening >"$work/listening"
}

# leave LOG: ends it; its result is in $work/LOG.
leave() {
    kill -TERM "$relay"
    wait "$relay"
    is "$1: ends with 0" $? 0
    grep -q '"event":"result"' "$work/$1" || not_ok "$1" "no result"
}

# is_so NAME 'EXPRESSION': Python over up, down of the relay's result and p, what echo has printed.
is_so() {
    python3 - "$work/$1" "$work/pings" "$2" <<'PY' && ok "$1" || not_ok "$1" "$2"
import json, sys
last = lambda f: json.loads(open(f).read().strip().split("\n")[-1])
r, p = last(sys.argv[1]), last(sys.argv[2])
if not eval(sys.argv[3], dict(up=r["up"], down=r["down"], p=p)):
    print(json.dumps(r)), print(json.dumps(p))
    sys.exit(1)
PY
}

# pings ADDRESS COUNT SECONDS: UDP datagrams from $a to an echo in $b over that time, into
# $work/pings: {"got":…,"rtt_us":[sorted]}.
cat >"$work/echo.py" <<'EOP'
import socket, sys
s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
s.bind((sys.argv[1], 7777))
print("ready", flush=True)
while True:
    data, peer = s.recvfrom(65536)
    s.sendto(data, peer)
EOP
cat >"$work/ping.py" <<'EOP'
import json, select, socket, sys, time
host, count, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
s = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
s.connect((host, 7777))
s.setblocking(False)
sent, rtt, begin = 0, [], time.monotonic()
while time.monotonic() < begin + seconds + 1 and len(rtt) < count:
    while sent < count and time.monotonic() >= begin + sent * seconds / count:
        s.send(b"%d %d " % (sent, time.monotonic_ns()) + bytes(60))
        sent += 1
    if select.select([s], [], [], 0.001)[0]:
        try:
            rtt.append((time.monotonic_ns() - int(s.recv(65536).split()[1])) // 1000)
        except BlockingIOError:
            pass  # its checksum was wrong
print(json.dumps({"got": len(rtt), "rtt_us": sorted(rtt)}))
EOP
pings() {
    start echo nsenter --net=/run/netns/"$b" python3 "$work/echo.py" "$1"
    echo_pid=$pid
    within 20 grep -q ready "$work/echo" || not_ok "echo" "did not start"
    timeout 30 nsenter --net=/run/netns/"$a" python3 "$work/ping.py" "$@" >"$work/pings"
    kill "$echo_pid"
}

join plain --delay 20ms
pings 10.77.0.2 100 1
leave plain
is_so plain 'p["got"] == 100 and 40000 <= p["rtt_us"][0] and p["rtt_us"][50] < 78000'
is_so plain 'up["in"] == up["out"] == down["out"] == 100 and up["dropped"] == down["dropped"] == 0'
refuse "the device is gone with it" ip -n "$a" link show farspan0

join loss --loss 10% --seed 5
pings 10.77.0.2 2000 2
leave loss
# Of 2000 both ways 1620 are expected, standard deviation 18.
is_so loss '1520 <= p["got"] <= 1720 and p["got"] == down["out"]'
is_so loss '120 <= up["drops"]["loss"] <= 280 and up["out"] == down["in"]'

# A flipped bit is found by the receiving kernel: checksums, or a header that is none.
join corrupt --corrupt 30%
pings 10.77.0.2 500 1
leave corrupt
is_so corrupt 'up["corrupted"] > 80 and p["got"] < 450'

join outage --outage 500ms:500ms --tun-address 10.9.8.7,10.1.2.3 --tun-address fd77::1,fd77::2
pings 10.1.2.3 200 2
leave outage
is_so outage '40 <= up["drops"]["outage"] <= 60 and p["got"] == 200 - up["drops"]["outage"]'

join six --delay 5ms --tun-address fd77::1,fd77::2
pings fd77::2 50 1
leave six
is_so six 'p["got"] == 50 and p["rtt_us"][0] >= 10000'

join tcp --rate 20M --delay 10ms
start server nsenter --net=/run/netns/"$b" iperf3 -s -1 --forceflush
within 20 grep -q listening "$work/server"
timeout 30 nsenter --net=/run/netns/"$a" iperf3 -J -c 10.77.0.2 -t 3 >"$work/iperf"
bps=$(python3 -c 'import json, sys
print(int(json.load(sys.stdin)["end"]["sum_received"]["bits_per_second"]))' <"$work/iperf")
leave tcp
check "TCP gets the rate ($bps bit/s)" test "$bps" -gt 12000000
check "and not more" test "$bps" -lt 20100000

join killed --delay 1ms
kill -KILL "$relay"
wait "$relay" 2>/dev/null
refuse "killed, it leaves no device either" ip -n "$a" link show farspan0
join again --delay 1ms
check "and can be had again" grep -q '"address":"10.77.0.1"' "$work/listening"
leave again
finish
