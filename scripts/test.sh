#!/usr/bin/env bash
# make test: the unit tests, then the cluster with the operator of this checkout, then the tests that need them.
set -euo pipefail
# shellcheck source=cluster.sh
. "$(dirname "${BASH_SOURCE[0]}")/cluster.sh"

cd "$ROOT"
say "cluster ($CLUSTER)"
cluster_up
say "the product's image"
cluster_image
say "the operator, by its Helm chart"
install_operator
suites=(unit integration)
# The faults are the lab's own.
[ "$CLUSTER" != lab ] || suites+=(ha)
SPC_TEST_IMAGE=$IMAGE_REPOSITORY:$IMAGE_TAG exec scripts/run-tests.sh "${suites[@]}"
