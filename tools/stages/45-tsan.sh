# What has threads, under TSan: the real World and the engines. Builds only what these need.
# needs: setup
. tools/stages/lib.sh
tools/build.sh tsan real_test store_test || exit 1
run_gtests build/tsan/src/real_test build/tsan/src/store_test
