# clang-tidy on what changed: against the point where this branch left main, or else against the
# commit before; what is over the bound is named as skipped.
# needs: setup
. tools/stages/lib.sh
[ -f build/dev/compile_commands.json ] || tools/build.sh dev kelpie_base || exit 1
base=$(git merge-base HEAD origin/main 2>/dev/null || true)
if [ -z "$base" ] || [ "$base" = "$(git rev-parse HEAD)" ]; then
  base=$(git rev-parse -q --verify HEAD~1 || git hash-object -t tree /dev/null)
fi
mapfile -t changed < <({
  git diff --name-only --diff-filter=d "$base" -- 'src/*.cc' 'bench/*.cc'
  git ls-files -o --exclude-standard -- 'src/*.cc' 'bench/*.cc'
} | sort -u | grep -v '_test\.cc$')
if [ "${#changed[@]}" -eq 0 ]; then
  echo "nothing changed since $base"
  pass 1 "clang-tidy, nothing changed"
  exit 0
fi
for file in "${changed[@]:TIDY_FILES}"; do
  skip "clang-tidy $file" "more than $TIDY_FILES files changed; make test-long reads all"
done
logs=$(mktemp -d)
printf '%s\n' "${changed[@]:0:TIDY_FILES}" | xargs -P "$JOBS" -I {} bash -c '
  log=$2/$(tr / _ <<<"$1")
  clang-tidy-19 --quiet -p build/dev "$1" >"$log.log" 2>"$log.err"
  echo $? >"$log.code"' run {} "$logs"
for file in "${changed[@]:0:TIDY_FILES}"; do
  log=$logs/$(tr / _ <<<"$file")
  if [ "$(cat "$log.code" 2>/dev/null || echo 127)" -eq 0 ]; then
    pass 1 "clang-tidy $file"
  else
    echo "== $file"
    cat "$log.log" "$log.err"
    fail "clang-tidy $file" "see the log"
  fi
done
rm -rf "$logs"
[ "$(failures)" -eq 0 ]
