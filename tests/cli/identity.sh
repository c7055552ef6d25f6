#!/bin/sh
# The identity of commands that need one: made once at first use, however many begin at once; and
# every file that cannot be one, by name, with nothing started.
. tests/lib.sh

start serve "$farspan" serve test:64x64,idle --invite=view,uses=99 --listen 127.0.0.1:0 --json
server=$pid
event serve listening >"$work/event" || not_ok "a server" "$(cat "$work/serve.err")"
ticket=$(field ticket <"$work/event")

# Twelve at once in a home that nobody has used: keygen, viewers of a server, servers.
for round in 1 2 3; do
    home=$work/fresh$round keys=$work/keys$round all=
    for i in 1 2 3 4; do
        FARSPAN_HOME=$home start "gen$i" "$farspan" keygen
        all="$all $pid:1"
        FARSPAN_HOME=$home start "see$i" "$farspan" view "$ticket" --to null --until exact
        all="$all $pid:"
        FARSPAN_HOME=$home start "srv$i" "$farspan" serve test:64x64,idle --invite \
            --listen 127.0.0.1:0 --json
        FARSPAN_HOME=$home event "srv$i" listening | field key >>"$keys" &
        all="$all $!:"
        servers="${servers-} $pid"
    done
    for one in $all; do
        wait "${one%:*}"
        got=$?
        # One keygen at the most has made it; the others find it there, which they call a failure.
        [ "$got" = 0 ] || [ "$got" = "${one#*:}" ] || not_ok "round $round" "exit $got"
    done
    FARSPAN_HOME=$home "$farspan" keygen --show >"$work/key"
    cat "$work"/gen[1-4] >>"$keys"
    is "round $round: there is one identity" "$(sort -u "$keys" | cat)" "$(cat "$work/key")"
    is "round $round: and no file beside it" "$(ls -A "$home/config")" identity
    is "round $round: which is private" "$(stat -c %a "$home/config/identity")" 600
    rm -f "$work"/gen[1-4] "$work"/see[1-4] "$work"/srv[1-4]
done
# shellcheck disable=SC2086 # several
kill $servers

# ---- --identity FILE that is none; each by every command that needs one ----
"$farspan" keygen -o "$work/mine" >/dev/null
: >"$work/empty"
head -c 20 "$work/mine" >"$work/short"
sed 's/1 /2 /' "$work/mine" >"$work/newer"
head -c 100000 /dev/zero >"$work/zeros"
chmod 600 "$work/empty" "$work/short" "$work/newer" "$work/zeros"
cp "$work/mine" "$work/open"
chmod 640 "$work/open"
ln -s "$work/none" "$work/dangling"
mkdir "$work/folder"
mkfifo -m 600 "$work/pipe"
# FILE, the exit status, and what stderr names beside the file
while read -r file code says; do
    exits "serve with $file" "$code" "$farspan" serve test --invite --listen 127.0.0.1:0 \
        --identity "$work/$file" --json
    refuse "$file: and does not listen" grep -q listening "$work/out"
    is "$file: the last line has the code" "$(tail -n 1 "$work/out" | field exit)" "$code"
    like "$file: is named" "$(cat "$work/err")" "$work/$file"
    like "$file: and what is wrong" "$(cat "$work/err")" "$says"
    exits "view with $file" "$code" "$farspan" view "$ticket" --to null --identity "$work/$file"
    like "$file: is named by view" "$(cat "$work/err")" "$work/$file"
done <<X
none 1 no such identity
dangling 1 no such identity
empty 1 cannot use
short 1 cannot use
newer 1 cannot use
zeros 1 cannot use
open 2 others
folder 2 no regular file
pipe 2 no regular file
X
refuse "a file that is named is never made" test -e "$work/none"
exits "a good one" 0 "$farspan" view "$ticket" --to null --until exact --identity "$work/mine"

# ---- a folder that cannot be written, and a file that cannot be read, as an ordinary user ----
user=
[ "$(id -u)" != 0 ] || user="setpriv --reuid 65534 --regid 65534 --clear-groups"
chmod 711 "$work"
[ -z "${TMPDIR-}" ] || chmod 711 "$TMPDIR"
cp "$farspan" "$work/farspan"
mkdir -m 755 "$work/fixed"
mkdir -m 555 "$work/fixed/config"
# shellcheck disable=SC2086 # several words
{
    exits "a folder that is read-only" 1 $user env "FARSPAN_HOME=$work/fixed" "$work/farspan" \
        view "$ticket" --to null --json
    like "what can be done" "$(tail -n 1 "$work/out" | field reason)" "--identity FILE"
    exits "keygen there" 1 $user env "FARSPAN_HOME=$work/fixed" "$work/farspan" keygen
    if [ -n "$user" ]; then
        exits "somebody else's file" 1 $user "$work/farspan" view "$ticket" --to null \
            --identity "$work/mine"
        like "is named" "$(cat "$work/err")" "$work/mine"
    fi
}

# ---- what is said cannot be written ----
while read -r line; do
    # shellcheck disable=SC2086 # several words
    timeout 60 "$farspan" $line >/dev/full 2>"$work/err" </dev/null
    is "${line%% *} to a full disk" $? 1
    like "${line%% *} says so" "$(cat "$work/err")" "standard output"
done <<END
keygen --show --identity $work/mine
version
version --json
help view
view $ticket --to null --until exact --json
view $ticket --to null --until exact
serve test --invite --listen 127.0.0.1:0 --json
serve test --invite --listen 127.0.0.1:0
END
kill "$server"
wait "$server"
is "the server ends with 0" $? 0
finish
