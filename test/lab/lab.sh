#!/usr/bin/env bash
# lab.sh: a real Kubernetes of one control plane and N nodes on one Linux machine, and the faults to try on it.
# This file only picks the command; each idea has its own file under lib/. See docs/lab.md.
set -euo pipefail

LAB_HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly LAB_HERE
for part in "$LAB_HERE"/lib/*.sh; do
  # shellcheck source=/dev/null
  . "$part"
done

usage() {
  cat <<'TEXT'
lab.sh up [N]                        start the cluster of N nodes (default 3), or go on from what is there
lab.sh stop | start                  switch all machines off, on again; data is kept
lab.sh down                          remove everything but the cache
lab.sh reload                        pack dist/ as the product's image and load it into every node
lab.sh status | wait                 what runs | wait until all nodes are Ready
lab.sh client CMD...                 run a command on the client host (10.77.0.200)
lab.sh link down|up NODE             lose or regain a node's network link
lab.sh node stop|start NODE          cut a node's power, boot it again
lab.sh api stop|start|pause|resume   the API server: ended and started, or frozen and thawed
lab.sh api cut|uncut NODE            one node loses the API server only
lab.sh deaf|hearing NODE             its kube-proxy and MetalLB speaker hear of no change and route as before
lab.sh drop FROM TO [PERCENT]        drop packets one way; FROM and TO: nN, client, api, any or an IPv4 address[/len]
lab.sh delay FROM TO MS [JITTER]     delay packets one way, where the kernel can
lab.sh clear                         end every drop and delay
lab.sh faults                        list the drops and delays in force
lab.sh volume fill|unfill|freeze|thaw|path NAMESPACE/PVC
lab.sh ps NAMESPACE/POD[/CONTAINER]  processes of a pod: PID, executable, arguments
lab.sh signal SIGNAL NAMESPACE/POD/CONTAINER [EXE]   signal the processes whose executable has that base name (default: all)
lab.sh logs NODE|etcd|apiserver|kcm|scheduler|provisioner [LINES]
TEXT
}

main() {
  local command=${1:-help}
  [ $# -eq 0 ] || shift
  case $command in
    up) lab_locked lab_up "${1:-3}" ;;
    start) lab_locked lab_start ;;
    stop) lab_locked lab_stop ;;
    down) lab_locked lab_down ;;
    reload) lab_locked reload ;;
    status) lab_status ;;
    wait) require_running; wait_nodes_ready 120 ;;
    client) client_exec "$@" ;;
    link) link_command "$@" ;;
    node) lab_locked node_command "$@" ;;
    api) api_command "$@" ;;
    deaf) hearing_command STOP T "$@" ;;
    hearing) hearing_command CONT '[SR]' "$@" ;;
    drop) drop_packets "$@" ;;
    delay) delay_packets "$@" ;;
    clear) faults_clear ;;
    faults) faults_list ;;
    volume) volume_command "$@" ;;
    ps) pod_processes "$@" ;;
    signal) pod_signal "$@" ;;
    logs) show_logs "$@" ;;
    help | -h | --help) usage ;;
    *) usage >&2; die "unknown command '$command'" ;;
  esac
}

main "$@"
