# shellcheck shell=bash
# Which cluster the commands work on (CLUSTER=lab|kind|current, docs/lab.md): brings it up, gives it the product's image,
# and reaches the Web IP as an outside client would. Sourced by the scripts that need a cluster.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf '[%4ds] %s\n' "$SECONDS" "$*"; }
die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# The lab where it can run; kind where a container engine answers. Never `current` unasked: it may be production.
pick_cluster() {
  if [ -n "${CLUSTER:-}" ]; then
    echo "$CLUSTER"
  elif [ "$(uname -s)" = Linux ] && [ "$(id -u)" = 0 ]; then
    echo lab
  elif docker info >/dev/null 2>&1; then
    echo kind
  else
    die "no cluster to use: run as root on Linux (the lab), start a container engine (kind), or name your own with CLUSTER=current"
  fi
}

CLUSTER=$(pick_cluster)

cluster_up() {
  case $CLUSTER in
    lab)
      "$ROOT/test/lab/lab.sh" up "${NODES:-3}"
      export KUBECONFIG=$ROOT/.lab/kubeconfig
      ;;
    kind)
      command -v kind >/dev/null || die "kind is not installed: see its quick start, or use CLUSTER=lab on Linux as root"
      kind get clusters 2>/dev/null | grep -qx spacecluster || kind create cluster --name spacecluster --config "$ROOT/scripts/demo/kind.yaml" --wait 120s
      kind export kubeconfig --name spacecluster --kubeconfig "$ROOT/build/kind.kubeconfig"
      export KUBECONFIG=$ROOT/build/kind.kubeconfig
      ;;
    current) kubectl version -o name >/dev/null 2>&1 || kubectl version >/dev/null || die "kubectl reaches no cluster: set KUBECONFIG" ;;
    *) die "CLUSTER must be lab, kind or current, not '$CLUSTER'" ;;
  esac
}

# The product's image, where the cluster finds it; sets IMAGE_REPOSITORY and IMAGE_TAG.
cluster_image() {
  local ref
  case $CLUSTER in
    lab)
      "$ROOT/test/lab/lab.sh" reload >/dev/null
      ref=$(cat "$ROOT/.lab/image")
      ;;
    kind)
      ref=docker.io/spacecluster/spacecluster:dev
      docker build -q -t "$ref" -f "$ROOT/images/Dockerfile" "$ROOT" >/dev/null
      kind load docker-image --name spacecluster "$ref"
      ;;
    current) ref=${IMAGE:?CLUSTER=current needs IMAGE=REPOSITORY:TAG, an image your nodes can pull (images/Dockerfile)} ;;
  esac
  IMAGE_REPOSITORY=${ref%:*}
  IMAGE_TAG=${ref##*:}
}

# outside CMD...: run a command where the fabric's users are: outside the cluster, on the Web IP's network.
outside() {
  if [ "$CLUSTER" = lab ]; then
    "$ROOT/test/lab/lab.sh" client "$@"
  else
    "$@"
  fi
}

install_operator() {
  helm upgrade --install spacecluster "$ROOT/charts/spacecluster" --namespace spacecluster-system --create-namespace \
    --set image.repository="$IMAGE_REPOSITORY" --set-string image.tag="$IMAGE_TAG" \
    --set 'vip.allowedCIDRs={10.77.0.0/24}' --wait --timeout 120s "$@" >/dev/null
}
