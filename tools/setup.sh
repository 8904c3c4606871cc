#!/usr/bin/env bash
# Installs what Kelpie needs on Debian bookworm, as root or through sudo, asking nothing.
# When everything is there it only looks, which takes a fraction of a second.
#
#   tools/setup.sh serve    what a release build and the server need
#   tools/setup.sh test     the same and what `make test` needs besides
set -euo pipefail

usage() { echo "usage: tools/setup.sh serve|test" >&2; exit 2; }
[ $# -eq 1 ] || usage

packages=(
  clang-19 lld-19 ninja-build cmake pkg-config git make ca-certificates curl
  libboost1.81-dev libboost-json1.81-dev librocksdb-dev libssl-dev
  libfmt-dev libspdlog-dev libcli11-dev libtomlplusplus-dev
  # CMake configures the whole tree, tests and benchmarks included, for either purpose.
  libgtest-dev libgmock-dev libbenchmark-dev
)
case "$1" in
  serve) ;;
  # llvm-19 has the symbolizer that turns a sanitizer's report into lines of source.
  test) packages+=(clang-tidy-19 clang-format-19 llvm-19 libclang-rt-19-dev python3) ;;
  *) usage ;;
esac

if [ "$(uname -s)-$(uname -m)" != Linux-x86_64 ]; then
  echo "setup: Kelpie is built and tested on Linux x86-64 only; this is $(uname -s) $(uname -m)" >&2
  exit 1
fi

missing=()
installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${packages[@]}" 2>/dev/null || true)
for package in "${packages[@]}"; do
  grep -qx "installed $package" <<<"$installed" || missing+=("$package")
done

# The end-to-end tests drive Node clients. A Node that is there already may come from anywhere; only
# its age matters.
node_major() { node --version 2>/dev/null | sed -n 's/^v\([0-9]*\)\..*/\1/p'; }
if [ "$1" = test ]; then
  major=$(node_major || true)
  if [ "${major:-0}" -lt 18 ]; then
    missing+=(nodejs npm)
  elif ! command -v npm >/dev/null; then
    missing+=(npm)
  fi
fi

if [ "${#missing[@]}" -eq 0 ]; then
  exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || {
    echo "setup: missing packages: ${missing[*]}; run as root, or install sudo" >&2
    exit 1
  }
  as_root=(sudo)
fi
command -v apt-get >/dev/null || {
  echo "setup: this is not a Debian system; install the counterparts of: ${missing[*]}" >&2
  exit 1
}

echo "setup: installing ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq
  -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300)
if ! { "${apt[@]}" update && "${apt[@]}" install -y --no-install-recommends "${missing[@]}"; } \
  >"$log" 2>&1; then
  cat "$log" >&2
  echo "setup: apt-get failed; see above" >&2
  exit 1
fi
