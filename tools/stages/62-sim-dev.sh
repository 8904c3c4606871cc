# A few seeds under ASan and UBSan, in two processes at once: DEV_SEEDS of the first scenario, a fifth
# of them of each other one.
# needs: dev
. tools/stages/lib.sh
kelpie=build/dev/src/kelpie
out=build/test/sim
mkdir -p "$out"
rm -f "$out"/dev-*.hashes
first=${DST_SEED:-1}

# sanitized SCENARIO SEEDS
sanitized() {
  local half=$(($2 / 2))
  run_seeds "sim $1 under sanitizers" "$kelpie" sim run --scenario "$1" --from "$first" \
    --count "$half" --hashes "$out/dev-$1-1.hashes" &
  run_seeds "sim $1 under sanitizers" "$kelpie" sim run --scenario "$1" \
    --from "$((first + half))" --count "$(($2 - half))" --hashes "$out/dev-$1-2.hashes" &
  wait
}

mapfile -t scenarios < <(sim_scenarios "$kelpie")
sanitized "${scenarios[0]}" "$DEV_SEEDS"
for scenario in "${scenarios[@]:1}"; do
  sanitized "$scenario" "$((DEV_SEEDS / 5 < 2 ? 2 : DEV_SEEDS / 5))"
done
[ "$(failures)" -eq 0 ]
