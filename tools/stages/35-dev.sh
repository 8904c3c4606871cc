# The build with ASan and UBSan: every library, every unit test, and the binary.
# needs: setup
. tools/stages/lib.sh
tools/build.sh dev || exit 1
pass 1 "dev build"
