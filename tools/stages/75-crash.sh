# kill -9 under load: each acknowledged message is there once, in order.
# needs: release
. tools/stages/lib.sh
require tests/crash/run.sh
run_counted crash tests/crash/run.sh --rounds "$ROUNDS"
