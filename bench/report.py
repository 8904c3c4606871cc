"""docs/benchmarks.md, from what was measured. Every word about a figure is here, every figure comes
from a program."""

import dataclasses
import os
import pathlib
import platform
import re
import statistics
import subprocess
import time
import typing

TOP = pathlib.Path(__file__).resolve().parent.parent
# A sync that takes longer than this is a slow one, for which B3 asks for less.
SYNC_FAST_US_MAX = 300


class Results:
    """Series of rounds, facts, and what was not measured."""

    def __init__(self):
        self.rounds = {}
        self.units = {}
        self.facts = {}
        self.skipped = {}

    def add(self, series, unit, rounds):
        if series in self.rounds or not rounds:
            raise SystemExit(f"{series}: measured twice, or not at all")
        self.rounds[series], self.units[series] = rounds, unit

    def has(self, goal):
        return goal not in self.skipped

    def median(self, series):
        return statistics.median(self.rounds[series])

    def spread(self, series):
        return spread(self.rounds[series], self.units[series])

    def ratio(self, series, baseline):
        """The ratio of each round to its own baseline."""
        return [value / base for value, base in zip(self.rounds[series], self.rounds[baseline])]


def number(value):
    if value >= 1e5:
        return f"{value / 1e3:.0f} k"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def spread(values, unit):
    """Median, least and most of the rounds."""
    median = number(statistics.median(values))
    return f"{median} {unit} ({number(min(values))} to {number(max(values))})"


def markdown_table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


@dataclasses.dataclass
class Goal:
    name: str  # `B3`, which also says whether it was measured
    what: str
    series: str
    baseline: str
    baseline_series: str
    text: str
    met: typing.Callable[[float, float], bool]  # of the medians of value and ratio

    def row(self, results):
        ratios = results.ratio(self.series, self.baseline_series)
        met = self.met(results.median(self.series), statistics.median(ratios))
        return (f"{self.name} {self.what}", results.spread(self.series),
                f"{self.baseline}: {results.spread(self.baseline_series)}",
                spread(ratios, "x"), self.text, "met" if met else "not met")


def durable_turn_goals(results):
    fast = results.median("B4.fdatasync.p50") <= SYNC_FAST_US_MAX
    least = 100_000 if fast else 50_000
    text = f"at least 0.8 x, and {least} turns/s where a sync is as {'quick' if fast else 'slow'} as here"

    def met(value, ratio):
        return ratio >= 0.8 and value >= least

    raw = "raw RocksDB (its own defaults), one thread, the same rows in synced batches of as many turns"
    in_flight = results.facts["B3.in_flight"]
    return [
        Goal("B3", f"durable turns, {in_flight} in flight, at the store", "B3.store", raw, "B3.plain",
             text, met),
        Goal("B3", f"durable turns, {in_flight} in flight, through the actor runtime", "B3.actors",
             raw, "B3.plain", text, met),
        Goal("B4", "durable turn, unloaded, p50", "B4.turn.p50", "fdatasync of as many bytes, p50",
             "B4.fdatasync.p50", "at most 1.3 x fdatasync", lambda value, ratio: ratio <= 1.3),
    ]


def fdb_goals():
    goals = [
        Goal("B5", "warm turn on FoundationDB, alone, p50", "B5.alone.p50", "raw libfdb_c loop, p50",
             "B5.alone.raw.p50", "at most 1.2 x", lambda value, ratio: ratio <= 1.2),
    ]
    for in_flight in (200, 1000):
        goals.append(
            Goal("B5", f"warm turns on FoundationDB, {in_flight} in flight", f"B5.{in_flight}",
                 "raw libfdb_c loop with as many in flight", f"B5.{in_flight}.raw",
                 "at least 0.8 x", lambda value, ratio: ratio >= 0.8))
    return goals


def store_goals():
    def at_most_1_ms(value, ratio):
        return value <= 1000

    few, many = "agents_few", "agents_many"
    return [
        Goal("B7", "the get of an activation, from memory, p99", "B7.memory.p99",
             "raw RocksDB get of the same rows, p99", "B7.memory.raw.p99",
             "at most 1 ms for an activation; this is its get", at_most_1_ms),
        Goal("B7", "the same, of rows that the cache has no room for, p99", "B7.all.p99",
             "raw RocksDB get of the same rows, p99", "B7.all.raw.p99",
             "at most 1 ms for an activation; this is its get", at_most_1_ms),
        Goal("B15", f"durable turns with {{{many}}} agents stored", "B15.many.turns",
             f"with {{{few}}} agents", "B15.few.turns", "within 1.5 x: at least 0.67 x",
             lambda value, ratio: ratio >= 1 / 1.5),
        Goal("B15", f"get with {{{many}}} agents stored, p50", "B15.many.get.p50",
             f"with {{{few}}} agents, p50", "B15.few.get.p50", "within 1.5 x: at most 1.5 x",
             lambda value, ratio: ratio <= 1.5),
    ]


def server_goals():
    return [
        Goal("B8", "server idle, resident", "B8.resident", "`kelpie offline-model` idle (no store)",
             "B8.bare", "at most 30 MB", lambda value, ratio: value <= 30),
        Goal("B14", "spawn to first answer, empty store", "B14.answered",
             "`kelpie --version`, spawn to exit", "B14.spawn", "at most 100 ms",
             lambda value, ratio: value <= 100),
    ]


def goals_table(results):
    goals = durable_turn_goals(results) + fdb_goals() + store_goals() + server_goals()
    order = sorted(goals, key=lambda goal: int(goal.name[1:]))
    agents = {name: results.facts[f"B15.{name}"] for name in ("agents_few", "agents_many")}
    rows = []
    for goal in order:
        if results.has(goal.name):
            rows.append(tuple(cell.format(**agents) for cell in goal.row(results)))
    if results.has("B5"):
        trips = results.median("B5.round_trips")
        rows.insert(3, ("B5 client round trips of a warm turn", results.spread("B5.round_trips"),
                        "counted by the engine", "", "1", "met" if trips == 1 else "not met"))
    return markdown_table(("what", "measured", "baseline", "ratio", "goal", "verdict"), rows)


def turns_section(results):
    names = {
        "plain": "raw RocksDB, its own defaults", "same": "raw RocksDB, with the engine's options",
        "store": "the store's transactions", "actors": "turns of actors (fence read, head and guard)"}
    rows = [(meaning, results.spread(f"B3.{name}"), results.spread(f"B3.{name}.processor"),
             spread(results.ratio(f"B3.{name}", "B3.plain"), "x")) for name, meaning in names.items()]
    facts = results.facts
    return f"""## B3: durable turns, {facts['B3.in_flight']} in flight

{facts['B3.turns']} turns a round. Each writes the same three rows everywhere, {facts['B3.bytes']} bytes: the actor's head
with a fresh nonce, {facts['B4.value_bytes']} bytes of data, the record that a request was answered. Ours also check the
epoch and the guard key of the nonce. The store put {float(facts['B3.turns_per_batch']):.0f} turns into a synced batch, and the raw
loops as many into theirs. Processor time is that of all threads, and tells the most on a busy
machine.

{markdown_table(("what", "throughput", "processor time a turn", "against raw, defaults"), rows)}
"""


def turn_section(results):
    names = {"fdatasync": "write and fdatasync", "commit": "store commit of the same value",
             "turn": "actor turn (fence and head included)"}
    rows = [(meaning, results.spread(f"B4.{name}.p50"), results.spread(f"B4.{name}.p99"),
             spread(results.ratio(f"B4.{name}.p50", "B4.fdatasync.p50"), "x"))
            for name, meaning in names.items()]
    facts = results.facts
    return f"""## B4: a durable turn, piece by piece

{facts['B4.samples']} of each in a round, one after another, taking turns with the others, in one
directory. One turn adds {facts['B4.bytes']} bytes to the write-ahead log ({facts['B4.value_bytes']} of
them the value that it sets), and so many bytes are appended to a file by the baseline.

{markdown_table(("what", "p50", "p99", "p50 against fdatasync"), rows)}
"""


def fdb_section(results):
    if not results.has("B5"):
        return ""
    rows = []
    for load, meaning in (("alone", "one at a time"), ("200", "200 in flight"),
                          ("1000", "1,000 in flight")):
        for who, suffix in (("Kelpie's engine", ""), ("raw libfdb_c loop", ".raw")):
            name = f"B5.{load}{suffix}"
            rows.append((f"{meaning}: {who}", results.spread(name), results.spread(f"{name}.p50"),
                         results.spread(f"{name}.p99"), results.spread(f"{name}.processor")))
    facts = results.facts
    return f"""## B5: warm turns on FoundationDB

Client {facts['B5.client']}. A warm turn sets a read version that was proven before, adds two read
conflicts, and writes the rows of B3 blindly; the raw loop does the same through the same library.
{facts['B5.samples']} turns a round alone, {facts['B5.turns']} with many in flight.

{markdown_table(("what", "throughput", "p50", "p99", "client's processor time a turn"), rows)}
"""


def gets_section(results):
    rows = []
    for name, meaning in (("memory", "rows in the block cache"), ("all", "any row")):
        rows.append((f"{meaning}: a transaction's get", results.spread(f"B7.{name}.p50"),
                     results.spread(f"B7.{name}.p99"), results.spread(f"B7.{name}.share")))
        rows.append((f"{meaning}: raw RocksDB get", results.spread(f"B7.{name}.raw.p50"),
                     results.spread(f"B7.{name}.raw.p99"), ""))
    facts = results.facts
    return f"""## B7: the get of an activation

One transaction and one get of {facts['B7.bytes']} bytes at a time, {facts['B7.gets']} a round, from a store of
{facts['B7.agents']} agents with a block cache of {facts['B7.cache_mb']} MB: among the {facts['B7.agents_in_memory']} agents that fit into it, and among
all. What is not in the block cache is read by another thread, mostly from the system's page cache
here. The raw get reads a copy of the same files with the same options, on its own thread.

{markdown_table(("what", "p50", "p99", "answered from memory, on the loop"), rows)}
"""


def growth_section(results):
    rows = []
    for series, meaning in (("turns", "durable turns, the store"), ("raw.turns", "durable turns, raw"),
                            ("get.p50", "get, the store, p50"), ("get.p99", "get, the store, p99"),
                            ("raw.get.p50", "get, raw, p50"), ("raw.get.p99", "get, raw, p99")):
        few, many = f"B15.few.{series}", f"B15.many.{series}"
        rows.append((meaning, results.spread(few), results.spread(many),
                     spread(results.ratio(many, few), "x")))
    few, many = results.facts["B15.agents_few"], results.facts["B15.agents_many"]
    return f"""## B15: growth

{few} agents are in use, {few} of them in flight: all that are stored, or as many spread evenly over
{many}. An agent has a head and 1 kB of state; the block cache has room for those in use.

{markdown_table(("what", f"{few} agents", f"{many} agents", "ratio"), rows)}
"""


def server_section(results):
    rows = [
        ("resident, not backed by a file", results.spread("B8.anonymous")),
        ("resident, backed by a file (binary and libraries)", results.spread("B8.file")),
        ("spawn to the line that says it is ready", results.spread("B14.ready")),
    ]
    return f"""## B8, B14: an idle server, piece by piece

{markdown_table(("what", "measured"), rows)}
"""


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


def machine_table(results, directory, load):
    kib = int(first_match("/proc/meminfo", r"^MemTotal:\s+(\d+) kB", "0"))
    return markdown_table(("what", "value"), [
        ("processor", first_match("/proc/cpuinfo", r"^model name\s*:\s*(.+)$")),
        ("cores", f"{len(os.sched_getaffinity(0))}"),
        ("memory", f"{kib * 1024 / 1e9:.1f} GB"),
        ("kernel", platform.release()),
        ("file system of the data", file_system(directory)),
        ("disk sync", f"fdatasync of {results.facts['B4.bytes']} appended bytes, p50 " +
         results.spread("B4.fdatasync.p50")),
        ("load when it began", " ".join(f"{each:.2f}" for each in load)),
        ("compiler", results.facts["compiler"]),
        ("commit", command_output("git", "rev-parse", "--short=12", "HEAD") +
         (" with local changes" if command_output("git", "status", "--porcelain") else "")),
        ("date", time.strftime("%Y-%m-%d", time.gmtime())),
    ])


def cautions(load, quick):
    """Warnings about figures that must not be quoted."""
    text = ""
    if quick:
        text += "\n**A quick run, to see that the benchmarks work: its figures mean nothing.**\n"
    if load[0] > len(os.sched_getaffinity(0)) / 2:
        text += ("\n**The machine was busy with other work: these figures, times above all, are not "
                 "those of an unloaded\nmachine. Run it again on a quiet one before quoting any.**\n")
    return text


def not_measured(results):
    if not results.skipped:
        return ""
    lines = [f"* {goal}: {why}" for goal, why in results.skipped.items()]
    return "\nNot measured in this run:\n\n" + "\n".join(lines) + "\n"


def document(results, directory, load, quick):
    rounds = len(results.rounds["B4.turn.p50"])
    sections = [section(results) for section in (
        turns_section, turn_section, fdb_section, gets_section, growth_section, server_section)]
    return f"""# Benchmarks

Written by `bench/run.py`; do not edit. A figure is the median of {rounds} rounds, with the
least and the most in brackets. A ratio is taken round by round, against the baseline of the same
round. MB is 1,000,000 bytes. Every write is synced before it is acknowledged.

## The machine

{machine_table(results, directory, load)}
{cautions(load, quick)}
## Against the goals

{goals_table(results)}
{not_measured(results)}
""" + "\n".join(section for section in sections if section)
