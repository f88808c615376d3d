# shellcheck shell=bash
# The cluster's certificates and kubeconfigs. Made once a cluster; a node added later gets its own.

pki_up() {
  mkdir -p "$PKI"
  chmod 700 "$PKI"
  if [ ! -s "$PKI/admin.conf" ]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$PKI/ca.key" -out "$PKI/ca.crt" -subj /CN=spacecluster-lab -days 3650 2>/dev/null
    openssl genrsa -out "$PKI/sa.key" 2048 2>/dev/null
    openssl rsa -in "$PKI/sa.key" -pubout -out "$PKI/sa.pub" 2>/dev/null
    certificate apiserver /CN=kube-apiserver "IP:127.0.0.1,IP:$NET.1,IP:$API_SERVICE_IP,DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local"
    certificate front-proxy /CN=front-proxy DNS:front-proxy
    certificate kcm /CN=system:kube-controller-manager DNS:kcm
    certificate scheduler /CN=system:kube-scheduler DNS:scheduler
    certificate proxy /CN=system:kube-proxy DNS:proxy
    certificate admin /O=system:masters/CN=admin DNS:admin
    kubeconfig kcm "$API_LOCAL"
    kubeconfig scheduler "$API_LOCAL"
    kubeconfig proxy "$API_NODES"
    kubeconfig admin "$API_LOCAL"
  fi
}

pki_node() {
  [ -s "$PKI/n$1.conf" ] && return 0
  certificate "n$1" "/O=system:nodes/CN=system:node:n$1" "DNS:n$1,IP:$(node_ip "$1")"
  kubeconfig "n$1" "$API_NODES"
}

# certificate NAME SUBJECT ALT-NAMES
certificate() {
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$PKI/$1.key" -subj "$2" 2>/dev/null |
    openssl x509 -req -CA "$PKI/ca.crt" -CAkey "$PKI/ca.key" -CAcreateserial -days 3650 -out "$PKI/$1.crt" \
      -extfile <(printf 'subjectAltName=%s\nextendedKeyUsage=clientAuth,serverAuth\n' "$3") 2>/dev/null
}

# kubeconfig NAME SERVER: written whole and then renamed, so that its presence means that it is complete.
kubeconfig() {
  cat >"$PKI/$1.conf.new" <<YAML
apiVersion: v1
kind: Config
current-context: lab
contexts: [{name: lab, context: {cluster: lab, user: $1}}]
clusters: [{name: lab, cluster: {server: "$2", certificate-authority-data: $(base64 -w0 "$PKI/ca.crt")}}]
users: [{name: $1, user: {client-certificate-data: $(base64 -w0 "$PKI/$1.crt"), client-key-data: $(base64 -w0 "$PKI/$1.key")}}]
YAML
  chmod 600 "$PKI/$1.conf.new"
  mv "$PKI/$1.conf.new" "$PKI/$1.conf"
}
