# shellcheck shell=bash
# Faults: a link lost, packets dropped between two places, the API server or a node ended. Packets are dropped on the bridge, so that no node's own tables are touched.

# link down|up NODE
link_command() {
  require_running
  local i
  i=$(node_index "${2:-}") || exit 1
  case ${1:-} in
    down | up) ip link set "sclab-v$i" "$1" ;;
    *) die "which? lab.sh link down|up NODE" ;;
  esac
  wait_for 5 "link of $2 $1" link_is "$i" "$1"
}
link_is() { [ "$(cat "/sys/class/net/sclab-v$1/operstate")" = "$2" ]; }

# place_match ROLE PLACE: sets PORT (the bridge's port of a lab host, 'api' for the root namespace, or empty) and ADDRESS (an nft match, or empty).
place_match() {
  local role=$1 place=$2 i
  PORT='' ADDRESS=''
  case $place in
    any) ;;
    api) PORT=api ;;
    client) PORT=sclab-vc ;;
    n[0-9]*) i=$(node_index "$place") || exit 1; PORT=sclab-v$i ;;
    [0-9]*.*) ADDRESS="ip $role $place" ;;
    *) die "'$place' is no place on the wire: nN, client, api, any or an IPv4 address[/len]" ;;
  esac
}

# drop_packets FROM TO [PERCENT]: one way; PERCENT of the packets, all by default.
drop_packets() {
  require_running
  local percent=${3:-100} share=''
  [ $# -ge 2 ] || die "from where to where? lab.sh drop FROM TO [PERCENT]"
  [[ $percent =~ ^([1-9][0-9]?|100)$ ]] || die "PERCENT is 1 to 100, not '$percent'"
  [ "$percent" = 100 ] || share="numgen random mod 100 < $percent"
  wire_rule "$1" "$2" "$share counter drop"
}

# wire_rule FROM TO ACTION: a rule in each chain that packets between these places pass.
# Forwarded between ports; 'input' is what the root namespace (API server, controllers) receives, 'output' what it sends.
wire_rule() {
  local from=$1 to=$2 action=$3 from_port to_port from_address to_address chain match added=
  place_match saddr "$from"
  from_port=$PORT from_address=$ADDRESS
  place_match daddr "$to"
  to_port=$PORT to_address=$ADDRESS
  wire_table
  for chain in forward input output; do
    match="$from_address $to_address"
    case $chain:$from_port in
      output:api | output:) ;;
      output:* | *:api) continue ;;
      *:) ;;
      *) match="iifname $from_port $match" ;;
    esac
    case $chain:$to_port in
      input:api | input:) ;;
      input:* | *:api) continue ;;
      *:) ;;
      *) match="oifname $to_port $match" ;;
    esac
    nft add rule bridge sclab "$chain" "$match $action comment \"$from>$to\"" || die "the kernel refused the rule: $match $action"
    added=yes
  done
  [ -n "$added" ] || die "no packet goes from $from to $to on the lab's wire"
}

wire_table() {
  nft -f - <<'NFT'
table bridge sclab {
  chain forward { type filter hook forward priority 0; }
  chain input { type filter hook input priority 0; }
  chain output { type filter hook output priority 0; }
}
NFT
}

faults_list() {
  local found
  found=$(nft list table bridge sclab 2>/dev/null | sed -n 's/^[[:space:]]*\(.* comment .*\)$/\1/p'; delays_list)
  echo "${found:-no packet is dropped or delayed}"
}

faults_clear() {
  delays_clear
  nft delete table bridge sclab 2>/dev/null || true
  ! nft list table bridge sclab >/dev/null 2>&1 || die "the table 'bridge sclab' is still there"
}

# api cut|uncut NODE: the node loses the API server and nothing else. stop|start|pause|resume: the server itself.
api_command() {
  require_root
  local chain handle
  case ${1:-} in
    stop) process_stop apiserver KILL ;;
    start) apiserver_up ;;
    pause) api_signal STOP T ;;
    resume) api_signal CONT '[SR]' ;;
    cut)
      node_index "${2:-}" >/dev/null || exit 1
      wire_rule "$2" api 'counter drop'
      wire_rule api "$2" 'counter drop'
      ;;
    uncut)
      node_index "${2:-}" >/dev/null || exit 1
      for chain in input output; do
        while read -r handle; do nft delete rule bridge sclab "$chain" handle "$handle"; done < \
          <(nft -a list chain bridge sclab "$chain" 2>/dev/null | sed -nE "s/.*comment \"($2>api|api>$2)\" # handle ([0-9]+)$/\2/p")
      done
      ;;
    *) die "which? lab.sh api stop|start|pause|resume, or api cut|uncut NODE" ;;
  esac
}

# api_signal SIGNAL STATE
api_signal() {
  require_running
  signal_until "$1" "$2" "$(process_pid apiserver)"
}

# signal_until SIGNAL STATE PID: returns when the process is seen in that state.
signal_until() {
  kill "-$1" "$3"
  wait_for 5 "process $3 in state $2" grep -qE "^State:.$2" "/proc/$3/status"
}

# deaf|hearing NODE: what leads traffic to and from it, kube-proxy and MetalLB's speaker, hears of no change and leads on as before; as in
# the minute after an outage of the API server.
hearing_command() {
  require_root
  local signal=$1 state=$2 pid pids=()
  node_index "${3:-}" >/dev/null || exit 1
  pids=("$(process_pid "$3-proxy")")
  for pid in $(cgroup_processes "sclab/$3"); do
    [ "$(basename "$(readlink "/proc/$pid/exe" 2>/dev/null)")" != speaker ] || pids+=("$pid")
  done
  [ ${#pids[@]} -gt 1 ] || die "$3 has no MetalLB speaker"
  for pid in "${pids[@]}"; do signal_until "$signal" "$state" "$pid"; done
}

# node stop|start NODE
node_command() {
  require_root
  local i booted
  i=$(node_index "${2:-}") || exit 1
  case ${1:-} in
    stop)
      node_off "$i"
      [ -z "$(cgroup_processes "sclab/$2")" ] || die "$2 still has processes"
      ;;
    start)
      booted=$(date -u +%FT%T)
      node_up "$i" "$(node_count)"
      wait_for 90 "$2 Ready" node_ready "$2" "$booted"
      ;;
    *) die "which? lab.sh node stop|start NODE" ;;
  esac
}
# node_ready NODE SINCE: the condition alone may be from before the cut, so the kubelet must have renewed its Lease since.
node_ready() {
  [[ $(kubectl -n kube-node-lease get lease "$1" -o 'jsonpath={.spec.renewTime}') > $2 ]] &&
    [ "$(kubectl get node "$1" -o jsonpath='{.status.conditions[?(@.type=="Ready")].status}')" = True ]
}
