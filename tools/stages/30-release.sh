# The release build of the binary that the later stages drive.
# needs: setup
. tools/stages/lib.sh
tools/build.sh release kelpie || exit 1
pass 1 "release build"
