# shellcheck shell=bash
# The control plane, in the root namespace: etcd, API server, controller manager, scheduler, volume provisioner.

control_up() {
  control_configure
  # Elsewhere it has machines of its own. With a node's share, an API server that starts beside busy nodes answers after seconds.
  cgroup_make sclab/control
  cgroup_weigh sclab/control 4
  process_start etcd sclab/control/etcd "$BIN/etcd" --data-dir "$STATE/etcd" --unsafe-no-fsync --log-level warn \
    --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 --listen-peer-urls http://127.0.0.1:2380
  apiserver_up
  # No leader election: each is alone, and an ended API server must not end them.
  process_start kcm sclab/control/kcm "$BIN/kube-controller-manager" --leader-elect=false --bind-address=127.0.0.1 \
    --kubeconfig="$PKI/kcm.conf" --authentication-kubeconfig="$PKI/kcm.conf" --authorization-kubeconfig="$PKI/kcm.conf" \
    --root-ca-file="$PKI/ca.crt" --service-account-private-key-file="$PKI/sa.key" --use-service-account-credentials \
    --cluster-cidr="$POD_NET.0.0/16" --allocate-node-cidrs=false --cluster-signing-cert-file="$PKI/ca.crt" --cluster-signing-key-file="$PKI/ca.key" --flex-volume-plugin-dir="$STATE/plugins"
  process_start scheduler sclab/control/scheduler "$BIN/kube-scheduler" --leader-elect=false --bind-address=127.0.0.1 \
    --kubeconfig="$PKI/scheduler.conf" --authentication-kubeconfig="$PKI/scheduler.conf" --authorization-kubeconfig="$PKI/scheduler.conf"
  process_start provisioner sclab/control/provisioner nsenter --mount="$MOUNTS" "$BIN/lab-provisioner" --kubeconfig "$PKI/admin.conf" --dir "$VOLUMES"
}

# The root namespace speaks to pods itself (webhooks), hence the aggregator routing and the routes of network.sh.
apiserver_up() {
  process_start apiserver sclab/control/apiserver "$BIN/kube-apiserver" --etcd-servers=http://127.0.0.1:2379 \
    --bind-address=0.0.0.0 --secure-port=6443 --advertise-address="$NET.1" --service-cluster-ip-range="$SERVICE_CIDR" \
    --tls-cert-file="$PKI/apiserver.crt" --tls-private-key-file="$PKI/apiserver.key" --client-ca-file="$PKI/ca.crt" \
    --kubelet-client-certificate="$PKI/admin.crt" --kubelet-client-key="$PKI/admin.key" \
    --kubelet-certificate-authority="$PKI/ca.crt" --kubelet-preferred-address-types=InternalIP \
    --service-account-issuer=https://kubernetes.default.svc --service-account-key-file="$PKI/sa.pub" --service-account-signing-key-file="$PKI/sa.key" \
    --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction --allow-privileged=true --enable-aggregator-routing=true \
    --requestheader-client-ca-file="$PKI/ca.crt" --requestheader-allowed-names=front-proxy --requestheader-username-headers=X-Remote-User \
    --requestheader-group-headers=X-Remote-Group --requestheader-extra-headers-prefix=X-Remote-Extra- \
    --proxy-client-cert-file="$PKI/front-proxy.crt" --proxy-client-key-file="$PKI/front-proxy.key"
  wait_for 60 "API server ready (log: $LOGS/apiserver.log)" api_ready
}

api_ready() { kubectl get --raw /readyz --request-timeout=2s; }

# No name server behind the cluster's: the lab resolves nothing outside.
control_configure() { printf 'search .\n' >"$STATE/resolv.conf"; }

# A graceful end of the API server waits for its watches: a machine that is switched off does not.
control_down() {
  local name
  for name in provisioner scheduler kcm apiserver; do process_stop $name KILL; done
  process_stop etcd
}
