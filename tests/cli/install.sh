#!/bin/sh
# make install puts what was built below DESTDIR and PREFIX.
. tests/lib.sh

exits "make install" 0 make -s install "DESTDIR=$work/root" PREFIX=/usr
is "the program" "$(stat -c %a "$work/root/usr/bin/farspan")" 755
exits "runs from there" 0 "$work/root/usr/bin/farspan" version
check "farspan(1)" test -s "$work/root/usr/share/man/man1/farspan.1"
for name in $("$farspan" help --list | tr ' ' -); do
    check "farspan-$name(1)" test -s "$work/root/usr/share/man/man1/farspan-$name.1"
done
is "and man finds it" \
    "$(MANPATH=$work/root/usr/share/man man -w farspan-keygen)" \
    "$work/root/usr/share/man/man1/farspan-keygen.1"
unit=$work/root/usr/lib/systemd/user/farspan-serve.service
check "the sample unit" test -s "$unit"
like "starts what was installed" "$(cat "$unit")" "^ExecStart=/usr/bin/farspan serve$"
like "and waits until it is ready" "$(cat "$unit")" "^Type=notify$"
exits "make help" 0 make help
for target in all deps deps-check unit asan-check tsan-check lint check check-full fuzz man \
    install clean; do
    check "names $target" grep -q "^$target " "$work/out"
done
finish
