# A Debian machine made by debootstrap and booted by systemd-nspawn, for the tests of the package. Sourced by bash scripts, as root.
# The mirror is the one that apt uses here. Every command is bounded.
# shellcheck shell=bash

machine_root=
machine_pid=

say() { printf '\n== %s\n' "$*"; }
fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }

# machine_make DIR: a fresh root; the bare system is kept beside it as a tarball and unpacked the next time.
machine_make() {
  machine_root=$1
  local cache=$1.base.tar mirror
  if [ ! -s "$cache" ]; then
    mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' | awk '$2 == "bookworm" { print $1; exit }')
    [ -n "$mirror" ] || fail "apt knows no bookworm"
    rm -rf "$1.base"
    timeout 900 debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus,ca-certificates bookworm "$1.base" "$mirror" > "$1.debootstrap.log" 2>&1 ||
      fail "debootstrap: $(tail -3 "$1.debootstrap.log")"
    # what this machine fetches packages from, the new one does; what it does with its own cache is not copied
    cp -a /etc/apt/sources.list.d "$1.base/etc/apt/" 2> /dev/null || true
    cp -a /etc/apt/sources.list "$1.base/etc/apt/" 2> /dev/null || rm -f "$1.base/etc/apt/sources.list"
    cp -a /etc/apt/apt.conf.d/*proxy* /etc/apt/apt.conf.d/99* "$1.base/etc/apt/apt.conf.d/" 2> /dev/null || true
    tar -C "$1.base" -cf "$cache.new" . && mv "$cache.new" "$cache"
    rm -rf "$1.base"
  fi
  rm -rf "$1"
  mkdir -p "$1"
  tar -C "$1" -xf "$cache"
  echo 127.0.1.1 gw.stadt.example gw >> "$1/etc/hosts"
  rm -f "$1/etc/resolv.conf"
  cp -L /etc/resolv.conf "$1/etc/resolv.conf"
  # no network inside to wait for
  ln -sf /dev/null "$1/etc/systemd/system/systemd-networkd-wait-online.service"
}

# Shares the network of this machine, for apt alone; nothing is started.
machine_chroot() {
  mountpoint -q "$machine_root/proc" || mount -t proc proc "$machine_root/proc"
  timeout 600 chroot "$machine_root" env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 "$@"
}

machine_boot() {
  ! mountpoint -q "$machine_root/proc" || umount "$machine_root/proc"
  # registered with nobody: there may be no bus here
  timeout -k 10 "${MACHINE_LIFE:-900}" systemd-nspawn -q -D "$machine_root" --boot --register=no --keep-unit --private-network --machine=amtsbote-test \
    --resolv-conf=off < /dev/null > "$machine_root.boot.log" 2>&1 &
  local bound=$! leader='' n
  for n in $(seq 300); do
    # timeout, nspawn, and the machine's own first process
    leader=$(pgrep -P "$(pgrep -P $bound)" 2> /dev/null | head -1) || true
    # "degraded" is an answer, too: units that a container cannot have
    if [ -n "$leader" ] && timeout 10 nsenter -t "$leader" -a systemctl is-system-running 2> /dev/null | grep -qE 'running|degraded'; then break; fi
    kill -0 $bound 2> /dev/null || { tail -5 "$machine_root.boot.log" >&2; fail "it does not boot"; }
    sleep 0.2
  done
  [ -n "$leader" ] || fail "it does not come up"
  machine_pid=$leader
}

# A command inside the booted machine.
inside() {
  timeout "${INSIDE_TIME:-120}" nsenter -t "$machine_pid" -a env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"
}

machine_halt() {
  [ -n "$machine_pid" ] || return 0
  inside systemctl poweroff > /dev/null 2>&1 || true
  local n
  for n in $(seq 150); do
    kill -0 "$machine_pid" 2> /dev/null || break
    sleep 0.2
  done
  kill -0 "$machine_pid" 2> /dev/null && kill -9 "$machine_pid"
  machine_pid=
  return 0
}

machine_end() {
  machine_halt
  ! mountpoint -q "$machine_root/proc" || umount "$machine_root/proc"
}

# until WHAT SECONDS COMMAND…: what other processes bring about.
until_true() {
  local what=$1 n end=$(( $(date +%s) + $2 ))
  shift 2
  until "$@" > /dev/null 2>&1; do
    [ "$(date +%s)" -lt $end ] || fail "never happened: $what"
    sleep 0.2
  done
}

# The shell blocks of a page, in their order, as one script.
blocks_of() { awk '/^```sh$/ { on = 1; next } /^```$/ { on = 0 } on' "$1"; }
