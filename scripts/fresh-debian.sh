#!/usr/bin/env bash
# Proves the README on a machine that has nothing: a new Debian in a folder, with this toolchain of Rust and git, a clone of the last commit, and
# then a command in it (by default both of the README's). As root. usage: scripts/fresh-debian.sh FOLDER [COMMAND…]
set -euo pipefail

[ $# -ge 1 ] || { echo "usage: scripts/fresh-debian.sh FOLDER [COMMAND…]" >&2; exit 2; }
[ "$(id -u)" = 0 ] || { echo "a new Debian can only be made as root" >&2; exit 1; }
command -v debootstrap >/dev/null || { echo "debootstrap is missing: apt-get install debootstrap" >&2; exit 1; }
root=$(realpath -m "$1")
shift
here=$(git -C "$(dirname "$0")" rev-parse --show-toplevel)
release=$(. /etc/os-release && echo "$VERSION_CODENAME")

if [ ! -e "$root/etc/debian_version" ]; then
    debootstrap --variant=minbase --include=ca-certificates,git,make "$release" "$root"
fi
cp -L /etc/resolv.conf "$root/etc/resolv.conf"
rm -rf "$root/etc/ssl/certs"
cp -rL /etc/ssl/certs "$root/etc/ssl/certs"   # a machine behind a proxy of its own trusts more than Debian does
mkdir -p "$root/root/.cargo/bin" "$root/root/toolchain"
cp -a "$(rustc --print sysroot)/." "$root/root/toolchain/"

rm -rf "$root/root/seawall"
git clone --quiet "$here" "$root/root/seawall"

for part in proc sys dev; do
    mountpoint -q "$root/$part" || mount --rbind "/$part" "$root/$part"
    mount --make-rslave "$root/$part"
done
unmount() { for part in dev sys proc; do umount -R -l "$root/$part" 2>/dev/null || true; done; }
trap unmount EXIT

inside() {
    chroot "$root" env -i HOME=/root LANG=C.UTF-8 TERM="${TERM:-dumb}" CI="${CI:-}" \
        PATH=/root/toolchain/bin:/root/.cargo/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        bash -c 'cd /root/seawall && "$@"' bash "$@"
}

if [ $# -gt 0 ]; then
    inside "$@"
    exit
fi

# `make run` serves until it is stopped: wait for the sign-in link, ask the console for a page, and stop it.
inside make run >"$root/root/run.log" 2>&1 &
run=$!
until grep -q '/invite/\|/sign-in\|sign in' "$root/root/run.log"; do
    kill -0 "$run" 2>/dev/null || { cat "$root/root/run.log" >&2; echo "make run ended before it served" >&2; exit 1; }
    sleep 2
done
tail -n 25 "$root/root/run.log"
chroot "$root" /usr/bin/pkill -INT seawall 2>/dev/null || pkill -INT -x seawall || true
wait "$run" || true
inside make test
