"""Turns a GoogleTest program's output into result lines: gtest_results.py PROGRAM EXIT_CODE."""

import re
import sys

program, code = sys.argv[1], int(sys.argv[2])
passed, failed, skipped = 0, [], []
running, reason = None, ""
for line in sys.stdin:
    line = line.rstrip("\n")
    run = re.match(r"\[ RUN      \] (.+)$", line)
    end = re.match(r"\[  ?(     OK|FAILED |SKIPPED) \] ([^\s,]+).*\(\d+ ms\)$", line)
    if run:
        running, reason = run.group(1), ""
    elif end:
        kind = end.group(1).strip()
        if kind == "OK":
            passed += 1
        elif kind == "FAILED":
            failed.append((end.group(2), "see the log"))
        else:
            skipped.append((end.group(2), reason or "no reason was given"))
        running = None
    elif running and line.strip() and not re.search(r": (Skipped|Failure)$", line):
        reason = line.strip()

if running:
    failed.append((running, f"the program ended inside it, exit code {code}"))
elif code != 0 and not failed:
    failed.append((program, f"all its tests passed, but its exit code is {code}"))
if passed + len(failed) + len(skipped) == 0:
    failed.append((program, "it ran no tests"))
if passed:
    print(f"pass\t{passed}\t{program}\t")
for name, why in failed:
    print(f"fail\t1\t{program} {name}\t{why}")
for name, why in skipped:
    print(f"skip\t1\t{program} {name}\t{why}")
