# shellcheck shell=bash
# A node: its own namespace, containerd, kubelet and kube-proxy. Switched off as a power cut does it; switched on as after a boot.

# node_up I COUNT. Folders: what a disk keeps is below STATE, what a boot clears is below RUN.
node_up() {
  local i=$1 name=n$1 disk=$STATE/n$1 run=$RUN/n$1
  process_alive "$name-kubelet" && process_alive "$name-containerd" && process_alive "$name-proxy" && { node_network "$i" "$2"; return 0; }
  node_off "$i"
  mkdir -p "$disk"/{cni,kubelet,podlogs,plugins} "$run"
  pki_node "$i"
  node_network "$i" "$2"
  cgroup_make "sclab/$name/host"
  store_into_node "$name"
  node_configure "$i" "$disk" "$run"
  node_start "$name" containerd containerd --config "$disk/containerd.toml"
  wait_for 30 "containerd of $name (log: $LOGS/$name-containerd.log)" node_ctr "$name" version
  wait_for 60 "kubelet of $name (log: $LOGS/$name-kubelet.log)" kubelet_serves "$i"
  node_start "$name" proxy env "${NOTICE[@]}" "$BIN/kube-proxy" --config="$disk/proxy.yaml"
}

# kubelet_serves I: starts it unless it runs, and asks its port. It ends at once where containerd answers but its CRI service is
# still being initialized; an init system would start it again, so does whoever waits for this.
kubelet_serves() {
  local name=n$1 disk=$STATE/n$1 address
  address=$(node_ip "$1")
  node_start "$name" kubelet env "${NOTICE[@]}" "$BIN/kubelet" --config="$disk/kubelet.yaml" --kubeconfig="$PKI/$name.conf" --hostname-override="$name" \
    --node-ip="$address" --root-dir="$disk/kubelet" --cert-dir="$disk/kubelet/pki"
  in_netns "sclab-$name" bash -c ": </dev/tcp/$address/10250"
}

# A connection to the API server that died silently is noticed within 8 s, not 45 (client-go's own settings): a node that was cut off
# and is back learns where roles are by its watches, and until then sends traffic to where they were.
NOTICE=(HTTP2_READ_IDLE_TIMEOUT_SECONDS=5 HTTP2_PING_TIMEOUT_SECONDS=3)

# 'ip netns exec' would mount /sys anew and hide the control groups; nsenter does not.
node_start() {
  local name=$1 part=$2
  shift 2
  process_start "$name-$part" "sclab/$name/host" nsenter --mount="$MOUNTS" --net="/run/netns/sclab-$name" "$@"
}

node_ctr() { local name=$1; shift; ctr --address "$RUN/$name/containerd.sock" --namespace k8s.io "$@"; }

# node_off I: every process of the node ends at one instant; then what only memory held is cleared.
node_off() {
  local name=n$1 run=$RUN/n$1 part
  ip link set "sclab-v$1" down 2>/dev/null || true
  cgroup_kill "sclab/$name"
  for part in containerd kubelet proxy; do rm -f "$RUN/$name-$part.pid"; done
  unmount_below "$run" "$STATE/n$1"
  rm -rf "$run"
  node_network_down "$1"
  cgroup_remove "sclab/$name"
}

node_configure() {
  local i=$1 name=n$1 disk=$2 run=$3
  # ptp, not bridge: without br_netfilter a reply between two pods of one node would pass the bridge without being un-NATed.
  cat >"$disk/cni/10-sclab.conflist" <<JSON
{"cniVersion": "0.4.0", "name": "sclab", "plugins": [
  {"type": "ptp", "ipMasq": false, "ipam": {"type": "host-local", "dataDir": "$run/ipam", "ranges": [[{"subnet": "$POD_NET.$i.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
JSON
  # restrict_oom_score_adj: where root lacks CAP_SYS_RESOURCE runc may not lower the score and dies.
  cat >"$disk/containerd.toml" <<TOML
version = 2
root = "$disk/containerd"
state = "$run/containerd"
[grpc]
address = "$run/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "$PAUSE_IMAGE"
restrict_oom_score_adj = true
netns_mounts_under_state_dir = true
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
conf_dir = "$disk/cni"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
Root = "$run/runc"
TOML
  # No image is ever fetched, so none may be collected, whatever the disk's level.
  cat >"$disk/kubelet.yaml" <<YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $PKI/ca.crt}}
authorization: {mode: Webhook}
tlsCertFile: $PKI/$name.crt
tlsPrivateKeyFile: $PKI/$name.key
containerRuntimeEndpoint: unix://$run/containerd.sock
cgroupDriver: cgroupfs
cgroupRoot: /sclab/$name
failCgroupV1: false
failSwapOn: false
oomScoreAdj: 0
clusterDNS: [$DNS_IP]
clusterDomain: cluster.local
resolvConf: $STATE/resolv.conf
podLogsDir: $disk/podlogs
volumePluginDir: $disk/plugins
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
evictionHard: {memory.available: 100Mi, nodefs.available: 1%, imagefs.available: 1%, nodefs.inodesFree: 1%}
healthzPort: 0
maxPods: 100
YAML
  # A namespace may not write the kernel's conntrack limits.
  cat >"$disk/proxy.yaml" <<YAML
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
clientConnection: {kubeconfig: $PKI/proxy.conf}
hostnameOverride: $name
clusterCIDR: $POD_NET.0.0/16
mode: iptables
healthzBindAddress: 0.0.0.0:10256
conntrack: {maxPerCore: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
YAML
}

wait_nodes_ready() { wait_for "$1" "$(node_count) nodes Ready (kubectl get nodes; $LOGS/n*-kubelet.log)" nodes_ready; }
nodes_ready() { [ "$(kubectl get nodes --no-headers 2>/dev/null | awk '$2 ~ /^Ready/' | wc -l)" -ge "$(node_count)" ]; }
