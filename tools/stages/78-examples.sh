# The examples, and a program outside of the tree that uses the installed package.
# needs: release
. tools/stages/lib.sh
tools/build.sh release examples/all kelpie_package || {
  fail "examples build" "see the log"
  exit 1
}
run_counted examples examples/run.sh build/release
run_counted package tests/package/run.sh build/release
