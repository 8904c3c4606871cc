# Benchmarks beside their baselines; writes docs/benchmarks.md.
# needs: release
# long only
. tools/stages/lib.sh
require bench/run.py
tools/build.sh release kelpie turn_bench || exit 1
bench/run.py || exit 1
pass 1 benchmarks
