# Each planted bug must be caught by the oracle that is named for it, replay to the same hash eight
# times and stay unseen without faults; and the canary must sing.
# needs: release
. tools/stages/lib.sh
output=build/test/mutants.txt
mkdir -p build/test/sim
rm -f build/test/sim/mutants.log
build/release/src/kelpie sim mutants --log build/test/sim/mutants.log 2>&1 | tee "$output"
code=${PIPESTATUS[0]}
while IFS= read -r line; do
  name=${line%% *}
  case "$line" in
    *": caught by "*) pass 1 "mutant $name" ;;
    *) fail "mutant $name" "${line#*: }" ;;
  esac
done < <(grep -E '^M[0-9]+ ' "$output")
if grep -q '^canary: .* as it should' "$output"; then
  pass 1 canary
else
  fail canary "a scenario that fails on purpose was not reported as it should be"
fi
if [ "$code" -ne 0 ] && [ "$(failures)" -eq 0 ]; then
  fail mutants "ended with exit code $code"
fi
[ "$(failures)" -eq 0 ]
