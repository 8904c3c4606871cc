# Seeds of the simulator on the release build; each run twice must give the same trace hash.
# needs: release
. tools/stages/lib.sh
run_seeds "sim seeds" build/release/src/kelpie sim run --seeds "$SEEDS" --twice
if build/release/src/kelpie sim corpus tests/sim/corpus.txt; then
  pass 1 "sim regression corpus"
else
  fail "sim regression corpus" "a seed that was mended fails again"
fi
[ "$(failures)" -eq 0 ]
