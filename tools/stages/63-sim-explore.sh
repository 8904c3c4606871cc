# Small scenarios, exhausted: every order of their work, and their planted bugs found.
# needs: release
. tools/stages/lib.sh
out=build/test/sim
mkdir -p "$out"
rm -f "$out/explored.log"
output=$out/explored.txt
build/release/src/kelpie sim explore --log "$out/explored.log" 2>&1 | tee "$output"
code=${PIPESTATUS[0]}
while IFS= read -r line; do
  name=${line%%:*}
  case "$line" in
    *": exhausted, "* | *": caught by "*) pass 1 "explore $name" ;;
    *) fail "explore $name" "${line#*: }" ;;
  esac
done < <(grep -E '^[a-z0-9_]+( with [A-Z0-9]+)?: ' "$output")
if [ "$code" -ne 0 ] && [ "$(failures)" -eq 0 ]; then
  fail explore "ended with exit code $code"
fi
[ "$(failures)" -eq 0 ]
