# shellcheck shell=bash
# What must be on the machine: checked and named, or installed from apt.

require_root() {
  [ "$(uname -s)" = Linux ] || die "the lab needs Linux; elsewhere use CLUSTER=kind (docs/lab.md)"
  [ "$(id -u)" -eq 0 ] || die "the lab makes network namespaces and mounts, so it needs root: sudo -E $0 $*"
}

require_running() { process_alive apiserver || die "the lab is not running: make lab-up"; }

# need_command COMMAND HOW-TO-GET-IT
need_command() { command -v "$1" >/dev/null || die "'$1' is missing; get it by: $2"; }

install_prerequisites() {
  need_command go "apt-get install golang-go, or unpack a release of Go 1.24 or newer"
  need_command java "apt-get install openjdk-17-jdk-headless"
  need_command mvn "apt-get install maven"
  need_command node "apt-get install nodejs (20 or newer)"
  need_command npm "apt-get install npm"
  need_command apt-get "using Debian 12, or CLUSTER=kind elsewhere (docs/lab.md)"
  local go_minor
  go_minor=$(go env GOVERSION | sed -E 's/^go1\.([0-9]+).*/\1/')
  [ "$go_minor" -ge 24 ] || die "Go $(go env GOVERSION) is too old; install Go 1.24 or newer"

  # command:package
  local missing=() pair
  for pair in containerd:containerd runc:runc mmdebstrap:mmdebstrap iptables:iptables nft:nftables ip:iproute2 \
    mkfs.ext4:e2fsprogs losetup:mount fsfreeze:util-linux arping:arping curl:curl openssl:openssl unzip:unzip flock:util-linux; do
    command -v "${pair%%:*}" >/dev/null || missing+=("${pair##*:}")
  done
  [ -x /usr/lib/cni/ptp ] || missing+=(containernetworking-plugins)
  [ -x /bin/busybox ] && ! ldd /bin/busybox >/dev/null 2>&1 || missing+=(busybox-static)
  [ ${#missing[@]} -eq 0 ] || step "install ${missing[*]}" apt_install "${missing[@]}"
}

# The lab starts its own daemons: packages must not start theirs.
apt_install() {
  local policy=/usr/sbin/policy-rc.d made='' status=0
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod +x $policy
    made=yes
  fi
  { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "$@"; } || status=$?
  [ -z "$made" ] || rm -f $policy
  return $status
}
