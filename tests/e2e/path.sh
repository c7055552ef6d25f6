#!/bin/sh
# time-out: 120
# What a session finds out about real paths: the size of a device, a size that shrinks, ECN.
. tests/lib.sh

[ "$(id -u)" = 0 ] || { not_ok "root" "network namespaces need it"; finish; }
a=fspath-a-$$ b=fspath-b-$$
trap 'lib_cleanup; ip netns del "$a"; ip netns del "$b"' EXIT
ip netns add "$a" && ip netns add "$b" || exit 1

# session NAME SOURCE OPTION...: a server in $b, a viewer of it in $a that tells its figures, and
# the relay with these options between the two.
session() {
    name=$1
    source=$2
    shift 2
    start "$name.relay" "$farspan" bench relay --json --tun "$a,$b" --delay 10ms "$@"
    relay=$pid
    event "$name.relay" listening >/dev/null || not_ok "$name" "no relay"
    start "$name.serve" nsenter --net=/run/netns/"$b" "$farspan" serve "$source" --json --stats \
        --listen 10.77.0.2:7470 --invite
    server=$pid
    event "$name.serve" listening >"$work/event" || not_ok "$name" "no server"
    start "$name" nsenter --net=/run/netns/"$a" "$farspan" view "$(field ticket <"$work/event")" \
        --to null --json --stats
    viewer=$pid
    event "$name" connected >/dev/null || not_ok "$name" "$(cat "$work/$name.err")"
}

over() {
    kill "$viewer"
    wait "$viewer"
    kill "$server"
    wait "$server"
    is "$name: the server ends with 0" $? 0
    kill "$relay"
    wait "$relay"
}

# says LOG WORDS: the newest figures in it have these words.
says() {
    grep '"event":"stats"' "$work/$1" | tail -n 1 | grep -q "$2"
}

# soon NAME WORDS: both ends come to say so.
soon() {
    check "$1: the viewer" within 20 says "$name" "$2"
    check "$1: the server" within 20 says "$name.serve" "$2"
}

session usual test:640x400,busy
soon "a usual path is used in full" '"mtu_bytes":1452'
soon "its marks get through" '"ecn":"on"'
over

# The kernel refuses what the device does not take.
session device test:640x400,busy --mtu 1400
check "a smaller device: the server" within 20 says device.serve '"mtu_bytes":1372'
# Who sends nothing large tries the first size alone.
check "a smaller device: the viewer" within 20 says device '"mtu_bytes":1200'
over

# Nobody says a word about what is too large.
session shrinks test:640x400,busy --at 4s:mtu=1300
soon "it begins in full" '"mtu_bytes":1452'
# The viewer sends nothing large: it does not notice, nor need to.
check "a path that shrinks: the server" within 20 says shrinks.serve '"mtu_bytes":1272'
frames=$(grep '"event":"stats"' "$work/shrinks" | tail -n 1 | field frames)
more() {
    [ "$(grep '"event":"stats"' "$work/shrinks" | tail -n 1 | field frames)" -gt $((frames + 20)) ]
}
check "the picture goes on" within 20 more
over
finish
