#!/bin/sh
# The static program: what kind of file it is, where it runs, how it is called.
. tests/lib.sh

headers=$(readelf -lW "$farspan")
refuse "no interpreter" grep -q INTERP <<X
$headers
X
like "static-pie" "$(file "$farspan")" "static-pie linked"
like "relro" "$headers" "GNU_RELRO"
like "no executable stack" "$headers" "GNU_STACK( +0x[0-9a-f]+){5} RW "
refuse "no library is needed" sh -c 'readelf -dW "$1" | grep NEEDED' sh "$farspan"
check "below 6 MB" test "$(stat -c %s "$farspan")" -lt 6000000

refuse "no NSS: no names of hosts, ports or users from libc" sh -c \
    'nm "$1.debug" | grep -E " (getpw|getgr|gethostby|__nss_lookup)"' sh build/farspan

mkdir "$work/root"
cp "$farspan" "$work/root/farspan"
if [ "$(id -u)" = 0 ]; then
    exits "runs in an empty chroot" 0 chroot "$work/root" /farspan version
elif unshare -r true 2>/dev/null; then
    exits "runs in an empty chroot" 0 unshare -r chroot "$work/root" /farspan version
else
    # Nobody lets us into one: opening no file comes to the same. (jansson looks for a random seed.)
    exits "needs no file" 0 strace -qq -e trace=open,openat -o "$work/opened" "$farspan" version
    is "and opens none" "$(grep -v '^+++\|"/dev/urandom"' "$work/opened")" ""
fi
like "and says its version" "$(cat "$work/out")" "^farspan [0-9]+\.[0-9]+\.[0-9]+$"

ln -s "$farspan" "$work/version"
exits "a link named like a command is that command" 0 "$work/version"
like "which is version" "$(cat "$work/out")" "^farspan [0-9]"
ln -s "$farspan" "$work/other"
exits "a link of another name is farspan" 0 "$work/other" version
exits "a link takes the command's options" 2 "$work/version" --zzz
exits "farspan alone explains itself" 0 "$farspan"
like "with its commands" "$(cat "$work/out")" "^  version "

exits "an unknown command" 2 "$farspan" serv
is "is one line" "$(wc -l <"$work/err")" 1
exits "an unknown command with JSON" 2 "$farspan" serv --json
is "ends in an error event" "$(tail -n 1 "$work/out" | field exit)" 2
exits "an unknown option with JSON" 2 "$farspan" version --zzz --json
is "is an error event" "$(tail -n 1 "$work/out" | field event)" error
like "with a reason" "$(tail -n 1 "$work/out" | field reason)" "unknown option --zzz"
is "and one line on stderr" "$(wc -l <"$work/err")" 1
exits "no room on stdout" 1 sh -c '"$1" help >/dev/full' sh "$farspan"
exits "no room on stdout with JSON" 1 sh -c '"$1" version --json >/dev/full' sh "$farspan"
exits "no stdout at all" 1 sh -c '"$1" version >&-' sh "$farspan"
exits "no stdin at all" 0 sh -c '"$1" version <&-' sh "$farspan"
exits "no descriptor at all" 0 sh -c '"$1" keygen -o "$2" --json <&- >&- 2>&-; test $? = 1' sh \
    "$farspan" "$work/id"
like "and nothing of what was meant for stdout is in a file" "$(cat "$work/id")" \
    "^farspan-identity-1 [A-Za-z0-9_-]{43}$"

finish
