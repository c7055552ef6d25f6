#!/bin/sh
# qemu.sh FOLDER: the newer QEMU of bookworm-backports, beside the system's own:
# FOLDER/bin/qemu-system-x86_64. Kept when it is there. For tests (PATH=FOLDER/bin:$PATH) and
# benchmarks with a QEMU that does not lose pages of emulated guests (docs/decisions.md, "Guests
# that die under TCG").
set -eu
[ -x "$1/bin/qemu-system-x86_64" ] && exit 0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/archives/partial" "$1"
to=$(realpath "$1")
key=/usr/share/keyrings/debian-archive-keyring.gpg
for suite in bookworm bookworm-backports; do
    echo "deb [signed-by=$key] http://deb.debian.org/debian $suite main"
done >"$work/sources"
cat >"$work/conf" <<END
Dir::Etc::sourcelist "$work/sources";
Dir::Etc::sourceparts "/dev/null";
Dir::State::lists "$work/lists";
Dir::Cache "$work";
APT::Sandbox::User "root";
END
cd "$work"
export APT_CONFIG="$work/conf"
apt-get -qq update
apt-get -qq -t bookworm-backports download qemu-system-x86 qemu-system-common qemu-system-data \
    seabios ipxe-qemu
mkdir root
for package in ./*.deb; do
    dpkg -x "$package" root
done
missing=$(ldd root/usr/bin/qemu-system-x86_64 | grep 'not found' || true)
[ -z "$missing" ] || {
    echo "qemu.sh: this QEMU needs libraries of the system's own (apt-get install" \
        "qemu-system-x86): $missing" >&2
    exit 1
}
cp -r root/usr "$to"
# It looks for its firmware where the system's own has another.
mkdir -p "$to/bin"
cat >"$to/bin/qemu-system-x86_64" <<END
#!/bin/sh
exec "$to/usr/bin/qemu-system-x86_64" -L "$to/usr/share/qemu" -L "$to/usr/share/seabios" \\
    -L "$to/usr/lib/ipxe/qemu" "\$@"
END
chmod 755 "$to/bin/qemu-system-x86_64"
