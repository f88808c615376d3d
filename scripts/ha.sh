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
# Of what is measured and how: a commit of the results alone, of unit tests and their models, or of this script, begins nothing anew.
COMMIT=$(git log -1 --format=%h -- src charts crds images bench test scripts \
  ':!src/*.test.ts' ':!src/*.model.ts' ':!src/engines/mysql/pair.*.ts' ':!scripts/ha.sh')
export COMMIT
# What has passed is noted there, by commit: an interrupted proof goes on behind it. PROOF=docs/proof keeps it with the project.
export PROOF=${PROOF:-build/proof}
mkdir -p "$PROOF"

# play: what passes is noted; with ROUND=n an interrupted round of this commit goes on behind it.
play() {
  local passed=$PROOF/test-ha-$COMMIT-round-${ROUND:-$(date +%s)}.tsv file failed=0
  local jest=(node --experimental-vm-modules --no-warnings node_modules/jest/bin/jest.js --runInBand)
  touch "$passed"
  export SPC_TEST_IMAGE=$IMAGE_REPOSITORY:$IMAGE_TAG SPC_HA=${FAULT:-all} SPC_HA_PASSED=$passed
  if [ -z "${FAULT:-}" ]; then
    for file in $("${jest[@]}" --selectProjects engines --listTests 2>/dev/null | grep '\.test\.ts$' | sort); do
      file=${file#"$ROOT"/}
      cut -f1 "$passed" | grep -qxF "$file" && continue
      if "${jest[@]}" --selectProjects engines --runTestsByPath "$file"; then
        printf '%s\t%s\tpassed\n' "$file" "$(date -u +%FT%TZ)" >>"$passed"
      else
        failed=1
      fi
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
