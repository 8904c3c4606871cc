#!/usr/bin/env bash
# The server on the cluster that KELPIE_TEST_CLUSTER names; called by run.sh.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
output=$(mktemp)
trap 'rm -f "$output"' EXIT
code=0
node --test --test-reporter=tap "$here/server.test.mjs" >"$output" 2>&1 || code=$?
cat "$output"
count() { sed -n "s/^# $1 //p" "$output" | tail -n 1; }
echo "$(count pass) passed, $(count fail) failed"
exit "$code"
