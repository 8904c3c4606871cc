#!/usr/bin/env bash
# Real clients against the real binary. Everything runs on free loopback ports and in temporary
# directories.
#
#   tests/e2e/run.sh [--binary PATH] [TEST_FILE...]     default: build/release/src/kelpie, all files
#
# Prints node's report; the last line is `N passed, N failed, N skipped`.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
binary=${KELPIE_BIN:-$top/build/release/src/kelpie}
if [[ ${1:-} == --binary ]]; then
  binary=$(realpath "$2")
  shift 2
fi
if [[ ! -x $binary ]]; then
  echo "no server binary at $binary: build it first (make build)" >&2
  exit 2
fi
major=$(node --version 2>/dev/null | sed 's/^v//; s/\..*//' || true)
if [[ -z $major || $major -lt 18 ]]; then
  echo "node 18 or newer is needed, this is '${major:-none}'" >&2
  exit 2
fi

cd "$here"
# The second time nothing is fetched: the lock file tells whether what is installed is what it names.
stamp=node_modules/.installed-lock
if ! cmp -s package-lock.json "$stamp"; then
  npm ci --no-audit --no-fund
  cp package-lock.json "$stamp"
fi

files=("$@")
[[ ${#files[@]} -gt 0 ]] || files=(test/*.test.mjs)
tap=$(mktemp)
trap 'rm -f "$tap"' EXIT
status=0
KELPIE_BIN=$binary node --test \
  --test-reporter=spec --test-reporter-destination=stdout \
  --test-reporter=tap --test-reporter-destination="$tap" "${files[@]}" || status=$?

count() { sed -n "s/^# $1 //p" "$tap" | tail -1; }
grep -E '^# (tests|pass|fail|cancelled|skipped|todo|duration_ms) ' "$tap" || true
pass=$(count pass) fail=$(count fail) cancelled=$(count cancelled) skipped=$(count skipped)
echo "${pass:-0} passed, $((${fail:-0} + ${cancelled:-0})) failed, ${skipped:-0} skipped"
exit "$status"
