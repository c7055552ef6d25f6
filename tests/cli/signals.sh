#!/bin/sh
# Signals at any moment around the end of a command: each run ends in order, with the exit code that
# the contract names, and none is ended by the signal itself.
. tests/lib.sh

cat >"$work/signals.py" <<'PY'
import json, os, random, signal, subprocess, sys, time

farspan, runs = sys.argv[1], int(sys.argv[2])
chance = random.Random(4711)
bad = {}

def say(what, why):
    bad.setdefault(what, why)

def begin(*words, **more):
    return subprocess.Popen([farspan, *words], stdin=more.get("stdin", subprocess.DEVNULL),
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

def until(p, name):
    for line in p.stdout:
        event = json.loads(line)
        if event["event"] == name:
            return event
    say("begins", "%s never said %s" % (p.args, name))

def send(p, number):
    if p.poll() is None:
        p.send_signal(number)

def end(p, what, codes):
    lines = p.stdout.read().splitlines()
    code = p.wait(30)
    if code not in codes:
        say(what, "wait status %d, wanted one of %s" % (code, codes))
    return [json.loads(l) for l in lines]

TERM, INT, HUP = signal.SIGTERM, signal.SIGINT, signal.SIGHUP
SERVE = ("serve", "test:64x64,idle", "--listen", "127.0.0.1:0", "--json", "--invite")

# A server and a relay are told to end, and told again in another way while they do.
for i in range(runs):
    for words in (SERVE, ("bench", "link", "--listen", "127.0.0.1:0", "--json"),
                  ("bench", "relay", "--udp", "127.0.0.1:0", "--to", "127.0.0.1:9", "--json")):
        p = begin(*words)
        until(p, "listening")
        send(p, TERM)
        time.sleep(chance.random() ** 2 * 0.003)
        send(p, INT)
        end(p, "%s ends with 0, whatever comes while it ends" % " ".join(words[:2]), (0,))

# A viewer whose time is up at about the moment of the signal.
server = begin(*SERVE)
ticket = until(server, "listening")["ticket"]
seen = 0
for i in range(runs):
    p = begin("view", ticket, "--to", "null", "--for", "80ms", "--json")
    number = chance.choice((TERM, INT, HUP))
    lines = [json.loads(p.stdout.readline())]
    if lines[0]["event"] == "connected":
        time.sleep(chance.uniform(0, 0.1))
        send(p, number)
    # 3: the time was up before a picture came, which must be the exception.
    lines += end(p, "view ends in order", (0, 3, 128 + number))
    seen += p.returncode != 3
    last = lines[-1]
    if last.get("event") != ("error" if p.returncode else "result"):
        say("view's last line", "%s after %d" % (last, p.returncode))
    if p.returncode and last.get("exit") != p.returncode:
        say("view's error", "%s after %d" % (last, p.returncode))

if seen < runs / 2:
    say("view sees a picture", "%d times of %d" % (seen, runs))

# A server with one viewer, which ends with it, at about the moment of the signal.
server.terminate()
end(server, "a server with nobody", (0,))
for i in range(runs // 2):
    server = begin(*SERVE, "--once")
    ticket = until(server, "listening")["ticket"]
    p = begin("view", ticket, "--to", "null", "--frames", "1", "--json")
    until(p, "connected")
    time.sleep(chance.uniform(0, 0.03))
    send(server, TERM)
    end(server, "serve --once ends with 0", (0,))
    end(p, "its viewer ends with 0", (0,))

# An encoding that comes to its end at about the moment of the signal; when all of this has gone
# into its pipe it reads, and has an ear for signals.
frame = b"P6 256 256 255\n" + bytes(256 * 256 * 3)
out = os.path.join(os.environ["TMPDIR"], "signals.fsr")
for i in range(runs):
    p = begin("encode", "-", "-o", out, "--json", stdin=subprocess.PIPE)
    p.stdin.write(frame * 2)
    p.stdin.close()
    time.sleep(chance.uniform(0, 0.008))
    send(p, TERM)
    end(p, "encode ends in order", (0, 128 + TERM))
    seen = subprocess.run([farspan, "encode", "--decode", out, "-o", out + ".ppm"],
                          stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    if seen.returncode and b"no whole frame" not in seen.stderr or b"not finished" in seen.stderr:
        say("what was encoded is whole", seen.stderr.decode())

for what, why in bad.items():
    print("%s: %s" % (what, why))
sys.exit(bool(bad))
PY
export TMPDIR="$work"
runs=40
[ -z "${FARSPAN_FULL-}" ] || runs=300
timeout 250 python3 "$work/signals.py" "$farspan" $runs >"$work/said" 2>&1
is "every run ends in order" "$?$(cat "$work/said")" 0
finish
