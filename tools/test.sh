#!/usr/bin/env bash
# Runs every check of the project in order, and ends with `N passed, N failed, N skipped`.
#
#   tools/test.sh                    what CI runs
#   tools/test.sh --long             the full counts; also writes docs/test-report.md
#   tools/test.sh --only NAME,...    these stages (what they need is taken as done)
#   tools/test.sh --list             the stages
#
# A stage is a file tools/stages/NN-NAME.sh. It counts through tools/stages/lib.sh; its output is
# kept in build/test/NAME.log and shown when it fails. A failed stage does not end the run, but a
# stage that needs it is skipped, with that reason.
#
# Counts, from the environment:
#   SEEDS         short seeds of the simulator on the release build; a tenth for each further scenario
#   LONG_SEEDS    long seeds
#   DEV_SEEDS     seeds under ASan and UBSan
#   ROUNDS        rounds of kill -9 under load
#   DEV_ROUNDS    the same under ASan and UBSan
#   OPERATIONS    operations of the differential test, for each engine
#   ENGINE_ROUNDS rounds of power loss, and of kill -9, for the rocksdb engine alone
#   FUZZ_SECONDS  seconds for each fuzz target
#   TIDY_FILES    changed files at most that clang-tidy reads
#   STAGE_SECONDS seconds after which a stage is ended, as failed
#   JOBS          compilers, and test programs, at once
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

long=no
only=
while [ $# -gt 0 ]; do
  case "$1" in
    --long) long=yes ;;
    --only) only=${2:?--only wants stage names}; shift ;;
    --list) ls tools/stages | sed -n 's/^[0-9][0-9]-\(.*\)\.sh$/\1/p'; exit 0 ;;
    *) sed -n '2,/^set /p' "$0" | sed -n 's/^# \{0,1\}//p' >&2; exit 2 ;;
  esac
  shift
done
if [ "$long" = yes ]; then
  : "${SEEDS:=10000}" "${LONG_SEEDS:=100}" "${DEV_SEEDS:=400}" "${ROUNDS:=300}" "${DEV_ROUNDS:=20}" "${FUZZ_SECONDS:=600}" "${TIDY_FILES:=1000}"
  : "${OPERATIONS:=20000000}" "${ENGINE_ROUNDS:=5000}"
  : "${STAGE_SECONDS:=14400}"
fi
export LONG=$long SEEDS=${SEEDS:-2000} LONG_SEEDS=${LONG_SEEDS:-4} DEV_SEEDS=${DEV_SEEDS:-100}
export ROUNDS=${ROUNDS:-50} DEV_ROUNDS=${DEV_ROUNDS:-3} FUZZ_SECONDS=${FUZZ_SECONDS:-30} TIDY_FILES=${TIDY_FILES:-24}
export OPERATIONS=${OPERATIONS:-1000000} ENGINE_ROUNDS=${ENGINE_ROUNDS:-100}
export STAGE_SECONDS=${STAGE_SECONDS:-1500} JOBS=${JOBS:-$(nproc)}

logs=build/test
rm -rf "$logs"
mkdir -p "$logs"
table=$logs/stages.txt
: >"$table"

count() { awk -F '\t' -v kind="$1" '$1 == kind { n += $2 } END { print n + 0 }' "${@:2}"; }
wanted() { [ -z "$only" ] || [[ ",$only," == *",$1,"* ]]; }

declare -A broken
for file in tools/stages/[0-9][0-9]-*.sh; do
  name=$(basename "$file" .sh)
  name=${name#[0-9][0-9]-}
  wanted "$name" || continue
  export RESULTS=$PWD/$logs/$name.results
  : >"$RESULTS"
  needs=$(sed -n 's/^# needs: //p' "$file")
  if grep -q '^# long only$' "$file" && [ "$long" = no ] && [ -z "$only" ]; then
    continue
  fi
  started=$(date +%s)
  blocker=
  for need in $needs; do
    [ -z "${broken[$need]:-}" ] || blocker=$need
  done
  if [ -n "$blocker" ]; then
    printf 'skip\t1\t%s\tstage %s failed\n' "$name" "$blocker" >>"$RESULTS"
    broken[$name]=yes
  else
    printf '%-16s ... ' "$name"
    timeout --kill-after=30 "$STAGE_SECONDS" bash "$file" >"$logs/$name.log" 2>&1
    code=$?
    if [ "$code" -eq 124 ]; then
      printf 'fail\t1\t%s\tdid not end within %s s\n' "$name" "$STAGE_SECONDS" >>"$RESULTS"
    fi
    # A stage that ends badly has failed, whatever it managed to count.
    if [ "$code" -ne 0 ] && [ "$(count fail "$RESULTS")" -eq 0 ]; then
      printf 'fail\t1\t%s\tended with exit code %s\n' "$name" "$code" >>"$RESULTS"
    fi
    if [ "$code" -ne 0 ]; then
      broken[$name]=yes
    fi
  fi
  line=$(printf '%5d s  %5d passed  %3d failed  %3d skipped' "$(($(date +%s) - started))" \
    "$(count pass "$RESULTS")" "$(count fail "$RESULTS")" "$(count skip "$RESULTS")")
  if [ -n "$blocker" ]; then
    printf '%-16s     ' "$name"
  fi
  echo "$line"
  printf '%-16s %s\n' "$name" "$line" >>"$table"
  if [ "$(count fail "$RESULTS")" -gt 0 ]; then
    echo "--- the end of $logs/$name.log"
    tail -n 60 "$logs/$name.log"
    echo "---"
  fi
done

all=("$logs"/*.results)
passed=$(count pass "${all[@]}")
failed=$(count fail "${all[@]}")
skipped=$(count skip "${all[@]}")
{
  echo
  awk -F '\t' '$1 == "fail" { printf "failed:  %s: %s\n", $3, $4 }' "${all[@]}"
  awk -F '\t' '$1 == "skip" { printf "skipped: %s: %s\n", $3, $4 }' "${all[@]}"
} | tee "$logs/findings.txt"
if [ "$long" = yes ]; then
  tools/stages/report.sh "$table" "$logs/findings.txt" >docs/test-report.md
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
