#!/usr/bin/env bash
# Whether a program outside of this tree can use the installed package.
#
#   tests/package/run.sh BUILD
#
# Installs from the build directory into a new prefix, moves that somewhere else, and builds the
# guide's first program against it, once with find_package and once with pkg-config. Each is run
# twice: the second run finds what the first has written. Last line: `N passed, N failed, N skipped`.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$(realpath "${1:?usage: tests/package/run.sh BUILD}")
compiler=${CXX:-clang++-19}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0

# check NAME COMMAND...
check() {
  local name=$1
  shift
  if "$@" >"$work/log" 2>&1; then
    echo "ok: $name"
    passed=$((passed + 1))
  else
    tail -n 50 "$work/log"
    echo "failed: $name: see above"
    failed=$((failed + 1))
  fi
}
# prints PROGRAM DIRECTORY TEXT: when it is run there.
prints() {
  local said
  mkdir -p "$2"
  said=$(cd "$2" && "$1") || return 1
  echo "expected '$3', got '$said'"
  [ "$said" = "$3" ]
}
# The block of code in the guide under this name.
block() {
  awk -v name="\`$1\`:" '
    $0 == name { found = 1; next }
    found && /^```/ { if (inside) exit; inside = 1; next }
    inside { print }' "$guide"
}
finish() {
  echo "$passed passed, $failed failed, 0 skipped"
  [ "$failed" -eq 0 ]
  exit
}

# Nothing of the tree is beside the program. The prefix is moved: the package must not know where it
# was made.
guide=$here/../../docs/guides/actors.md
mkdir "$work/program"
for file in CMakeLists.txt main.cc; do
  block "counter/$file" >"$work/program/$file"
done
check "the guide has a program" test -s "$work/program/CMakeLists.txt" -a -s "$work/program/main.cc"
check "installs" cmake --install "$build" --component embed --prefix "$work/made"
mv "$work/made" "$work/prefix" || finish

check "no header names the tree" bash -c '! grep -rIl "$1" "$2"' _ "$(cd "$here/../.." && pwd)/" \
  "$work/prefix"
check "find_package configures" cmake -S "$work/program" -B "$work/cmake-build" \
  -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_BUILD_TYPE=Release
check "find_package builds" cmake --build "$work/cmake-build"
check "find_package runs" prints "$work/cmake-build/counter" "$work/cmake-run" 1
check "find_package finds its state" prints "$work/cmake-build/counter" "$work/cmake-run" 2

pkg_config_dir=$(dirname "$(find "$work/prefix" -name kelpie.pc)")
build_with_pkg_config() {
  local flags
  flags=$(PKG_CONFIG_PATH=$pkg_config_dir pkg-config --cflags --libs kelpie) || return 1
  # Flags are words.
  # shellcheck disable=SC2086
  "$compiler" -std=gnu++23 -O1 "$work/program/main.cc" -o "$work/counter" $flags
}
check "pkg-config builds" build_with_pkg_config
check "pkg-config runs" prints "$work/counter" "$work/pc-run" 1
check "pkg-config finds its state" prints "$work/counter" "$work/pc-run" 2
finish
