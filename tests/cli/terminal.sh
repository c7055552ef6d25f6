#!/bin/sh
# What a person sees on a terminal: one line of state that gives way to what is said, and none of it
# where nobody looks or a script reads.
. tests/lib.sh

# on_terminal COMMAND...: with a terminal as its stdin, stdout and stderr, of 40 columns; what was
# written there goes to stdout.
cat >"$work/on_terminal.py" <<'PY'
import fcntl, os, pty, struct, sys, termios
pid, fd = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 40, 0, 0))
    os.execv(sys.argv[1], sys.argv[1:])
try:
    while True:
        sys.stdout.buffer.write(os.read(fd, 65536))
except OSError:
    pass
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
PY

start serve "$farspan" serve test:64x64,idle --invite=view,uses=9 --listen 127.0.0.1:0 --json
server=$pid
event serve listening >"$work/event" || not_ok "a server" "$(cat "$work/serve.err")"
ticket=$(field ticket <"$work/event")

# The line is drawn between these two, without breaking at the edge; erased it is by the third.
open=$(printf '\r\033[?7l') shut=$(printf '\033[K\033[?7h') erase=$(printf '\r\033[K')
view="$farspan view $ticket --to null --for 2500ms"
# shellcheck disable=SC2086 # several words in $view
{
exits "a viewer on a terminal" 0 python3 "$work/on_terminal.py" $view
check "says how the link is" grep -qF "${open}127.0.0.1:" "$work/out"
like "in ms and Mbit/s" "$(tr -d '\033' <"$work/out")" "127.0.0.1:[0-9]+, [0-9]+ ms, [0-9.]+ Mbit/s"
check "and takes it away at the end" grep -qF "$shut${erase}" "$work/out"
like "before its last words" "$(tail -n 1 "$work/out")" "^.*[0-9]+ pictures, [0-9]+ bytes"
for how in -q --json --stats; do
    exits "a viewer with $how" 0 python3 "$work/on_terminal.py" $view $how
    refuse "$how: has no such line" grep -qF "$open" "$work/out"
done
exits "a viewer without a terminal" 0 $view
refuse "has none" grep -qF "$open" "$work/out" "$work/err"
kill "$server"
wait "$server"
exits "nobody there" 3 python3 "$work/on_terminal.py" $view --timeout 1500ms
check "who is being reached" grep -qF "${open}reaching 127.0.0.1:" "$work/out"
check "gives way to what went wrong" grep -qF "${erase}farspan: no answer" "$work/out"
}

python3 -c 'import sys
for i in range(40):
    sys.stdout.buffer.write(b"P6 640 400 255\n" + bytes([i]) * 768000)' >"$work/in.ppm"
exits "an encoding on a terminal" 0 python3 "$work/on_terminal.py" "$farspan" encode \
    "$work/in.ppm" -o "$work/out.fsr"
check "says how far it is" grep -qE "out.fsr: [0-9]+ frames, [0-9]+ bytes" "$work/out"
check "on one line" grep -qF "$open" "$work/out"
finish
