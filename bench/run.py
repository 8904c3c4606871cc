#!/usr/bin/env python3
"""Measures what design goals name and writes docs/benchmarks.md. Python's standard library only.

    bench/run.py [--build DIR] [--rounds N] [--directory DIR] [--out FILE] [--quick]
                 [--fdb-cluster FILE [--fdb-library PATH]]

Every figure is a median over rounds with its spread, beside a baseline of the same run. Nothing is
measured that is not printed, and nothing printed that was not measured.

--quick measures next to nothing, to see that everything works, and writes no document.
--fdb-cluster names a FoundationDB that serves nothing else; without one, B5 is left out.
"""

import argparse
import json
import os
import pathlib
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import report  # noqa: E402

TOP = pathlib.Path(__file__).resolve().parent.parent
READY = re.compile(rb"(ready|listening|serving).*:\d+", re.IGNORECASE)
READY_SECONDS_MAX = 20


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def clean_environment(home):
    return {"PATH": os.environ.get("PATH", ""), "HOME": str(home)}


class Server:
    """A kelpie process, timed from before its spawn to its first answer."""

    def __init__(self, binary, arguments, port, health):
        self.home = tempfile.TemporaryDirectory(prefix="kelpie-bench-home-")
        started = time.monotonic()
        self.process = subprocess.Popen(
            [str(binary), *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, env=clean_environment(self.home.name))
        self.output = b""
        self._await_ready(started + READY_SECONDS_MAX)
        self.ready_ms = (time.monotonic() - started) * 1000
        url = f"http://127.0.0.1:{port}{health}"
        with urllib.request.urlopen(url, timeout=READY_SECONDS_MAX) as answer:
            answer.read()
        self.answered_ms = (time.monotonic() - started) * 1000

    def _await_ready(self, deadline):
        descriptor = self.process.stdout.fileno()
        while not READY.search(self.output):
            readable, _, _ = select.select([descriptor], [], [], deadline - time.monotonic())
            part = os.read(descriptor, 65536) if readable else b""
            if not part:
                self.process.kill()
                raise SystemExit(f"not ready: {self.output.decode(errors='replace')}")
            self.output += part

    def memory_mb(self):
        """Resident memory by kind, in units of 1,000,000 bytes."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        fields = dict(re.findall(r"^(VmRSS|RssAnon|RssFile):\s+(\d+) kB$", status, re.M))
        return {name: int(kib) * 1024 / 1e6 for name, kib in fields.items()}

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=READY_SECONDS_MAX)
        self.home.cleanup()
        return self.process.returncode


def serve(binary, directory):
    port = free_port()
    arguments = ["serve", "--listen", f"127.0.0.1:{port}", "--data-dir", str(directory)]
    return Server(binary, arguments, port, "/v1/health/")


def measure_servers(results, binary, directory, rounds):
    """Start and idle memory, alternating with their baselines."""
    units = {"B14.ready": "ms", "B14.answered": "ms", "B14.spawn": "ms", "B8.resident": "MB",
             "B8.anonymous": "MB", "B8.file": "MB", "B8.bare": "MB"}
    rows = {name: [] for name in units}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(dir=directory, prefix="kelpie-bench-") as data:
            server = serve(binary, data)
            rows["B14.ready"].append(server.ready_ms)
            rows["B14.answered"].append(server.answered_ms)
            memory = server.memory_mb()
            rows["B8.resident"].append(memory["VmRSS"])
            rows["B8.anonymous"].append(memory["RssAnon"])
            rows["B8.file"].append(memory["RssFile"])
            if server.stop() != 0:
                raise SystemExit(f"the server ended badly: {server.output.decode()}")
        started = time.monotonic()
        subprocess.run([str(binary), "--version"], check=True, stdout=subprocess.DEVNULL,
                       env=clean_environment("/"))
        rows["B14.spawn"].append((time.monotonic() - started) * 1000)
        port = free_port()
        arguments = ["offline-model", "--listen", f"127.0.0.1:{port}"]
        model = Server(binary, arguments, port, "/v1/models")
        rows["B8.bare"].append(model.memory_mb()["VmRSS"])
        model.stop()
    for name, unit in units.items():
        results.add(name, unit, rows[name])


def measure(results, program, flags):
    """Runs a program that prints a line of JSON for each series and fact."""
    command = [str(program)]
    for name, value in flags.items():
        command += [f"--{name}", str(value)]
    print(f"bench: {program.name}", file=sys.stderr, flush=True)
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if ended.returncode != 0:
        raise SystemExit(f"{program.name} ended with {ended.returncode}")
    for line in map(json.loads, ended.stdout.splitlines()):
        if "fact" in line:
            results.facts[line["fact"]] = line["value"]
        else:
            results.add(line["series"], line["unit"], line["rounds"])


def measure_all(options):
    results = report.Results()
    programs = options.build / "bench"
    rounds = {"rounds": options.rounds}
    quick = options.quick
    with tempfile.TemporaryDirectory(dir=options.directory, prefix="kelpie-bench-") as data:
        samples = {"samples": 20} if quick else {}
        measure(results, programs / "turn_bench", {"directory": data, **rounds, **samples})
    with tempfile.TemporaryDirectory(dir=options.directory, prefix="kelpie-bench-") as data:
        counts = {"turns": 4000, "gets": 500, "agents-many": 5000} if quick else {}
        measure(results, programs / "store_bench", {"directory": data, **rounds, **counts})
    if options.fdb_cluster:
        flags = {"fdb-cluster": options.fdb_cluster, "fdb-library": options.fdb_library}
        counts = {"samples": 20, "turns": 2000} if quick else {}
        measure(results, programs / "fdb_bench", {**flags, **rounds, **counts})
    else:
        results.skipped["B5"] = "no FoundationDB was given (`--fdb-cluster FILE`)."
    print("bench: the server", file=sys.stderr, flush=True)
    measure_servers(results, options.build / "src/kelpie", options.directory, options.rounds)
    return results


def parse_options():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=TOP / "build/release")
    parser.add_argument("--rounds", type=int, help="at least five; default 7")
    parser.add_argument("--directory", type=pathlib.Path, help="on the disk to measure",
                        default=pathlib.Path(tempfile.gettempdir()))
    parser.add_argument("--out", type=pathlib.Path, help="default docs/benchmarks.md")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--fdb-cluster", help="a cluster file")
    parser.add_argument("--fdb-library", default="", help="libfdb_c.so, where it is not found")
    options = parser.parse_args()
    if options.rounds is None:
        options.rounds = 1 if options.quick else 7
    if options.rounds < 5 and not options.quick:
        parser.error("a median of fewer than five rounds says little")
    if options.out is None and not options.quick:
        options.out = TOP / "docs/benchmarks.md"
    return options


def main():
    options = parse_options()
    load = os.getloadavg()
    results = measure_all(options)
    text = report.document(results, options.directory, load, options.quick)
    if options.out:
        options.out.write_text(text)
    print(text)
    for goal, why in results.skipped.items():
        print(f"skipped: {goal}: {why}")


if __name__ == "__main__":
    main()
