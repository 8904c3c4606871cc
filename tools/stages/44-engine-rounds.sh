# The rocksdb engine alone, on the release build: killed, and cut off from power, at random points.
# needs: release
. tools/stages/lib.sh
tools/build.sh release store_test || exit 1
export KELPIE_POWER_ROUNDS=$ENGINE_ROUNDS KELPIE_KILL_ROUNDS=$ENGINE_ROUNDS
build/release/src/store_test --gtest_color=no --gtest_filter='PowerLoss.*:KillRounds.*'
code=$?
if [ "$code" -eq 0 ]; then
  pass "$((2 * ENGINE_ROUNDS))" "rounds of power loss and of kill -9"
else
  fail engine-rounds "store_test ended with exit code $code"
fi
[ "$(failures)" -eq 0 ]
