# Seeds of the simulator on the release build, in two processes at once; of each process one seed in
# twenty runs twice, and so does every one that fails. Then what once failed.
# needs: release
. tools/stages/lib.sh
kelpie=build/release/src/kelpie
out=build/test/sim
rm -rf "$out" && mkdir -p "$out"
first=${DST_SEED:-1}

# campaign SCENARIO PROFILE SEEDS
campaign() {
  local half=$(($3 / 2))
  run_seeds "sim $1 $2" "$kelpie" sim run --scenario "$1" --profile "$2" --from "$first" \
    --count "$half" --log "$out/$1-$2-1.log" --hashes "$out/$1-$2-1.hashes" &
  run_seeds "sim $1 $2" "$kelpie" sim run --scenario "$1" --profile "$2" \
    --from "$((first + half))" --count "$(($3 - half))" --log "$out/$1-$2-2.log" \
    --hashes "$out/$1-$2-2.hashes" &
  wait
}

mapfile -t scenarios < <(sim_scenarios "$kelpie")
campaign "${scenarios[0]}" short "$SEEDS"
[ "$LONG_SEEDS" -eq 0 ] || campaign "${scenarios[0]}" long "$LONG_SEEDS"
for scenario in "${scenarios[@]:1}"; do
  campaign "$scenario" short "$((SEEDS / 10 < 2 ? 2 : SEEDS / 10))"
done

if "$kelpie" sim corpus tests/sim/corpus.txt tests/sim/tapes; then
  pass 1 "sim regression corpus"
else
  fail "sim regression corpus" "a seed or a tape that was mended fails again, or a tape no longer finds its planted bug"
fi
[ "$(failures)" -eq 0 ]
