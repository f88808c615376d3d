#!/usr/bin/env bash
# Proves the running lab: pods reach each other by address, by Service and by name; volumes are their own disks; a LoadBalancer address answers on the wire.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
kubectl() { "$here/../../.lab/bin/kubectl" --kubeconfig="$here/../../.lab/kubeconfig" "$@"; }
ns=lab-selfcheck
image=docker.io/library/haproxy:3.2
passed=0

cleanup() {
  kubectl delete namespace $ns --ignore-not-found --wait=true >/dev/null
  kubectl -n metallb-system delete ipaddresspool,l2advertisement $ns --ignore-not-found >/dev/null
}
ok() { passed=$((passed + 1)); echo "ok   $*"; }
fail() { echo "FAIL $*" >&2; exit 1; }
check() { local what=$1; shift; local try; for try in 1 2 3 4 5 6 7 8 9 10; do if "$@" >/dev/null 2>&1; then ok "$what"; return; fi; sleep "0.$((try % 9))"; done; fail "$what: $*"; }
# bash's own /dev/tcp: the image has no curl.
from() { kubectl -n $ns exec "$1" -- timeout 5 bash -c "exec 3<>/dev/tcp/$2/$3; printf 'GET / HTTP/1.0\r\n\r\n' >&3; grep -q lab-selfcheck <&3"; }

cleanup
trap cleanup EXIT
kubectl create namespace $ns >/dev/null
nodes=$(kubectl get nodes -o name | sed 's#node/##')
kubectl -n $ns apply -f - >/dev/null <<YAML
apiVersion: v1
kind: ConfigMap
metadata: {name: page}
data:
  haproxy.cfg: |
    defaults
      mode http
      timeout client 5s
      timeout connect 5s
      timeout server 5s
    frontend page
      bind :8080
      http-request return status 200 content-type text/plain string lab-selfcheck
YAML
for node in $nodes; do
  kubectl -n $ns apply -f - >/dev/null <<YAML
apiVersion: v1
kind: Pod
metadata: {name: web-$node, labels: {app: web, node: $node}}
spec:
  nodeName: $node
  terminationGracePeriodSeconds: 0
  containers:
    - {name: web, image: "$image", command: [haproxy, -f, /config/haproxy.cfg], volumeMounts: [{name: config, mountPath: /config}]}
  volumes: [{name: config, configMap: {name: page}}]
---
apiVersion: v1
kind: Pod
metadata: {name: peer-$node}
spec:
  nodeName: $node
  terminationGracePeriodSeconds: 0
  containers: [{name: peer, image: "$image", command: [sleep, infinity]}]
---
apiVersion: v1
kind: Service
metadata: {name: web-$node}
spec: {selector: {app: web, node: $node}, ports: [{port: 80, targetPort: 8080}]}
YAML
done
kubectl -n $ns wait --for=condition=Ready pod --all --timeout=60s >/dev/null

for a in $nodes; do
  for b in $nodes; do
    check "$a -> pod on $b by address" from "peer-$a" "$(kubectl -n $ns get pod "web-$b" -o 'jsonpath={.status.podIP}')" 8080
    check "$a -> pod on $b by Service address" from "peer-$a" "$(kubectl -n $ns get service "web-$b" -o 'jsonpath={.spec.clusterIP}')" 80
    check "$a -> pod on $b by name" from "peer-$a" "web-$b.$ns.svc.cluster.local" 80
  done
  check "$a: a pod reaches itself through its Service" from "web-$a" "web-$a.$ns.svc.cluster.local" 80
  check "$a: a pod reaches the API server by its Service" kubectl -n $ns exec "peer-$a" -- timeout 5 bash -c 'exec 3<>/dev/tcp/10.96.0.1/443'
done

kubectl -n $ns apply -f - >/dev/null <<YAML
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: disk}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 64Mi}}}
YAML
disk_pod() {
  kubectl -n $ns apply -f - >/dev/null <<YAML
apiVersion: v1
kind: Pod
metadata: {name: disk}
spec:
  terminationGracePeriodSeconds: 0
  securityContext: {fsGroup: 99}
  containers: [{name: disk, image: "$image", command: [sleep, infinity], volumeMounts: [{name: disk, mountPath: /disk}]}]
  volumes: [{name: disk, persistentVolumeClaim: {claimName: disk}}]
YAML
  kubectl -n $ns wait --for=condition=Ready pod/disk --timeout=60s >/dev/null
}
mebibytes() { kubectl -n $ns exec disk -- df --output=size -BM /disk | tail -n 1 | tr -dc 0-9; }
disk_pod
size=$(mebibytes)
if [ "$size" -ge 40 ] && [ "$size" -le 64 ]; then ok "a claim of 64Mi is a disk of $size MiB"; else fail "a claim of 64Mi is a disk of $size MiB"; fi
check "the pod's group may write" kubectl -n $ns exec disk -- bash -c 'echo kept >/disk/file'
kubectl -n $ns delete pod disk >/dev/null
disk_pod
check "what was written is there for the next pod" kubectl -n $ns exec disk -- grep -q kept /disk/file
kubectl -n $ns patch pvc disk -p '{"spec":{"resources":{"requests":{"storage":"128Mi"}}}}' >/dev/null
grown() { [ "$(kubectl -n $ns get pvc disk -o 'jsonpath={.status.capacity.storage}')" = 128Mi ]; }
pending() { kubectl -n $ns get pvc disk -o 'jsonpath={.status.conditions[*].type}' | grep -q FileSystemResizePending; }
grown_or_pending() { grown || pending; }
check "a claim may ask for more" grown_or_pending
how=mounted
if ! grown; then
  how="when its pod was restarted (root lacks CAP_SYS_RESOURCE)"
  kubectl -n $ns delete pod disk >/dev/null
  disk_pod
fi
check "the claim has what it asked for" grown
size=$(mebibytes)
if [ "$size" -ge 90 ]; then ok "the disk grew to $size MiB $how"; else fail "the disk has $size MiB after growing to 128Mi"; fi
check "what was written is there after growing" kubectl -n $ns exec disk -- grep -q kept /disk/file

kubectl apply -f - >/dev/null <<YAML
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: $ns, namespace: metallb-system}
spec: {addresses: [10.77.0.199/32], autoAssign: false}
---
apiVersion: metallb.io/v1beta1
kind: L2Advertisement
metadata: {name: $ns, namespace: metallb-system}
spec: {ipAddressPools: [$ns]}
---
apiVersion: v1
kind: Service
metadata: {name: outside, namespace: $ns, annotations: {metallb.io/loadBalancerIPs: 10.77.0.199}}
spec: {type: LoadBalancer, externalTrafficPolicy: Local, selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
YAML
outside() { "$here/lab.sh" client curl -sf -m 3 http://10.77.0.199/ | grep -q lab-selfcheck; }
check "the client host reaches a LoadBalancer address" outside
echo "$passed passed, 0 failed"
