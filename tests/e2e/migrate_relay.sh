#!/bin/sh
# Local sockets across a session: what goes in comes out, each way, in order, through loss and an
# outage; ends are passed on; what is not offered is refused.
. tests/lib.sh

# What stands in for QEMU on both hosts.
cat >"$work/plug.py" <<'EOF'
"""plug.py serve PATH DIR COUNT: takes COUNT connections in order; of each it writes what comes to
DIR/in.N (N from 0), and sends back DIR/back once the other has ended, then ends.
plug.py send PATH FILE OUT: connects, sends FILE, ends its direction, writes what comes back to OUT;
exit 1 when the connection breaks.
plug.py many PATH DIR COUNT: connects COUNT times, one after another, and sends its number and 1 MB.
plug.py leave PATH: connects, sends a little, and breaks the connection."""
import os, socket, struct, sys, threading

def connect(path):
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)
    return s

def read_all(s, out):
    with open(out, "wb") as f:
        while True:
            b = s.recv(65536)
            if not b:
                return
            f.write(b)

def one(s, folder, n):
    try:
        read_all(s, f"{folder}/part.{n}")
        with open(f"{folder}/back", "rb") as f:
            s.sendall(f.read())
        s.shutdown(socket.SHUT_WR)
    except OSError:
        open(f"{folder}/broken.{n}", "w").close()
        return
    finally:
        s.close()
    os.rename(f"{folder}/part.{n}", f"{folder}/in.{n}")

what, path = sys.argv[1:3]
if what == "serve":
    door = socket.socket(socket.AF_UNIX)
    door.bind(path)
    door.listen(2)
    print("ready", flush=True)
    threads = []
    for n in range(int(sys.argv[4])):
        s, _ = door.accept()
        t = threading.Thread(target=one, args=(s, sys.argv[3], n))
        t.start()
        threads.append(t)
    for t in threads:
        t.join()
elif what == "send":
    s = connect(path)
    def push():
        try:
            with open(sys.argv[3], "rb") as f:
                s.sendall(f.read())
            s.shutdown(socket.SHUT_WR)
        except OSError:
            pass
    t = threading.Thread(target=push)
    t.start()
    try:
        read_all(s, sys.argv[4])
    except OSError as e:
        sys.exit(f"broken: {e}")
    t.join()
elif what == "many":
    open_ones = []
    for n in range(int(sys.argv[4])):
        s = connect(path)
        s.sendall(bytes([n]) * 1000)
        open_ones.append(s)
    for n, s in enumerate(open_ones):
        s.sendall(bytes([n]) * 1000000)
        s.shutdown(socket.SHUT_WR)
        read_all(s, f"{sys.argv[3]}/got.{n}")
elif what == "leave":
    s = connect(path)
    s.sendall(b"a little")
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()
EOF
plug() {
    python3 "$work/plug.py" "$@"
}

# Half of it can be made shorter.
head -c 6000000 /dev/urandom >"$work/noise"
seq 1 900000 >"$work/numbers"
cat "$work/noise" "$work/numbers" >"$work/there"
seq 1 400000 >"$work/back"
mkdir "$work/a" "$work/b" "$work/m"
for d in a b m; do ln "$work/back" "$work/$d/back"; done

# far [OPTION...]: the far end, behind a relay of so much loss and delay; the near end's ticket.
start qa python3 "$work/plug.py" serve "$work/far.a" "$work/a" 3
start qb python3 "$work/plug.py" serve "$work/far.b" "$work/b" 1
start qm python3 "$work/plug.py" serve "$work/far.m" "$work/m" 12
for q in qa qb qm; do check "$q listens" within 10 grep -q ready "$work/$q"; done
FARSPAN_HOME=$work/far.home start far "$farspan" migrate relay --listen 127.0.0.1:0 --invite \
    --socket a="$work/far.a" --socket b="$work/far.b" --socket m="$work/far.m" \
    --socket none="$work/far.none" --json
far=$pid
event far listening >"$work/event" || not_ok "the far end listens" "$(cat "$work/far.err")"
start wan "$farspan" bench relay --udp 127.0.0.1:0 --to "$(field ticket <"$work/event")" \
    --rate 100M --delay 10ms --loss 1% --outage 3s:2s --json
event wan listening >"$work/event" || not_ok "a relay" "$(cat "$work/wan.err")"
field ticket <"$work/event" >"$work/ticket"
start near "$farspan" migrate relay "@$work/ticket" --socket a="$work/near.a" \
    --socket b="$work/near.b" --socket m="$work/near.m" --socket none="$work/near.none" \
    --socket other="$work/near.other" --json
near=$pid
event near connected >/dev/null || not_ok "the near end connects" "$(cat "$work/near.err")"
is "its sockets are its own" "$(stat -c %a "$work/near.a")" 600

# ---- both ways at once, two of them, and an outage in the middle ----
plug send "$work/near.a" "$work/there" "$work/out.a" &
one=$!
check "bytes come back on the second" plug send "$work/near.b" "$work/there" "$work/out.b"
wait "$one"
is "and on the first" $? 0
check "what came is what was sent (a)" within 10 cmp "$work/there" "$work/a/in.0"
check "what came is what was sent (b)" within 10 cmp "$work/there" "$work/b/in.0"
check "also back (a)" cmp "$work/back" "$work/out.a"
check "also back (b)" cmp "$work/back" "$work/out.b"
event near closed >"$work/event"
is "it tells how much" "$(field sent_bytes <"$work/event")" "$(stat -c %s "$work/there")"
# Noise stays as long as it is; pieces are as small as the bound in front of the path wants.
shorter=$(($(stat -c %s "$work/noise") + $(stat -c %s "$work/numbers") * 6 / 10))
check "which was made shorter" [ "$(field packed_bytes <"$work/event")" -lt "$shorter" ]

# ---- many on one socket, more than its owner lets wait ----
check "twelve at once" plug many "$work/near.m" "$work/m" 12
for n in 0 1 2 3 4 5 6 7 8 9 10 11; do
    is "channel $n is the one it was" \
        "$(head -c 1 "$work/m/in.$n" | od -An -tu1 | tr -d ' ')" "$n"
    is "and whole" "$(stat -c %s "$work/m/in.$n")" 1001000
done

# ---- what ends in the middle ----
plug leave "$work/near.a"
check "a connection that breaks breaks" within 10 test -e "$work/a/in.1" -o -e "$work/a/broken.1"
# Whether it is an end or a break depends on how much was on its way.
plug send "$work/near.none" "$work/back" "$work/out.none" 2>/dev/null
is "a socket that nobody listens on gives nothing" "$(stat -c %s "$work/out.none")" 0
plug send "$work/near.other" "$work/back" "$work/out.other" 2>/dev/null
is "nor does a name that is not offered" "$(stat -c %s "$work/out.other")" 0
check "and says why" within 10 grep -q '"other".*no socket of that name' "$work/near"
check "both times" within 10 grep -q '"none".*nobody listens' "$work/near"
check "the others go on" plug send "$work/near.a" "$work/back" "$work/out.a"

# ---- more connections than this process may have descriptors ----
prlimit --pid "$near" --nofile=24:24
python3 - "$work/near.m" <<'EOF'
import socket, sys, time
held = [socket.socket(socket.AF_UNIX) for _ in range(40)]
for s in held:
    s.connect(sys.argv[1])
time.sleep(1)
EOF
tries=$(grep -c 'cannot take a connection' "$work/near.err")
check "it has tried in vain" [ "$tries" -ge 1 ]
check "ten times a second, not at once" [ "$tries" -le 30 ]
check "and goes on" kill -0 "$near"

# ---- the end ----
kill -INT "$near"
wait "$near"
is "the near end ends by its signal" $? 130
like "with a result" "$(cat "$work/near")" '"event":"result"'
refuse "its sockets are gone" test -e "$work/near.a"
kill "$far"
wait "$far"
is "the far end ends with 0" $? 0

# ---- what makes no sense ----
exits "no socket" 2 "$farspan" migrate relay "@$work/ticket"
like "is told" "$(cat "$work/err")" "--socket"
exits "a name twice" 2 "$farspan" migrate relay "@$work/ticket" --socket /x/s --socket /y/s
exits "a name that is none" 2 "$farspan" migrate relay "@$work/ticket" --socket "a b=/x/s"
exits "both ends" 2 "$farspan" migrate relay "@$work/ticket" --listen 127.0.0.1:0 --socket /x/s
exits "an invitation at the near end" 2 \
    "$farspan" migrate relay "@$work/ticket" --invite --socket /x/s
FARSPAN_HOME=$work/nobody exits "a far end for nobody" 2 \
    "$farspan" migrate relay --listen 127.0.0.1:0 --socket /x/s
like "says what to add" "$(cat "$work/err")" "authorized_keys.*--invite"
finish
