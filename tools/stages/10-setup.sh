# Packages. Quick when all are there.
. tools/stages/lib.sh
tools/setup.sh test || exit 1
pass 1 setup
