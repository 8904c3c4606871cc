"""Turns the output of a command that ends with `N passed, N failed, N skipped` into result lines:
counted_results.py NAME EXIT_CODE. Named failures and skips replace their bare number."""

import re
import sys

name, code = sys.argv[1], int(sys.argv[2])
lines = [line.rstrip("\n") for line in sys.stdin]
named = {"failed": [], "skipped": []}
totals = None
for line in lines:
    entry = re.match(r"\s*(failed|skipped): ([^:]+(?:: [^:]+)*?): (.+)$", line)
    if entry:
        named[entry.group(1)].append((entry.group(2), entry.group(3)))
    # Node's reporter: a failed test is printed where it runs and again at the end.
    node = re.match(r"\s*(﹣|✖) (.+?) \([\d.]+ms\)(?: # ?(.*))?$", line)
    if node:
        kind = "skipped" if node.group(1) == "﹣" else "failed"
        what = (node.group(2), node.group(3) or "see the log")
        if what not in named[kind]:
            named[kind].append(what)
    found = re.match(r"\s*(\d+) passed, (\d+) failed(?:, (\d+) skipped)?\s*$", line)
    if found:
        totals = [int(number or 0) for number in found.groups()]

if totals is None:
    verdict = "ended" if code == 0 else "failed"
    print(f"fail\t1\t{name}\t{verdict} with exit code {code} and without its line of counts")
    sys.exit(0)
passed, failed, skipped = totals
if passed:
    print(f"pass\t{passed}\t{name}\t")
for kind, key, total in (("fail", "failed", failed), ("skip", "skipped", skipped)):
    for what, why in named[key][:total]:
        print(f"{kind}\t1\t{name}: {what}\t{why}")
    unnamed = total - len(named[key][:total])
    if unnamed > 0:
        print(f"{kind}\t{unnamed}\t{name}\tsee the log")
if code != 0 and failed == 0:
    print(f"fail\t1\t{name}\tnothing failed, but its exit code is {code}")
if passed + failed + skipped == 0:
    print(f"fail\t1\t{name}\tit ran nothing")
