# The official clients against the real binary and the offline model, over HTTP.
# needs: release
. tools/stages/lib.sh
require tests/e2e/run.sh
run_counted e2e tests/e2e/run.sh
