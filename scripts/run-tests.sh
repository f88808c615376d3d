#!/usr/bin/env bash
# Runs jest projects one after the other (arguments: unit, integration, ha), with a line of totals at the end that counts
# them all: "N passed, N failed". Each project's result is kept in build/tests/NAME.json.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
mkdir -p build/tests
failed=0
for project in "$@"; do
  echo "== tests: $project ($(date +%H:%M:%S))"
  flags=()
  [ "$project" = unit ] || flags=(--runInBand)
  node --experimental-vm-modules --no-warnings node_modules/jest/bin/jest.js --selectProjects "$project" \
    --json --outputFile="build/tests/$project.json" "${flags[@]}" || failed=1
done
node scripts/test-totals.ts "$@" || failed=1
exit $failed
