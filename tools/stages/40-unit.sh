# Unit tests under ASan and UBSan.
# needs: dev
. tools/stages/lib.sh
mapfile -t programs < <(test_programs build/dev)
[ "${#programs[@]}" -gt 0 ] || { fail unit "no test programs were registered"; exit 1; }
run_gtests "${programs[@]}"
