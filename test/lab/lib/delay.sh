# shellcheck shell=bash
# Delays on the wire, one way, by a program behind a netfilter queue (kube/delay.go): not every kernel has netem.
# The rule stands in the sender's namespace, else in the receiver's; never in the machine's own tables.

# delay FROM TO MS [JITTER]
delay_packets() {
  local from=${1:-} to=${2:-} ms=${3:-} jitter=${4:-0} ns chain device match queue name
  require_running
  [[ $ms =~ ^[0-9]+$ && $jitter =~ ^[0-9]+$ ]] || die "how long? lab.sh delay FROM TO MS [JITTER], whole milliseconds"
  if ns=$(place_namespace "$from"); then
    chain=POSTROUTING device=-o match=$(place_addresses "$to") || exit 1
    match=${match:+-d $match}
  elif ns=$(place_namespace "$to"); then
    chain=PREROUTING device=-i match=$(place_addresses "$from") || exit 1
    match=${match:+-s $match}
  else
    die "a delay needs a node or the client host at one end, not '$from' and '$to'"
  fi
  queue=1
  while [ -e "$RUN/delay-$queue.pid" ]; do queue=$((queue + 1)); done
  name=delay-$queue
  process_start "$name" sclab/faults nsenter --net="/run/netns/$ns" "$BIN/lab-delay" --queue "$queue" --delay "${ms}ms" --jitter "${jitter}ms"
  wait_for 5 "queue $queue of $ns served (log: $LOGS/$name.log)" queue_served "$ns" "$queue"
  # shellcheck disable=SC2086
  in_netns "$ns" iptables -w -t mangle -A $chain $device eth0 $match -m comment --comment "sclab-delay $from>$to ${ms}ms+-${jitter}ms" -j NFQUEUE --queue-num "$queue" --queue-bypass ||
    { process_stop "$name"; die "the kernel refused the rule: has it NFQUEUE?"; }
}

# shellcheck disable=SC2016
queue_served() { in_netns "$1" awk -v q="$2" '$1 == q {found = 1} END {exit !found}' /proc/net/netfilter/nfnetlink_queue; }

place_namespace() {
  case $1 in
    client) echo sclab-client ;;
    n[0-9]*) node_index "$1" >/dev/null && echo "sclab-$1" ;;
    *) return 1 ;;
  esac
}

# What a packet from or to this place has as its address: a node's own and its pods'.
place_addresses() {
  local i
  case $1 in
    any) ;;
    api) echo "$NET.1" ;;
    client) echo "$NET.200" ;;
    n[0-9]*) i=$(node_index "$1") || exit 1; echo "$(node_ip "$i"),$POD_NET.$i.0/24" ;;
    [0-9]*.*) echo "$1" ;;
    *) die "'$1' is no place on the wire: nN, client, api, any or an IPv4 address[/len]" ;;
  esac
}

delay_namespaces() { find /run/netns -name 'sclab-*' -printf '%f\n' 2>/dev/null; }

delays_list() {
  local ns
  for ns in $(delay_namespaces); do in_netns "$ns" iptables -w -t mangle -S | sed -n "s/.*--comment \"sclab-delay \(.*\)\" -j.*/delay \1/p"; done
}

# The rules go before the programs: a queue without one would pass the packets, but late ones would be lost.
delays_clear() {
  local ns rule file
  for ns in $(delay_namespaces); do
    while read -r rule; do
      xargs nsenter --net="/run/netns/$ns" iptables -w -t mangle <<<"${rule/#-A/-D}"
    done < <(in_netns "$ns" iptables -w -t mangle -S | grep -F sclab-delay)
  done
  for file in "$RUN"/delay-*.pid; do
    [ ! -e "$file" ] || process_stop "$(basename "$file" .pid)"
  done
}
