#!/usr/bin/env python3
"""Measures what design goals name and writes docs/benchmarks.md. Python's standard library only.

    bench/run.py [--build DIR] [--rounds N] [--samples N] [--directory DIR] [--out FILE]

Every figure is a median over rounds with its spread, beside a baseline of the same run. Nothing is
measured that is not printed, and nothing printed that was not measured.
"""

import argparse
import json
import os
import pathlib
import platform
import re
import select
import signal
import socket
import statistics
import subprocess
import tempfile
import time
import urllib.request

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


def measure_servers(binary, directory, rounds):
    """Start and idle memory, alternating with their baselines."""
    rows = {name: [] for name in ("ready", "answered", "spawn", "rss", "anon", "file", "bare")}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(dir=directory, prefix="kelpie-bench-") as data:
            server = serve(binary, data)
            rows["ready"].append(server.ready_ms)
            rows["answered"].append(server.answered_ms)
            memory = server.memory_mb()
            rows["rss"].append(memory["VmRSS"])
            rows["anon"].append(memory["RssAnon"])
            rows["file"].append(memory["RssFile"])
            if server.stop() != 0:
                raise SystemExit(f"the server ended badly: {server.output.decode()}")
        started = time.monotonic()
        subprocess.run([str(binary), "--version"], check=True, stdout=subprocess.DEVNULL,
                       env=clean_environment("/"))
        rows["spawn"].append((time.monotonic() - started) * 1000)
        port = free_port()
        arguments = ["offline-model", "--listen", f"127.0.0.1:{port}"]
        model = Server(binary, arguments, port, "/v1/models")
        rows["bare"].append(model.memory_mb()["VmRSS"])
        model.stop()
    return rows


def measure_turns(program, directory, rounds, samples):
    with tempfile.TemporaryDirectory(dir=directory, prefix="kelpie-bench-") as data:
        command = [str(program), "--directory", data, "--rounds", str(rounds),
                   "--samples", str(samples)]
        output = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    return json.loads(output)


def first_match(path, pattern, otherwise="unknown"):
    try:
        found = re.search(pattern, pathlib.Path(path).read_text(), re.M)
    except OSError:
        return otherwise
    return found.group(1).strip() if found else otherwise


def command_output(*command):
    try:
        ended = subprocess.run(command, check=True, capture_output=True, text=True, cwd=TOP)
        return ended.stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def file_system(directory):
    """Type and source of the mount that holds the directory."""
    best = ("", "unknown")
    for line in pathlib.Path("/proc/self/mounts").read_text().splitlines():
        source, point, kind = line.split()[:3]
        inside = os.path.commonpath([os.path.realpath(directory), point]) == point
        if inside and len(point) >= len(best[0]):
            best = (point, f"{kind} on {source}")
    return best[1]


def machine(directory, turns):
    kib = int(first_match("/proc/meminfo", r"^MemTotal:\s+(\d+) kB", "0"))
    syncs = [row["fdatasync"]["p50_us"] for row in turns["rounds"]]
    return [
        ("processor", first_match("/proc/cpuinfo", r"^model name\s*:\s*(.+)$")),
        ("cores", f"{len(os.sched_getaffinity(0))}"),
        ("memory", f"{kib * 1024 / 1e9:.1f} GB"),
        ("kernel", platform.release()),
        ("file system of the data", file_system(directory)),
        ("disk sync", f"fdatasync of {turns['bytes']} appended bytes, p50 {spread(syncs, 'us')}"),
        ("load when it began", " ".join(f"{load:.2f}" for load in turns["load"])),
        ("compiler", turns["compiler"]),
        ("commit", command_output("git", "rev-parse", "--short=12", "HEAD") +
         (" with local changes" if command_output("git", "status", "--porcelain") else "")),
        ("date", time.strftime("%Y-%m-%d", time.gmtime())),
    ]


def number(value):
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def spread(values, unit):
    """Median, least and most of the rounds."""
    median = number(statistics.median(values))
    return f"{median} {unit} ({number(min(values))} to {number(max(values))})"


def ratio(values, baseline):
    """The ratio of each round to its own baseline."""
    return [value / base for value, base in zip(values, baseline)]


def verdict(value, goal):
    return "met" if value <= goal else "not met"


def goals_table(turns, servers):
    column = {name: [row[name]["p50_us"] for row in turns["rounds"]]
              for name in ("fdatasync", "commit", "turn")}
    turn_ratio = ratio(column["turn"], column["fdatasync"])
    rss, ready = servers["rss"], servers["answered"]
    return [
        ("B4 durable turn, unloaded, p50", spread(column["turn"], "us"),
         f"fdatasync of as many bytes, p50: {spread(column['fdatasync'], 'us')}",
         spread(turn_ratio, "x"), "at most 1.3 x fdatasync",
         verdict(statistics.median(turn_ratio), 1.3)),
        ("B8 server idle, resident", spread(rss, "MB"),
         f"`kelpie offline-model` idle (no store): {spread(servers['bare'], 'MB')}",
         spread(ratio(rss, servers["bare"]), "x"), "at most 30 MB",
         verdict(statistics.median(rss), 30)),
        ("B14 spawn to first answer, empty store", spread(ready, "ms"),
         f"`kelpie --version`, spawn to exit: {spread(servers['spawn'], 'ms')}",
         spread(ratio(ready, servers["spawn"]), "x"), "at most 100 ms",
         verdict(statistics.median(ready), 100)),
    ]


def markdown_table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def detail_rows(turns):
    names = {"fdatasync": "write and fdatasync", "commit": "store commit of the same value",
             "turn": "actor turn (fence and head included)"}
    baseline = [row["fdatasync"]["p50_us"] for row in turns["rounds"]]
    rows = []
    for name, meaning in names.items():
        p50 = [row[name]["p50_us"] for row in turns["rounds"]]
        p99 = [row[name]["p99_us"] for row in turns["rounds"]]
        rows.append((meaning, spread(p50, "us"), spread(p99, "us"),
                     spread(ratio(p50, baseline), "x")))
    return rows


def caution(turns):
    """A warning, if others used the machine when it began."""
    if turns["load"][0] <= len(os.sched_getaffinity(0)) / 2:
        return ""
    return ("\n**The machine was busy with other work: these figures, times above all, are not those "
            "of an unloaded\nmachine. Run it again on a quiet one before quoting any.**\n")


def document(options, turns, servers):
    return f"""# Benchmarks

Written by `bench/run.py`; do not edit. A figure is the median of {options.rounds} rounds, with the
least and the most in brackets. A ratio is taken round by round, against the baseline of the same
round. MB is 1,000,000 bytes.

## The machine

{markdown_table(("what", "value"), machine(options.directory, turns))}
{caution(turns)}
## Against the goals

{markdown_table(("what", "measured", "baseline", "ratio", "goal", "verdict"),
                goals_table(turns, servers))}

## A durable turn, piece by piece

{turns['samples']} of each in a round, one after another, taking turns with the others, in one
directory. One turn adds {turns['bytes']} bytes to the write-ahead log ({turns['value_bytes']} of
them the value that it sets), and so many bytes are appended to a file by the baseline.

{markdown_table(("what", "p50", "p99", "p50 against fdatasync"), detail_rows(turns))}

## An idle server, piece by piece

{markdown_table(("what", "measured"), [
    ("resident, not backed by a file", spread(servers["anon"], "MB")),
    ("resident, backed by a file (binary and libraries)", spread(servers["file"], "MB")),
    ("spawn to the line that says it is ready", spread(servers["ready"], "ms")),
])}
"""


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=TOP / "build/release")
    parser.add_argument("--rounds", type=int, default=7, help="at least five")
    parser.add_argument("--samples", type=int, default=500, help="a round")
    parser.add_argument("--directory", type=pathlib.Path, help="on the disk to measure",
                        default=pathlib.Path(tempfile.gettempdir()))
    parser.add_argument("--out", type=pathlib.Path, default=TOP / "docs/benchmarks.md")
    options = parser.parse_args()
    if options.rounds < 5:
        parser.error("a median of fewer than five rounds says little")
    load = os.getloadavg()
    turns = measure_turns(options.build / "bench/turn_bench", options.directory, options.rounds,
                          options.samples)
    turns["load"] = load
    servers = measure_servers(options.build / "src/kelpie", options.directory, options.rounds)
    text = document(options, turns, servers)
    options.out.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
