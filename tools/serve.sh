#!/usr/bin/env bash
# Starts the release build on the embedded store and says where everything is.
#
#   tools/serve.sh DATA_DIR LISTEN [FLAG...]
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)

data=${1:?usage: tools/serve.sh DATA_DIR LISTEN [FLAG...]}
listen=${2:?usage: tools/serve.sh DATA_DIR LISTEN [FLAG...]}
shift 2
mkdir -p "$data"
data=$(cd "$data" && pwd)

cat <<TEXT

  data     $data
  address  http://$listen
  try      curl -s http://$listen/v1/health/

  Ctrl-C ends it; what was answered is on the disk. The tour is in README.md.

TEXT
exec "$top/build/release/src/kelpie" serve --data-dir "$data" --listen "$listen" "$@"
