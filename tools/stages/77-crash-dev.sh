# A few rounds of kill -9 on the binary with ASan and UBSan.
# needs: dev
. tools/stages/lib.sh
require tests/crash/run.sh
run_counted crash-dev tests/crash/run.sh --binary build/dev/src/kelpie --rounds "$DEV_ROUNDS"
