#!/bin/sh
# Help and manual pages come from the option tables, for every command.
. tests/lib.sh

exits "the list of commands" 0 "$farspan" help --list
cp "$work/out" "$work/names"
check "has commands" test -s "$work/names"

while read -r name; do
    # shellcheck disable=SC2086 # a subcommand is two words
    exits "$name --help" 0 "$farspan" $name --help
    cp "$work/out" "$work/help"
    # shellcheck disable=SC2086
    exits "help $name" 0 "$farspan" help $name
    check "$name: --help and help are the same" cmp -s "$work/out" "$work/help"
    exits "$name -h" 0 "$farspan" $name -h
    check "$name: -h too" cmp -s "$work/out" "$work/help"
    check "$name: help fits 100 columns" awk 'length > 100 { exit 1 }' "$work/help"
    # shellcheck disable=SC2086
    exits "help --man $name" 0 "$farspan" help --man $name
    cp "$work/out" "$work/page"
    MANWIDTH=100 man --warnings -l "$work/page" >"$work/man" 2>"$work/warnings"
    is "$name: the manual page has no warnings" "$(cat "$work/warnings")" ""
    for option in $(grep -oE '^  (-., )?--[a-z0-9-]+' "$work/help" | grep -oE -- '--[a-z0-9-]+'); do
        check "$name: the manual has $option" grep -q -- "$option" "$work/man"
    done
done <"$work/names"

exits "--help as JSON" 0 "$farspan" keygen --help --json
is "is one line" "$(wc -l <"$work/out")" 1
"$farspan" keygen --help >"$work/help"
is "with the same text" "$(field text <"$work/out")" "$(cat "$work/help")"
exits "--json after --help" 0 "$farspan" help --json --list
is "the names as JSON" "$(field text <"$work/out")" "$(cat "$work/names")"

exits "the overview" 0 "$farspan" help
while read -r name rest; do
    check "the overview has $name" grep -q "^  $name " "$work/out"
done <"$work/names"
exits "farspan --help" 0 "$farspan" --help
exits "help of nothing known" 2 "$farspan" help nothing
like "says what to do" "$(cat "$work/err")" "no command nothing"

check "make man writes farspan(1)" test -s build/man/farspan.1
while read -r name; do
    page=build/man/farspan-$(echo "$name" | tr ' ' -).1
    check "make man writes the page of $name" test -s "$page"
done <"$work/names"
finish
