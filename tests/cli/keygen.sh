#!/bin/sh
# keygen: makes, keeps and shows identities; where the default one is; what goes wrong.
. tests/lib.sh
key='^[A-Za-z0-9_-]{43}$'
umask 000

exits "an identity in a file" 0 "$farspan" keygen -o "$work/id"
like "prints the public key" "$(cat "$work/out")" "$key"
cp "$work/out" "$work/public"
is "and nothing else" "$(wc -l <"$work/out")$(cat "$work/err")" 1
is "mode 0600 whatever the umask" "$(stat -c %a "$work/id")" 600
like "its file says what it is" "$(cat "$work/id")" "^farspan-identity-1 "
refuse "the public key is not the secret one" grep -q -f "$work/public" "$work/id"
cp "$work/id" "$work/copy"
exits "an existing file is kept" 1 "$farspan" keygen -o "$work/id"
check "as it was" cmp -s "$work/id" "$work/copy"
exits "also with JSON" 1 "$farspan" keygen -o "$work/id" --json
is "with an event" "$(tail -n 1 "$work/out" | field exit)" 1
exits "--show" 0 "$farspan" keygen --show -o "$work/id"
check "prints the same key" cmp -s "$work/out" "$work/public"
exits "--show of --identity" 0 "$farspan" keygen --show --identity "$work/id"
check "prints it too" cmp -s "$work/out" "$work/public"
exits "--show as JSON" 0 "$farspan" keygen --show --json -o "$work/id"
is "has the key" "$(field key <"$work/out")" "$(cat "$work/public")"
is "and the path" "$(field path <"$work/out")" "$work/id"
exits "another identity" 0 "$farspan" keygen -o "$work/id2"
refuse "has another key" cmp -s "$work/out" "$work/public"

ln -s nowhere "$work/dangling"
exits "a dangling link is kept" 1 "$farspan" keygen -o "$work/dangling"
refuse "and not followed" test -e "$work/nowhere"
exits "--show of nothing" 1 "$farspan" keygen --show -o "$work/none"
refuse "makes nothing" test -e "$work/none"
exits "a folder that is not there" 1 "$farspan" keygen -o "$work/no/id"
exits "a folder as file" 1 "$farspan" keygen -o "$work"
chmod 644 "$work/copy"
exits "a file that others can read" 2 "$farspan" keygen --show -o "$work/copy"
echo "farspan-identity-1 short" >"$work/bad"
chmod 600 "$work/bad"
exits "a broken file" 1 "$farspan" keygen --show -o "$work/bad"
like "is named" "$(cat "$work/err")" "$work/bad"
exits "an empty name" 2 "$farspan" keygen -o ""
exits "an unexpected word" 2 "$farspan" keygen "$work/id3"
refuse "makes nothing" test -e "$work/id3"

exits "the default identity" 0 "$farspan" keygen
check "is below FARSPAN_HOME" test -f "$FARSPAN_HOME/config/identity"
is "in a private folder" "$(stat -c %a "$FARSPAN_HOME/config")" 700
exits "is kept" 1 "$farspan" keygen

# The folders of an ordinary user: as nobody when this runs as root.
as_user="env -u FARSPAN_HOME"
[ "$(id -u)" != 0 ] || as_user="setpriv --reuid 65534 --regid 65534 --clear-groups $as_user"
mkdir "$work/home" "$work/xdg"
chmod 777 "$work" "$work/home" "$work/xdg"
[ -z "${TMPDIR-}" ] || chmod 711 "$TMPDIR"
cp "$farspan" "$work/farspan"
# shellcheck disable=SC2086 # several words
{
exits "by HOME" 0 $as_user -u XDG_CONFIG_HOME "HOME=$work/home" "$work/farspan" keygen
check "is in .config" $as_user test -f "$work/home/.config/farspan/identity"
exits "by XDG_CONFIG_HOME" 0 $as_user "XDG_CONFIG_HOME=$work/xdg" "HOME=$work/home" \
    "$work/farspan" keygen
check "is there" $as_user test -f "$work/xdg/farspan/identity"
exits "without either" 2 $as_user -u HOME -u XDG_CONFIG_HOME "$work/farspan" keygen
like "the option is named" "$(cat "$work/err")" "\-\-identity"
is "one line" "$(wc -l <"$work/err")" 1
exits "without either, but named" 0 $as_user -u HOME -u XDG_CONFIG_HOME "$work/farspan" keygen \
    --identity "$work/home/mine"
exits "a folder of somebody else" 1 $as_user -u XDG_CONFIG_HOME HOME=/proc "$work/farspan" keygen
}
finish
