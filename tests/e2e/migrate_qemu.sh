#!/bin/sh
# QEMU's own migration through `migrate relay`: a guest that counts goes on counting on the other
# side where it stopped on this one, over one connection, over several, and as post-copy, where the
# other side asks for pages once the guest runs there; with loss on the way.
. tests/lib.sh

as --32 -o "$work/counter.o" tests/guest/counter.s &&
    ld -m elf_i386 -Ttext 0x7c00 --oformat binary -o "$work/counter.img" "$work/counter.o" ||
    not_ok "the guest" "cannot be assembled"

qmp() {
    python3 tests/qmp.py "$@"
}

# qemu NAME [OPTION...]: a QEMU with the guest, its monitor at $work/NAME.qmp, its serial port to
# $work/NAME.serial; why its memory is no multiple of 256 KiB says tests/move.py.
qemu() {
    who=$1
    shift
    start "$who" qemu-system-x86_64 -accel tcg -m 65544k -nodefaults -display none \
        -drive "file=$work/counter.img,format=raw,if=floppy,readonly=on" \
        -serial "file:$work/$who.serial" -qmp "unix:$work/$who.qmp,server=on,wait=off" "$@"
    check "$who has a monitor" within 10 test -S "$work/$who.qmp"
}

counts() {
    [ "$(wc -l <"$work/$1.serial")" -gt "$2" ]
}

FARSPAN_HOME=$work/far.home start far "$farspan" migrate relay --listen 127.0.0.1:0 --invite \
    --socket vm="$work/vm.in" --json
event far listening >"$work/event" || not_ok "the far end listens" "$(cat "$work/far.err")"
start wan "$farspan" bench relay --udp 127.0.0.1:0 --to "$(field ticket <"$work/event")" \
    --rate 50M --delay 20ms --loss 0.5% --json
event wan listening >"$work/event" || not_ok "a relay" "$(cat "$work/wan.err")"
field ticket <"$work/event" >"$work/ticket"
start near "$farspan" migrate relay "@$work/ticket" --socket vm="$work/vm.out" --json
event near connected >/dev/null || not_ok "the near end connects" "$(cat "$work/near.err")"

# is_it TEXT TEXT: JSON's true or false.
is_it() {
    [ "$1" = "$2" ] && echo true || echo false
}

migrates() {
    qmp "$work/$1.qmp" query-migrate | grep -q "\"status\": *\"$2\""
}

# move FROM TO CHANNELS [post]: a migration; 0 channels: without multifd; post: as post-copy.
move() {
    from=$1 to=$2 post=${4:-}
    set -- "$3" '{"capabilities":[{"capability":"return-path","state":true},
        {"capability":"multifd","state":'"$(is_it "$([ "$3" = 0 ] || echo yes)" yes)"'},
        {"capability":"postcopy-ram","state":'"$(is_it "$post" post)"'}]}'
    qemu "$to" -incoming defer
    for side in "$from" "$to"; do
        check "$side can" qmp "$work/$side.qmp" migrate-set-capabilities "$2" >/dev/null
        [ "$1" = 0 ] || check "$side has $1 channels" qmp "$work/$side.qmp" \
            migrate-set-parameters "{\"multifd-channels\":$1}" >/dev/null
    done
    check "$to waits" qmp "$work/$to.qmp" migrate-incoming "{\"uri\":\"unix:$work/vm.in\"}" \
        >/dev/null
    # So slow that it has to be asked for.
    [ -z "$post" ] || check "$from is slow" qmp "$work/$from.qmp" migrate-set-parameters \
        '{"max-bandwidth":200000,"max-postcopy-bandwidth":0}' >/dev/null
    check "$from goes" qmp "$work/$from.qmp" migrate "{\"uri\":\"unix:$work/vm.out\"}" >/dev/null
    if [ -n "$post" ]; then
        check "$from sends pages" within 10 migrates "$from" active
        check "$from goes over" qmp "$work/$from.qmp" migrate-start-postcopy >/dev/null
    fi
    qmp "$work/$from.qmp" until-migrated 60 >"$work/migrated"
    is "$from says it is done" "$(field status <"$work/migrated")" completed
    [ -z "$post" ] || check "pages were asked for" \
        [ "$(sed 's/.*"postcopy-requests": *\([0-9]*\).*/\1/' "$work/migrated")" -gt 0 ]
    check "$to counts" within 20 counts "$to" 1000
    is "$from has stopped" "$(qmp "$work/$from.qmp" query-status | field status)" postmigrate
    is "$to runs" "$(qmp "$work/$to.qmp" query-status | field status)" running
    qmp "$work/$from.qmp" quit >/dev/null
    within 10 lib_ended "$pid_of_from"
}

qemu one
pid_of_from=$pid
check "the guest counts" within 20 counts one 1000
move one two 0
pid_of_from=$pid
move two three 4
pid_of_from=$pid
move three four 0 post
check "one number after another, from the first to the last" python3 - "$work" <<'EOF'
import sys
text = "".join(open(f"{sys.argv[1]}/{n}.serial").read() for n in ("one", "two", "three", "four"))
numbers = [int(line, 16) for line in text.split("\n")[:-1]]
assert numbers == list(range(1, len(numbers) + 1)), "a number is missing, or came twice"
assert len(numbers) > 4000
EOF
within 10 grep -q '"event":"closed"' "$work/near"
is "seven connections were carried" "$(grep -c '"event":"channel"' "$work/near")" 7
finish
