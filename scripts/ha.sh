#!/usr/bin/env bash
# make test-ha, soak and bench-ha: the cluster with the operator of this checkout, then faults on a fabric of its own.
set -euo pipefail
# shellcheck source=cluster.sh
. "$(dirname "${BASH_SOURCE[0]}")/cluster.sh"

[ "$CLUSTER" = lab ] || die "the faults are the lab's own: CLUSTER=lab"
cd "$ROOT"
cluster_up
cluster_image
install_operator
case ${1:-} in
  test) SPC_TEST_IMAGE=$IMAGE_REPOSITORY:$IMAGE_TAG SPC_HA=${FAULT:-all} exec scripts/run-tests.sh engines ha ;;
  soak) exec node --no-warnings test/ha/soak.ts ;;
  # Of what is measured and how: a commit of the results alone begins nothing anew.
  bench) COMMIT=$(git log -1 --format=%h -- src charts crds images bench test scripts) exec node --no-warnings bench/ha.ts ;;
  *) die "test, soak or bench, not '${1:-}'" ;;
esac
