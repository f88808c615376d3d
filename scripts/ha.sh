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
# Of what is measured and how: a commit of the results alone begins nothing anew.
COMMIT=$(git log -1 --format=%h -- src charts crds images bench test scripts)
export COMMIT

# play: what passes is noted; with ROUND=n an interrupted round of this commit goes on behind it.
play() {
  local passed=build/ha/$COMMIT-${ROUND:-at-$(date +%s)} file failed=0
  local jest=(node --experimental-vm-modules --no-warnings node_modules/jest/bin/jest.js --runInBand)
  mkdir -p build/ha && touch "$passed"
  export SPC_TEST_IMAGE=$IMAGE_REPOSITORY:$IMAGE_TAG SPC_HA=${FAULT:-all} SPC_HA_PASSED=$passed
  if [ -z "${FAULT:-}" ]; then
    for file in $("${jest[@]}" --selectProjects engines --listTests 2>/dev/null | sort); do
      file=${file#"$ROOT"/}
      grep -qxF "$file" "$passed" && continue
      if "${jest[@]}" --selectProjects engines --runTestsByPath "$file"; then echo "$file" >>"$passed"; else failed=1; fi
    done
  fi
  "${jest[@]}" --selectProjects ha || failed=1
  echo "== $(wc -l <"$passed") passed, noted in $passed"
  return $failed
}

case ${1:-} in
  test) play ;;
  soak) exec node --no-warnings test/ha/soak.ts ;;
  bench) exec node --no-warnings bench/ha.ts ;;
  *) die "test, soak or bench, not '${1:-}'" ;;
esac
