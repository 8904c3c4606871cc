# The house's own rules, and first that the script still finds what it is meant to find.
. tools/stages/lib.sh
run_counted "tidy self-test" tools/tidy --self-test || exit 1
tools/tidy || { fail tidy "findings, see the log"; exit 1; }
pass 1 tidy
files=$(git ls-files -co --exclude-standard -- '*.cc' '*.h')
unformatted=$(xargs -r clang-format-19 --dry-run -Werror <<<"$files" 2>&1 | grep -c 'code should be clang-formatted')
if [ "$unformatted" -ne 0 ]; then
  xargs -r clang-format-19 --dry-run -Werror <<<"$files" 2>&1 |
    sed -n 's/^\([^:]*\):.*code should be clang-formatted.*/\1/p' | sort | uniq -c
  fail format "$unformatted places are not formatted: make format"
  exit 1
fi
pass 1 format
