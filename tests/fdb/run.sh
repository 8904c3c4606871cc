#!/usr/bin/env bash
# Everything that needs a real FoundationDB, and a report of it: see README.md.
#
#   tests/fdb/run.sh [--operations N] [--rounds N] [--full] [--only WORD] [--build DIR] [--no-report]
#
# --full: the contention of two processes at its full length. --only: the checks with this word in
# their names, and no report.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
operations=1000000 rounds=20 report=docs/foundationdb-report.md build=build/release only=
contention=(--seconds 30 --stop 10)
while [ $# -gt 0 ]; do
  case "$1" in
    --operations) operations=${2:?}; shift ;;
    --rounds) rounds=${2:?}; shift ;;
    --full) contention=(--seconds 100 --stop 60) ;;
    --only) only=${2:?} report=/dev/null; shift ;;
    --build) build=${2:?}; shift ;;
    --no-report) report=/dev/null ;;
    *) sed -n 's/^#   //p' "$0" >&2; exit 2 ;;
  esac
  shift
done

server=${KELPIE_FDBSERVER:-$(command -v fdbserver)} || {
  echo "no fdbserver: name it with KELPIE_FDBSERVER, or put it into PATH" >&2
  exit 2
}
cli=$(dirname "$server")/fdbcli
[ -x "$cli" ] || cli=$(command -v fdbcli) || { echo "no fdbcli beside $server or in PATH" >&2; exit 2; }
build=$(realpath "$build")
programs=(src/kelpie src/store_test src/agent_test
  tests/fdb/contend/fdb_contend tests/fdb/contend/fdb_contend_judge)
for program in "${programs[@]}"; do
  [ -n "$only" ] || [ -x "$build/$program" ] ||
    { echo "$build/$program is not there: tools/build.sh release" >&2; exit 2; }
done

work=$(mktemp -d)
mkdir "$work/data" "$work/logs"
trap 'kill "${cluster_pid:-}" 2>/dev/null; rm -rf "$work"' EXIT

# --- a cluster for the server and its clients; the unit tests start their own
port=$((20000 + RANDOM % 20000))
cluster=$work/fdb.cluster
echo "kelpie:test@127.0.0.1:$port" >"$cluster"
"$server" -p "127.0.0.1:$port" -C "$cluster" -d "$work/data" -L "$work/logs" \
  >"$work/fdbserver.log" 2>&1 &
cluster_pid=$!
configured=no
for _ in 1 2 3 4 5 6; do
  if "$cli" -C "$cluster" --timeout 10 --exec 'configure new single ssd' >>"$work/configure.log" 2>&1 ||
    grep -q 'already exists' "$work/configure.log"; then
    configured=yes
    break
  fi
done
[ "$configured" = yes ] || { cat "$work/configure.log" >&2; exit 1; }

lines=() failures=0
note() { lines+=("| $1 | $2 | $3 |"); printf '%-44s %s\n' "$1" "$3"; }
# check NAME SHOWN-COMMAND COMMAND... : the last line of the output that says a result is noted.
check() {
  local name=$1 shown=$2 log=$work/check.log code result
  shift 2
  [[ $name == *"$only"* ]] || return 0
  "$@" >"$log" 2>&1
  code=$?
  result=$(grep -E '^\[  (PASSED|FAILED)  \]|passed, [0-9]+ failed|^seed [0-9]+[:,]' "$log" |
    grep -v '^\[  FAILED  \] [A-Z].*(' | tr '\n' ';' | sed 's/;$//; s/;/; /g')
  if [ "$code" -ne 0 ]; then
    failures=$((failures + 1))
    tail -n 60 "$log"
  fi
  note "$name" "\`$shown\`" "exit code $code; ${result:-no result}"
}

export KELPIE_FDBSERVER=$server KELPIE_FDB_OPERATIONS=$operations
unset KELPIE_FDB_CLUSTER FDB_CLUSTER_FILE
check "conformance kit, adapter's cases, differential test" \
  "store_test --gtest_filter='*FdbCluster*'" \
  "$build/src/store_test" --gtest_filter='*FdbCluster*' --gtest_brief=1
check "the same with the client's fault injection" \
  "KELPIE_FDB_BUGGIFY=1 store_test --gtest_filter='*FdbCluster*'" \
  env KELPIE_FDB_BUGGIFY=1 KELPIE_FDB_OPERATIONS=$((operations / 10)) \
  "$build/src/store_test" --gtest_filter='*FdbCluster*' --gtest_brief=1
check "the agents' stores" "agent_test --gtest_filter='*AgentStoreOnACluster*'" \
  "$build/src/agent_test" --gtest_filter='*AgentStoreOnACluster*' --gtest_brief=1
check "the server: start, send, kill -9, start, list; a take-over" \
  "node --test tests/fdb/server.test.mjs" \
  env KELPIE_BIN="$build/src/kelpie" KELPIE_TEST_CLUSTER="$cluster" \
  tests/fdb/server.sh
check "kill -9 under load, $rounds rounds" "tests/crash/run.sh --rounds $rounds --fdb-cluster-file ..." \
  env KELPIE_BIN="$build/src/kelpie" \
  tests/crash/run.sh --rounds "$rounds" --fdb-cluster-file "$cluster"
check "two processes contend for 1,000 actors, one is stopped and continued" \
  "tests/fdb/contend/run.py ${contention[*]}" \
  tests/fdb/contend/run.py --build "$build" --cluster "$cluster" --markdown "$work/contention.md" \
  "${contention[@]}"
[ -z "$only" ] || cat "$work/contention.md" 2>/dev/null

{
  echo "# On a real FoundationDB"
  echo
  echo "Written by \`tests/fdb/run.sh\` on $(date -u +%Y-%m-%d), at commit $(git rev-parse --short HEAD)$(git diff --quiet HEAD || echo ' with changes')."
  echo "$("$server" --version | head -1), one process, \`single ssd\`, on loopback; $(nproc) cores shared by server, clients and tests."
  echo
  echo "| what | command | outcome |"
  echo "|---|---|---|"
  printf '%s\n' "${lines[@]}"
  echo
  echo "## Two processes, one of them stopped"
  echo
  echo "\`tests/fdb/contend/run.py ${contention[*]}\`: two nodes call the same 1,000 counters as fast as they can; one is stopped (SIGSTOP) and continued."
  echo
  cat "$work/contention.md"
  echo
  echo "B5, the adapter beside a raw loop of the same client library, is measured by \`bench/run.sh --fdb-cluster FILE\`."
} >"$report"
echo "$failures of ${#lines[@]} checks failed"
[ "$failures" -eq 0 ]
