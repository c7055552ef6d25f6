#!/bin/sh
# A viewer's window on a second X server: the same pixels, and its user's keys in the far terminal.
. tests/lib.sh

x_server 640x480 || finish
there=$DISPLAY
rm "$work/display"
x_server 700x500 || finish
here=$DISPLAY here_pid=$pid

start terminal env DISPLAY="$there" xterm -geometry 60x20+30+30 -e sh -c "cat >'$work/typed'"
terminal_up() {
    xwininfo -display "$there" -root -tree | grep -q '("xterm"'
}
within 30 terminal_up || not_ok "the terminal comes up" "$(cat "$work/terminal.err")"

xmodmap -display "$there" -pke >"$work/keys"
start serve "$farspan" serve "x11$there" --invite=control,uses=9 --listen 127.0.0.1:0 --json
server=$pid
event serve listening >"$work/event" || not_ok "the server listens" "$(cat "$work/serve.err")"
ticket=$(field ticket <"$work/event")
start view env DISPLAY="$here" "$farspan" view "$ticket" --json
view=$pid
event view exact >/dev/null || not_ok "the window shows it" "$(cat "$work/view.err")"

# The far screen, and that part of the near one where the window stands: there is no window manager.
import -display "$there" -window root "$work/there.png"
same() {
    import -display "$here" -window root -crop 640x480+0+0 +repage "$work/here.png"
    [ "$(compare -metric AE "$work/there.png" "$work/here.png" null: 2>&1)" = 0 ]
}
check "no pixel differs" within 10 same

# The state of the link: always in the window's name, on request below the picture.
named() {
    xwininfo -display "$here" -root -tree | grep -Eq '"farspan: 127.0.0.1:[0-9]+, [0-9]+ ms, '
}
check "the window's name says how the link is" within 10 named
DISPLAY=$here xdotool mousemove 200 200 key ctrl+alt+i
differs() {
    ! same
}
check "a bar is shown when asked for" within 10 differs
DISPLAY=$here xdotool key ctrl+alt+i
check "and hidden again" within 10 same

# A person at the window, played by a program that knows nothing of us.
DISPLAY=$here xdotool mousemove 200 200 click 1
DISPLAY=$here xdotool type --delay 20 'Hello, World: 42% of [it] ~!'
DISPLAY=$here xdotool key Return ctrl+d
echo 'Hello, World: 42% of [it] ~!' >"$work/wanted"
within 20 cmp -s "$work/wanted" "$work/typed"
check "what is typed at the window arrives" cmp "$work/wanted" "$work/typed"
terminal_down() {
    ! terminal_up
}
check "and ends the terminal" within 10 terminal_down
import -display "$there" -window root "$work/there.png"
check "the window shows that" within 10 same

# The near X server goes away.
kill "$here_pid"
wait "$view"
is "a viewer whose display is gone fails" $? 1
check "the server does not mind" kill -0 "$server"

exits "no X server to serve" 1 env DISPLAY=:59999 "$farspan" serve x11 --invite --json
like "the display is named" "$(cat "$work/out" "$work/err")" ":59999"
exits "no X server for the window" 1 env DISPLAY=:59999 "$farspan" view "$ticket" --to x11
like "the display is named there too" "$(cat "$work/err")" ":59999"
exits "no display at all" 2 env -u DISPLAY "$farspan" serve x11 --invite
exits "a display behind a name" 2 "$farspan" serve x11:far.example:0 --invite
like "what to do instead" "$(cat "$work/err")" "numeric"

# What was borrowed for typing is given back on SIGTERM.
echo 'type λ日' >"$work/script"
exits "typing what no key has" 0 "$farspan" view "$ticket" --to null --until exact \
    --input "$work/script"
xmodmap -display "$there" -pke >"$work/keys2"
refuse "spare keycodes are in use" cmp -s "$work/keys" "$work/keys2"
kill -TERM "$server"
wait "$server"
is "the server ends with 0" $? 0
xmodmap -display "$there" -pke >"$work/keys2"
check "and are given back" cmp "$work/keys" "$work/keys2"

# A display behind TCP, as ssh -X has them, and a depth that is not supported.
rm "$work/display"
x_server 320x200 -listen tcp
for name in "127.0.0.1$DISPLAY" "localhost$DISPLAY" "unix$DISPLAY" "${DISPLAY#:}"; do
    start tcp "$farspan" serve "x11:$name" --invite --listen 127.0.0.1:0 --json
    event tcp listening >"$work/event" || not_ok "serving x11:$name" "$(cat "$work/tcp.err")"
    exits "a picture of x11:$name" 0 "$farspan" view "$(field ticket <"$work/event")" --to null \
        --until exact --accept-new
    kill "$pid"
    wait "$pid"
    rm "$work/tcp"
done
# A server that wants a cookie (a record for any host: family 65535, no address, no number).
python3 - "$work/cookie" <<'PY'
import struct, sys
part = lambda b: struct.pack(">H", len(b)) + b
open(sys.argv[1], "wb").write(b"\xff\xff" + part(b"") + part(b"") +
                              part(b"MIT-MAGIC-COOKIE-1") + part(bytes(range(16))))
PY
rm "$work/display"
x_server 320x200 -auth "$work/cookie"
exits "no cookie" 1 "$farspan" serve x11 --invite --listen 127.0.0.1:0
like "what may be missing" "$(cat "$work/err")" "XAUTHORITY"
start tcp env XAUTHORITY="$work/cookie" "$farspan" serve x11 --invite --listen 127.0.0.1:0 --json
check "a cookie opens it" event tcp listening
rm "$work/display"
start xvfb sh -c 'exec 3>"$1"; exec Xvfb -displayfd 3 -screen 0 320x200x16 -nolisten tcp' sh \
    "$work/display"
within 20 test -s "$work/display"
exits "depth 16" 1 "$farspan" serve "x11:$(cat "$work/display")" --invite
like "is refused by name" "$(cat "$work/err")" "depth 16"
finish
