#!/bin/sh
# serve as a service: told to the service manager, on an inherited socket, with a hook, recording
# what is shown; and nothing of it, nor any log, holds what was typed or a secret.
. tests/lib.sh

# serve NAME [OPTION...]: a server of the built-in desktop; sets server, ticket.
serve() {
    name=$1
    shift
    start "$name" "$farspan" serve test:640x400,idle --listen 127.0.0.1:0 --json "$@"
    server=$pid
    event "$name" listening >"$work/event" || not_ok "$name listens" "$(cat "$work/$name.err")"
    ticket=$(field ticket <"$work/event")
}

stop() {
    kill "$server"
    wait "$server"
    is "$name ends with 0" $? 0
}

# ---- ready, reloading, stopping: what sd_notify(3) says, on a socket of ours ----
cat >"$work/listen.py" <<'X'
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1].replace("@", "\0", 1) if sys.argv[1][0] == "@" else sys.argv[1])
print("bound", flush=True)
while True:
    print(s.recv(4096).decode().replace("\n", " "), flush=True)
X
for at in "$work/notify" "@farspan-test-$$"; do
    start manager python3 "$work/listen.py" "$at"
    manager=$pid
    within 10 grep -q bound "$work/manager" || not_ok "a manager" "$(cat "$work/manager.err")"
    NOTIFY_SOCKET=$at serve ready --invite
    check "says that it is ready" within 10 grep -q "^READY=1" "$work/manager"
    kill -HUP "$server"
    check "that it reads its keys again" within 10 grep -q "^RELOADING=1 MONOTONIC_USEC=[0-9]" \
        "$work/manager"
    stop
    check "that it stops" within 10 grep -q "^STOPPING=1" "$work/manager"
    kill "$manager"
done
NOTIFY_SOCKET=nonsense serve deaf --invite
like "a manager that is none is said" "$(cat "$work/deaf.err")" "NOTIFY_SOCKET"
stop

# ---- a socket that was there before ----
cat >"$work/activate.py" <<'X'
import os, socket, sys
s = socket.socket(socket.AF_INET, getattr(socket, sys.argv[1]))
s.bind(("127.0.0.1", 0))
os.dup2(s.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[2], sys.argv[2:])
X
start fd python3 "$work/activate.py" SOCK_DGRAM "$farspan" serve test:640x400,idle --invite \
    --listen fd:3 --json
server=$pid name=fd
event fd listening >"$work/event" || not_ok "listens on fd 3" "$(cat "$work/fd.err")"
exits "an inherited socket serves" 0 \
    "$farspan" view "$(field ticket <"$work/event")" --to null --until exact
stop
exits "a stream socket is none" 2 \
    python3 "$work/activate.py" SOCK_STREAM "$farspan" serve test --invite --listen fd:3
like "which is said" "$(cat "$work/err")" "fd:3: no UDP socket"
exits "nor is nothing" 2 "$farspan" serve test --invite --listen fd:77
like "which is said, too" "$(cat "$work/err")" "fd:77: no UDP socket"

# ---- a hook ----
cat >"$work/hook.sh" <<X
#!/bin/sh
{
    echo "\$1 \$FARSPAN_EVENT \$FARSPAN_VIEWER \${FARSPAN_ADDRESS-} \${FARSPAN_KEY-} \
\${FARSPAN_ROLES-} \${FARSPAN_REASON-}"
    env | grep -E "^(FARSPAN_TICKET|NOTIFY_SOCKET|LISTEN_)" | sed 's/^/leak /'
    ls -l /proc/\$\$/fd | grep -E "socket|memfd|anon_inode|listening" | sed 's/^/leak /'
} >>"$work/heard"
echo "to stdout"
X
chmod +x "$work/hook.sh"
printf 'move 330 170\nclick\ntype Geheimnis4711\nsync\n' >"$work/script"
FARSPAN_TICKET=secret serve hooked --invite=control,uses=9 --hook "$work/hook.sh" -v \
    --record "$work/shown.fsr"
exits "a viewer who types" 0 "$farspan" view "$ticket" --to "$work/seen.png" --until exact \
    --input "$work/script" -v --json
cp "$work/err" "$work/view.err"
cp "$work/out" "$work/view"
within 10 grep -q '"event":"disconnected"' "$work/hooked"
stop
key=$("$farspan" keygen --show)
like "the hook hears of the coming" "$(cat "$work/heard")" \
    "^connected connected 1 127.0.0.1:[0-9]+ $key control "
like "of who controls" "$(cat "$work/heard")" "^control control 1 "
like "of the end of control" "$(cat "$work/heard")" "^control control 0 "
like "of the going and why" "$(cat "$work/heard")" "^disconnected disconnected 1 .*viewer"
refuse "and gets no secret and no descriptor of ours" grep "^leak" "$work/heard"
check "control is an event" grep -q '"event":"control","viewer":1,"before":0' "$work/hooked"
refuse "what the hook prints is no event" grep -q "to stdout" "$work/hooked"
check "but chatter" grep -q "to stdout" "$work/hooked.err"

# ---- what is typed and what is secret stays out of every log ----
secret=${ticket#*#}
secret=${secret#*.}
for log in hooked.err view view.err heard; do
    check "$log is there" test -s "$work/$log"
    refuse "$log holds nothing typed" grep -qi "geheimnis" "$work/$log"
    refuse "$log holds no secret" grep -qF -- "$secret" "$work/$log"
done
refuse "nor do the events, but for the ticket" sh -c \
    "grep -v '\"event\":\"listening\"' '$work/hooked' | grep -qF -- '$secret'"

# ---- the recording ----
is "is private" "$(stat -c %a "$work/shown.fsr")" 600
exits "can be read" 0 "$farspan" encode --decode "$work/shown.fsr" -o "$work/shown.ppm" --json
frames=$(tail -n 1 "$work/out" | field frames)
check "has several pictures" test "$frames" -gt 1
exits "its last one" 0 "$farspan" encode --decode "$work/shown.fsr" -o "$work/last.png" \
    --frame $((frames - 1))
is "is what was seen" "$(compare -metric AE "$work/seen.png" "$work/last.png" null: 2>&1)" 0
serve unseen --invite --record "$work/unseen.fsr"
stop
exits "without a viewer there is nothing to see" 1 "$farspan" encode --decode "$work/unseen.fsr" \
    -o "$work/unseen.ppm"
like "which is said" "$(cat "$work/err")" "no whole frame"
refuse "though it is whole" grep -q "not finished" "$work/err"
exits "a folder that is not there" 1 "$farspan" serve test --invite --listen 127.0.0.1:0 \
    --record "$work/no/x.fsr"
like "is named" "$(cat "$work/err")" "cannot record to .*/no/x.fsr"

# A file may not grow beyond some hundred kilobytes: as good as a full disk.
printf '%s\n' '#!/bin/sh' "ulimit -f 1200" "trap '' XFSZ" \
    "exec '$farspan' serve test:1280x800,busy --invite --listen 127.0.0.1:0 --json \\" \
    "    --record '$work/full.fsr'" >"$work/full.sh"
chmod +x "$work/full.sh"
start full "$work/full.sh"
server=$pid
event full listening >"$work/event" || not_ok "records to a full disk" "$(cat "$work/full.err")"
exits "its viewer is told" 3 "$farspan" view "$(field ticket <"$work/event")" --to null --json
like "by a word" "$(tail -n 1 "$work/out" | field reason)" "server has failed"
wait "$server"
is "a server that cannot record ends with 1" $? 1
like "says which file" "$(tail -n 1 "$work/full" | field reason)" "full.fsr cannot be written"
like "and why" "$(cat "$work/full.err")" "File too large"
exits "what was recorded can be read" 0 "$farspan" encode --decode "$work/full.fsr" \
    -o "$work/full.ppm" --json
check "it holds pictures" test "$(tail -n 1 "$work/out" | field frames)" -gt 0

# ---- hooks that do not behave ----
exits "no such hook" 2 "$farspan" serve test --invite --listen 127.0.0.1:0 --hook "$work/nothing"
like "is explained" "$(cat "$work/err")" "chmod \+x"
exits "a word for a shell" 2 "$farspan" serve test --invite --listen 127.0.0.1:0 --hook "echo hi"
printf '#!/bin/sh\nexit 7\n' >"$work/hook.sh"
serve failing --invite --hook "$work/hook.sh"
exits "a hook that fails ends nothing" 0 "$farspan" view "$ticket" --to null --until exact
stop
like "but is said" "$(cat "$work/failing.err")" "hook ended with 7"
is "nothing is left of it" "$(pgrep -g "$server" | wc -l)" 0
finish
