# Benchmarks beside their baselines; writes docs/benchmarks.md.
# needs: release
# long only
. tools/stages/lib.sh
require bench/run.sh
bench/run.sh || exit 1
pass 1 benchmarks
