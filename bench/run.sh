#!/usr/bin/env bash
# Builds what is measured, measures it, and writes docs/benchmarks.md. Flags are those of run.py.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
"$top/tools/build.sh" release turn_bench store_bench fdb_bench kelpie
exec "$top/bench/run.py" "$@"
