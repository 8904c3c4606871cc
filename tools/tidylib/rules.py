"""The rules. Each yields `path:line: rule: what is wrong and what to do`."""

import pathlib
import re

from tidylib import source

# What a floor may include besides itself: these, and whatever they may.
FLOORS = {
    "base": [],
    "codec": ["base"],
    "async": ["base"],
    "world": ["async"],
    "obs": ["world", "codec"],
    "store": ["obs"],
    "net": ["obs", "codec"],
    "rpc": ["net"],
    "cluster": ["rpc", "store"],
    "actor": ["cluster"],
    "search": ["store"],
    "llm": ["net", "world"],
    "mcp": ["net", "world"],
    "tool": ["net", "world"],
    "agent": ["actor", "search", "llm", "mcp", "tool"],
    "api": ["agent", "net"],
    "real": ["world"],
    "sim": ["api"],
    "kelpie": ["actor"],  # include/kelpie: the API of other programs
    "embed": ["kelpie", "real"],
    "app": ["sim", "real"],
}
# Tests of these floors may also use the named World.
TEST_USES = {
    "store": ["real"], "net": ["real"],
    "cluster": ["sim"], "actor": ["sim"], "llm": ["sim"], "agent": ["sim"], "api": ["sim"],
}
# Headers that the build writes, and who may include them.
GENERATED = {"kelpie_version.h": "app"}
# Here the machine is allowed: threads, files, clocks, sockets.
EXEMPT = ("src/real/", "src/app/", "src/store/rocksdb/", "src/store/fdb/", "src/net/tls",
          # It defines the functions of the machine that a simulation must not reach.
          "src/sim/tripwire",
          # It times campaigns, from outside of them.
          "src/sim/cli.", "src/sim/cli/")

BANNED_INCLUDES = {
    "<thread>": "work for other threads belongs in real/; post to the Loop",
    "<mutex>": "state belongs to one Loop; there is nothing to lock",
    "<shared_mutex>": "state belongs to one Loop; there is nothing to lock",
    "<condition_variable>": "use async::Event",
    "<future>": "use async::Task",
    "<semaphore>": "use async::Semaphore",
    "<random>": "use world::Rng, forked by a label",
    "<filesystem>": "files belong in real/, the engine adapters and app/",
    "<fstream>": "files belong in real/, the engine adapters and app/",
    "<sys/socket.h>": "use world::Net",
    "<netdb.h>": "use world::Net",
    "<arpa/inet.h>": "use world::Net",
    "<ctime>": "use world::Clock::wall()",
    "<time.h>": "use world::Clock::wall()",
}
BANNED_WORDS = [
    (r"\b(?:system|steady|high_resolution|utc|file)_clock\b",
     "use Loop::now(), or world::Clock::wall() for the time of day"),
    (r"\b(?:clock_gettime|gettimeofday|nanosleep|usleep)\b", "use Loop::now() and async::sleep_for"),
    (r"\bstd::time\s*\(|(?<![\w:.>])time\s*\(\s*(?:0|NULL|nullptr)\s*\)", "use world::Clock::wall()"),
    (r"\bthis_thread\b", "use async::sleep_for"),
    (r"\bstd::(?:jthread|thread|mutex|lock_guard|unique_lock|condition_variable|async)\b",
     "state belongs to one Loop; threads live in real/ and the engine adapters"),
    (r"\b(?:random_device|mt19937(?:_64)?|uniform_int_distribution)\b", "use world::Rng"),
    (r"(?<![\w.>:])(?:std::)?s?rand\s*\(\s*\)", "use world::Rng"),
    (r"\b(?:getenv|secure_getenv|setenv)\b", "read the environment in app/ and pass the value on"),
    (r"\b(?:getrandom|getentropy|arc4random)\b", "use world::Rng"),
    (r"(?<![\w.>])::(?:socket|connect|bind|listen|accept4?|recv|send|poll|epoll_wait)\s*\(",
     "use world::Net"),
    (r"\bstd::filesystem\b", "files belong in real/, the engine adapters and app/"),
]

LINE_MAX = 100  # columns
FUNCTION_MAX = 70  # lines
FILE_MAX = 600  # lines
FILE_NOTE = 250  # lines

UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
STAND_IN = re.compile(r"\b\w*(?:Mock|Fake|Stub)\w*\b")
UNORDERED = re.compile(
    r"\b(?:(?:std|absl|boost)::)?(?:unordered_(?:flat_|node_)?(?:multi)?(?:map|set)"
    r"|(?:flat|node)_hash_(?:map|set))\s*<")
SLEEP = re.compile(r"\b(?:sleep_for|sleep_until)\s*\(\s*std::chrono|\bthis_thread::sleep"
                   r"|(?<![\w.>:])u?sleep\s*\(\s*\d")
FIXED_SEED = re.compile(r"\b(?:Choices|Rng)\s*(?:\w+\s*)?[({]\s*\d|\bseed\w*\s*(?:=|\{|\()\s*\d")
SCENARIO = re.compile(r":\s*public\s+(?:\w+::)*Scenario\b")
POINTER_ORDER = re.compile(
    r"\bstd::(?:multi)?(?:map|set)\s*<\s*(?:const\s+)?[\w:]+(?:\s+const)?\s*\*\s*(?:const\s*)?[,>]"
    r"|\bstd::(?:less|greater)\s*<\s*(?:const\s+)?[\w:]+\s*\*|\breinterpret_cast<\s*u?intptr_t\s*>")
LAMBDA_TASK = re.compile(
    r"\[(?P<captures>[^\]\[\n]+)\]\s*\([^;{}]*?\)\s*(?:mutable\s*)?->\s*(?:\w+::)*Task\s*<[^{;]*\{")


def closure(floor, table=None):
    """Every floor that `floor` may include, itself too."""
    table = FLOORS if table is None else table
    allowed, waiting = {floor}, [floor]
    while waiting:
        for used in table[waiting.pop()]:
            if used not in allowed:
                allowed.add(used)
                waiting.append(used)
    return allowed


def check(file):
    found = list(unfinished_words(file)) + list(lengths(file))
    if file.is_cpp:
        for rule in (include_direction, banned_words, unordered_iteration, pointer_order, stand_ins,
                     fixed_seeds, sleeps, capturing_coroutines):
            found += rule(file)
    return [f"{file.path}:{line}: {rule}: {text}" for line, rule, text in sorted(found)
            if not file.allows(rule, line)]


def include_direction(file):
    if file.floor not in FLOORS:
        if file.floor:
            yield 1, "floor", f"{file.floor}/ is not a floor; tools/tidylib/rules.py has the list"
        return
    allowed = closure(file.floor)
    if file.is_test:
        for extra in TEST_USES.get(file.floor, []):
            allowed |= closure(extra)
    for line, target in file.includes():
        if not target.startswith('"'):
            continue
        floor = target.strip('"').split("/")[0]
        if GENERATED.get(target.strip('"')) == file.floor:
            continue
        if floor not in FLOORS:
            yield (line, "include", f'{target} does not begin with a floor: write '
                   f'"{file.floor}/{target.strip(chr(34))}"')
        elif floor not in allowed:
            yield (line, "include-direction", f"{file.floor}/ may not include {floor}/; it may "
                   f"include {', '.join(sorted(allowed - {file.floor})) or 'nothing'}")


def machine_is_allowed(file):
    if file.floor == "" or file.path.startswith(EXEMPT):
        return True
    # A test that brings the real World may use the real machine: temporary folders, threads.
    return file.is_test and any(target.startswith('"real/') for _, target in file.includes())


def banned_words(file):
    if machine_is_allowed(file):
        return
    for line, target in file.includes():
        if target in BANNED_INCLUDES:
            yield line, "banned", f"{target}: {BANNED_INCLUDES[target]}"
    for number, text in enumerate(file.code_lines, 1):
        for pattern, instead in BANNED_WORDS:
            word = re.search(pattern, text)
            if word:
                yield number, "banned", f"{word.group(0).strip()}: {instead}"


def unordered_iteration(file):
    """Names declared as unordered containers, here or in the header beside, must not be walked."""
    if file.floor in ("", "real", "app"):
        return
    names = set(unordered_names(file.code))
    header = pathlib.Path(file.path).with_suffix(".h")
    if file.path.endswith(".cc") and header.is_file():
        names |= set(unordered_names(source.blank(header.read_text(encoding="utf-8"))))
    if not names:
        return
    any_name = "|".join(sorted(re.escape(name) for name in names))
    walk = re.compile(rf"\bfor\s*\([^;()]*:\s*(?:this->|\w+(?:\.|->))*({any_name})\s*\)"
                      rf"|\b({any_name})\s*(?:\.|->)\s*c?begin\s*\(")
    for number, text in enumerate(file.code_lines, 1):
        if walk.search(text):
            yield (number, "unordered-iteration", "the order of an unordered container must not "
                   "reach anything; use std::map, or sort the keys first")


def unordered_names(code):
    aliases = []
    for found in UNORDERED.finditer(code):
        end = closing_angle(code, found.end() - 1)
        before = code[:found.start()].rsplit("\n", 1)[-1]
        alias = re.search(r"\busing\s+(\w+)\s*=\s*$", before)
        if alias:
            aliases.append(alias.group(1))
            continue
        name = re.match(r"[\s&*]*(\w+)\s*[;={(,)]", code[end:])
        if name:
            yield name.group(1)
    for alias in aliases:
        for found in re.finditer(rf"\b{alias}\b[\s&*]+(\w+)\s*[;={{(,)]", code):
            yield found.group(1)


def closing_angle(code, position):
    depth = 0
    for at in range(position, len(code)):
        if code[at] == "<":
            depth += 1
        elif code[at] == ">":
            depth -= 1
            if depth == 0:
                return at + 1
    return len(code)


def stand_ins(file):
    if file.floor != "sim":
        return
    for number, text in enumerate(file.code_lines, 1):
        word = STAND_IN.search(text)
        if word:
            yield (number, "stand-in", f"{word.group(0)}: the simulator runs the production "
                   "objects; only the World is its own")


def fixed_seeds(file):
    """A scenario draws all it does from the run's seed; only the corpus holds seeds."""
    if file.floor != "sim" or file.is_test or not SCENARIO.search(file.code):
        return
    for number, text in enumerate(file.code_lines, 1):
        word = FIXED_SEED.search(text)
        if word:
            yield (number, "fixed-seed", f"{word.group(0)}: draw it from Simulation::choices(); seeds "
                   "are kept in tests/sim alone")


def pointer_order(file):
    """An order by address differs from process to process."""
    if file.floor in ("", "real", "app") or machine_is_allowed(file):
        return
    for number, text in enumerate(file.code_lines, 1):
        word = POINTER_ORDER.search(text)
        if word:
            yield (number, "pointer-order", f"{word.group(0)}: addresses differ from run to run; "
                   "key it by an id")


def sleeps(file):
    if not file.is_test:
        return
    for number, text in enumerate(file.code_lines, 1):
        if SLEEP.search(text):
            yield number, "sleep", "a test that sleeps is slow or flaky; drive time with ManualLoop"


def capturing_coroutines(file):
    for found in LAMBDA_TASK.finditer(file.code):
        body = file.code[found.end():closing_brace(file.code, found.end() - 1)]
        if re.search(r"\bco_(?:await|return|yield)\b", body):
            yield (file.line_at(found.start()), "capturing-coroutine",
                   "captures die with the lambda, not with the coroutine; pass them as parameters")


def closing_brace(code, position):
    depth = 0
    for at in range(position, len(code)):
        if code[at] == "{":
            depth += 1
        elif code[at] == "}":
            depth -= 1
            if depth == 0:
                return at
    return len(code)


def unfinished_words(file):
    if file.path.startswith("tools/tidylib/"):
        return
    for number, text in enumerate(file.lines, 1):
        word = UNFINISHED.search(text)
        if word:
            yield number, "unfinished", f"{word.group(0)}: finish it, or file an issue"


def lengths(file):
    for number, text in enumerate(file.lines, 1):
        if file.is_cpp and len(text) > LINE_MAX:
            yield number, "line-length", f"{len(text)} columns; {LINE_MAX} at most"
    if len(file.lines) > FILE_MAX:
        yield 1, "file-length", f"{len(file.lines)} lines; {FILE_MAX} at most: split it"
    if file.is_cpp:
        for function in file.functions():
            if function.lines > FUNCTION_MAX:
                yield (function.line, "function-length", f"{function.name}: {function.lines} "
                       f"lines; {FUNCTION_MAX} at most")


def notes(file):
    """Worth a look, not a failure."""
    if file.is_cpp and FILE_NOTE < len(file.lines) <= FILE_MAX:
        yield f"{file.path}: {len(file.lines)} lines; about {FILE_NOTE} reads best"


def check_tree(top):
    """Each floor that has code has a README."""
    for folder in sorted(pathlib.Path(top, "src").iterdir()):
        if folder.is_dir() and any(folder.rglob("*.h")) and not (folder / "README.md").is_file():
            yield (f"src/{folder.name}/README.md:1: readme: missing; two sentences, the main types, "
                   "what the floor may include")


def notes_on_tree(top):
    for module in sorted(pathlib.Path(top, "src").rglob("*.cc")):
        if module.name.endswith("_test.cc") or module.name == "main.cc":
            continue
        if not module.with_name(module.stem + "_test.cc").is_file():
            yield f"{module.relative_to(top).as_posix()}: no {module.stem}_test.cc beside it"
