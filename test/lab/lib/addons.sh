# shellcheck shell=bash
# What runs in the cluster from the start: DNS, MetalLB, the default storage class.

# Applied by the server, so that it can be repeated; the manifests keep what MetalLB's controller has written (its webhook's CA).
addons_apply() {
  local out
  out=$(kubectl apply --server-side --force-conflicts -f "$LAB_HERE/manifests" -f "$(metallb_dir)/metallb-native.yaml" 2>&1) || die "the cluster's own parts were refused: $out"
  kubectl -n metallb-system set env daemonset/speaker "${NOTICE[@]}" >/dev/null
}

addons_wait() {
  say "DNS and MetalLB ..."
  kubectl -n kube-system rollout status daemonset/coredns --timeout=120s >/dev/null || die "CoreDNS is not running: kubectl -n kube-system get pods"
  kubectl -n metallb-system rollout status daemonset/speaker --timeout=120s >/dev/null || die "MetalLB's speakers are not running: kubectl -n metallb-system get pods"
  kubectl -n metallb-system rollout status deployment/controller --timeout=120s >/dev/null || die "MetalLB's controller is not running: kubectl -n metallb-system get pods"
}
