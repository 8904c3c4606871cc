#!/usr/bin/env bash
# kill -9 under load, again and again.
#
#   tests/crash/run.sh [--binary PATH] [--rounds N] [--clients N] [--seed N] [--agents N]
#                      [--fdb-cluster-file FILE]
#
# Prints the seed, a line a round, what was acknowledged, and last `N passed, N failed`.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
binary=${KELPIE_BIN:-$here/../../build/release/src/kelpie}
if [[ ${1:-} == --binary ]]; then
  binary=$2
  shift 2
fi
if [[ ! -x $binary ]]; then
  echo "no server binary at $binary: build it first (make build)" >&2
  exit 2
fi
# The checker first: one that sees nothing would pass everything.
node --test "$here/check.test.mjs" >/dev/null || { echo "the checker's own tests fail" >&2; exit 1; }
KELPIE_BIN=$(realpath "$binary") exec node "$here/crash.mjs" "$@"
