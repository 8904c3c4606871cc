# What stages have in common. A stage writes lines of `pass|fail|skip <tab> count <tab> name <tab>
# reason` to $RESULTS through these.
set -uo pipefail

pass() { printf 'pass\t%s\t%s\t\n' "$1" "$2" >>"$RESULTS"; }
fail() { printf 'fail\t1\t%s\t%s\n' "$1" "$2" >>"$RESULTS"; }
skip() { printf 'skip\t1\t%s\t%s\n' "$1" "$2" >>"$RESULTS"; }
failures() { grep -c '^fail' "$RESULTS"; }

# A sanitizer's report names lines of source with this; a leak is a failure.
export ASAN_SYMBOLIZER_PATH=${ASAN_SYMBOLIZER_PATH:-/usr/bin/llvm-symbolizer-19}
export TSAN_SYMBOLIZER=$ASAN_SYMBOLIZER_PATH
export ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1
export UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS=suppressions=$PWD/tools/tsan.supp:external_symbolizer_path=$ASAN_SYMBOLIZER_PATH

require() {
  [ -e "$1" ] || {
    echo "$1 is not there"
    fail "$1" "is not there"
    exit 1
  }
}

# Test programs of a build, as CMake registered them: test_programs BUILD.
test_programs() {
  ctest --test-dir "$1" --show-only=json-v1 |
    python3 -c 'import json, sys
for test in json.load(sys.stdin)["tests"]:
    print(test["command"][0])'
}

# Runs GoogleTest programs, JOBS at once, and counts their tests: run_gtests PROGRAM...
run_gtests() {
  local logs
  logs=$(mktemp -d)
  printf '%s\n' "$@" | xargs -P "$JOBS" -I {} bash -c '
    name=$(basename "$1")
    "$1" --gtest_color=no >"$2/$name.log" 2>&1
    echo $? >"$2/$name.code"' run {} "$logs"
  local program name code
  for program in "$@"; do
    name=$(basename "$program")
    code=$(cat "$logs/$name.code" 2>/dev/null || echo 127)
    echo "== $program: exit code $code"
    python3 tools/stages/gtest_results.py "$name" "$code" <"$logs/$name.log" >>"$RESULTS"
    if [ "$code" -ne 0 ]; then
      tail -n 200 "$logs/$name.log"
    else
      tail -n 3 "$logs/$name.log"
    fi
  done
  rm -rf "$logs"
  [ "$(failures)" -eq 0 ]
}

# Runs a command whose last line is `N passed, N failed, N skipped`, and which prints
# `failed: name: reason` and `skipped: name: reason`: run_counted NAME COMMAND...
run_counted() {
  local name=$1 output code
  shift
  output=$(mktemp)
  "$@" 2>&1 | tee "$output"
  code=${PIPESTATUS[0]}
  python3 tools/stages/counted_results.py "$name" "$code" <"$output" >>"$RESULTS"
  rm -f "$output"
  [ "$(failures)" -eq 0 ]
}

# Scenarios of the simulator that are meant to be clean, the default one first.
sim_scenarios() { "$1" sim list | awk '$1 == "scenario" && $2 != "canary" { print $2 }'; }

# Compares files of `seed hash` lines, where both have the seed: same_hashes NAME FILE FILE.
same_hashes() {
  local name=$1 line same=0
  while read -r line; do
    case "$line" in
      same*) same=${line#same } ;;
      *) fail "$name" "$line" ;;
    esac
  done < <(awk 'NR == FNR { hash[$1] = $2; next }
    ($1 in hash) && hash[$1] == $2 { same++ }
    ($1 in hash) && hash[$1] != $2 { print "seed " $1 " has the hashes " hash[$1] " and " $2 }
    END { print "same " same + 0 }' "$2" "$3")
  if [ "$same" -gt 0 ]; then
    pass "$same" "$name"
  else
    fail "$name" "no seed has the same hash twice"
  fi
}

# Runs a campaign and counts its seeds: run_seeds NAME COMMAND...
run_seeds() {
  local name=$1 output code clean
  shift
  output=$(mktemp)
  "$@" 2>&1 | tee "$output"
  code=${PIPESTATUS[0]}
  clean=$(sed -n 's/^\([0-9]*\) seeds clean, .*/\1/p' "$output")
  [ "${clean:-0}" -eq 0 ] || pass "$clean" "$name"
  while IFS= read -r line; do
    fail "$name" "$line"
  done < <(sed -n 's/^FAILED //p' "$output")
  rm -f "$output"
  if [ "$code" -ne 0 ] && [ "$(failures)" -eq 0 ]; then
    fail "$name" "ended with exit code $code"
  elif [ -z "$clean" ]; then
    fail "$name" "ended without saying how many seeds were clean"
  fi
  [ "$(failures)" -eq 0 ]
}
