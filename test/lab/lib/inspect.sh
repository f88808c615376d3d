# shellcheck shell=bash
# Looking into pods and logs, and signals to the processes of one container: found by its control group, never by a pattern over the machine.

# pod_place NAMESPACE/POD[/CONTAINER]: sets NAMESPACE, POD, CONTAINER and NODE.
pod_place() {
  require_running
  IFS=/ read -r NAMESPACE POD CONTAINER <<<"${1:-}"
  [ -n "$POD" ] || die "which pod? NAMESPACE/POD[/CONTAINER]"
  NODE=$(kubectl -n "$NAMESPACE" get pod "$POD" -o 'jsonpath={.spec.nodeName}') || exit 1
  [ -n "$NODE" ] || die "pod $NAMESPACE/$POD has no node yet"
}

# Pids of the pod's running containers (or of one): what is in the control group of each container's first process.
pod_pids() {
  local filter id task first group
  filter="labels.\"io.kubernetes.pod.namespace\"==$NAMESPACE,labels.\"io.kubernetes.pod.name\"==$POD,labels.\"io.cri-containerd.kind\"==container"
  [ -z "$CONTAINER" ] || filter+=",labels.\"io.kubernetes.container.name\"==$CONTAINER"
  task=$(node_ctr "$NODE" tasks ls)
  for id in $(node_ctr "$NODE" containers ls -q "$filter"); do
    first=$(awk -v id="$id" '$1 == id && $3 == "RUNNING" {print $2}' <<<"$task")
    [ -n "$first" ] || continue
    group=$(if cgroup_v2; then sed -n 's/^0:://p' "/proc/$first/cgroup"; else sed -n 's/^[0-9]*:pids://p' "/proc/$first/cgroup"; fi)
    cgroup_processes "${group#/}"
  done
}

pid_exe() { basename "$(readlink "/proc/$1/exe" | sed 's/ (deleted)$//')"; }

pod_processes() {
  local pid
  pod_place "${1:-}"
  for pid in $(pod_pids); do
    printf '%s\t%s\t%s\n' "$pid" "$(pid_exe "$pid")" "$(tr '\0' ' ' <"/proc/$pid/cmdline")"
  done
}

# pod_signal SIGNAL NAMESPACE/POD/CONTAINER [EXE]: prints the pids signalled; STOP, CONT and KILL are seen to take hold.
pod_signal() {
  local signal=${1:-} exe=${3:-} pid pids=()
  pod_place "${2:-}"
  [ -n "$CONTAINER" ] || die "which container? lab.sh signal SIGNAL NAMESPACE/POD/CONTAINER [EXE]"
  for pid in $(pod_pids); do
    [ -n "$exe" ] && [ "$(pid_exe "$pid")" != "$exe" ] || pids+=("$pid")
  done
  [ ${#pids[@]} -gt 0 ] || die "container $2 has no running process${exe:+ with the executable $exe}"
  kill "-$signal" "${pids[@]}" || die "signal $signal was refused"
  for pid in "${pids[@]}"; do
    case ${signal#SIG} in
      STOP) wait_for 5 "process $pid stopped" process_in_state "$pid" T ;;
      CONT) wait_for 5 "process $pid running" process_in_state "$pid" '[RSD]' ;;
      KILL | 9) wait_for 10 "process $pid ended" process_ended "$pid" ;;
    esac
    echo "$pid"
  done
}
process_in_state() { grep -qE "^State:.$2" "/proc/$1/status"; }
process_ended() { [ ! -e "/proc/$1" ] || process_in_state "$1" Z; }

# show_logs NODE|COMPONENT [LINES]: a node's kubelet, containerd and kube-proxy, or a part of the control plane.
show_logs() {
  local lines=${2:-100} file
  case ${1:-} in
    n[0-9]*) node_index "$1" >/dev/null || exit 1; for file in "$LOGS/$1"-{containerd,kubelet,proxy}.log; do echo "== ${file##*/}"; tail -n "$lines" "$file"; done ;;
    etcd | apiserver | kcm | scheduler | provisioner) tail -n "$lines" "$LOGS/$1.log" ;;
    *) die "which log? a node (n1..n$(node_count)), etcd, apiserver, kcm, scheduler or provisioner" ;;
  esac
}
