# shellcheck shell=bash disable=SC2153
# The lab as a whole: up, stop, start, down, status. Each may be interrupted and run again.

lab_up() {
  local wanted=$1 count name
  [[ $wanted =~ ^[1-9]$ ]] || die "how many nodes? 1 to 9, not '$wanted'"
  if lab_settled "$wanted"; then
    checkout_links
    say "up already: $(node_count) nodes"
    return 0
  fi
  install_prerequisites
  build_all
  store_build
  count=$(node_count)
  [ "$count" -ge "$wanted" ] || count=$wanted
  echo "$count" >"$STATE/nodes"
  pki_up
  network_up
  mounts_up
  volumes_mount
  say "control plane ..."
  control_up
  for name in $(node_names); do
    say "node $name ..."
    node_up "${name#n}" "$count"
  done
  store_refresh
  addons_apply
  checkout_links
  wait_nodes_ready 120
  addons_wait
  lab_key >"$STATE/settled"
  say "the lab is up: $count nodes, KUBECONFIG=$CHECKOUT/.lab/kubeconfig"
}

# Everything runs, from the sources of this checkout.
lab_settled() {
  local name part
  [ "$(node_count)" -ge "$1" ] && [ "$(cat "$STATE/settled" 2>/dev/null)" = "$(lab_key)" ] || return 1
  for name in etcd apiserver kcm scheduler provisioner; do process_alive $name || return 1; done
  for name in $(node_names); do
    for part in containerd kubelet proxy; do process_alive "$name-$part" || return 1; done
  done
  nodes_ready
}
lab_key() { { node_count; kube_binary; store_key; cat "$LAB_HERE"/lib/*.sh "$LAB_HERE"/manifests/*; } | hash12; }

# This checkout's own way in: the lab is the machine's, the links are the checkout's.
checkout_links() {
  mkdir -p "$CHECKOUT/.lab/bin"
  ln -sfn "$BIN/kubectl" "$CHECKOUT/.lab/bin/kubectl"
  ln -sfn "$BIN/helm" "$CHECKOUT/.lab/bin/helm"
  install -m 0600 "$PKI/admin.conf" "$CHECKOUT/.lab/kubeconfig"
}

lab_stop() {
  machines_off
  say "stopped; what the cluster stored is kept: lab.sh start"
}

machines_off() {
  local name
  faults_clear
  for name in $(node_names); do node_off "${name#n}"; done
  control_down
  cgroup_kill sclab
  volumes_unmount
  mounts_down
  network_down
  cgroup_remove sclab
  rm -f "$STATE/settled"
}

lab_start() {
  [ "$(node_count)" -gt 0 ] || die "there is no stopped lab here; make one: lab.sh up"
  lab_up "$(node_count)"
}

# Also ends what an interrupted 'up' left: every part is looked for by its own name, none by a guess.
lab_down() {
  local i
  for i in 1 2 3 4 5 6 7 8 9; do
    if [ -e "/run/netns/sclab-n$i" ] || [ -d "$STATE/n$i" ] || [ -d "$RUN/n$i" ]; then node_off "$i"; fi
  done
  machines_off
  folders_remove
  rm -rf "${STATE:?}" "${RUN:?}" "$CHECKOUT/.lab/kubeconfig"
  say "down: nothing is left but the cache, $CACHE"
}

lab_status() {
  local name part state
  echo "nodes: $(node_count)   cache: $CACHE   state: $STATE   logs: $LOGS"
  for name in etcd apiserver kcm scheduler provisioner; do
    printf '%-16s %s\n' $name "$(process_alive $name && echo "running, pid $(process_pid $name)" || echo stopped)"
  done
  for name in $(node_names); do
    state=
    for part in containerd kubelet proxy; do state+=" $part $(process_alive "$name-$part" && process_pid "$name-$part" || echo stopped)"; done
    printf '%-16s%s\n' "$name" "$state"
  done
  ! process_alive apiserver || kubectl get nodes -o wide || true
}
