#!/usr/bin/env bash
# Writes the report of a long run to standard output: report.sh STAGES FINDINGS.
set -euo pipefail
model=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
memory=$(awk '/^MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo)
cat <<TEXT
# Report of \`make test-long\`

Written by \`tools/test.sh --long\`; not edited by hand.

Commit $(git rev-parse --short HEAD)$(git diff --quiet HEAD || echo ' with local changes'), $(date -u +%Y-%m-%d),
$(nproc) cores of $model, $memory, $(uname -sr).

Simulation seeds $SEEDS short and $LONG_SEEDS long, $DEV_SEEDS under sanitizers; kill rounds $ROUNDS; $FUZZ_SECONDS s for each fuzz target.

\`\`\`
$(cat "$1")
$(cat "$2")
\`\`\`
TEXT
