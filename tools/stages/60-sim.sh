# Seeds of the simulator on the release build; each run twice must give the same trace hash.
# needs: release
. tools/stages/lib.sh
run_seeds "sim seeds" build/release/src/kelpie sim run --seeds "$SEEDS" --twice
