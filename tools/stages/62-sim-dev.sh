# A few seeds under ASan and UBSan, in two processes at once.
# needs: dev
. tools/stages/lib.sh
kelpie=build/dev/src/kelpie
out=build/test/sim
mkdir -p "$out"
rm -f "$out"/dev-*.hashes
first=${DST_SEED:-1}
half=$((DEV_SEEDS / 2))
scenario=$(sim_scenarios "$kelpie" | head -n 1)
run_seeds "sim seeds under sanitizers" "$kelpie" sim run --scenario "$scenario" --from "$first" \
  --count "$half" --hashes "$out/dev-1.hashes" &
run_seeds "sim seeds under sanitizers" "$kelpie" sim run --scenario "$scenario" \
  --from "$((first + half))" --count "$((DEV_SEEDS - half))" --hashes "$out/dev-2.hashes" &
wait
[ "$(failures)" -eq 0 ]
