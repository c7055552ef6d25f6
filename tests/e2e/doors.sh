#!/bin/sh
# time-out: 120
# A server on a wildcard of a host with several addresses answers from the one that was called,
# though routing would choose another.
. tests/lib.sh

[ "$(id -u)" = 0 ] || { not_ok "root" "network namespaces need it"; finish; }
near=fsdoor-n-$$ far=fsdoor-f-$$
trap 'lib_cleanup; ip netns del "$near"; ip netns del "$far"' EXIT
ip netns add "$near" && ip netns add "$far" || exit 1
in_far() {
    nsenter --net=/run/netns/"$far" "$@"
}

in_near() {
    nsenter --net=/run/netns/"$near" "$@"
}

in_far ip link set lo up
in_near ip link set lo up
in_near ip link add eth0 type veth peer name eth0 netns "$far"
in_near ip link set eth0 up
in_far ip link set eth0 up
in_near ip addr add 10.78.0.1/24 dev eth0
in_near ip addr add fd78::1/64 dev eth0 nodad
in_far ip addr add 10.78.0.2/24 dev eth0
in_far ip addr add 10.78.0.3/24 dev eth0
in_far ip addr add fd78::2/64 dev eth0 nodad
# Deprecated: never chosen as a source.
in_far ip addr add fd78::3/64 dev eth0 nodad preferred_lft 0
is "routing leaves from the first IPv4 address" \
    "$(in_far ip -json route get 10.78.0.1 | python3 -c 'import json, sys
print(json.load(sys.stdin)[0]["prefsrc"])')" 10.78.0.2
is "and from the first IPv6 address" \
    "$(in_far ip -json route get fd78::1 | python3 -c 'import json, sys
print(json.load(sys.stdin)[0]["prefsrc"])')" fd78::2

# server LISTEN PORT: a screen and, one port on, an end of trials on this wildcard.
server() {
    port=$2
    start serve in_far "$farspan" serve test:320x200 --listen "$1:$port" --invite=view,uses=9 --json
    start bench in_far "$farspan" bench link --listen "$1:$((port + 1))" --json
    screen=$(event serve listening | field ticket | sed 's,^farspan://[^/]*/,,')
    trials=$(event bench listening | field ticket | sed 's,^farspan://[^/]*/,,')
}

# reaches NAME HOST: a screen, and bulk both ways, through relays that drop what does not come from
# where they send to, as a NAT or a firewall does. (A client alone takes an answer from anywhere.)
reaches() {
    start screen.relay in_near "$farspan" bench relay --json --udp 127.0.0.1:0 --to "$2:$port"
    to=$(event screen.relay listening | field address)
    exits "$1" 0 nsenter --net=/run/netns/"$near" "$farspan" view "farspan://$to/$screen" \
        --to null --until exact
    start trials.relay in_near "$farspan" bench relay --json --udp 127.0.0.1:0 \
        --to "$2:$((port + 1))"
    to=$(event trials.relay listening | field address)
    for way in "" --reverse; do
        exits "$1: bulk $way" 0 nsenter --net=/run/netns/"$near" "$farspan" bench link \
            "farspan://$to/$trials" --for 1s $way
    done
}

server 0.0.0.0 7471
reaches "IPv4, first" 10.78.0.2
reaches "IPv4, second" 10.78.0.3
server "[::]" 7481
reaches "IPv4 on a socket for both, second" 10.78.0.3
reaches "IPv6, first" "[fd78::2]"
reaches "IPv6, second" "[fd78::3]"
finish
