#!/usr/bin/env bash
# Configures a preset where that was not done yet and builds targets of it.
#
#   tools/build.sh PRESET [TARGET...]
#
# JOBS bounds the compilers that run at once (default: one a core).
set -euo pipefail
cd "$(dirname "$0")/.."

preset=${1:?usage: tools/build.sh PRESET [TARGET...]}
shift
build=build/$preset

# A copy of a tree brings build directories along that name another place; they are of no use here.
if [ -f "$build/CMakeCache.txt" ] &&
  ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$PWD" "$build/CMakeCache.txt"; then
  rm -rf "$build"
fi
if [ ! -f "$build/build.ninja" ]; then
  mkdir -p build
  cmake --preset "$preset" >"build/configure-$preset.log" 2>&1 || {
    cat "build/configure-$preset.log" >&2
    exit 1
  }
fi

targets=()
if [ $# -gt 0 ]; then
  targets=(--target "$@")
fi
exec cmake --build "$build" -j "${JOBS:-$(nproc)}" "${targets[@]}"
