#!/bin/sh
# third_party/deps.sh with a package manager of our own: what it calls, and when it calls nothing.
. tests/lib.sh

stub=$work/bin
mkdir "$stub"
tool() {
    cat >"$stub/$1"
    chmod +x "$stub/$1"
}
# The stubs note each call in $work/calls; $work/installed lists what dpkg knows.
export work
tool dpkg-query <<'X'
#!/bin/sh
for p in "$@"; do :; done
grep -qx -- "$p" "$work/installed" && echo installed
X
tool apt-get <<'X'
#!/bin/sh
echo "apt-get $DEBIAN_FRONTEND $*" >>"$work/calls"
[ "$(readlink /proc/self/fd/0)" = /dev/null ] || echo "stdin is not /dev/null" >>"$work/calls"
case "$*" in
*install*) [ -e "$work/broken" ] || echo "${*##*recommends }" | tr ' ' '\n' >>"$work/installed" ;;
esac
[ ! -e "$work/broken" ]
X
tool apt-cache <<'X'
#!/bin/sh
printf 'clang\n  Depends: clang-14\n  Recommends: llvm-14-dev\n'
X
tool id <<'X'
#!/bin/sh
cat "$work/uid"
X
tool sudo <<'X'
#!/bin/sh
echo "sudo $*" >>"$work/calls"
[ -e "$work/sudoer" ] || exit 1
[ "$1" != -n ] || shift
exec "$@"
X
deps() {
    : >"$work/calls"
    env PATH="$stub:$PATH" sh third_party/deps.sh "${1-}" >"$work/out" 2>"$work/err" </dev/null
    status=$?
}

echo 0 >"$work/uid"
: >"$work/installed"
deps build
is "root installs" "$status" 0
like "after an update" "$(head -n 1 "$work/calls")" "^apt-get noninteractive .*update"
like "what is missing" "$(tail -n 1 "$work/calls")" "install --no-inst.* gcc .*libstb-dev"
like "waiting for the lock" "$(tail -n 1 "$work/calls")" "DPkg::Lock::Timeout="
refuse "with no stdin" grep -q stdin "$work/calls"
deps build
is "again: nothing to do" "$status$(cat "$work/calls" "$work/out" "$work/err")" 0

sed -i '/^libev-dev$/d' "$work/installed"
deps build
like "only what is missing" "$(tail -n 1 "$work/calls")" "-recommends libev-dev$"

: >"$work/installed"
deps check
like "the sanitizers' run-time library too" "$(tail -n 1 "$work/calls")" " libclang-rt-14-dev "

echo 1000 >"$work/uid"
: >"$work/installed"
deps build
is "neither root nor sudo" "$status" 2
like "prints the line to run" "$(cat "$work/err")" \
    "^apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev"
is "and never lets sudo ask" "$(grep -c '^sudo -n true$' "$work/calls")$(wc -l <"$work/calls")" 11

: >"$work/sudoer"
deps build
is "by sudo" "$status" 0
like "which does not ask" "$(grep install "$work/calls" | head -n 1)" "^sudo -n env .*apt-get"

echo 0 >"$work/uid"
: >"$work/installed"
: >"$work/broken"
deps build
is "a broken package manager" "$status" 1
like "is said" "$(cat "$work/err")" "could not install: gcc"
rm "$work/broken"
deps
is "without an argument" "$status" 2
finish
