#!/bin/sh
# linux.sh FOLDER: a small Linux guest from Debian's cloud kernel: FOLDER/vmlinuz and FOLDER/initrd,
# whose only program is tests/guest/dirtier.c. Kept when they are there and newer than that.
set -eu
here=$(dirname "$0")
mkdir -p "$1"
out=$(realpath "$1")
if [ ! -e "$out/vmlinuz" ]; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    kernel=$(apt-cache depends linux-image-cloud-amd64 |
        awk '/Depends: linux-image/ {print $2; exit}')
    [ -n "$kernel" ] || { echo "linux.sh: no kernel package: apt-get update" >&2; exit 1; }
    (cd "$work" && apt-get -q download "$kernel" >/dev/null 2>&1 && dpkg-deb -x ./*.deb .)
    cp "$work"/boot/vmlinuz-* "$out/vmlinuz"
fi
if [ ! "$out/initrd" -nt "$here/dirtier.c" ]; then
    root=$(mktemp -d)
    gcc -O2 -static -o "$root/init" "$here/dirtier.c"
    mkdir "$root/dev" "$root/proc"
    (cd "$root" && find . | cpio -o -H newc --quiet) >"$out/initrd"
    rm -rf "$root"
fi
