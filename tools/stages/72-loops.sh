# Clients and kill -9 against a process whose agents live on two loops.
# needs: release
. tools/stages/lib.sh
export KELPIE_LOOPS=2
run_counted e2e-loops tests/e2e/run.sh
run_counted crash-loops tests/crash/run.sh --rounds "$DEV_ROUNDS"
