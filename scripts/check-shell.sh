#!/usr/bin/env bash
# Lints every shell script of the project. Without shellcheck on the machine it says so, and how to get it.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! command -v shellcheck >/dev/null; then
  echo "shellcheck is not installed, so shell scripts are not linted: apt-get install shellcheck" >&2
  exit 0
fi
git ls-files -z '*.sh' .ci/run | xargs -0 shellcheck -x -P SCRIPTDIR --severity=warning
