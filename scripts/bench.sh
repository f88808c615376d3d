#!/usr/bin/env bash
# make bench: the cluster with the operator of this checkout, then the measurements.
set -euo pipefail
# shellcheck source=cluster.sh
. "$(dirname "${BASH_SOURCE[0]}")/cluster.sh"

cd "$ROOT"
cluster_up
cluster_image
install_operator
exec node bench/main.ts
