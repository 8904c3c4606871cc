#!/usr/bin/env bash
# Runs the examples and looks at what they print.
#
#   examples/run.sh BUILD [ROUNDS]
#
# ROUNDS: how often the bank is killed in the middle of its transfers (3). Last line: `N passed, N
# failed, N skipped`.
set -uo pipefail
programs=$(realpath "${1:?usage: examples/run.sh BUILD [ROUNDS]}")/examples
rounds=${2:-3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0

# check NAME EXPECTED COMMAND...: the command succeeds and prints exactly this.
check() {
  local name=$1 expected=$2 said code
  shift 2
  said=$("$@" 2>"$work/errors")
  code=$?
  if [ "$code" -eq 0 ] && [ "$said" = "$expected" ]; then
    echo "ok: $name"
    passed=$((passed + 1))
    return
  fi
  printf 'expected:\n%s\ngot, with exit code %s:\n%s\n' "$expected" "$code" "$said"
  cat "$work/errors"
  echo "failed: $name: see above"
  failed=$((failed + 1))
}

refused="refused: invalid_argument: a counter only grows"
check "counter counts" $'before: 0\nhits: 2\nhits: 4\nhits: 6\n'"$refused" \
  "$programs/example_counter" "$work/counter"
check "counter goes on" $'before: 6\nhits: 8\nhits: 10\nhits: 12\n'"$refused" \
  "$programs/example_counter" "$work/counter"

lines() { for user in ann ben cho; do printf "$user reads: %s\n" "$@"; done; }
check "chat_room delivers to all, in order" \
  "$(lines '1 ann: hello' '2 ben: hello ann')"$'\nhistory: 2 lines, the last is: 2 ben: hello ann' \
  "$programs/example_chat_room" "$work/chat"
check "chat_room goes on" \
  "$(lines '1 ann: hello' '2 ben: hello ann' '3 ann: hello' '4 ben: hello ann')"$'\nhistory: 4 lines, the last is: 4 ben: hello ann' \
  "$programs/example_chat_room" "$work/chat"

check "order_workflow places orders" \
  $'paid-in-time: paid\nforgotten: awaiting payment\nregretted: cancelled' \
  "$programs/example_order_workflow" "$work/orders" place
check "order_workflow keeps its times although nobody ran" \
  $'paid-in-time: shipped\nforgotten: expired\nregretted: cancelled' \
  "$programs/example_order_workflow" "$work/orders" finish

# Kills the bank once it has made some transfers of a number that it never comes to.
kill_in_the_middle() {
  local transfers=$1 log=$work/bank.log made=0 bank
  : >"$log"
  "$programs/example_bank" "$work/bank" 1000000 >"$log" 2>&1 &
  bank=$!
  while kill -0 "$bank" 2>/dev/null && [ "$made" -lt "$transfers" ]; do
    made=$(grep -c '^transfer' "$log")
  done
  kill -9 "$bank" 2>/dev/null || { cat "$log"; return 1; }
  wait "$bank" 2>/dev/null
  head -n 1 "$log"
}
for ((round = 1; round <= rounds; round++)); do
  check "bank has all its money before kill $round" "before: sum 4000" \
    kill_in_the_middle $((round * 20))
done
last() { "$@" | sed -n '1p;$p'; }
check "bank has all its money in the end" $'before: sum 4000\nafter: sum 4000, money moved' \
  last "$programs/example_bank" "$work/bank" 30

echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
