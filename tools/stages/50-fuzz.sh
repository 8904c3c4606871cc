# Every fuzz target for FUZZ_SECONDS, JOBS at once, from the corpus in the tree.
# needs: setup
. tools/stages/lib.sh
require fuzz/CMakeLists.txt
targets=(fuzz_backup fuzz_http fuzz_sse fuzz_request_json fuzz_tuple)
tools/build.sh fuzz "${targets[@]}" || exit 1
logs=build/fuzz/logs
rm -rf "$logs"
mkdir -p "$logs"
# What a run finds goes to the first folder; the one in the tree is only read.
printf '%s\n' "${targets[@]}" | xargs -P "$JOBS" -I {} bash -c '
  target=$1
  new=build/fuzz/corpus/$target
  mkdir -p "$new"
  corpora=("$new")
  [ ! -d "fuzz/corpus/$target" ] || corpora+=("fuzz/corpus/$target")
  build/fuzz/fuzz/$target -max_total_time="$FUZZ_SECONDS" -timeout=10 -rss_limit_mb=2048 \
    -print_final_stats=1 -artifact_prefix="build/fuzz/$target-" "${corpora[@]}" \
    >"$2/$target.log" 2>&1
  echo $? >"$2/$target.code"' run {} "$logs"
for target in "${targets[@]}"; do
  code=$(cat "$logs/$target.code" 2>/dev/null || echo 127)
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$logs/$target.log")
  echo "== $target: exit code $code, ${runs:-0} inputs"
  tail -n 40 "$logs/$target.log"
  if [ "$code" -ne 0 ]; then
    fail "$target" "exit code $code; the input is kept in build/fuzz/"
  elif [ "${runs:-0}" -lt 1000 ]; then
    fail "$target" "only ${runs:-0} inputs in $FUZZ_SECONDS s: the target does not run"
  else
    pass 1 "$target"
  fi
done
[ "$(failures)" -eq 0 ]
