#!/bin/sh
# debian.sh FOLDER: a Debian guest with a database for tests/bench/guest.py: FOLDER/debian.img
# (2 GiB, 1.39 GB in it), FOLDER/debian.vmlinuz, FOLDER/debian.initrd. Root, mmdebstrap (apt-get
# install mmdebstrap); takes minutes. Kept when it is there and newer than what it is made of.
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
cat >"$work/fill" <<'END'
#!/bin/sh
# A database of some 500 MB, made where there is no shared memory of the usual kind.
set -e
conf=/etc/postgresql/15/main/conf.d/small.conf
printf '%s\n' 'dynamic_shared_memory_type = sysv' 'wal_level = minimal' 'max_wal_senders = 0' \
    'max_wal_size = 64MB' >$conf
su postgres -c "pg_ctlcluster 15 main start"
su postgres -c "pgbench -q -i -s 30 postgres"
su postgres -c "pg_ctlcluster 15 main stop"
printf '%s\n' 'max_wal_size = 64MB' >$conf
END
chmod 755 "$work/warm" "$work/fill"
packages=linux-image-cloud-amd64,initramfs-tools,systemd-sysv,iproute2,postgresql
packages=$packages,postgresql-contrib
packages=$packages,gdb,git,vim,man-db
units='serial-getty@ttyS0 apt-daily.timer apt-daily-upgrade.timer man-db.timer fstrim.timer'
units="$units e2scrub_all.timer"
mmdebstrap --quiet --variant=important --include="$packages" \
    --customize-hook="copy-in $work/witness $work/warm /usr/local/bin" \
    --customize-hook="copy-in $work/witness.service $work/warm.service /etc/systemd/system" \
    --customize-hook="copy-in $work/fill /tmp" --customize-hook='chroot "$1" /tmp/fill' \
    --customize-hook='chroot "$1" systemctl -q enable witness warm' \
    --customize-hook="chroot \"\$1\" systemctl -q mask $units" \
    --customize-hook='echo "/dev/vda / ext4 defaults,noatime 0 1" >"$1/etc/fstab"' \
    --customize-hook="copy-out /boot $work" \
    bookworm "$work/root" http://deb.debian.org/debian
cp "$work"/boot/vmlinuz-* "$out/debian.vmlinuz"
cp "$work"/boot/initrd.img-* "$out/debian.initrd"
rm -f "$out/debian.new"
truncate -s 2G "$out/debian.new"
mkfs.ext4 -q -F -m 0 -d "$work/root" "$out/debian.new"
mv "$out/debian.new" "$out/debian.img"
du -m "$out/debian.img"
