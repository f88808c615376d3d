#!/usr/bin/env bash
# make demo: from nothing to a running SpaceCluster, and a short real exercise of it. Run again it goes on from what is there.
set -euo pipefail
# shellcheck source=../cluster.sh
. "$(dirname "${BASH_SOURCE[0]}")/../cluster.sh"

WEB_IP=10.77.0.100
URL=https://$WEB_IP
READY_SECONDS=600

main() {
  say "cluster ($CLUSTER)"
  cluster_up
  say "the product's image"
  cluster_image
  say "the operator, by its Helm chart"
  install_operator
  say "examples/demo.yaml"
  kubectl apply -f "$ROOT/examples/demo.yaml"
  wait_ready
  say "the exercise"
  exercise
  summary
}

# Shows each condition as it changes, until all are True (Reconciling, Stalled and Paused: False).
wait_ready() {
  local end=$((SECONDS + READY_SECONDS)) seen='' now
  while :; do
    now=$(kubectl -n demo get spacecluster demo -o jsonpath='{range .status.conditions[*]}{.type}={.status} ({.reason}){"\n"}{end}' 2>/dev/null || true)
    diff <(echo "$seen") <(echo "$now") | sed -n 's/^> //p' | while read -r line; do [ -z "$line" ] || say "  $line"; done || true
    seen=$now
    if grep -q '^Ready=True' <<<"$now" && ! grep -E '^[A-Za-z]+=' <<<"$now" | grep -vqE '^(Reconciling|Stalled|Paused)=False|=True'; then return; fi
    if [ "$SECONDS" -ge "$end" ]; then
      kubectl -n demo get spacecluster,pods >&2 || true
      die "not Ready after ${READY_SECONDS} s: kubectl -n demo describe spacecluster demo"
    fi
    sleep 1
  done
}

exercise() {
  local image=$IMAGE_REPOSITORY:$IMAGE_TAG
  kubectl -n demo delete job demo-selfcheck --ignore-not-found --wait >/dev/null
  IMAGE=$image envsubst_image <"$ROOT/scripts/demo/selfcheck.yaml" | kubectl apply -f - >/dev/null
  kubectl -n demo wait job/demo-selfcheck --for=jsonpath='{.status.conditions[*].status}' --timeout=180s >/dev/null 2>&1 || true
  web_ca >"$CA_FILE"
  node "$ROOT/scripts/demo/report.ts" <(kubectl -n demo logs job/demo-selfcheck) <(requests) <(sticky)
}

envsubst_image() { sed "s#\${IMAGE}#$IMAGE#"; }

# Which worker answered each of 30 requests of a client that keeps no cookie.
requests() { for _ in $(seq 30); do web "$URL/readyz"; done; }

# The same with the cookie of the first answer.
sticky() {
  local jar
  jar=$(mktemp)
  for _ in $(seq 30); do web -b "$jar" -c "$jar" "$URL/readyz"; done
  rm -f "$jar"
}

web() {
  outside curl -sS --max-time 5 --cacert "$CA_FILE" -o /dev/null -D - "$@" | tr -d '\r' | sed -n 's/^x-space-node: //Ip'
}

CA_FILE=$ROOT/build/demo-ca.crt

web_ca() { kubectl -n demo get secret demo-tls -o jsonpath='{.data.ca\.crt}' | base64 -d; }

summary() {
  cat <<TEXT

SpaceCluster demo is ready.
  Web IP    $WEB_IP, announced from $(kubectl -n demo get spacecluster demo -o jsonpath='{.status.vip.node}')
  URL       $URL/api/space/fabric-management/fabric-nodes   (OpenAPI: $URL/api/openapi.json)
  log in    user super, password: kubectl -n demo get secret demo-admin -o jsonpath='{.data.password}' | base64 -d
  CA        kubectl -n demo get secret demo-tls -o jsonpath='{.data.ca\\.crt}' | base64 -d
TEXT
  [ "$CLUSTER" != lab ] || cat <<TEXT
  kubectl   export KUBECONFIG=$ROOT/.lab/kubeconfig PATH=$ROOT/.lab/bin:\$PATH
  client    test/lab/lab.sh client curl -k $URL/readyz
TEXT
}

main "$@"
