#!/bin/sh
# debian.sh FOLDER: a Debian guest with a database for tests/bench/guest.py: FOLDER/debian.img (2 GiB,
# some 1.4 GB in it), FOLDER/debian.vmlinuz, FOLDER/debian.initrd. Root, mmdebstrap (apt-get install
# mmdebstrap); takes minutes. Kept when it is there and newer than what it is made of.
set -eu
here=$(dirname "$0")
mkdir -p "$1"
out=$(realpath "$1")
if [ "$out/debian.img" -nt "$here/witness.c" ] && [ "$out/debian.img" -nt "$0" ]; then
    exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
gcc -O2 -static -o "$work/witness" "$here/witness.c"
cat >"$work/warm" <<'END'
#!/bin/sh
# The database works, and all files are read once: then the guest is as it is to be moved.
su postgres -c "pgbench -q -i -s 5 postgres" >/dev/null 2>&1
su postgres -c "pgbench -c 2 -R 20 -T 100000 postgres" >/dev/null 2>&1 &
find / -xdev -type f -size -64M -exec cat {} + >/dev/null 2>&1
echo warm >/dev/ttyS0
wait
END
cat >"$work/witness.service" <<'END'
[Unit]
After=local-fs.target
[Service]
ExecStartPre=/bin/sh -c 'ip link set dev $(ls /sys/class/net | grep -v lo | head -1) up'
ExecStartPre=/bin/sh -c 'ip addr add 10.78.0.2/24 dev $(ls /sys/class/net | grep -v lo | head -1)'
ExecStart=/usr/local/bin/witness
[Install]
WantedBy=multi-user.target
END
cat >"$work/warm.service" <<'END'
[Unit]
After=postgresql.service
[Service]
ExecStart=/usr/local/bin/warm
[Install]
WantedBy=multi-user.target
END
chmod 755 "$work/warm"
packages=linux-image-cloud-amd64,initramfs-tools,systemd-sysv,iproute2,postgresql,postgresql-contrib
packages=$packages,build-essential,gdb,git,vim,python3-scipy,python3-matplotlib,nodejs,perl-doc,man-db
packages=$packages,emacs-nox,golang-go
mmdebstrap --quiet --variant=important --include="$packages" \
    --customize-hook="copy-in $work/witness $work/warm /usr/local/bin" \
    --customize-hook="copy-in $work/witness.service $work/warm.service /etc/systemd/system" \
    --customize-hook='chroot "$1" systemctl -q enable witness warm' \
    --customize-hook='chroot "$1" systemctl -q mask systemd-networkd-wait-online apt-daily.timer apt-daily-upgrade.timer man-db.timer e2scrub_all.timer fstrim.timer' \
    --customize-hook='echo "/dev/vda / ext4 defaults,noatime 0 1" >"$1/etc/fstab"' \
    --customize-hook="copy-out /boot $work" \
    bookworm "$work/root" http://deb.debian.org/debian
cp "$work"/boot/vmlinuz-* "$out/debian.vmlinuz"
cp "$work"/boot/initrd.img-* "$out/debian.initrd"
rm -f "$out/debian.new"
truncate -s 2G "$out/debian.new"
mkfs.ext4 -q -F -d "$work/root" "$out/debian.new"
mv "$out/debian.new" "$out/debian.img"
du -m "$out/debian.img"
