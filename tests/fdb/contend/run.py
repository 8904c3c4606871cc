#!/usr/bin/env python3
"""Two processes contend for counters on one FoundationDB; one is stopped for a while and continued.

    tests/fdb/contend/run.py [--build DIR] [--cluster FILE] [--seconds N] [--stop N] [--actors N]
                             [--keep DIR] [--markdown FILE]

The cluster is the one of --cluster or KELPIE_TEST_CLUSTER; without one the test is skipped by name.
The figures go to --markdown too. Exit code 0 if nothing failed. Python's standard library only.
"""

import argparse
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parent.parent.parent.parent
STOPPED, OTHER, LAST = "contend-a", "contend-b", "contend-last"
IN_FLIGHT = 64
# What moves actors. The other node gives away what nobody calls for 0.3 s. The one that is stopped
# keeps what it has, for when it is continued its memory must be full of what is no longer true, and
# gives an actor away now and then: (idle time in ms, of 100 calls).
GIVES_AWAY = {STOPPED: (600_000, 5), OTHER: (300, 0)}
# Calls that were under way when the time was up have deadlines.
END_SECONDS_MAX = 60


def options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default=str(TOP / "build/release"))
    parser.add_argument("--cluster", default=os.environ.get("KELPIE_TEST_CLUSTER", ""))
    parser.add_argument("--seconds", type=int, default=100)
    parser.add_argument("--stop", type=int, default=60)
    parser.add_argument("--actors", type=int, default=1000)
    parser.add_argument("--keep", help="where the logs stay; otherwise they are removed")
    parser.add_argument("--markdown")
    chosen = parser.parse_args()
    if chosen.seconds < 2 * 5 + chosen.stop:
        parser.error("there must be 5 s before the stop and 5 s after it")
    return chosen


class Processes:
    """Ends whatever still runs, stopped or not."""

    def __init__(self, program, cluster, folder):
        self.program, self.cluster, self.folder = program, cluster, folder
        self.running = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.running:
            if process.poll() is None:
                process.kill()
                process.wait()

    def log(self, node):
        return str(self.folder / f"{node}.calls")

    def start(self, node, *settings):
        command = [self.program, node, self.cluster, self.log(node), *map(str, settings)]
        with open(self.folder / f"{node}.errors", "wb") as errors:
            process = subprocess.Popen(command, stderr=errors)
        self.running.append(process)
        return process


def until(moment_ns):
    time.sleep(max(0, moment_ns - time.monotonic_ns()) / 1e9)


def run(chosen, folder):
    build = pathlib.Path(chosen.build) / "tests/fdb/contend"
    with Processes(str(build / "fdb_contend"), chosen.cluster, folder) as processes:
        begin_ns = time.monotonic_ns()
        stopped, other = (
            processes.start(node, chosen.seconds, chosen.actors, IN_FLIGHT, *GIVES_AWAY[node])
            for node in (STOPPED, OTHER))
        # As long before the stop as after it, but no more than 20 s before.
        before = min(20, (chosen.seconds - chosen.stop) // 2)
        until(begin_ns + before * 1_000_000_000)
        stopped.send_signal(signal.SIGSTOP)
        from_ns = time.monotonic_ns()
        until(from_ns + chosen.stop * 1_000_000_000)
        to_ns = time.monotonic_ns()
        stopped.send_signal(signal.SIGCONT)
        codes = [process.wait(timeout=chosen.seconds + END_SECONDS_MAX)
                 for process in (stopped, other)]
        codes.append(processes.start(LAST, 0, chosen.actors).wait(timeout=END_SECONDS_MAX))
        if any(codes):
            print(f"exit codes {codes}")
            for node in (STOPPED, OTHER, LAST):
                errors = folder / f"{node}.errors"
                if errors.exists():
                    print(node, errors.read_bytes().decode(errors="replace")[-2000:], sep="\n")
            return 1
        logs = [processes.log(node) for node in (LAST, STOPPED, OTHER)]
        judged = subprocess.run([str(build / "fdb_contend_judge"), STOPPED, str(from_ns),
                                 str(to_ns), *logs], stdout=subprocess.PIPE, text=True)
        print(judged.stdout, end="")
        if chosen.markdown:
            lines = [line for line in judged.stdout.splitlines() if line.startswith("* ")]
            pathlib.Path(chosen.markdown).write_text("\n".join(lines) + "\n", encoding="utf-8")
        return judged.returncode


def main():
    chosen = options()
    if not chosen.cluster:
        print("skipped: fdb contend: no FoundationDB cluster; name one with KELPIE_TEST_CLUSTER")
        print("0 passed, 0 failed, 1 skipped")
        return 0
    if chosen.keep:
        pathlib.Path(chosen.keep).mkdir(parents=True, exist_ok=True)
        return run(chosen, pathlib.Path(chosen.keep))
    with tempfile.TemporaryDirectory() as folder:
        return run(chosen, pathlib.Path(folder))


if __name__ == "__main__":
    sys.exit(main())
