# shellcheck shell=bash
# The lab's wire: one bridge, a namespace and a veth pair for each node and for the client host. Nothing of it routes outside.

network_up() {
  ip link show "$BRIDGE" >/dev/null 2>&1 || ip link add "$BRIDGE" type bridge
  ip addr replace "$NET.1/24" dev "$BRIDGE"
  ip link set "$BRIDGE" up
  api_guard
  host_on_wire sclab-client sclab-vc 200
}

# The API server listens on all addresses, for the loopback and the bridge: the machine's other networks do not reach it.
api_guard() {
  nft -f - <<NFT
table inet sclab
delete table inet sclab
table inet sclab {
  chain input {
    type filter hook input priority filter
    tcp dport 6443 iifname != { "lo", "$BRIDGE" } drop
  }
}
NFT
}

# host_on_wire NAMESPACE LINK LAST-BYTE: a host with eth0 on the bridge. Safe to repeat.
host_on_wire() {
  local ns=$1 link=$2 address=$NET.$3
  [ -e "/run/netns/$ns" ] || ip netns add "$ns"
  if ! ip link show "$link" >/dev/null 2>&1; then
    ip link add "$link" type veth peer name eth0 netns "$ns"
  fi
  ip link set "$link" master "$BRIDGE" up
  in_netns "$ns" ip link set lo up
  in_netns "$ns" ip addr replace "$address/24" dev eth0
  in_netns "$ns" ip link set eth0 up
}

# node_network I COUNT: routes between the pod ranges, as a cloud's route table has them.
node_network() {
  local i=$1 count=$2 j
  host_on_wire "sclab-n$i" "sclab-v$i" $((10 + i))
  in_netns "sclab-n$i" sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
  in_netns "sclab-n$i" ip route replace default via "$NET.1"
  ip route replace "$POD_NET.$i.0/24" via "$(node_ip "$i")" dev "$BRIDGE"
  for ((j = 1; j <= count; j++)); do
    [ "$j" = "$i" ] || in_netns "sclab-n$i" ip route replace "$POD_NET.$j.0/24" via "$(node_ip "$j")"
  done
}

# The namespace goes with its pods' veth ends; the host end of the wire goes with its peer.
node_network_down() {
  nft delete table inet sclab 2>/dev/null || true
  ip link del "sclab-v$1" 2>/dev/null || true
  ip netns del "sclab-n$1" 2>/dev/null || true
  ip route del "$POD_NET.$1.0/24" 2>/dev/null || true
}

network_down() {
  nft delete table inet sclab 2>/dev/null || true
  ip link del sclab-vc 2>/dev/null || true
  ip netns del sclab-client 2>/dev/null || true
  ip link del "$BRIDGE" 2>/dev/null || true
  # 'ip netns' made a mount of it; nobody else's namespace is in it.
  [ -n "$(ls -A /run/netns 2>/dev/null)" ] || umount /run/netns 2>/dev/null || true
}

client_exec() {
  [ -e /run/netns/sclab-client ] || die "there is no client host: make lab-up"
  [ $# -gt 0 ] || die "which command? lab.sh client CMD..."
  exec nsenter --net=/run/netns/sclab-client "$@"
}
