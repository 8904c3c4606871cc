# A few seeds under ASan and UBSan.
# needs: dev
. tools/stages/lib.sh
run_seeds "sim seeds under sanitizers" build/dev/src/kelpie sim run --seeds "$DEV_SEEDS"
