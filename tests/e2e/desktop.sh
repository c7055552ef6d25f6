#!/bin/sh
# A real desktop: an X server, a window manager, a terminal and a browser with text and pictures,
# seen through a link of 20 Mbit/s, 30 ms each way and 1 % loss: exact to the pixel, and typed into.
. tests/lib.sh

x_server 1920x1080 || finish
setxkbmap -display "$DISPLAY" de 2>/dev/null || not_ok "a German keyboard" "setxkbmap failed"
start wm openbox
wm=$pid

cat >"$work/page.html" <<'PAGE'
<html><head><title>Exact</title></head>
<body style="font: 18px sans-serif; background: #fdf6e3; margin: 2em">
<h1>A page of text and a picture</h1>
<p>Exact means that every pixel here is the pixel there: subpixel rendering, gradients and all.</p>
<div style="width: 600px; height: 300px; background:
 radial-gradient(circle at 30% 40%, #fa0, transparent 60%), conic-gradient(#07c, #c07, #7c0, #07c)">
</div><p>&Auml;&ouml;&uuml; &euro; &Delta;&Omega; &#1046;&#1071; &#26085;&#26412;</p></body></html>
PAGE
# A session of its own, so that all its processes can be stopped at once.
start browser setsid chromium --no-sandbox --disable-gpu --disable-quic --no-first-run \
    --disable-background-networking --disable-component-update --disable-sync \
    --user-data-dir="$work/chromium" --window-position=800,60 --window-size=1000,900 \
    "file://$work/page.html"
browser=$pid
start terminal setsid xterm -geometry 90x30+20+20 -fa Monospace -e sh -c "cat >'$work/typed'"
terminal=$pid

# windows N: at least so many top-level windows are mapped.
windows() {
    [ "$(xwininfo -root -tree | grep -c 'Exact - Chromium\|("xterm"')" -ge "$1" ]
}
within 60 windows 2 || not_ok "the windows come up" "$(xwininfo -root -tree | head -20)"

start serve "$farspan" serve --invite=control,uses=9 --listen 127.0.0.1:0 --json
server=$pid
event serve listening >"$work/event" || not_ok "the server listens" "$(cat "$work/serve.err")"
start relay "$farspan" bench relay --udp 127.0.0.1:0 --to "$(field ticket <"$work/event")" \
    --rate 20M --delay 30ms --loss 1% --json
relay=$pid
event relay listening >"$work/event" || not_ok "the relay listens" "$(cat "$work/relay.err")"
far=$(field ticket <"$work/event")

# Shifted, at the level of AltGr, and of other scripts; the pointer chooses the terminal.
cat >"$work/script" <<'SCRIPT'
move 200 200
click
wait 500ms
type Plain SHIFTED !"§$%&/()=? altgr: @{[]}\~| €µ
key Return
type Ελληνικά Кириллица 日本語 ñçßÄÖÜ
key Return
key ctrl+d
sync
SCRIPT
exits "typing into it" 0 "$farspan" view "$far" --to null --until exact --input "$work/script" \
    --json --for 60s
cat >"$work/wanted" <<'WANTED'
Plain SHIFTED !"§$%&/()=? altgr: @{[]}\~| €µ
Ελληνικά Кириллица 日本語 ñçßÄÖÜ
WANTED
within 10 cmp -s "$work/wanted" "$work/typed"
check "every character arrived in the shell" cmp "$work/wanted" "$work/typed"

# all SIGNAL: to everything that draws.
all() {
    kill -"$1" -"$browser" -"$terminal" "$wm" 2>/dev/null
}
all STOP
exits "a shot of it" 0 "$farspan" view "$far" --to "$work/shot.png" --until exact --json --for 60s
import -window root "$work/root.png"
is "no pixel differs" "$(compare -metric AE "$work/root.png" "$work/shot.png" null: 2>&1)" 0
convert "$work/shot.png" -fill '#123457' -draw 'point 960,540' "$work/altered.png"
is "and one would be seen" "$(compare -metric AE "$work/root.png" "$work/altered.png" null: 2>&1)" 1
all CONT

# The X server goes away in mid-session.
start watches "$farspan" view "$far" --to null --json
viewer=$pid
event watches connected >/dev/null || not_ok "a viewer watches" "$(cat "$work/watches.err")"
kill "$(echo "$lib_pids" | awk '{print $1}')"
wait "$server"
is "a server whose display is gone fails" $? 1
like "and says why" "$(tail -n 1 "$work/serve")" "display|X server|source"
wait "$viewer"
is "its viewer is told" $? 3
kill "$relay"
all KILL 2>/dev/null
finish
