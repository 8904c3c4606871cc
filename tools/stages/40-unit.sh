# Unit tests under ASan and UBSan.
# needs: dev
. tools/stages/lib.sh
# The rounds of the engine run in full on the release build (stage engine-rounds).
export KELPIE_POWER_ROUNDS=10 KELPIE_KILL_ROUNDS=10
mapfile -t programs < <(test_programs build/dev)
[ "${#programs[@]}" -gt 0 ] || { fail unit "no test programs were registered"; exit 1; }
run_gtests "${programs[@]}"
