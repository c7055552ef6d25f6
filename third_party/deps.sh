#!/bin/sh
# Installs what farspan's build (deps.sh build) or its tests (deps.sh check) need, on Debian and
# Ubuntu. Says nothing and calls no package manager when everything is there. Exit 2 with the line
# to run as root when it may not install.
set -u

# The library packages stand in third_party/README.md with version and licence.
build="gcc libc6-dev make binutils
libsodium-dev libzstd-dev libxxhash-dev libstb-dev libev-dev libc-ares-dev libjansson-dev
libxcb1-dev libxcb-shm0-dev libxcb-damage0-dev libxcb-xfixes0-dev libxcb-xtest0-dev
libxcb-randr0-dev libxcb-xkb-dev libxcb-render0-dev libxcb-shape0-dev libxau-dev libxdmcp-dev"

check="clang libclang-rt-dev clang-format llvm python3-minimal python3 file strace procps util-linux
xvfb xterm openbox x11-utils x11-xserver-utils xdotool xkb-data x11-xkb-utils imagemagick
ffmpeg chromium fonts-dejavu-core iproute2 iperf3 openssl man-db qemu-system-x86 qemu-utils
libvirt-daemon libvirt-daemon-driver-qemu libvirt-clients"

case "${1-}" in
build) wanted=$build ;;
check) wanted=$check ;;
*)
    echo "usage: deps.sh build|check" >&2
    exit 2
    ;;
esac

# Prints the packages of a list that are not installed. libclang-rt-dev stands for the one that
# belongs to the installed or default clang, which has its version in its name.
missing() {
    for p in "$@"; do
        [ "$p" = libclang-rt-dev ] && p="libclang-rt-*-dev"
        dpkg-query -W -f='${db:Status-Status}\n' "$p" 2>/dev/null | grep -qx installed || echo "$p"
    done
}

# A bare chroot has no tun device; the kernel does.
if [ "$1" = check ] && [ "$(id -u)" = 0 ] && [ ! -e /dev/net/tun ]; then
    mkdir -p /dev/net && mknod -m 666 /dev/net/tun c 10 200 || echo "deps: no /dev/net/tun" >&2
fi

# shellcheck disable=SC2086 # a list is meant to split
need=$(missing $wanted)
[ -n "$need" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
    echo "deps: no apt-get here; install what these Debian packages hold:" $need >&2
    exit 2
fi

as_root=
if [ "$(id -u)" != 0 ]; then
    # sudo may ask for a password on a terminal only.
    if [ -t 0 ] && command -v sudo >/dev/null 2>&1; then
        as_root="sudo env"
    elif sudo -n true 2>/dev/null; then
        as_root="sudo -n env"
    fi
fi

# The version that the compiler's runtime has in its name is that of the clang package.
rt_version() {
    v=$(apt-cache depends clang 2>/dev/null | sed -n 's/.*Depends: clang-\([0-9]*\)$/\1/p')
    echo "${v:-14}"
}

named() {
    for p in $need; do
        [ "$p" = "libclang-rt-*-dev" ] && p=libclang-rt-$(rt_version)-dev
        printf ' %s' "$p"
    done
}

if [ "$(id -u)" != 0 ] && [ -z "$as_root" ]; then
    echo "deps: not root and no sudo: run this as root, then try again:" >&2
    echo "apt-get update && apt-get install -y --no-install-recommends$(named)" >&2
    exit 2
fi

apt() {
    # shellcheck disable=SC2086
    ${as_root:-env} DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=600 \
        -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 "$@" </dev/null
}

echo "deps: installing" $need
apt update || echo "deps: apt-get update failed; trying with the lists there are" >&2
# shellcheck disable=SC2046
apt install --no-install-recommends $(named) || {
    echo "deps: could not install:$(named)" >&2
    exit 1
}
# shellcheck disable=SC2086
need=$(missing $wanted)
if [ -n "$need" ]; then
    echo "deps: still missing:" $need >&2
    exit 1
fi
