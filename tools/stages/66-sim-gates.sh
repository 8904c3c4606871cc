# What keeps the simulator honest: it runs the server's own objects, its faults arrive, its sites are
# hit, and one seed gives one hash in other processes, address layouts and builds.
# needs: release dev
. tools/stages/lib.sh
kelpie=build/release/src/kelpie
out=build/test/sim
require "$out"  # what the stages sim and sim-dev have left
first=${DST_SEED:-1}

run_counted "one set of objects" python3 tests/sim/one_set_of_objects.py build/release

# A small campaign cannot be asked for every site.
if [ "$SEEDS" -ge 1000 ]; then
  found=$("$kelpie" sim report "$out"/*.log --check)
  code=$?
  echo "$found"
  while IFS= read -r line; do
    fail "campaign" "$line"
  done < <(sed -n 's/^FINDING //p' <<<"$found")
  if [ "$code" -eq 0 ]; then
    pass 1 "faults received, sites hit"
  elif [ "$(failures)" -eq 0 ]; then
    fail "campaign" "the report ended with exit code $code"
  fi
else
  skip "faults received, sites hit" "needs SEEDS of 1000 or more"
fi

# The sample, and every seed that failed, without address randomisation; and the seeds of the dev
# build.
while read -r scenario; do
  cat "$out/$scenario"-short-*.hashes >"$out/here.hashes"
  count=$(wc -l <"$out/here.hashes")
  {
    setarch -R "$kelpie" sim hashes --scenario "$scenario" --from "$first" --count "$count" --sampled
    sed -n 's/^FAILED seed \([0-9]*\) .*/\1/p' build/test/sim.log | sort -un | while read -r seed; do
      setarch -R "$kelpie" sim hashes --scenario "$scenario" --from "$seed"
    done
  } >"$out/fixed-layout.hashes"
  same_hashes "$scenario: hashes of another address layout" "$out/here.hashes" "$out/fixed-layout.hashes"
  cat "$out/dev-$scenario"-*.hashes >"$out/dev.hashes"
  same_hashes "$scenario: hashes of the dev build" "$out/here.hashes" "$out/dev.hashes"
done < <(sim_scenarios "$kelpie")
[ "$(failures)" -eq 0 ]
