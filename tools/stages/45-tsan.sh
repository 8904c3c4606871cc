# What has threads, under TSan: the real World and the engines. Builds only what these need.
# needs: setup
. tools/stages/lib.sh
# The rounds of the engine run in full on the release build (stage engine-rounds).
export KELPIE_POWER_ROUNDS=10 KELPIE_KILL_ROUNDS=10
tools/build.sh tsan real_test store_test || exit 1
run_gtests build/tsan/src/real_test build/tsan/src/store_test
