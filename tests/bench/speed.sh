#!/bin/bash
# How fast one encrypted bulk stream is over loopback: ours, TLS 1.3 over TCP (openssl s_client to
# s_server, AES-256-GCM) and plain TCP (iperf3), in turns, so that all meet the same machine.
#
#   tests/bench/speed.sh [--runs N] [--seconds N] [--gb N]
#
# --seconds: of ours and iperf3; --gb: what TLS carries (10^9 bytes). Prints one JSON object a
# measurement and ends with a table in Markdown: medians, and the median of the ratios run by run.
# CPU is what the kernel has charged both processes with, from their start to their end. The clock
# decides nothing: the exit status says whether everything could be measured.
. tests/lib.sh

runs=5 seconds=5 gb=5
while [ $# -gt 0 ]; do
    case $1 in
    --runs) runs=$2 && shift 2 ;;
    --seconds) seconds=$2 && shift 2 ;;
    --gb) gb=$2 && shift 2 ;;
    *) echo "speed.sh: what is $1?" >&2 && exit 2 ;;
    esac
done
for tool in openssl iperf3; do
    command -v $tool >/dev/null || { echo "speed.sh: no $tool here: make deps" >&2 && exit 1; }
done
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
    -keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null || exit 1

python3 - "$farspan" "$work" "$runs" "$seconds" "$gb" <<'PY' || exit 1
import atexit, json, os, socket, statistics, subprocess, sys, time

farspan, work, runs, seconds, gb = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
# A file without pages: what is sent costs the sender a read of zeros, and no pipe.
zeros = os.memfd_create("zeros")
os.ftruncate(zeros, gb * 10**9)
TLS = ["-tls1_3", "-ciphersuites", "TLS_AES_256_GCM_SHA384", "-quiet"]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def listens(port):
    """Whether a TCP socket listens there: looked up, for a connection would be its only one."""
    wanted = "0100007F:%04X" % port, "00000000:%04X" % port, "0" * 32 + ":%04X" % port
    for path in "/proc/net/tcp", "/proc/net/tcp6":
        for line in open(path).read().split("\n")[1:]:
            word = line.split()
            if word and word[3] == "0A" and word[1] in wanted:
                return True
    return False


def begin(args, **more):
    more.setdefault("stdin", subprocess.DEVNULL)
    more.setdefault("stdout", subprocess.DEVNULL)
    process = subprocess.Popen(args, stderr=open(work + "/err", "ab"), **more)
    atexit.register(lambda: process.returncode is None and process.kill())
    return process


def reap(process, most=120):
    """Waits for the end; the CPU seconds that the process has used."""
    until = time.monotonic() + most
    while time.monotonic() < until:
        pid, status, used = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return used.ru_utime + used.ru_stime
        time.sleep(0.01)
    process.kill()
    raise SystemExit("speed.sh: %s does not end" % process.args[:3])


def wait_for(what, process):
    until = time.monotonic() + 10
    while not what():
        if time.monotonic() > until or process.poll() is not None:
            raise SystemExit("speed.sh: no listener: %s" % open(work + "/err").read()[-500:])
        time.sleep(0.02)


def ours():
    said = work + "/listening"
    homes = [dict(os.environ, FARSPAN_HOME=work + "/" + end) for end in ("server", "client")]
    server = begin([farspan, "bench", "link", "--listen", "127.0.0.1:0", "--json"],
                   stdout=open(said, "w"), env=homes[0])
    wait_for(lambda: "\n" in open(said).read(), server)
    ticket = json.loads(open(said).readline())["ticket"]
    client = begin([farspan, "bench", "link", ticket, "--for", "%ds" % seconds, "--json"],
                   stdout=subprocess.PIPE, env=homes[1])
    text = client.stdout.read().decode()
    cpu = reap(client)
    server.terminate()
    cpu += reap(server)
    result = [r for r in map(json.loads, text.splitlines()) if r["event"] == "result"]
    if client.returncode or not result:
        raise SystemExit("speed.sh: farspan: %s" % open(work + "/err").read()[-500:])
    return result[0]["goodput_bps"], result[0]["delivered_bytes"], cpu


def tls():
    port = free_port()
    # A server whose input ends would end with it.
    server = begin(["openssl", "s_server", "-accept", "127.0.0.1:%d" % port, "-naccept", "1",
                    "-key", work + "/key.pem", "-cert", work + "/cert.pem"] + TLS,
                   stdin=subprocess.PIPE)
    wait_for(lambda: listens(port), server)
    os.lseek(zeros, 0, os.SEEK_SET)
    started = time.monotonic()
    # -quiet means that the end of the input is ignored, unless told otherwise after it.
    client = begin(["openssl", "s_client", "-connect", "127.0.0.1:%d" % port] + TLS +
                   ["-no_ign_eof"], stdin=zeros)
    cpu = reap(client) + reap(server)
    took = time.monotonic() - started
    if client.returncode or server.returncode:
        raise SystemExit("speed.sh: openssl: %s" % open(work + "/err").read()[-500:])
    return gb * 8e9 / took, gb * 10**9, cpu


def tcp():
    port = str(free_port())
    server = begin(["iperf3", "-s", "-1", "-B", "127.0.0.1", "-p", port])
    wait_for(lambda: listens(int(port)), server)
    client = begin(["iperf3", "-c", "127.0.0.1", "-p", port, "-t", str(seconds), "-J"],
                   stdout=subprocess.PIPE)
    end = json.loads(client.stdout.read())["end"]["sum_received"]
    return end["bits_per_second"], end["bytes"], reap(client) + reap(server)


KINDS = {"ours": ours, "tls": tls, "tcp": tcp}
NAMES = {"ours": "farspan, UDP", "tls": "TLS 1.3 over TCP, openssl", "tcp": "plain TCP, iperf3"}
seen = {kind: [] for kind in KINDS}
def ticks():
    """All time of all processors so far, and what of it the host gave to others."""
    word = [int(w) for w in open("/proc/stat").readline().split()[1:9]]
    return sum(word), word[7]


loads = []
for run in range(runs):
    for kind, measure in KINDS.items():
        loads.append(float(open("/proc/loadavg").read().split()[0]))
        before = ticks()
        bps, n, cpu = measure()
        stolen = (ticks()[1] - before[1]) / max(ticks()[0] - before[0], 1)
        seen[kind].append((bps / 1e9, cpu / (n / 1e9), stolen))
        print(json.dumps({"part": kind, "run": run, "gbit_s": round(bps / 1e9, 3),
                          "cpu_s_per_gb": round(cpu / (n / 1e9), 3), "bytes": n,
                          "load": loads[-1], "stolen": round(stolen, 3)}), flush=True)

print("\n| one stream over loopback | Gbit/s | least - most | CPU s a GB, both ends | to TLS "
      "| stolen by the host |")
print("| --- | --- | --- | --- | --- | --- |")
for kind, got in seen.items():
    rate = [g[0] for g in got]
    ratio = statistics.median(a[0] / b[0] for a, b in zip(got, seen["tls"]))
    print("| %s | %.2f | %.2f - %.2f | %.2f | %.2f | %.0f - %.0f %% |"
          % (NAMES[kind], statistics.median(rate), min(rate), max(rate),
             statistics.median(g[1] for g in got), ratio, 100 * min(g[2] for g in got),
             100 * max(g[2] for g in got)))
print("\n%d runs in turns, %d processors, load average before a run %.1f - %.1f"
      % (runs, len(os.sched_getaffinity(0)), min(loads), max(loads)))
PY
